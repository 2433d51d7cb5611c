//! A sound transport with one fault in it.

use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use anysock_framing::memory::{self, Memory};
use anysock_framing::{
    Attached, Error, Guaranteed, Guarantees, Halves, Message, Payload, RecvHalf, SendExt, SendHalf,
    Stats, Transport,
};

use crate::conformance::{Law, Offer, Subject};

/// What is wrong with a transport: each method does what the in-memory transport does, unless
/// the fault lies there.
///
/// ```
/// use std::task::{Context, Poll};
/// use anysock_framing::{Error, Message, RecvHalf, memory::Memory};
/// use anysock_testing::broken::{Fault, Faulty};
/// use anysock_testing::conformance::{Kit, Law};
///
/// /// Cuts messages at 100 bytes, and says nothing.
/// #[derive(Debug, Default)]
/// struct Cuts;
///
/// impl Fault for Cuts {
///     const NAME: &'static str = "cuts";
///     const BREAKS: Law = Law::Boundaries;
///     const WORDS: &'static str = "was cut to 100";
///
///     fn poll_recv(
///         &mut self,
///         inner: &mut Memory,
///         cx: &mut Context<'_>,
///     ) -> Poll<Result<Option<Message>, Error>> {
///         let cut = |message: Message| {
///             let mut bytes = message.into_bytes();
///             bytes.truncate(100);
///             bytes.into()
///         };
///         inner.poll_recv(cx).map_ok(|message| message.map(cut))
///     }
/// }
///
/// let report = Kit::default().only(&[Law::Boundaries]).check(Faulty::<Cuts>::default());
/// assert!(!report.is_clean());
/// ```
pub trait Fault: fmt::Debug + Default + Send + 'static {
    /// What it does, in a few words.
    const NAME: &'static str;

    /// The law that this breaks.
    const BREAKS: Law;

    /// Words in the sentence that convicts it.
    const WORDS: &'static str;

    /// The transport in which the fault lies.
    fn options() -> memory::Options {
        memory::Options::default()
    }

    /// In place of [`Guaranteed::guarantees`].
    fn guarantees(&self, inner: &Memory) -> Guarantees {
        inner.guarantees()
    }

    /// In place of [`Guaranteed::stats`].
    fn stats(&self, inner: &Memory) -> Stats {
        inner.stats()
    }

    /// In place of [`Guaranteed::require`], for a transport of these `guarantees`.
    ///
    /// # Errors
    ///
    /// As there.
    fn require(&self, guarantees: &dyn Guaranteed, required: Guarantees) -> Result<(), Error> {
        guarantees.require(required)
    }

    /// In place of [`SendHalf::poll_ready`].
    ///
    /// # Errors
    ///
    /// As there.
    fn poll_ready(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        inner.poll_ready(cx)
    }

    /// In place of [`SendHalf::start_send`].
    ///
    /// # Errors
    ///
    /// As there.
    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        inner.start_send(payload, attached)
    }

    /// In place of [`SendHalf::poll_flush`].
    ///
    /// # Errors
    ///
    /// As there.
    fn poll_flush(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        inner.poll_flush(cx)
    }

    /// In place of [`SendHalf::poll_close`].
    ///
    /// # Errors
    ///
    /// As there.
    fn poll_close(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        inner.poll_close(cx)
    }

    /// In place of [`RecvHalf::poll_recv`]; `recv_many` hands out one message at a time by it.
    ///
    /// # Errors
    ///
    /// As there.
    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        inner.poll_recv(cx)
    }

    /// In place of [`Transport::split_boxed`]: the halves are sound unless the fault lies here.
    fn split(self, inner: Memory) -> Halves {
        Box::new(inner).split_boxed()
    }
}

/// The in-memory transport with a fault in it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt};
/// use anysock_testing::broken::{Broken, EmptyIsEnd};
///
/// let (mut a, mut b) = Broken::<EmptyIsEnd>::pair();
/// a.send("").await?;
/// assert!(b.recv().await?.is_none()); // a lie
/// # Ok::<_, anysock_framing::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Broken<F> {
    inner: Memory,
    fault: F,
}

impl<F: Fault> Broken<F> {
    /// Two ends, connected to each other, with the fault in both.
    pub fn pair() -> (Self, Self) {
        Self::pair_of(F::options())
    }

    fn pair_of(options: memory::Options) -> (Self, Self) {
        let (a, b) = options.pair();
        (Self::new(a), Self::new(b))
    }

    fn new(inner: Memory) -> Self {
        Self { inner, fault: F::default() }
    }
}

/// What it says of itself, to the provided methods of the trait.
#[derive(Debug)]
struct Claim(Guarantees, Stats);

impl Guaranteed for Claim {
    fn guarantees(&self) -> Guarantees {
        self.0
    }
    fn stats(&self) -> Stats {
        self.1
    }
}

impl<F: Fault> Guaranteed for Broken<F> {
    fn guarantees(&self) -> Guarantees {
        self.fault.guarantees(&self.inner)
    }

    fn stats(&self) -> Stats {
        self.fault.stats(&self.inner)
    }

    fn require(&self, required: Guarantees) -> Result<(), Error> {
        self.fault.require(&Claim(self.guarantees(), self.stats()), required)
    }
}

impl<F: Fault> SendHalf for Broken<F> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.fault.poll_ready(&mut self.inner, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.fault.start_send(&mut self.inner, payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.fault.poll_flush(&mut self.inner, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.fault.poll_close(&mut self.inner, cx)
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

impl<F: Fault> RecvHalf for Broken<F> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.fault.poll_recv(&mut self.inner, cx)
    }
}

impl<F: Fault> Transport for Broken<F> {
    fn split_boxed(self: Box<Self>) -> Halves {
        self.fault.split(self.inner)
    }
}

/// A [`Broken`] transport as a subject of the kit.
///
/// ```
/// use anysock_testing::broken::{Faulty, Merges};
/// use anysock_testing::conformance::{Kit, Law};
///
/// let report = Kit::default().only(&[Law::Boundaries]).check(Faulty::<Merges>::default());
/// assert!(report.to_string().contains("breaks law 1, boundaries"));
/// ```
#[derive(Debug)]
pub struct Faulty<F>(PhantomData<fn() -> F>);

impl<F> Default for Faulty<F> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<F: Fault> Subject for Faulty<F> {
    type Transport = Broken<F>;

    fn name(&self) -> String {
        F::NAME.into()
    }

    async fn pair(&self) -> Offer<(Broken<F>, Broken<F>)> {
        Ok(Broken::pair())
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<(Broken<F>, Broken<F>)> {
        let options = F::options().max_message(near.max(far)).max_received(near.min(far));
        Ok(Broken::pair_of(options))
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<Broken<F>> {
        let (near, mut far) = F::options().pair();
        for word in last_words {
            far.send(word).await?;
        }
        far.reset();
        Ok(Broken::new(near))
    }
}

//! The two halves of an impaired transport.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_framing::{
    Attached, Closed, Error, Guaranteed, Guarantees, Message, Payload, RecvHalf, SendHalf,
    SocketRef, Stats,
};

use super::control::{Control, Side};
use super::impairments::Impairments;
use super::incoming::{Incoming, Step};
use super::line::Line;
use super::outgoing::Outgoing;
use super::seed::Seed;

/// The sending half of an [`Impaired`](super::Impaired) transport.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
/// use anysock_testing::impaired::{Impaired, Seed};
///
/// let (a, mut b) = memory::pair();
/// let (mut send, _recv) = Impaired::new(a, Seed::new(1)).split();
/// send.send("hello").await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ImpairedSend<S = Box<dyn SendHalf + Send>> {
    inner: S,
    outgoing: Outgoing,
    given: Guarantees,
}

/// The receiving half of an [`Impaired`](super::Impaired) transport.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
/// use anysock_testing::impaired::{Impaired, Seed};
///
/// let (mut a, b) = memory::pair();
/// let (_send, mut recv) = Impaired::new(b, Seed::new(1)).split();
/// a.send("hello").await?;
/// assert_eq!(recv.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ImpairedRecv<R = Box<dyn RecvHalf + Send>> {
    inner: R,
    incoming: Incoming,
    given: Guarantees,
}

impl<S: SendHalf> ImpairedSend<S> {
    pub(super) fn new(inner: S, outgoing: Outgoing, given: Guarantees) -> Self {
        Self { inner, outgoing, given }
    }
}

impl<R: RecvHalf> ImpairedRecv<R> {
    pub(super) fn new(inner: R, incoming: Incoming, given: Guarantees) -> Self {
        Self { inner, incoming, given }
    }

    /// One direction of a connection that is controlled and traced with others.
    pub(crate) fn of(
        inner: R,
        impairments: &Impairments,
        seed: Seed,
        control: Arc<Control>,
        side: Side,
        label: Arc<str>,
    ) -> Self {
        let mut line = Line::new(seed, control, side, label);
        line.impair(impairments.clone());
        let given = impairments.leaves(inner.guarantees());
        Self { inner, incoming: Incoming::new(line), given }
    }
}

impl<S: SendHalf> Guaranteed for ImpairedSend<S> {
    fn guarantees(&self) -> Guarantees {
        self.given
    }

    fn stats(&self) -> Stats {
        let beneath = self.inner.stats();
        Stats {
            sent: self.outgoing.sent,
            sent_bytes: self.outgoing.sent_bytes,
            unsent: beneath.unsent + self.outgoing.line.held_bytes(),
            ..beneath
        }
    }

    fn closed(&self) -> io::Result<Closed> {
        self.inner.closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.inner.socket_ref()
    }
}

impl<R: RecvHalf> Guaranteed for ImpairedRecv<R> {
    fn guarantees(&self) -> Guarantees {
        self.given
    }

    fn stats(&self) -> Stats {
        let beneath = self.inner.stats();
        Stats {
            received: self.incoming.received,
            received_bytes: self.incoming.received_bytes,
            held: beneath.held + self.incoming.line.held_bytes(),
            ..beneath
        }
    }

    fn closed(&self) -> io::Result<Closed> {
        self.inner.closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.inner.socket_ref()
    }
}

impl<S: SendHalf> SendHalf for ImpairedSend<S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.inner, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(&mut self.inner, payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.inner, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_close(&mut self.inner, cx)
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

impl<R: RecvHalf> RecvHalf for ImpairedRecv<R> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        match ready!(self.incoming.poll_step(&mut self.inner, cx)) {
            Step::Message(message) => Poll::Ready(Ok(Some(message))),
            Step::Survived(error) => Poll::Ready(Err(error)),
            Step::End => self.incoming.poll_end(&mut self.inner, cx),
        }
    }
}

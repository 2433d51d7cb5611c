//! A transport that connects again by itself, and says so.

mod backoff;
mod halves;
mod line;
mod receiving;
mod redial;
mod sending;

pub use backoff::Backoff;
pub use halves::{ReconnectingRecv, ReconnectingSend};
pub use redial::GaveUp;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use anysock_async::Closed;
use anysock_core::{Attached, Guarantees, Message};
use anysock_framing::{Error, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};

use self::line::Line;
use self::redial::Redialer;
use crate::Connect;

/// A transport that connects again whenever its connection is lost, and tells when it did. Made by
/// [`Connect::reconnecting`].
///
/// **It tells.** After a loss the next call that sends or receives connects again, with pauses as
/// its [`Backoff`] has them, and then gives [`Reconnected`](crate::ErrorKind::Reconnected), which
/// is survivable: why the connection was lost, how many messages had been sent over it, and how
/// many of those had not left. Whether the others arrived only the application can know.
///
/// **Nothing is repeated.** No message that was handed over before the report goes over the new
/// connection, not even one that waited to be sent; nor does the one whose `send` or `feed` gave
/// the report. So the caller can introduce itself anew first, and then repeat what may be repeated.
///
/// **What had come is received first.** Where sending meets the loss, `recv` still gives what the
/// connection before holds. Only if there was such a message the report comes once more, between it
/// and those of the new connection; it has the same number. Who sends through two losses without
/// receiving in between loses what the first one held; so does who connects from a
/// [port or path of its own](Connect::local_addr), which the next connection needs.
///
/// **It ends** with an error that trying again cannot mend (see
/// [`is_permanent`](crate::sockets::is_permanent)), when an inherited socket is lost, which cannot be
/// connected again, or when the backoff allows no more: a fatal error that has a [`GaveUp`] inside,
/// from then on each time. What the peer sends that is no message
/// ([`Malformed`](crate::ErrorKind::Malformed), [`Oversize`](crate::ErrorKind::Oversize)) ends it as
/// it ends a connection: another one would bring the same. `close` ends it as well.
///
/// The peer's orderly end is a loss like any other, for a server that is stopped ends in order; then
/// `recv` never gives `None`. [`Reconnect::ends_with_peer`] has it otherwise.
///
/// Its guarantees are those of the connection, less being reliable and ordered (what is in flight
/// at a loss may be lost, and may be handled after what the next connection brings), less
/// end-of-file, unless it ends with the peer. A name is resolved anew each time.
///
/// A loss is met, and connecting goes on, only while something is called: `recv` waits for both.
///
/// # Cancel safety
///
/// As every transport's: dropping a future loses no message and no report, and connecting goes on
/// with the next call.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::{Backoff, ErrorKind, Reconnecting, prelude::*};
///
/// let mut listener = anysock::bind("unix:").await?;
/// let backoff = Backoff::default().first(Duration::from_millis(10));
/// let mut server: Reconnecting =
///     anysock::connect(listener.endpoint()).reconnecting(backoff).await?;
/// server.send("hello").await?;
/// drop(listener.accept().await?); // with the message unread
///
/// let error = server.recv().await.unwrap_err();
/// match error.kind() {
///     ErrorKind::Reconnected { connection: 2, sent: 1, .. } => server.send("hello again").await?,
///     _ => return Err(error),
/// }
/// let mut peer = listener.accept().await?;
/// assert_eq!(peer.recv().await?.unwrap(), "hello again");
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Reconnecting {
    line: Box<Line>,
}

/// A transport that connects again, to be made: the builder of [`Connect::reconnecting`]. Await it.
///
/// The first connection is tried again as well, as the backoff has it: a client may be started
/// before its server.
///
/// ```no_run
/// # async fn example() -> Result<(), anysock::Error> {
/// use std::time::Duration;
/// use anysock::{Backoff, Reconnect};
///
/// let backoff = Backoff::default().longest(Duration::from_secs(5));
/// let reconnect: Reconnect = anysock::connect("tcp://localhost:7000").reconnecting(backoff);
/// let server = reconnect.await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected unless this is awaited"]
pub struct Reconnect {
    connect: Connect,
    backoff: Backoff,
    ends_with_peer: bool,
}

impl Reconnect {
    pub(crate) fn new(connect: Connect, backoff: Backoff) -> Self {
        Self { connect, backoff, ends_with_peer: false }
    }

    /// Takes the peer's orderly end for the end: `recv` gives `None`, and only what fails is made
    /// again. A server that is stopped ends in order, too.
    pub fn ends_with_peer(mut self) -> Self {
        self.ends_with_peer = true;
        self
    }
}

impl IntoFuture for Reconnect {
    type Output = Result<Reconnecting, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let redialer = Redialer::new(self.connect, self.backoff);
            let dialled = redialer.dial(false).await?;
            Ok(Reconnecting { line: Box::new(Line::new(redialer, dialled, self.ends_with_peer)) })
        })
    }
}

impl Reconnecting {
    /// How many connections there were so far, the one at hand included.
    pub fn connections(&self) -> u64 {
        self.line.number()
    }

    /// Takes it apart into halves that never wait for each other, but while there is no
    /// connection. Each is told of a new connection before it uses it; of several that were made
    /// meanwhile, of the newest. A message that was being accepted while the other half met the
    /// loss belongs to the connection that is gone, and is counted in the report.
    ///
    /// They share a lock, held while one of them is polled. A half that is dropped does not stop
    /// the other.
    pub fn split(self) -> (ReconnectingSend, ReconnectingRecv) {
        halves::split(*self.line)
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Guaranteed for Reconnecting {
    fn guarantees(&self) -> Guarantees {
        self.line.guarantees()
    }

    fn stats(&self) -> Stats {
        self.line.stats()
    }

    fn closed(&self) -> io::Result<Closed> {
        Err(outlives_its_peer())
    }
}

/// Its connections end, and it does not.
fn outlives_its_peer() -> io::Error {
    let what = "a transport that connects again does not end with its peer: receive, which tells of \
                each connection that was lost";
    io::Error::new(io::ErrorKind::Unsupported, what)
}

impl SendHalf for Reconnecting {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.line.poll_ready(cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.line.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.line.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.line.poll_close(cx)
    }

    fn max_message(&self) -> usize {
        self.line.max_message()
    }
}

impl RecvHalf for Reconnecting {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.line.poll_recv(cx)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        self.line.poll_recv_many(cx, messages, most)
    }
}

impl Transport for Reconnecting {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (sending, receiving) = self.split();
        (Box::new(sending), Box::new(receiving))
    }
}

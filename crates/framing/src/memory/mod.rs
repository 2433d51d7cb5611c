//! Messages between two ends within the process, bounded, with end-of-file and reset.

mod halves;
mod link;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_async::Closed;
use anysock_core::{Attached, Guarantees, Message};
use tokio::time::Sleep;

use self::halves::GUARANTEES;
use self::link::{End, Link};
use crate::{Error, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};

pub use self::halves::{MemoryRecv, MemorySend};

/// Two ends that are connected to each other, as [`Options::default`] has it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
///
/// let (mut a, mut b) = memory::pair();
/// a.send("hello").await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn pair() -> (Memory, Memory) {
    Options::default().pair()
}

/// The bounds of an in-memory transport, the same at both ends.
///
/// ```
/// use std::time::Duration;
/// use anysock_framing::{SendHalf, memory};
///
/// let (a, _b) = memory::Options::default()
///     .max_message(4096)
///     .watermark(16 * 1024)
///     .max_queued(16)
///     .close_deadline(Duration::from_millis(100))
///     .pair();
/// assert_eq!(a.max_message(), 4096);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    max_message: usize,
    max_received: Option<usize>,
    watermark: usize,
    max_queued: usize,
    close_deadline: Duration,
    guarantees: Guarantees,
}

/// One end of an in-memory transport: what a socket pair of the seqpacket type is, without the
/// kernel.
///
/// What is accepted for sending stands in the peer's queue at once, so there is never anything
/// to flush. As with sockets, an end that is dropped has ended in order for its peer, unless
/// messages were left in it unread: then the peer, once it has received everything, is told of
/// a reset. Sending to a dropped end is `BrokenPipe`. Nothing can be attached.
///
/// # Panics
///
/// [`close`](crate::SendExt::close) needs a tokio runtime with time enabled, to wait for the
/// peer; outside of one it panics. The halves never wait like that.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::io::ErrorKind::ConnectionReset;
/// use anysock_framing::{RecvExt, SendExt, memory};
///
/// let (mut a, mut b) = memory::pair();
/// a.send("last words").await?;
/// a.reset();
/// assert_eq!(b.recv().await?.unwrap(), "last words");
/// assert_eq!(b.recv().await.unwrap_err().io_kind(), Some(ConnectionReset));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Memory {
    // Dropped in this order: whether anything was left unread is known before the peer sees
    // the end.
    recv: MemoryRecv,
    send: MemorySend,
    close_deadline: Duration,
    closing: Closing,
}

/// ```text
/// Open --poll_close--> Draining --peer's end, deadline, reset--> Done
/// ```
#[derive(Debug)]
enum Closing {
    Open,
    Draining(Pin<Box<Sleep>>),
    Done,
}

impl Options {
    /// The longest message that can be sent, in bytes; 64 KiB unless set.
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = bytes;
        self
    }

    /// The longest message that is received, in bytes; longer ones are lost and reported as
    /// [`Truncated`](crate::ErrorKind::Truncated). The same as
    /// [`max_message`](Self::max_message) unless set.
    #[must_use]
    pub const fn max_received(mut self, bytes: usize) -> Self {
        self.max_received = Some(bytes);
        self
    }

    /// No more messages are taken while so many bytes stand in the peer's queue: it holds less
    /// than this and one message. 64 KiB unless set, at least 1.
    #[must_use]
    pub const fn watermark(mut self, bytes: usize) -> Self {
        self.watermark = bytes;
        self
    }

    /// The most messages in the peer's queue, for empty ones have no bytes to count; 256 unless
    /// set, at least 1.
    #[must_use]
    pub const fn max_queued(mut self, messages: usize) -> Self {
        self.max_queued = messages;
        self
    }

    /// How long closing an unsplit transport waits for the peer to end as well; 1 s unless set.
    #[must_use]
    pub const fn close_deadline(mut self, after: Duration) -> Self {
        self.close_deadline = after;
        self
    }

    /// Promises no more than this, and no more than in-memory transports do: for who puts
    /// something between two of them that keeps less.
    #[must_use]
    pub const fn guarantees(mut self, at_most: Guarantees) -> Self {
        self.guarantees = GUARANTEES.without(GUARANTEES.without(at_most));
        self
    }

    /// Two ends that are connected to each other.
    pub fn pair(self) -> (Memory, Memory) {
        let link = Arc::new(Link::new(self.watermark.max(1), self.max_queued.max(1)));
        let [a, b] = End::both(link).map(|end| Memory {
            recv: MemoryRecv::new(
                end.clone(),
                self.max_received.unwrap_or(self.max_message),
                self.guarantees,
            ),
            send: MemorySend::new(end, self.max_message, self.guarantees),
            close_deadline: self.close_deadline,
            closing: Closing::Open,
        });
        (a, b)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_message: 64 * 1024,
            max_received: None,
            watermark: 64 * 1024,
            max_queued: 256,
            close_deadline: Duration::from_secs(1),
            guarantees: GUARANTEES,
        }
    }
}

impl Memory {
    /// Takes the transport apart into halves that never wait for each other.
    ///
    /// Each half that is dropped ends its own direction.
    pub fn split(self) -> (MemorySend, MemoryRecv) {
        (self.send, self.recv)
    }

    /// Breaks the connection: the peer receives what stands in its queue, then `ConnectionReset`;
    /// its sending fails at once.
    pub fn reset(self) {
        self.send.reset();
    }
}

impl Guaranteed for Memory {
    fn guarantees(&self) -> Guarantees {
        self.send.guarantees()
    }

    fn stats(&self) -> Stats {
        self.send.stats().merge(self.recv.stats())
    }

    fn closed(&self) -> io::Result<Closed> {
        self.send.closed()
    }
}

impl SendHalf for Memory {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.send.poll_ready(cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.send.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.send.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Closing::Done = self.closing {
            return Poll::Ready(Ok(()));
        }
        ready!(self.send.poll_close(cx))?;
        let result = match self.recv.poll_discard(cx) {
            Poll::Ready(result) => result,
            Poll::Pending => {
                if let Closing::Open = self.closing {
                    let deadline = tokio::time::sleep(self.close_deadline);
                    self.closing = Closing::Draining(Box::pin(deadline));
                }
                if let Closing::Draining(deadline) = &mut self.closing {
                    ready!(deadline.as_mut().poll(cx));
                }
                Ok(())
            }
        };
        self.closing = Closing::Done;
        Poll::Ready(result)
    }

    fn abort(&mut self) -> io::Result<()> {
        self.send.abort()
    }

    fn max_message(&self) -> usize {
        self.send.max_message()
    }
}

impl RecvHalf for Memory {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.recv.poll_recv(cx)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        self.recv.poll_recv_many(cx, messages, most)
    }
}

impl Transport for Memory {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (send, recv) = self.split();
        (Box::new(send), Box::new(recv))
    }
}

//! A transport whose messages are impaired on their way, in both directions.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_framing::{
    Attached, Closed, Error, Guaranteed, Guarantees, Halves, Message, Payload, RecvHalf, SendHalf,
    SocketRef, Stats, Transport,
};

use super::control::{Control, ImpairedHandle, Side};
use super::halves::{ImpairedRecv, ImpairedSend};
use super::impairments::Impairments;
use super::incoming::{Incoming, Step};
use super::line::Line;
use super::outgoing::Outgoing;
use super::seed::Seed;
use super::trace::Journal;

/// A transport whose messages are impaired on their way, in both directions: any transport, by
/// [`Impairments`] that are drawn from a [`Seed`].
///
/// What is done to a message depends on the seed, the direction and the message's number, not on
/// who polls when. Only partitions that lose messages depend on the time as well, and times are
/// those of tokio's clock: paused, two runs with one seed give one [`Trace`](super::Trace).
///
/// Its guarantees are those of the transport, less what the impairments break.
///
/// Outgoing messages are handed on when they are due: `send`, `flush` and `close` wait for that,
/// and so does the end of an unsplit transport's `recv`. What the transport beneath refuses then
/// (what cannot be attached, what a codec cannot carry) is told by the flush, and that message
/// alone is lost. Incoming messages are on their way from when this end looks at them; so where
/// sending should not wait for the delay, have the other end's incoming messages delayed.
/// The end comes after the last message that is on its way. What is on its way is bounded
/// ([`Impairments::in_flight`]); a sender waits beyond that, and nothing more is read.
///
/// # Panics
///
/// Delays need a tokio runtime with time enabled; outside of one they panic.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_framing::{Guaranteed, Guarantees, RecvExt, SendExt, memory};
/// use anysock_testing::impaired::{Impaired, Impairments, Seed};
///
/// let seed = Seed::from_env();
/// let _guard = seed.guard(); // says how to replay it, should this fail
/// let (mut a, b) = memory::pair();
/// let slow = Impairments::none().latency(Duration::from_millis(5));
/// let mut b = Impaired::new(b, seed).incoming(slow.duplicate(1.0));
///
/// a.send("again").await?;
/// assert_eq!(b.recv().await?.unwrap(), "again");
/// assert_eq!(b.recv().await?.unwrap(), "again");
/// assert!(b.require(Guarantees::RELIABLE).is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Impaired<T> {
    inner: T,
    outgoing: Outgoing,
    incoming: Incoming,
}

impl<T: Transport> Impaired<T> {
    /// Impairs `inner`, by nothing so far.
    pub fn new(inner: T, seed: Seed) -> Self {
        let control = Control::new(Journal::new(), "both".into());
        let line = |label: &str| Arc::<str>::from(label);
        Self {
            inner,
            outgoing: Outgoing::new(Line::new(seed, Arc::clone(&control), Side::Out, line("out"))),
            incoming: Incoming::new(Line::new(seed, control, Side::In, line("in"))),
        }
    }

    /// What is done to the messages that this end sends.
    #[must_use]
    pub fn outgoing(mut self, impairments: Impairments) -> Self {
        self.outgoing.line.impair(impairments);
        self
    }

    /// What is done to the messages that this end receives.
    #[must_use]
    pub fn incoming(mut self, impairments: Impairments) -> Self {
        self.incoming.line.impair(impairments);
        self
    }

    /// What is done to the messages of both directions.
    #[must_use]
    pub fn both(self, impairments: Impairments) -> Self {
        self.outgoing(impairments.clone()).incoming(impairments)
    }

    /// The handle by which the connection is partitioned, stalled, or reset, and the trace read.
    pub fn handle(&self) -> ImpairedHandle {
        ImpairedHandle::new(Arc::clone(self.outgoing.line.control()))
    }

    /// The transport, as it is.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// Takes it apart into halves that never wait for each other.
    pub fn split(self) -> (ImpairedSend, ImpairedRecv) {
        let given = self.guarantees();
        let (send, recv) = Box::new(self.inner).split_boxed();
        (
            ImpairedSend::new(send, self.outgoing, given),
            ImpairedRecv::new(recv, self.incoming, given),
        )
    }
}

impl<T: Transport> Guaranteed for Impaired<T> {
    fn guarantees(&self) -> Guarantees {
        let given = self.outgoing.line.impairments().leaves(self.inner.guarantees());
        self.incoming.line.impairments().leaves(given)
    }

    fn stats(&self) -> Stats {
        let beneath = self.inner.stats();
        Stats {
            sent: self.outgoing.sent,
            sent_bytes: self.outgoing.sent_bytes,
            received: self.incoming.received,
            received_bytes: self.incoming.received_bytes,
            unsent: beneath.unsent + self.outgoing.line.held_bytes(),
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

impl<T: Transport> SendHalf for Impaired<T> {
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
        let closed = ready!(self.outgoing.poll_close(&mut self.inner, cx));
        self.incoming.close();
        Poll::Ready(closed)
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

impl<T: Transport> RecvHalf for Impaired<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        match self.incoming.poll_step(&mut self.inner, cx) {
            Poll::Ready(Step::Message(message)) => Poll::Ready(Ok(Some(message))),
            Poll::Ready(Step::Survived(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Step::End) => {
                ready!(self.outgoing.poll_beside(&mut self.inner, cx));
                self.incoming.poll_end(&mut self.inner, cx)
            }
            Poll::Pending => {
                // Nothing is due now: what is to be sent goes on meanwhile.
                let _ = self.outgoing.poll_beside(&mut self.inner, cx);
                Poll::Pending
            }
        }
    }
}

impl<T: Transport> Transport for Impaired<T> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (send, recv) = self.split();
        (Box::new(send), Box::new(recv))
    }
}

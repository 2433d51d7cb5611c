//! The two halves of an in-memory transport.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use anysock_async::Closed;
use anysock_core::{Ancillary, Attached, Guarantees, Message};
use bytes::Bytes;
use tokio::task::coop;

use super::link::{End, Taken};
use crate::sending::not_carried;
use crate::{Error, ErrorKind, Guaranteed, Payload, RecvHalf, SendHalf, Stats};

/// Owned messages shorter than this are copied before they wait, lest ten bytes keep a large
/// block alive.
const COPIED: usize = 4 * 1024;

pub(super) const GUARANTEES: Guarantees = Guarantees::RELIABLE
    .with(Guarantees::ORDERED)
    .with(Guarantees::BOUNDARIES)
    .with(Guarantees::CONNECTION_ORIENTED)
    .with(Guarantees::END_OF_FILE);

/// The sending half of [`Memory`](super::Memory). Dropping it is the end of its direction, in
/// order.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
///
/// let (a, mut b) = memory::pair();
/// let (send, mut recv) = a.split();
/// drop(send);
/// assert!(b.recv().await?.is_none());
/// b.send("still here").await?;
/// assert_eq!(recv.recv().await?.unwrap(), "still here");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemorySend {
    end: End,
    max: usize,
    guarantees: Guarantees,
    sent: u64,
    sent_bytes: u64,
}

/// The receiving half of [`Memory`](super::Memory). Once it is dropped the peer cannot send.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::io::ErrorKind::BrokenPipe;
/// use anysock_framing::{RecvExt, SendExt, memory};
///
/// let (a, mut b) = memory::pair();
/// let (mut send, recv) = a.split();
/// drop(recv);
/// assert_eq!(b.send("hello").await.unwrap_err().io_kind(), Some(BrokenPipe));
/// send.send("still here").await?;
/// assert_eq!(b.recv().await?.unwrap(), "still here");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct MemoryRecv {
    end: End,
    max: usize,
    guarantees: Guarantees,
    received: u64,
    received_bytes: u64,
    truncated: u64,
}

impl MemorySend {
    pub(super) fn new(end: End, max: usize, guarantees: Guarantees) -> Self {
        Self { end, max, guarantees, sent: 0, sent_bytes: 0 }
    }

    /// Breaks the connection, for both halves at both ends: what stands in the queues can be
    /// received, then comes `ConnectionReset`; sending fails at once.
    pub fn reset(self) {
        self.end.reset();
    }
}

impl MemoryRecv {
    pub(super) fn new(end: End, max: usize, guarantees: Guarantees) -> Self {
        Self { end, max, guarantees, received: 0, received_bytes: 0, truncated: 0 }
    }

    /// Discards what arrives until the peer's end.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.end.poll_discard(cx)
    }

    fn hand_out(&mut self, taken: Taken) -> Result<Message, Error> {
        match taken {
            Taken::Message(bytes) => {
                self.received += 1;
                self.received_bytes += bytes.len() as u64;
                Ok(bytes.into())
            }
            Taken::TooLong { length } => {
                self.truncated += 1;
                Err(ErrorKind::Truncated { length, limit: self.max }.into())
            }
        }
    }
}

impl Drop for MemorySend {
    fn drop(&mut self) {
        self.end.end_sending();
    }
}

impl Drop for MemoryRecv {
    fn drop(&mut self) {
        self.end.stop_receiving();
    }
}

impl Guaranteed for MemorySend {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        Stats { sent: self.sent, sent_bytes: self.sent_bytes, ..Stats::default() }
    }

    fn closed(&self) -> io::Result<Closed> {
        Ok(closed(&self.end))
    }
}

impl Guaranteed for MemoryRecv {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        Stats {
            received: self.received,
            received_bytes: self.received_bytes,
            truncated: self.truncated,
            held: self.end.held(),
            ..Stats::default()
        }
    }

    fn closed(&self) -> io::Result<Closed> {
        Ok(closed(&self.end))
    }
}

impl SendHalf for MemorySend {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.end.poll_room(cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.end.check_room()?;
        let length = payload.len();
        if length > self.max {
            return Err(ErrorKind::TooLong { length, limit: self.max }.into());
        }
        if !attached.is_empty() {
            let what = not_carried(attached, Ancillary::NONE).unwrap_or("anything");
            return Err(ErrorKind::NotAttachable { what, cell: None }.into());
        }
        self.end.push(sized(payload));
        self.sent += 1;
        self.sent_bytes += length as u64;
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        // What was accepted is with the peer already; that it broke since is told by the next
        // operation that needs it.
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.end.end_sending();
        Poll::Ready(self.end.check_reset())
    }

    fn abort(&mut self) -> io::Result<()> {
        self.end.reset();
        Ok(())
    }

    fn max_message(&self) -> usize {
        self.max
    }
}

impl RecvHalf for MemoryRecv {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let budget = ready!(coop::poll_proceed(cx));
        let taken = ready!(self.end.poll_take(cx, self.max));
        budget.made_progress();
        Poll::Ready(match taken? {
            Some(taken) => self.hand_out(taken).map(Some),
            None => Ok(None),
        })
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let Some(first) = ready!(self.poll_recv(cx))? else {
            return Poll::Ready(Ok(0));
        };
        messages.push(first);
        let mut got = 1;
        let (received, received_bytes) = (&mut self.received, &mut self.received_bytes);
        self.end.take_more(most - 1, self.max, |bytes| {
            // There is budget, as `take_more` has asked.
            if let Poll::Ready(budget) = coop::poll_proceed(cx) {
                budget.made_progress();
            }
            *received += 1;
            *received_bytes += bytes.len() as u64;
            messages.push(bytes.into());
            got += 1;
        });
        Poll::Ready(Ok(got))
    }
}

/// Waits for the departure of either end, of which it keeps neither.
fn closed(end: &End) -> Closed {
    let end = end.clone();
    Closed::from_future(poll_fn(move |cx| end.poll_departure(cx)))
}

/// The message in an allocation of about its own size.
fn sized(payload: Payload<'_>) -> Bytes {
    match payload {
        Payload::Slice(slice) => Bytes::copy_from_slice(slice),
        Payload::Owned(owned) => {
            let bytes = owned.take_bytes();
            if bytes.len() < COPIED { Bytes::copy_from_slice(&bytes) } else { bytes }
        }
    }
}

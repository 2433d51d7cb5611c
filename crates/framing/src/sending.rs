//! The sending side of stream and packet transports: its states, whatever is queued.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Ancillary, Attached, Cell};
use tokio::time::Sleep;

use crate::fate::{Fate, Shared};
use crate::{Error, ErrorKind, Payload, Stats};

/// No further message is accepted while so many bytes are unsent.
pub(crate) const HIGH_WATERMARK: usize = 160 * 1024;

/// How long closing waits for the peer's end-of-file.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// What is accepted and not yet sent.
pub(crate) trait Queue {
    /// The longest message that is accepted, in bytes.
    fn max_message(&self) -> usize;

    /// What this queue carries beside the bytes of a message: what may be attached.
    fn carries(&self) -> Ancillary {
        Ancillary::NONE
    }

    /// The cell, where it is known, to be named by errors.
    fn cell(&self) -> Option<Cell> {
        None
    }

    /// Takes one message and what is attached, or leaves both and the queue as they were. Nothing
    /// is attached that the queue does not [carry](Self::carries).
    fn push(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error>;

    /// Bytes that wait.
    fn unsent(&self) -> usize;

    /// Whether no message is accepted until some of what waits was sent.
    #[inline]
    fn is_full(&self) -> bool {
        self.unsent() >= HIGH_WATERMARK
    }

    /// The most bytes that waited when they were to be written.
    fn most_unsent(&self) -> usize;

    /// Whether so much waits that it is worth a call, though there may be room for more.
    #[inline]
    fn is_due(&self) -> bool {
        self.is_full()
    }

    /// Whether so much was written without a pause that others should have their turn; said once.
    fn take_turn_over(&mut self) -> bool {
        false
    }

    /// Whether writing has nothing to do.
    fn is_flushed(&self) -> bool;

    /// Lets go of everything.
    fn discard(&mut self);

    /// The first survivable error that writing met and that was not taken yet.
    fn take_error(&mut self) -> Option<Error> {
        None
    }

    /// Messages that writing had to drop.
    fn dropped(&self) -> u64 {
        0
    }
}

/// So many bytes, in a field of half a word.
pub(crate) fn saturated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// How a queue is emptied into `W`. All errors are fatal.
pub(crate) trait Drive<W>: Queue {
    /// Gives everything to the kernel.
    fn poll_write(&mut self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sends end-of-file; whether there is one, and the peer's is to be waited for.
    fn poll_shutdown(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<bool>>;

    /// Receives and discards until the end.
    fn poll_discard(io: &mut W, cx: &mut Context<'_>) -> Poll<()>;
}

/// A queue, and where sending stands.
#[derive(Debug)]
pub(crate) struct Sending<Q> {
    pub(crate) queue: Q,
    state: State,
    sent: u64,
    sent_bytes: u64,
}

/// Where a sending side stands.
///
/// ```text
///  Open ── poll_close ──> Flushed ── shut down ──> Draining ── peer's end, deadline ──> Closed
///   │                      │  └───────────── nothing to wait for ─────────────────────────^
///   └──── fatal error ─────┴──> Failed
/// ```
#[derive(Debug)]
enum State {
    Open,
    /// All was flushed on the way to closing; nothing more is accepted.
    Flushed,
    /// End-of-file was sent; what the peer still sends is discarded.
    Draining(Pin<Box<Sleep>>),
    Closed,
    Failed(Error),
}

impl<Q: Queue> Sending<Q> {
    pub(crate) fn new(queue: Q) -> Self {
        Self { queue, state: State::Open, sent: 0, sent_bytes: 0 }
    }

    #[inline(always)]
    pub(crate) fn start_send(
        &mut self,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        let length = payload.len();
        if !self.admits(length, attached) {
            return Err(self.refusal(length, attached));
        }
        self.push(payload, length, attached)
    }

    /// Ready for a message and its taking in one, mostly after a few comparisons.
    #[inline(always)]
    pub(crate) fn poll_feed<W>(
        &mut self,
        payload: Payload<'_>,
        attached: &mut Attached,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        let length = payload.len();
        // What is not due is not full either.
        if !self.is_open_to(length, attached) || self.queue.is_due() {
            ready!(self.poll_ready(io, fate, cx))?;
            return Poll::Ready(self.start_send(payload, attached));
        }
        Poll::Ready(self.push(payload, length, attached))
    }

    #[inline(always)]
    fn push(
        &mut self,
        payload: Payload<'_>,
        length: usize,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        self.queue.push(payload, attached)?;
        self.sent += 1;
        self.sent_bytes += length as u64;
        Ok(())
    }

    #[inline]
    pub(crate) fn poll_ready<W>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        self.check()?;
        match self.queue.is_due() {
            true => self.poll_write_due(io, fate, cx),
            false => Poll::Ready(Ok(())),
        }
    }

    pub(crate) fn poll_flush<W>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        ready!(self.poll_write(io, fate, cx))?;
        Poll::Ready(self.report())
    }

    /// What an unsplit transport does before it waits, or tells how receiving has `ended`: sends
    /// what it has not sent yet; before it reports the end it waits for that.
    /// Otherwise a flush that blocks stops neither messages nor errors.
    ///
    /// A failure is kept for the next call that sends, and for the end.
    pub(crate) fn poll_before<W>(
        &mut self,
        ended: Poll<Result<(), Error>>,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        let flushed = match self.queue.is_flushed() {
            true => Poll::Ready(()),
            false => self.poll_write(io, fate, cx).map(drop),
        };
        match &ended {
            Poll::Ready(Ok(())) => {
                ready!(flushed);
                self.report()?;
                return Poll::Ready(fate.at_end());
            }
            // The peer has ended here as well, and may wait for replies to what came before.
            Poll::Ready(Err(error)) if matches!(error.kind(), ErrorKind::CutOff { .. }) => {
                ready!(flushed);
            }
            _ => {}
        }
        ended
    }

    /// Flushes, sends end-of-file, and drains. Draining calls `end_receiving` first, which tells
    /// whether there may be anything to drain.
    pub(crate) fn poll_close<W>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
        end_receiving: impl FnOnce() -> bool,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        if matches!(self.state, State::Open) {
            ready!(self.poll_write(io, fate, cx))?;
            self.state = State::Flushed;
        }
        if matches!(self.state, State::Flushed) {
            self.state = match ready!(Q::poll_shutdown(io, cx)) {
                Ok(has_end) if has_end && end_receiving() => {
                    State::Draining(Box::pin(tokio::time::sleep(CLOSE_DEADLINE)))
                }
                Ok(_) => State::Closed,
                Err(error) => return Poll::Ready(Err(self.fail(fate, error))),
            };
        }
        if let State::Draining(deadline) = &mut self.state {
            // The deadline first: a peer that floods would use up the budget, without which the
            // deadline is never seen.
            if deadline.as_mut().poll(cx).is_pending() {
                ready!(Q::poll_discard(io, cx));
            } else {
                tracing::debug!("the peer did not end before the deadline of closing");
            }
            self.state = State::Closed;
        }
        self.check()?;
        Poll::Ready(self.report())
    }

    /// Whether it was neither closed nor has failed.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            sent: self.sent,
            sent_bytes: self.sent_bytes,
            dropped: self.queue.dropped(),
            unsent: self.queue.unsent(),
            most_unsent: self.queue.most_unsent().max(self.queue.unsent()),
            ..Stats::default()
        }
    }

    /// Whether a message can be accepted, before anything is touched.
    #[inline(always)]
    fn admits(&self, length: usize, attached: &Attached) -> bool {
        self.is_open_to(length, attached) && !self.queue.is_full()
    }

    /// As [`admits`](Self::admits), where there is room.
    #[inline(always)]
    fn is_open_to(&self, length: usize, attached: &Attached) -> bool {
        matches!(self.state, State::Open)
            && (attached.is_empty() || not_carried(attached, self.queue.carries()).is_none())
            && length <= self.queue.max_message()
    }

    /// Why it cannot.
    #[cold]
    fn refusal(&self, length: usize, attached: &Attached) -> Error {
        match &self.state {
            State::Open => {}
            State::Failed(error) => return error.duplicate(),
            _ => return ErrorKind::Closed.into(),
        }
        if let Some(what) = not_carried(attached, self.queue.carries()) {
            let cell = self.queue.cell();
            return ErrorKind::NotAttachable { what, cell }.into();
        }
        let limit = self.queue.max_message();
        match length > limit {
            true => ErrorKind::TooLong { length, limit }.into(),
            false => ErrorKind::NotReady.into(),
        }
    }

    /// Writes what is due, so that another message is taken.
    #[inline(never)]
    fn poll_write_due<W>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        let written = self.poll_write(io, fate, cx)?;
        if written.is_pending() && self.queue.is_full() {
            return Poll::Pending;
        }
        if self.queue.take_turn_over() {
            // The one who reads it may be a neighbour, and finds it in the processor's cache.
            return std::pin::pin!(tokio::task::yield_now()).poll(cx).map(Ok);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write<W>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        Q: Drive<W>,
    {
        self.check()?;
        self.queue.poll_write(io, cx).map_err(|error| self.fail(fate, error))
    }

    /// Nothing is sent any more, if the connection was `broken` off.
    pub(crate) fn abort(&mut self, fate: &Fate, broken: io::Result<()>) -> io::Result<()> {
        broken?;
        let what = "the connection was aborted by this side";
        self.fail(fate, io::Error::new(io::ErrorKind::ConnectionAborted, what));
        Ok(())
    }

    /// The fatal error of before, if there was one.
    #[inline]
    fn check(&self) -> Result<(), Error> {
        match &self.state {
            State::Failed(error) => Err(error.duplicate()),
            _ => Ok(()),
        }
    }

    /// The survivable error of before, if there was one.
    fn report(&mut self) -> Result<(), Error> {
        self.queue.take_error().map_or(Ok(()), Err)
    }

    fn fail(&mut self, fate: &Fate, error: io::Error) -> Error {
        tracing::debug!(%error, unsent = self.queue.unsent(), "sending failed");
        let error = Error::from(Shared::wrap(error));
        fate.record(&error);
        self.queue.discard();
        self.state = State::Failed(error.duplicate());
        error
    }
}

/// What of `attached` cannot go with a message, where only so much is carried.
#[cold]
pub(crate) fn not_carried(attached: &Attached, carried: Ancillary) -> Option<&'static str> {
    let descriptors = attached.descriptors().len();
    let items = [
        (descriptors > 0, Ancillary::DESCRIPTORS, "a descriptor"),
        (attached.source_addr().is_some(), Ancillary::DESTINATION, "a source address"),
        (attached.traffic_class_value().is_some(), Ancillary::TRAFFIC_CLASS, "a traffic class"),
        (attached.hop_limit_value().is_some(), Ancillary::HOP_LIMIT, "a hop limit"),
    ];
    let foreign =
        items.into_iter().find(|(is_there, item, _)| *is_there && !carried.contains(*item));
    match foreign {
        Some((_, _, what)) => Some(what),
        None if descriptors > Attached::MAX_DESCRIPTORS => Some("more than 253 descriptors"),
        None => None,
    }
}

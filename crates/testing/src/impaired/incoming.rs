//! The line on which messages arrive, behind a half that receives.

use std::task::{Context, Poll, ready};

use anysock_framing::{Arrival, Error, Message, RecvHalf};
use tokio::task::coop;

use super::control::reset;
use super::line::{Line, Parcel};

pub(super) type Along = Option<Box<Arrival>>;

#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) line: Line<Along>,
    end: End,
    pub(super) received: u64,
    pub(super) received_bytes: u64,
}

/// ```text
/// Open --end, fatal error beneath--> Reached --poll_end--> Told
///   └──────────── reset ──────────────┴──> Broken
/// ```
#[derive(Debug)]
enum End {
    Open,
    Reached(Result<(), Error>),
    Told,
    Broken,
}

/// What there is to hand out.
pub(super) enum Step {
    Message(Message),
    /// An error that the transport survives.
    Survived(Error),
    /// Nothing any more: [`Incoming::poll_end`] tells how it ended.
    End,
}

impl Incoming {
    pub(super) fn new(line: Line<Along>) -> Self {
        Self { line, end: End::Open, received: 0, received_bytes: 0 }
    }

    /// Waits for the next message, or what there is in its place.
    pub(super) fn poll_step(
        &mut self,
        inner: &mut impl RecvHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Step> {
        let step = ready!(self.poll_any(inner, cx));
        if let Step::Message(message) = &step {
            self.received += 1;
            self.received_bytes += message.len() as u64;
        }
        Poll::Ready(step)
    }

    /// How receiving ended, each time it is asked.
    pub(super) fn poll_end(
        &mut self,
        inner: &mut impl RecvHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        if let End::Broken = self.end {
            return Poll::Ready(Err(reset()));
        }
        match std::mem::replace(&mut self.end, End::Told) {
            End::Reached(end) => Poll::Ready(end.map(|()| None)),
            // It says the same again, in its own way.
            End::Open | End::Told | End::Broken => inner.poll_recv(cx),
        }
    }

    /// Nothing is received any more: the transport beneath is being closed.
    pub(super) fn close(&mut self) {
        self.line.clear();
        self.end = End::Told;
    }

    fn poll_any(&mut self, inner: &mut impl RecvHalf, cx: &mut Context<'_>) -> Poll<Step> {
        if let Some(step) = self.pull(inner, cx) {
            return Poll::Ready(step);
        }
        // Chance may have broken the connection just now. An end that was told stays the end.
        if self.line.control().is_reset() && !matches!(self.end, End::Told) {
            if let Some(arrived) = self.line.pop_arrived() {
                return Poll::Ready(Step::Message(arrived.into()));
            }
            self.line.clear();
            self.end = End::Broken;
        }
        if self.line.is_empty() && !matches!(self.end, End::Open) {
            return Poll::Ready(Step::End);
        }
        ready!(self.line.poll_due(cx));
        let spent = ready!(coop::poll_proceed(cx));
        let Some(parcel) = self.line.pop() else { return Poll::Pending };
        spent.made_progress();
        Poll::Ready(Step::Message(parcel.into()))
    }

    /// Takes in what has come, so that it is on its way from now on; a message that passes at
    /// once.
    fn pull(&mut self, inner: &mut impl RecvHalf, cx: &mut Context<'_>) -> Option<Step> {
        while self.pulls() {
            match inner.poll_recv(cx) {
                Poll::Pending => return None,
                Poll::Ready(Ok(Some(message))) => {
                    if let Some(message) = self.admit(message) {
                        return Some(Step::Message(message));
                    }
                }
                Poll::Ready(Ok(None)) => self.end = End::Reached(Ok(())),
                Poll::Ready(Err(error)) if error.is_fatal() => self.end = End::Reached(Err(error)),
                Poll::Ready(Err(error)) => return Some(Step::Survived(error)),
            }
        }
        None
    }

    fn pulls(&self) -> bool {
        let open = matches!(self.end, End::Open) && !self.line.control().is_reset();
        open && self.line.has_room()
    }

    /// Gives the message back if it passes at once.
    fn admit(&mut self, message: Message) -> Option<Message> {
        let length = message.len();
        let decision = self.line.judge(length);
        let passes = decision.is_plain() && self.line.is_free();
        if !self.line.commit(decision, length) {
            return None;
        }
        if passes {
            return Some(message);
        }
        let (bytes, along) = message.into_parts();
        self.line.hold(&decision, bytes, along);
        None
    }
}

impl From<Parcel<Along>> for Message {
    fn from(parcel: Parcel<Along>) -> Self {
        let message = Self::from(parcel.bytes);
        match parcel.along {
            Some(arrival) => message.with_arrival(*arrival),
            None => message,
        }
    }
}

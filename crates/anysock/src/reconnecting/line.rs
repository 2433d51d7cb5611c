//! The states of a transport that connects again, for both of its halves.
//!
//! ```text
//!         ┌─────────── connected: told to each side once ──────────┐
//!         v                                                        │
//!        Up ── lost: a failure, or the peer's end ──> Down ── gave up, closing ──> Over
//!         └── closed; the peer's end, where that is one; ──────────────────────────^
//! ```
//!
//! Where sending meets the loss, what the connection has still got is received first (`old`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_core::Guarantees;
use anysock_framing::{Error, ErrorKind, Guaranteed, SendHalf, Stats};
use tokio::time::{Instant, Sleep};

use super::redial::{Dialled, GaveUp, Redial, Redialer};
use crate::{ConnectionRecv, ConnectionSend};

/// A side of the transport, and the place of what concerns it alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Sending = 0,
    Receiving = 1,
}

/// Both sides, over the connection at hand.
pub(super) struct Line {
    pub(super) redialer: Redialer,
    pub(super) link: Link,
    /// The connection before, from which messages may still be received, until the time is over.
    pub(super) old: Option<Old>,
    /// Something was received from it since its loss was told to the other side.
    pub(super) recalled: bool,
    /// The connections so far.
    pub(super) number: u64,
    /// The connection of which each side was told last.
    pub(super) told: [u64; 2],
    pub(super) loss: Loss,
    /// The peer's orderly end is the end.
    pub(super) ends_with_peer: bool,
    /// The halves are in different hands.
    pub(super) is_split: bool,
    /// Closing has begun: there will be no other connection.
    pub(super) closing: bool,
    /// The peer's end was told as the end, which it is for ever.
    pub(super) ended: bool,
    /// Whose halves are gone.
    pub(super) gone: [bool; 2],
    /// A survivable error of sending that receiving met.
    pub(super) kept: Option<Error>,
    pub(super) now: Counted,
    pub(super) past: Stats,
    pub(super) guarantees: Guarantees,
    pub(super) max_message: usize,
    /// The link has changed, and the other side may be waiting.
    pub(super) changed: bool,
}

#[expect(clippy::large_enum_variant, reason = "a line is boxed, and mostly up")]
pub(super) enum Link {
    Up { send: Option<ConnectionSend>, recv: Option<ConnectionRecv> },
    Down(Redial),
    Over(Over),
}

/// A connection on which sending has failed.
pub(super) struct Old {
    pub(super) recv: ConnectionRecv,
    /// When it is given up: so long after the last message.
    pub(super) until: Option<Pin<Box<Sleep>>>,
}

/// How it ended.
pub(super) enum Over {
    /// In order, or closed here.
    Ended,
    GaveUp(GaveUp),
    /// The connection failed while closing.
    Failed(Arc<Error>),
}

/// What is told of the connections that are gone.
#[derive(Default)]
pub(super) struct Loss {
    pub(super) sent: u64,
    pub(super) unflushed: u64,
    pub(super) attempts: u32,
    pub(super) cause: Option<Arc<Error>>,
}

/// What is counted of the connection at hand.
pub(super) struct Counted {
    pub(super) sent: u64,
    pub(super) unflushed: u64,
    pub(super) received: bool,
    pub(super) since: Instant,
}

impl Counted {
    pub(super) fn new() -> Self {
        Self { sent: 0, unflushed: 0, received: false, since: Instant::now() }
    }
}

impl Line {
    pub(super) fn new(redialer: Redialer, dialled: Dialled, ends_with_peer: bool) -> Self {
        let lowered = Guarantees::RELIABLE.with(Guarantees::ORDERED);
        let lowered = match ends_with_peer {
            true => lowered,
            false => lowered.with(Guarantees::END_OF_FILE),
        };
        let mut line = Self {
            guarantees: dialled.connection.guarantees() - lowered,
            max_message: dialled.connection.max_message(),
            redialer,
            link: Link::Over(Over::Ended),
            old: None,
            recalled: false,
            number: 0,
            told: [1; 2],
            loss: Loss::default(),
            ends_with_peer,
            is_split: false,
            closing: false,
            ended: false,
            gone: [false; 2],
            kept: None,
            now: Counted::new(),
            past: Stats::default(),
            changed: false,
        };
        line.rise(dialled);
        line
    }

    pub(super) fn split(&mut self) {
        self.is_split = true;
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    pub(super) fn max_message(&self) -> usize {
        self.max_message
    }

    pub(super) fn stats(&self) -> Stats {
        let mut stats = self.past;
        if let Some(old) = &self.old {
            stats = stats.merge(old.recv.stats());
        }
        if let Link::Up { send, recv } = &self.link {
            stats = send.iter().fold(stats, |stats, send| stats.merge(send.stats()));
            stats = recv.iter().fold(stats, |stats, recv| stats.merge(recv.stats()));
        }
        stats
    }

    /// Half of it is in nobody's hands any more.
    pub(super) fn let_go(&mut self, side: Side) {
        self.gone[side as usize] = true;
        if side == Side::Receiving {
            self.retire_old();
        }
        if let Link::Up { send, recv } = &mut self.link {
            match side {
                Side::Sending => retire(&mut self.past, send.take()),
                Side::Receiving => retire(&mut self.past, recv.take()),
            }
        }
    }

    pub(super) fn retire_old(&mut self) {
        retire(&mut self.past, self.old.take().map(|old| old.recv));
        if !self.is_split && !self.recalled {
            // Nothing came in between of which the caller would have to know where it belongs.
            self.told[Side::Receiving as usize] = self.told[Side::Sending as usize];
        }
    }

    /// The connection at hand is gone, as this side has met.
    pub(super) fn lose(&mut self, cause: Option<Error>, met: Side) {
        if self.closing || self.ended {
            match cause {
                Some(cause) => self.fail(cause),
                None => self.link = Link::Over(Over::Ended),
            }
            return;
        }
        tracing::debug!(number = self.number, cause = ?cause, "the connection was lost");
        self.redialer.lost(self.now.since.elapsed(), self.now.received);
        let link = std::mem::replace(&mut self.link, Link::Down(self.redialer.dial(true)));
        let Link::Up { send, recv } = link else { return };
        retire(&mut self.past, send);
        match (recv, met) {
            (Some(recv), Side::Sending) if !self.redialer.has_place() => {
                self.retire_old();
                self.recalled = false;
                self.old = Some(Old { recv, until: None });
            }
            (recv, _) => retire(&mut self.past, recv),
        }
        let reader =
            if self.gone[Side::Sending as usize] { Side::Receiving } else { Side::Sending };
        if self.told[reader as usize] == self.number {
            self.loss = Loss::default();
        }
        self.loss.sent += self.now.sent;
        self.loss.unflushed += self.now.unflushed;
        self.loss.cause = cause.map(Arc::new);
        self.now = Counted::new();
        self.changed = true;
    }

    pub(super) fn poll_redial(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Link::Down(redial) = &mut self.link else { return Poll::Ready(()) };
        match ready!(redial.as_mut().poll(cx)) {
            Ok(dialled) => self.rise(dialled),
            Err(gave_up) => self.link = Link::Over(Over::GaveUp(gave_up)),
        }
        self.changed = true;
        Poll::Ready(())
    }

    fn rise(&mut self, dialled: Dialled) {
        self.number += 1;
        self.redialer.note(&dialled);
        self.loss.attempts = dialled.attempts;
        self.max_message = dialled.connection.max_message();
        self.now = Counted::new();
        let (send, recv) = dialled.connection.split();
        let [sender_gone, receiver_gone] = self.gone;
        self.link = Link::Up {
            send: (!sender_gone).then_some(send),
            recv: (!receiver_gone).then_some(recv),
        };
        tracing::debug!(number = self.number, attempts = dialled.attempts, "connected again");
    }

    /// That this is another connection, if this side has not been told yet. Who has both sides
    /// in hand is told once, unless messages of the connection before came in between.
    pub(super) fn report(&mut self, side: Side) -> Option<Error> {
        let is_up = matches!(self.link, Link::Up { .. });
        if !is_up || self.told[side as usize] == self.number {
            return None;
        }
        self.told[side as usize] = self.number;
        if !self.is_split && self.old.is_none() {
            self.told = [self.number; 2];
        }
        let Loss { sent, unflushed, attempts, cause } = &self.loss;
        let kind = ErrorKind::Reconnected {
            connection: self.number,
            attempts: *attempts,
            sent: *sent,
            unflushed: *unflushed,
            cause: cause.clone(),
        };
        Some(kind.into())
    }

    pub(super) fn fail(&mut self, error: Error) {
        if let Link::Up { send, recv } = &mut self.link {
            retire(&mut self.past, send.take());
            retire(&mut self.past, recv.take());
        }
        self.link = Link::Over(Over::Failed(Arc::new(error)));
        self.changed = true;
    }
}

impl Over {
    pub(super) fn of_sending(&self) -> Error {
        match self {
            Self::Ended => ErrorKind::Closed.into(),
            Self::GaveUp(gave_up) => gave_up.clone().into(),
            Self::Failed(error) => again(error),
        }
    }

    pub(super) fn of_receiving(&self) -> Result<(), Error> {
        match self {
            Self::Ended => Ok(()),
            Self::GaveUp(gave_up) => Err(gave_up.clone().into()),
            Self::Failed(error) => Err(again(error)),
        }
    }
}

/// The same error once more.
fn again(error: &Arc<Error>) -> Error {
    let kind = error.io_kind().unwrap_or(io::ErrorKind::ConnectionAborted);
    io::Error::new(kind, Arc::clone(error)).into()
}

/// Whether an error is the connection's end, after which another may do better. What the peer
/// sends that is no message would come again.
pub(super) fn breaks(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Io(_) | ErrorKind::CutOff { .. })
}

/// Lets go of a half, and keeps what it has counted.
pub(super) fn retire(past: &mut Stats, half: Option<impl Guaranteed>) {
    if let Some(half) = half {
        *past = past.merge(Stats { unsent: 0, held: 0, ..half.stats() });
    }
}

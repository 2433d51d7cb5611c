//! The halves of a transport that connects again.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use anysock_async::Closed;
use anysock_core::{Attached, Guarantees, Message};
use anysock_framing::{Error, Guaranteed, Payload, RecvHalf, SendHalf, Stats};

use super::line::{Line, Side};
use super::outlives_its_peer;

/// The sending half of a [`Reconnecting`](crate::Reconnecting).
///
/// ```
/// # fn split(transport: anysock::Reconnecting) {
/// let (sending, receiving): (anysock::ReconnectingSend, anysock::ReconnectingRecv) =
///     transport.split();
/// # }
/// ```
#[derive(Debug)]
pub struct ReconnectingSend(Half);

/// The receiving half of a [`Reconnecting`](crate::Reconnecting).
///
/// ```
/// # fn split(transport: anysock::Reconnecting) {
/// let (_, receiving) = transport.split();
/// # }
/// ```
#[derive(Debug)]
pub struct ReconnectingRecv(Half);

pub(super) fn split(mut line: Line) -> (ReconnectingSend, ReconnectingRecv) {
    line.split();
    let line = Arc::new(Mutex::new(line));
    let waiting = Arc::new(Waiting::default());
    let half = |side| Half { line: Arc::clone(&line), waiting: Arc::clone(&waiting), side };
    (ReconnectingSend(half(Side::Sending)), ReconnectingRecv(half(Side::Receiving)))
}

struct Half {
    line: Arc<Mutex<Line>>,
    waiting: Arc<Waiting>,
    side: Side,
}

/// Whoever waits. What one half waits for may be done by the other, and connecting is done by
/// whichever is polled last; so both are woken by everything.
#[derive(Default)]
struct Waiting(Mutex<[Option<Waker>; 2]>);

impl Waiting {
    fn note(&self, side: Side, waker: &Waker) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting[side as usize].get_or_insert_with(|| waker.clone()).clone_from(waker);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Not under the lock: what a waker does is not ours.
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl Half {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Polls the line so that both halves are woken.
    fn poll<R>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Line, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        // First the waker, then the look: what happens in between is seen, or wakes.
        self.waiting.note(self.side, cx.waker());
        let waker = Waker::from(Arc::clone(&self.waiting));
        let mut line = self.line();
        let polled = poll(&mut line, &mut Context::from_waker(&waker));
        let changed = std::mem::take(&mut line.changed);
        drop(line);
        if changed {
            waker.wake();
        }
        polled
    }
}

impl std::fmt::Debug for Half {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Half").field("side", &self.side).finish_non_exhaustive()
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        self.line().let_go(self.side);
    }
}

macro_rules! guaranteed {
    ($half:ident: $($counted:ident),*) => {
        impl Guaranteed for $half {
            fn guarantees(&self) -> Guarantees {
                self.0.line().guarantees()
            }

            fn stats(&self) -> Stats {
                let stats = self.0.line().stats();
                Stats { $($counted: stats.$counted,)* ..Stats::default() }
            }

            fn closed(&self) -> io::Result<Closed> {
                Err(outlives_its_peer())
            }
        }
    };
}

guaranteed!(
    ReconnectingSend: sent, sent_bytes, dropped, unsent, most_unsent, send_calls, send_would_block
);
guaranteed!(
    ReconnectingRecv: received, received_bytes, truncated, discarded, discarded_bytes, closed_descriptors,
    receive_calls, receive_would_block, held
);

impl SendHalf for ReconnectingSend {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(cx, Line::poll_ready)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.0.line().start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(cx, Line::poll_flush)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll(cx, Line::poll_close)
    }

    fn max_message(&self) -> usize {
        self.0.line().max_message()
    }
}

impl RecvHalf for ReconnectingRecv {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.0.poll(cx, Line::poll_recv)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        self.0.poll(cx, |line, cx| line.poll_recv_many(cx, messages, most))
    }
}

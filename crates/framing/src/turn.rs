//! tokio's cooperative budget, spent once for each message that is handed out.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::{RestoreOnPending, poll_proceed};
use tokio::time::Instant;

/// How often a task that has used up its budget just lets others run, before it also has the
/// reactor asked for events.
const WOKEN: u8 = 31;

/// After so many bytes it has the reactor asked at its next turn.
const READ: usize = 256 * 1024;

/// After so long as well, or a timer would wait for as long as thousands of messages take.
const LONG: Duration = Duration::from_millis(5);

/// Spends what one message costs; pending, and nobody woken, if nothing is left.
#[inline(always)]
pub(crate) fn spend() -> Poll<RestoreOnPending> {
    poll_proceed(&mut Context::from_waker(Waker::noop()))
}

/// Whose turn it is: a receiver's, or its neighbours'.
///
/// A task that has used up its budget of 128 messages goes to the end of the queue, so that
/// every task that is ready to run does. tokio would rather have it wait until the reactor was
/// asked for events, which also lets those run that yield by themselves, and which is a system
/// call: as much as a dozen messages cost. So it does that after 4,096 messages, 256 KiB or 5 ms.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    woken: u8,
    read: u32,
    /// When it first let others run without having the reactor asked.
    since: Option<Instant>,
}

impl Turns {
    /// Spends what one message costs; pending, and woken again, if nothing is left.
    #[inline(always)]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
        match spend() {
            Poll::Ready(spent) => Poll::Ready(spent),
            Poll::Pending => {
                self.yield_now(cx);
                Poll::Pending
            }
        }
    }

    /// So many bytes were read.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes as u32);
    }

    /// The task waits, and thus for the reactor.
    pub(crate) fn park(&mut self) {
        *self = Self::default();
    }

    #[cold]
    fn yield_now(&mut self, cx: &mut Context<'_>) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if self.woken < WOKEN && (self.read as usize) < READ && since.elapsed() < LONG {
            self.woken += 1;
            cx.waker().wake_by_ref();
        } else {
            self.park();
            // No budget is left, so that this wakes the task once the reactor was asked.
            let _ = poll_proceed(cx);
        }
    }
}

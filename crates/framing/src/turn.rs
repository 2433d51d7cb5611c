//! tokio's cooperative budget, spent once for each message that is handed out.

use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use tokio::task::coop::{RestoreOnPending, poll_proceed};
use tokio::time::Instant;

/// How often a task that has used up its budget just lets others run, before it also has the
/// reactor asked for events.
const WOKEN: u8 = 31;

/// After so many bytes it has the reactor asked at its next turn.
const READ: usize = 256 * 1024;

/// After so many milliseconds as well, or a timer would wait for as long as thousands of messages
/// take.
const LONG: u16 = 5;

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
    /// When it first let others run without having the reactor asked, as [`now`] tells it; every
    /// connection has one of these, idle or not, and there is no room for more of it.
    since: u16,
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

    /// Lets others run, and is woken again.
    #[cold]
    pub(crate) fn yield_now(&mut self, cx: &mut Context<'_>) {
        let now = now();
        if self.woken == 0 {
            self.since = now;
        }
        let is_long = now.wrapping_sub(self.since) >= LONG;
        if self.woken < WOKEN && (self.read as usize) < READ && !is_long {
            self.woken += 1;
            cx.waker().wake_by_ref();
        } else {
            self.park();
            // Where no budget is left, this wakes the task once the reactor was asked.
            if poll_proceed(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }
}

/// The time in milliseconds, from any beginning, which starts again after a minute: who is wrong
/// by that has the reactor asked once too often, or a turn later.
fn now() -> u16 {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    let now = Instant::now();
    now.saturating_duration_since(*BEGINNING.get_or_init(|| now)).as_millis() as u16
}

//! A timer that nobody touches while messages flow.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// Wakes a task that waits, at an instant that mostly moves away before it is reached.
///
/// It is set when somebody first waits. Later waits ask for a later instant and leave it as it is;
/// only when it rings too early is it set anew. So a busy transport never pays for a timer, and
/// one that was never waited for has none.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Waits until `at`.
    pub(super) fn poll_at(&mut self, cx: &mut Context<'_>, at: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}

/// So long after `instant`; for a duration beyond all clocks, in thirty years.
pub(super) fn after(instant: Instant, duration: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);
    instant.checked_add(duration).unwrap_or_else(|| instant + FAR)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_test::{assert_pending, assert_ready, task};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn one_that_rings_too_early_is_set_anew_and_rings_in_time() {
        let start = Instant::now();
        let mut alarm = Alarm::default();
        let mut poll = |at| {
            let mut waiting = task::spawn(std::future::poll_fn(|cx| alarm.poll_at(cx, at)));
            waiting.poll()
        };
        assert_pending!(poll(start + SECOND));
        assert_pending!(poll(start + 3 * SECOND));
        tokio::time::advance(2 * SECOND).await;
        assert_pending!(poll(start + 3 * SECOND));
        tokio::time::advance(SECOND).await;
        assert_ready!(poll(start + 3 * SECOND));
        assert_pending!(poll(start + 60 * SECOND));
        assert_pending!(poll(start + 4 * SECOND));
        tokio::time::advance(SECOND).await;
        assert_ready!(poll(start + 4 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_duration_beyond_all_clocks_is_far_away() {
        let now = Instant::now();
        assert!(after(now, Duration::MAX) > now + 1_000_000 * SECOND);
    }
}

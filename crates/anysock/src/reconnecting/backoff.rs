//! How long to wait before connecting again, and when to give up.

use std::time::Duration;

/// Pauses between attempts to connect: exponential, with full jitter.
///
/// Before an attempt it waits for a random time between nothing and a ceiling. The ceiling doubles
/// from [`first`](Self::first) to [`longest`](Self::longest) with every attempt, so that the
/// clients of a server that is gone do not come back all at once.
///
/// The ceiling is low again only once a connection has proved itself: a message came over it, or it
/// lasted as long as the longest pause. So a server that accepts and closes at once is not asked
/// without pause.
///
/// ```
/// use std::time::Duration;
/// use anysock::Backoff;
///
/// let backoff = Backoff::default().longest(Duration::from_secs(1)).attempts(20);
/// let ceilings: Vec<_> = (0..5).map(|failed| backoff.ceiling(failed).as_millis()).collect();
/// assert_eq!(ceilings, [100, 200, 400, 800, 1000]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing by itself"]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    attempts: Option<u32>,
    total: Option<Duration>,
}

impl Default for Backoff {
    /// From 100 ms to 30 s, for ever.
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(30),
            attempts: None,
            total: None,
        }
    }
}

impl Backoff {
    /// The ceiling of the first pause: 100 ms unless said otherwise, at least 1 ms.
    pub fn first(mut self, pause: Duration) -> Self {
        self.first = pause.max(Duration::from_millis(1));
        self
    }

    /// The highest ceiling: 30 s unless said otherwise, and never below the first.
    pub fn longest(mut self, pause: Duration) -> Self {
        self.longest = pause;
        self
    }

    /// Gives up after so many attempts that failed in a row, at least 1: those to connect at first,
    /// and those after each loss. No bound unless said.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = Some(attempts.max(1));
        self
    }

    /// Gives up when connecting, at first or after a loss, has taken so long, with pauses and
    /// attempts. No bound unless said.
    pub fn within(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }

    /// The longest pause after so many pauses since a connection proved itself.
    pub fn ceiling(&self, failed: u32) -> Duration {
        let longest = self.longest.max(self.first);
        let doubled = 2_u32.checked_pow(failed).and_then(|factor| self.first.checked_mul(factor));
        doubled.unwrap_or(longest).min(longest)
    }

    /// The pause before the next attempt.
    pub(super) fn pause(&self, failed: u32) -> Duration {
        let ceiling = u64::try_from(self.ceiling(failed).as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(fastrand::u64(0..=ceiling))
    }

    pub(super) fn is_over(&self, attempts: u32) -> bool {
        self.attempts.is_some_and(|most| attempts >= most)
    }

    pub(super) fn total(&self) -> Option<Duration> {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceilings_double_up_to_the_longest_and_never_overflow() {
        let backoff = Backoff::default();
        assert_eq!(backoff.ceiling(0), Duration::from_millis(100));
        assert_eq!(backoff.ceiling(8), Duration::from_millis(25_600));
        for failed in [9, 31, 32, 64, u32::MAX] {
            assert_eq!(backoff.ceiling(failed), Duration::from_secs(30));
        }
        let upside_down = Backoff::default().first(Duration::from_secs(9)).longest(Duration::ZERO);
        assert_eq!(upside_down.ceiling(3), Duration::from_secs(9));
    }

    #[test]
    fn pauses_are_spread_from_nothing_to_the_ceiling() {
        let backoff = Backoff::default();
        let pauses: Vec<_> = (0..1000).map(|_| backoff.pause(3)).collect();
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_millis(800)));
        assert!(pauses.iter().any(|pause| *pause < Duration::from_millis(200)));
        assert!(pauses.iter().any(|pause| *pause > Duration::from_millis(600)));
    }
}

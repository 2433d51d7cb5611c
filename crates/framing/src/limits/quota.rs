//! How much may pass per second: a token bucket of messages, and one of bytes.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Instant;

use super::alarm::Alarm;

/// How many messages and bytes may pass per second, and how many at once.
///
/// A token bucket each: it fills by the rate up to the burst, and every message takes its share out
/// of it. A message passes while there is a whole token, and what it took beyond that is owed, so
/// that a message longer than the burst passes too, and the next one waits for it. Over any time
/// `t` there pass at most burst + rate × (`t` + 1 ms) messages, and that many bytes and one message:
/// the millisecond is how late timers are.
///
/// Empty messages take no bytes: who fears them limits messages as well. A rate or a burst of 0
/// counts as 1.
///
/// ```
/// use anysock_framing::Quota;
/// let quota = Quota::messages(100, 10).and_bytes(1024 * 1024, 64 * 1024);
/// assert_ne!(quota, Quota::messages(100, 10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    messages: Option<PerSecond>,
    bytes: Option<PerSecond>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PerSecond {
    rate: u64,
    burst: u64,
}

impl Quota {
    /// So many messages per second, and `burst` of them at once.
    pub const fn messages(per_second: u64, burst: u64) -> Self {
        Self { messages: Some(PerSecond::new(per_second, burst)), bytes: None }
    }

    /// So many bytes per second, without framing, and `burst` of them at once.
    pub const fn bytes(per_second: u64, burst: u64) -> Self {
        Self { messages: None, bytes: Some(PerSecond::new(per_second, burst)) }
    }

    /// This, and so many messages per second.
    #[must_use]
    pub const fn and_messages(mut self, per_second: u64, burst: u64) -> Self {
        self.messages = Some(PerSecond::new(per_second, burst));
        self
    }

    /// This, and so many bytes per second.
    #[must_use]
    pub const fn and_bytes(mut self, per_second: u64, burst: u64) -> Self {
        self.bytes = Some(PerSecond::new(per_second, burst));
        self
    }
}

impl PerSecond {
    const fn new(rate: u64, burst: u64) -> Self {
        const fn at_least_one(number: u64) -> u64 {
            if number == 0 { 1 } else { number }
        }
        Self { rate: at_least_one(rate), burst: at_least_one(burst) }
    }
}

/// One direction's buckets.
#[derive(Debug)]
pub(super) struct Meter {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
    alarm: Alarm,
}

impl Meter {
    pub(super) fn new(quota: Quota) -> Self {
        let now = Instant::now();
        let full = |per_second| Bucket::full(per_second, now);
        let (messages, bytes) = (quota.messages.map(full), quota.bytes.map(full));
        Self { messages, bytes, alarm: Alarm::default() }
    }

    /// Waits until a message may pass.
    pub(super) fn poll_credit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(at) = self.credit_at() {
            ready!(self.alarm.poll_at(cx, at));
        }
        Poll::Ready(())
    }

    /// Whether a message may pass now.
    pub(super) fn has_credit(&mut self) -> bool {
        self.credit_at().is_none()
    }

    /// A message of so many bytes has passed.
    pub(super) fn charge(&mut self, length: usize) {
        if let Some(messages) = &mut self.messages {
            messages.charge(1);
        }
        if let Some(bytes) = &mut self.bytes {
            bytes.charge(length as u64);
        }
    }

    /// When a message may pass, unless that is now.
    fn credit_at(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let buckets = [&mut self.messages, &mut self.bytes];
        buckets.into_iter().flatten().filter_map(|bucket| bucket.token_at(now)).max()
    }
}

/// A bucket of tokens, counted in parts of which a token has as many as a second has nanoseconds:
/// each nanosecond brings `rate` of them, and nothing is rounded.
#[derive(Debug)]
struct Bucket {
    rate: i128,
    most: i128,
    level: i128,
    at: Instant,
}

const TOKEN: i128 = 1_000_000_000;

/// Timers tick in milliseconds, so that who waits for a token comes late by up to one. What that
/// time brings is kept beyond the burst, or fast rates with small bursts would never be reached.
const TICK: i128 = 1_000_000;

impl Bucket {
    fn full(per_second: PerSecond, now: Instant) -> Self {
        let rate = i128::from(per_second.rate);
        let burst = i128::from(per_second.burst) * TOKEN;
        Self { rate, most: burst + rate * TICK, level: burst, at: now }
    }

    /// When there is a whole token, unless there is one now.
    fn token_at(&mut self, now: Instant) -> Option<Instant> {
        let passed = now.saturating_duration_since(self.at).as_nanos();
        let passed = i128::try_from(passed.min(u64::MAX.into())).unwrap_or(i128::MAX);
        self.at = now;
        // Less than 2^64 × 2^64 parts come at once, and 2^64 × 2^30 are kept.
        self.level = self.level.saturating_add(passed.saturating_mul(self.rate)).min(self.most);
        let missing = TOKEN - self.level;
        if missing <= 0 {
            return None;
        }
        let nanoseconds = missing.div_euclid(self.rate) + i128::from(missing % self.rate > 0);
        let wait = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        Some(super::alarm::after(now, wait))
    }

    fn charge(&mut self, tokens: u64) {
        self.level -= i128::from(tokens) * TOKEN;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// When each of so many messages passes, counted from the first.
    async fn passes(quota: Quota, lengths: &[usize]) -> Vec<Duration> {
        let start = Instant::now();
        let mut meter = Meter::new(quota);
        let mut times = Vec::new();
        for length in lengths {
            std::future::poll_fn(|cx| meter.poll_credit(cx)).await;
            meter.charge(*length);
            times.push(start.elapsed());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_passes_at_once_and_then_one_message_per_interval() {
        let times = passes(Quota::messages(10, 3), &[0; 6]).await;
        let expected = [0, 0, 0, 100, 200, 300].map(|at| at * MILLISECOND);
        assert_eq!(times, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_longer_than_the_burst_passes_and_the_next_pays_for_it() {
        let times = passes(Quota::bytes(1000, 10), &[2009, 1, 1]).await;
        // One byte is left of the burst at -1999: 2,000 bytes later there is one again.
        let expected = [0, 2000, 2001].map(|at| at * MILLISECOND);
        assert_eq!(times, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn the_stricter_of_both_decides() {
        let quota = Quota::messages(10, 1).and_bytes(1000, 1);
        let times = passes(quota, &[500, 0, 0]).await;
        // A hundredth of a message was kept beyond the burst.
        assert_eq!(times, [0, 500, 599].map(|at| at * MILLISECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_faster_than_timers_is_kept_on_the_average() {
        let times = passes(Quota::messages(3000, 1), &[0; 3001]).await;
        let last = times[3000];
        assert!(
            last >= Duration::from_millis(999) && last <= Duration::from_millis(1001),
            "{last:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn time_without_messages_fills_up_to_the_burst_and_no_further() {
        let mut meter = Meter::new(Quota::messages(10, 3));
        tokio::time::advance(Duration::from_secs(3600)).await;
        for _ in 0..3 {
            assert!(meter.has_credit());
            meter.charge(0);
        }
        assert!(!meter.has_credit());
    }

    #[tokio::test(start_paused = true)]
    async fn the_largest_numbers_are_counted_without_overflow() {
        let mut meter = Meter::new(Quota::bytes(u64::MAX, u64::MAX).and_messages(0, 0));
        tokio::time::advance(Duration::from_secs(86_400 * 365)).await;
        assert!(meter.has_credit());
        meter.charge(usize::MAX);
        assert!(!meter.has_credit(), "a rate of 0 counts as 1 per second");
    }
}

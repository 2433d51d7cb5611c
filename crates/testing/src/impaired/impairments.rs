//! What is done to the messages of one direction, and how often.

use std::ops::RangeInclusive;
use std::time::Duration;

use anysock_framing::Guarantees;

/// What is done to the messages of one direction, and how often; nothing unless said.
///
/// A rate is the probability from 0 to 1 that a message meets it. A time is drawn from a range,
/// for each message anew. On tokio's clock a time ends on the next full millisecond.
///
/// ```
/// use std::time::Duration;
/// use anysock_framing::Guarantees;
/// use anysock_testing::impaired::{Impairments, Spread};
///
/// let ms = Duration::from_millis;
/// let wifi = Impairments::none()
///     .loss(0.02)
///     .duplicate(0.001)
///     .reorder(0.01, ms(5)..=ms(20))
///     .delay(ms(2)..=ms(80), Spread::Tail)
///     .bandwidth(1_000_000)
///     .stall(0.001, ms(500)..=ms(2000));
/// assert!(!wifi.leaves(Guarantees::RELIABLE | Guarantees::BOUNDARIES).reliable());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Impairments {
    pub(super) loss: f64,
    pub(super) duplicate: f64,
    pub(super) truncate: f64,
    pub(super) corrupt: f64,
    pub(super) reset: f64,
    pub(super) reorder: Timed,
    pub(super) stall: Timed,
    pub(super) partition: Timed,
    pub(super) delay: (RangeInclusive<Duration>, Spread),
    pub(super) bandwidth: Option<u64>,
    pub(super) unreliable: bool,
    pub(super) max_messages: usize,
    pub(super) max_bytes: usize,
}

/// How times are spread over their range.
///
/// ```
/// use std::time::Duration;
/// use anysock_testing::impaired::{Impairments, Spread};
/// let ms = Duration::from_millis;
/// let _jitter = Impairments::none().delay(ms(20)..=ms(30), Spread::Even);
/// let _internet = Impairments::none().delay(ms(20)..=ms(500), Spread::Tail);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// Each time is as likely.
    #[default]
    Even,
    /// Mostly close to the shortest: half of all times lie in the first sixteenth of the range.
    Tail,
}

/// Something that happens at a rate and lasts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timed {
    pub(super) rate: f64,
    pub(super) lasts: RangeInclusive<Duration>,
}

impl Timed {
    const NEVER: Self = Self { rate: 0.0, lasts: Duration::ZERO..=Duration::ZERO };
}

impl Impairments {
    /// Nothing is done to any message.
    pub const fn none() -> Self {
        Self {
            loss: 0.0,
            duplicate: 0.0,
            truncate: 0.0,
            corrupt: 0.0,
            reset: 0.0,
            reorder: Timed::NEVER,
            stall: Timed::NEVER,
            partition: Timed::NEVER,
            delay: (Duration::ZERO..=Duration::ZERO, Spread::Even),
            bandwidth: None,
            unreliable: false,
            max_messages: 256,
            max_bytes: 64 * 1024,
        }
    }

    /// Messages are lost. Not reliable any more.
    ///
    /// # Panics
    ///
    /// As all that take a rate: unless it is from 0 to 1.
    #[must_use]
    pub fn loss(mut self, rate: f64) -> Self {
        self.loss = checked(rate);
        self
    }

    /// Messages come twice, the second right behind the first. Neither reliable nor ordered any
    /// more: both promise that a message comes once. What is attached goes with the first.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn duplicate(mut self, rate: f64) -> Self {
        self.duplicate = checked(rate);
        self
    }

    /// Messages are held back for a while, and overtaken by those that come meanwhile. Not
    /// ordered any more.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn reorder(mut self, rate: f64, held_back: RangeInclusive<Duration>) -> Self {
        self.reorder = Timed { rate: checked(rate), lasts: held_back };
        self
    }

    /// Messages lose their end, one byte or more, in silence. Neither reliable nor keeping
    /// boundaries any more. An empty message has nothing to lose.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn truncate(mut self, rate: f64) -> Self {
        self.truncate = checked(rate);
        self
    }

    /// One bit of a message is turned over. Neither reliable nor keeping boundaries any more,
    /// for what arrives is not what was sent.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn corrupt(mut self, rate: f64) -> Self {
        self.corrupt = checked(rate);
        self
    }

    /// Every message is on its way for a time. They do not overtake each other by that.
    #[must_use]
    pub fn delay(mut self, range: RangeInclusive<Duration>, spread: Spread) -> Self {
        self.delay = (range, spread);
        self
    }

    /// Every message is on its way for just this time.
    #[must_use]
    pub fn latency(self, time: Duration) -> Self {
        self.delay(time..=time, Spread::Even)
    }

    /// So many bytes pass in a second, at least 1, one message after the other.
    #[must_use]
    pub fn bandwidth(mut self, bytes_per_second: u64) -> Self {
        self.bandwidth = Some(bytes_per_second.max(1));
        self
    }

    /// With a message, nothing moves any more for a time. Nothing is lost.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn stall(mut self, rate: f64, lasts: RangeInclusive<Duration>) -> Self {
        self.stall = Timed { rate: checked(rate), lasts };
        self
    }

    /// With a message, a partition begins that heals after a time. Where messages may be lost,
    /// those that come meanwhile are; elsewhere they wait, as TCP has it.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn partition(mut self, rate: f64, lasts: RangeInclusive<Duration>) -> Self {
        self.partition = Timed { rate: checked(rate), lasts };
        self
    }

    /// Instead of a message, the connection breaks: what is on its way is lost, and both halves
    /// of this end fail with `ConnectionReset`.
    ///
    /// # Panics
    ///
    /// As [`loss`](Self::loss).
    #[must_use]
    pub fn reset(mut self, rate: f64) -> Self {
        self.reset = checked(rate);
        self
    }

    /// Says that messages may be lost, though at no rate: partitions lose them.
    #[must_use]
    pub fn unreliable(mut self) -> Self {
        self.unreliable = true;
        self
    }

    /// How much may be on its way: 256 messages and 64 KiB unless said, at least one message.
    /// Whoever has more waits.
    #[must_use]
    pub fn in_flight(mut self, messages: usize, bytes: usize) -> Self {
        (self.max_messages, self.max_bytes) = (messages.max(1), bytes.max(1));
        self
    }

    /// What is left of these guarantees.
    pub fn leaves(&self, given: Guarantees) -> Guarantees {
        let mut broken = Guarantees::NONE;
        let mut breaks = |does: bool, what: Guarantees| {
            if does {
                broken = broken | what;
            }
        };
        breaks(self.loses(), Guarantees::RELIABLE);
        breaks(self.duplicate > 0.0, Guarantees::RELIABLE | Guarantees::ORDERED);
        breaks(self.reorder.rate > 0.0, Guarantees::ORDERED);
        let damages = self.truncate > 0.0 || self.corrupt > 0.0;
        breaks(damages, Guarantees::RELIABLE | Guarantees::BOUNDARIES);
        given - broken
    }

    /// Whether messages may be lost.
    pub(super) fn loses(&self) -> bool {
        self.unreliable || self.loss > 0.0
    }
}

impl Default for Impairments {
    fn default() -> Self {
        Self::none()
    }
}

fn checked(rate: f64) -> f64 {
    assert!((0.0..=1.0).contains(&rate), "a rate is a probability from 0 to 1, not {rate}");
    rate
}

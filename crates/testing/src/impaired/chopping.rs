//! Into which pieces the bytes of one direction are chopped, and what happens between them.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Sleep;

use super::dice::Dice;
use super::impairments::Spread;
use super::seed::Seed;

/// How the bytes of one direction are chopped; not at all unless said.
///
/// Where a piece ends depends on the seed, the direction and the piece's number alone.
///
/// ```
/// use std::time::Duration;
/// use anysock_testing::impaired::Chopping;
///
/// let _hard = Chopping::none()
///     .pieces(1..=7)
///     .pending(0.5)
///     .delay(0.01, Duration::ZERO..=Duration::from_millis(20))
///     .cut_after(10_000);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Chopping {
    pieces: RangeInclusive<u64>,
    pending: f64,
    delay: (f64, RangeInclusive<Duration>),
    cut_after: Option<u64>,
    reset_after: Option<u64>,
}

impl Chopping {
    /// All bytes pass as they come.
    pub const fn none() -> Self {
        Self {
            pieces: u64::MAX..=u64::MAX,
            pending: 0.0,
            delay: (0.0, Duration::ZERO..=Duration::ZERO),
            cut_after: None,
            reset_after: None,
        }
    }

    /// The lengths of the pieces, in bytes, at least 1: no read and no write goes beyond the end
    /// of one.
    #[must_use]
    pub fn pieces(mut self, lengths: RangeInclusive<u64>) -> Self {
        let least = (*lengths.start()).max(1);
        self.pieces = least..=(*lengths.end()).max(least);
        self
    }

    /// Before a piece, one poll is pending, and wakes its task at once.
    ///
    /// # Panics
    ///
    /// Unless the rate is from 0 to 1.
    #[must_use]
    pub fn pending(mut self, rate: f64) -> Self {
        self.pending = checked(rate);
        self
    }

    /// Before a piece, nothing passes for a while.
    ///
    /// # Panics
    ///
    /// Unless the rate is from 0 to 1.
    #[must_use]
    pub fn delay(mut self, rate: f64, range: RangeInclusive<Duration>) -> Self {
        self.delay = (checked(rate), range);
        self
    }

    /// The stream ends after so many bytes, wherever that is: received bytes with end-of-file,
    /// bytes sent beyond it are taken and lost.
    #[must_use]
    pub fn cut_after(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// After so many bytes every call fails with `ConnectionReset`.
    #[must_use]
    pub fn reset_after(mut self, bytes: u64) -> Self {
        self.reset_after = Some(bytes);
        self
    }
}

impl Default for Chopping {
    fn default() -> Self {
        Self::none()
    }
}

fn checked(rate: f64) -> f64 {
    assert!((0.0..=1.0).contains(&rate), "a rate is a probability from 0 to 1, not {rate}");
    rate
}

/// How far the bytes of one direction have come.
///
/// ```text
/// Between --next piece--> Before { pending, delay } --> Within { left } --all passed--> Between
/// ```
pub(super) struct Chopper {
    chopping: Chopping,
    dice: Dice,
    piece: u64,
    passed: u64,
    place: Place,
}

enum Place {
    Between,
    Before { length: u64, pending: bool, delay: Option<Pin<Box<Sleep>>> },
    Within { left: u64 },
}

/// What may be done next.
pub(super) enum Leave {
    /// At most so many bytes, at least 1, may pass.
    Bytes(usize),
    /// The stream was cut off here.
    Cut,
}

impl Chopper {
    pub(super) fn new(chopping: Chopping, seed: Seed, line: u64) -> Self {
        let dice = Dice::new(seed, line);
        Self { chopping, dice, piece: 0, passed: 0, place: Place::Between }
    }

    /// Waits until bytes may pass.
    pub(super) fn poll_leave(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Leave>> {
        let passed = self.passed;
        let until = |bound: Option<u64>| bound.map_or(u64::MAX, |bound| bound - passed.min(bound));
        let (reset, cut) = (until(self.chopping.reset_after), until(self.chopping.cut_after));
        if reset == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if cut == 0 {
            return Poll::Ready(Ok(Leave::Cut));
        }
        loop {
            match &mut self.place {
                Place::Between => self.place = self.next(),
                Place::Before { pending, .. } if *pending => {
                    *pending = false;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Place::Before { length, delay, .. } => {
                    if let Some(sleep) = delay {
                        ready!(sleep.as_mut().poll(cx));
                    }
                    self.place = Place::Within { left: *length };
                }
                Place::Within { left } => {
                    let most = (*left).min(reset).min(cut);
                    return Poll::Ready(Ok(Leave::Bytes(
                        usize::try_from(most).unwrap_or(usize::MAX),
                    )));
                }
            }
        }
    }

    /// So many bytes have passed.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.passed += bytes as u64;
        if let Place::Within { left } = &mut self.place {
            *left = left.saturating_sub(bytes as u64);
            if *left == 0 {
                self.place = Place::Between;
            }
        }
    }

    fn next(&mut self) -> Place {
        let dice = self.dice.turn_to(self.piece);
        self.piece += 1;
        let length = dice.within(&self.chopping.pieces);
        let pending = dice.happens(self.chopping.pending);
        let (rate, range) = &self.chopping.delay;
        let (waits, time) = (dice.happens(*rate), dice.time(range, Spread::Even));
        let delay = waits.then(|| Box::pin(tokio::time::sleep(time)));
        Place::Before { length, pending, delay }
    }
}

impl fmt::Debug for Chopper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chopper")
            .field("chopping", &self.chopping)
            .field("piece", &self.piece)
            .field("passed", &self.passed)
            .finish_non_exhaustive()
    }
}

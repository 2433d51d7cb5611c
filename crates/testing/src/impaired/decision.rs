//! What chance has decided for one message.

use std::fmt;
use std::time::Duration;

use super::dice::Dice;
use super::impairments::{Impairments, Spread, Timed};

/// What chance has decided for one message; printed in a few words.
///
/// ```
/// use anysock_testing::impaired::Decision;
/// assert_eq!(Decision::default().to_string(), "passed");
/// let mut lost = Decision::default();
/// lost.lost = true;
/// assert_eq!(lost.to_string(), "lost");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Decision {
    /// It is lost.
    pub lost: bool,
    /// It comes twice.
    pub duplicated: bool,
    /// So many bytes are left of it.
    pub truncated: Option<usize>,
    /// This bit of it is turned over, counted from the first byte's lowest.
    pub corrupted: Option<u64>,
    /// It is on its way for so long.
    pub delay: Duration,
    /// It is held back for so long beyond that, and overtaken.
    pub held_back: Option<Duration>,
    /// Nothing moves for so long.
    pub stalled: Option<Duration>,
    /// A partition begins, and lasts so long.
    pub partitioned: Option<Duration>,
    /// The connection breaks.
    pub reset: bool,
}

impl Decision {
    /// Decides for a message of `length` bytes. Everything is thrown each time, so that one rate
    /// does not change what comes of the others.
    pub(super) fn of(dice: &mut Dice, impairments: &Impairments, length: usize) -> Self {
        let lost = dice.happens(impairments.loss);
        let duplicated = dice.happens(impairments.duplicate);
        let reset = dice.happens(impairments.reset);
        let truncate = dice.happens(impairments.truncate);
        let left = dice.within(&(0..=(length as u64).saturating_sub(1))) as usize;
        let truncated = (truncate && length > 0).then_some(left);
        let corrupt = dice.happens(impairments.corrupt);
        let bits = truncated.unwrap_or(length) as u64 * 8;
        let bit = dice.within(&(0..=bits.saturating_sub(1)));
        let (range, spread) = &impairments.delay;
        let delay = dice.time(range, *spread);
        let mut timed = |what: &Timed| {
            let happens = dice.happens(what.rate);
            let lasts = dice.time(&what.lasts, Spread::Even);
            happens.then_some(lasts)
        };
        Self {
            lost,
            duplicated,
            truncated,
            corrupted: (corrupt && bits > 0).then_some(bit),
            delay,
            held_back: timed(&impairments.reorder),
            stalled: timed(&impairments.stall),
            partitioned: timed(&impairments.partition),
            reset,
        }
    }

    /// Whether nothing is done to the message.
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.reset.then(|| "reset".to_owned()),
            self.lost.then(|| "lost".to_owned()),
            self.duplicated.then(|| "duplicated".to_owned()),
            self.truncated.map(|left| format!("truncated to {left}")),
            self.corrupted.map(|bit| format!("corrupted at bit {bit}")),
            (!self.delay.is_zero()).then(|| format!("delayed {:?}", self.delay)),
            self.held_back.map(|time| format!("held back {time:?}")),
            self.stalled.map(|time| format!("stalled {time:?}")),
            self.partitioned.map(|time| format!("partitioned {time:?}")),
        ];
        let words: Vec<_> = words.into_iter().flatten().collect();
        if words.is_empty() { f.write_str("passed") } else { f.write_str(&words.join(", ")) }
    }
}

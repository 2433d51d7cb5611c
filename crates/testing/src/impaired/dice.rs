//! Chance that depends on the seed, the line and a number, and on nothing else.

use std::ops::RangeInclusive;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::impairments::Spread;
use super::seed::Seed;

/// Words kept for each number: those of the generator's buffer, far more than are drawn.
const WORDS: u128 = 64;

/// ChaCha8 counts its blocks, so that what is thrown for a number needs no throw before it.
#[derive(Clone)]
pub(super) struct Dice(ChaCha8Rng);

impl Dice {
    /// Lines of the same seed differ by their number.
    pub(super) fn new(seed: Seed, line: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed.get());
        generator.set_stream(line);
        Self(generator)
    }

    /// Takes up the dice for `number`: the next throws are the first for it.
    pub(super) fn turn_to(&mut self, number: u64) -> &mut Self {
        self.0.set_word_pos(u128::from(number) * WORDS);
        self
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, rate: f64) -> bool {
        self.fraction() < rate
    }

    /// A number within the range, each as likely.
    pub(super) fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        let (least, most) = (*range.start(), *range.end());
        let choices = u128::from(most.saturating_sub(least)) + 1;
        // Multiplying and shifting favours some numbers by less than 2^-64 times the choices.
        least + ((u128::from(self.0.next_u64()) * choices) >> 64) as u64
    }

    /// A time within the range.
    pub(super) fn time(&mut self, range: &RangeInclusive<Duration>, spread: Spread) -> Duration {
        let (least, most) = (*range.start(), *range.end());
        let fraction = self.fraction();
        let fraction = match spread {
            Spread::Even => fraction,
            Spread::Tail => fraction * fraction * fraction * fraction,
        };
        least + most.saturating_sub(least).mul_f64(fraction)
    }

    /// From 0 to below 1, in steps of 2^-53.
    fn fraction(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_thrown_depends_on_seed_line_and_number_alone() {
        let throw = |seed, line, number| {
            let mut dice = Dice::new(Seed::new(seed), line);
            dice.turn_to(3).happens(0.5);
            dice.turn_to(number).within(&(0..=u64::MAX))
        };
        assert_eq!(throw(1, 0, 7), throw(1, 0, 7));
        assert_ne!(throw(1, 0, 7), throw(2, 0, 7));
        assert_ne!(throw(1, 0, 7), throw(1, 1, 7));
        assert_ne!(throw(1, 0, 7), throw(1, 0, 8));
        // ChaCha8 is the same on every machine and in every release: so are old seeds.
        assert_eq!(throw(1, 0, 7), PINNED);
    }

    const PINNED: u64 = 8_220_491_195_954_458_704;

    #[test]
    fn a_rate_is_kept_and_a_range_is_filled() {
        let mut dice = Dice::new(Seed::new(5), 0);
        let happened = (0..10_000).filter(|number| dice.turn_to(*number).happens(0.1)).count();
        assert!((900..1100).contains(&happened), "{happened} of 10000");
        let throws = (0..1000).map(|number| dice.turn_to(number).within(&(3..=5)));
        let mut seen: Vec<_> = throws.collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [3, 4, 5]);
        assert!(!dice.happens(0.0) && dice.happens(1.0));
    }
}

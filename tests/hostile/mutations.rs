//! Inputs made of other inputs, each decided by the seed and its number alone.

use fastrand::Rng;

/// What is put in where bytes are replaced: edges of numbers and of grammars.
const TELLING: &[u8] = b"\0\x01\x02\x04\x08\x10\x14\x7f\x80\x81\xff\n\r-ab:/@%[].0159";

/// The longest that an input is stretched to: as hexadecimal it must fit a variable.
const LONGEST: usize = 50_000;

/// Mutations of some inputs.
pub(crate) struct Mutations<'a> {
    inputs: &'a [Vec<u8>],
    seed: u64,
}

impl<'a> Mutations<'a> {
    /// By the seed that `ANYSOCK_HOSTILE_SEED` names, or 1.
    pub(crate) fn new(inputs: &'a [Vec<u8>]) -> Self {
        let seed = std::env::var("ANYSOCK_HOSTILE_SEED");
        let seed = seed.map_or(1, |seed| seed.parse().expect("a seed is a number"));
        Self { inputs, seed }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// The input with this number.
    pub(crate) fn input(&self, number: u64) -> Vec<u8> {
        let mut rng = Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let mut input = self.any(&mut rng).clone();
        for _ in 0..rng.usize(1..=4) {
            self.mutate(&mut input, &mut rng);
        }
        if rng.u8(..) == 0 {
            stretch(&mut input, &mut rng);
        }
        input
    }

    fn any(&self, rng: &mut Rng) -> &'a Vec<u8> {
        &self.inputs[rng.usize(..self.inputs.len())]
    }

    fn mutate(&self, input: &mut Vec<u8>, rng: &mut Rng) {
        let at = rng.usize(..=input.len());
        let rest = input.len() - at;
        let some = rng.usize(..=rest.min(16));
        match rng.u8(..8) {
            0 if rest > 0 => input[at] ^= 1 << rng.u8(..8),
            1 if rest > 0 => input[at] = TELLING[rng.usize(..TELLING.len())],
            2 if rest > 0 => input[at] = rng.u8(..),
            3 => input.insert(at, TELLING[rng.usize(..TELLING.len())]),
            4 => drop(input.drain(at..at + some)),
            5 => {
                let copy = input[at..at + some].to_vec();
                let to = rng.usize(..=input.len());
                input.splice(to..to, copy);
            }
            6 => {
                let other = self.any(rng);
                input.truncate(at);
                input.extend_from_slice(&other[rng.usize(..=other.len())..]);
            }
            _ => input.truncate(at),
        }
    }
}

/// Repeats what stands somewhere, for it to be longer than a read or a block.
fn stretch(input: &mut Vec<u8>, rng: &mut Rng) {
    let at = rng.usize(..=input.len());
    let some = rng.usize(..=(input.len() - at).min(64));
    let piece = if some == 0 { b"x".to_vec() } else { input[at..at + some].to_vec() };
    let length = rng.usize(..LONGEST);
    let stretched: Vec<u8> = piece.into_iter().cycle().take(length).collect();
    input.splice(at..at, stretched);
}

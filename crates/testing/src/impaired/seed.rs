//! The number from which all chance is drawn, so that a failure can be replayed.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::num::ParseIntError;
use std::str::FromStr;

/// The number from which all chance is drawn: the same one gives the same faults again.
///
/// ```
/// use anysock_testing::impaired::Seed;
///
/// let seed: Seed = "0x2a".parse()?;
/// assert_eq!(seed, Seed::new(42));
/// assert_eq!(seed.to_string(), "0x000000000000002a");
/// # Ok::<_, std::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seed(u64);

/// Prints how to replay a test, if the test fails while this lives. Made by [`Seed::guard`].
///
/// ```
/// use anysock_testing::impaired::Seed;
/// let _guard = Seed::from_env().guard(); // first in the test, so that it is dropped last
/// ```
#[derive(Debug)]
#[must_use = "it prints when it is dropped by a panic"]
pub struct SeedGuard(Seed);

impl Seed {
    /// The variable of the environment that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &'static str = "ANYSOCK_SEED";

    /// This number.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A seed that nobody chose: another one each time.
    pub fn random() -> Self {
        // The keys of each hasher that std makes are random: no more is needed for a seed.
        Self(RandomState::new().hash_one("seed"))
    }

    /// That of the environment (`ANYSOCK_SEED`, decimal or `0x` and hexadecimal), or a random one
    /// where the variable is not set.
    ///
    /// # Panics
    ///
    /// If the variable is set to something else: a replay of another seed would mislead.
    pub fn from_env() -> Self {
        let Some(text) = std::env::var_os(Self::VARIABLE) else { return Self::random() };
        let parsed = text.to_str().and_then(|text| text.parse().ok());
        parsed.unwrap_or_else(|| {
            let variable = Self::VARIABLE;
            panic!("{variable} is {text:?}; give a number below 2^64, such as 7 or 0x2a")
        })
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Has the test print how to replay it, should it fail.
    pub const fn guard(self) -> SeedGuard {
        SeedGuard(self)
    }

    /// Another seed for what has this name, always the same one (FNV-1a).
    #[must_use]
    pub fn of(self, name: &str) -> Self {
        let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let start = 0xcbf2_9ce4_8422_2325;
        let hash = self.0.to_le_bytes().into_iter().chain(name.bytes()).fold(start, step);
        Self(hash)
    }
}

impl From<u64> for Seed {
    fn from(seed: u64) -> Self {
        Self(seed)
    }
}

impl FromStr for Seed {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).map(Self),
            None => text.parse().map(Self),
        }
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#018x}", self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({self})")
    }
}

/// What to do to have the same test again.
impl fmt::Display for SeedGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={} replays this test", Seed::VARIABLE, self.0)
    }
}

impl Drop for SeedGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{self}");
        }
    }
}

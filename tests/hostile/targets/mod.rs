//! What is given hostile bytes: each target is a function of bytes that panics where a promise is
//! not kept. The suite and the fuzzer run the same ones.

mod address;
mod codec;
mod control;
mod demux;
mod endpoint;
mod framed;
mod library;
mod references;
mod script;
mod unframed;

use self::references::FAMILIES;

/// Something that takes bytes from outside.
pub(crate) struct Target {
    /// As in `fuzz/corpus/NAME` and `cargo fuzz run NAME`.
    pub(crate) name: &'static str,
    /// Gives it these bytes.
    pub(crate) run: fn(&[u8]) -> Tried,
    /// The same in every way there is, for the inputs of the corpus: cut at every place.
    pub(crate) run_all: fn(&[u8]) -> Tried,
}

/// What was done with an input.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    /// How often the library was given it, cut or framed differently.
    pub(crate) ways: u64,
    /// The most memory that was held, in percent of what was allowed at that time.
    pub(crate) held: u64,
}

/// One for each family of codecs, by its place in the table.
macro_rules! codecs {
    ($($number:literal)*) => {
        [$(Target {
            name: FAMILIES[$number].0,
            run: |input| codec::run(FAMILIES[$number].1, input),
            run_all: |input| codec::run_all(FAMILIES[$number].1, input),
        }),*]
    };
}

const CODECS: [Target; FAMILIES.len()] = codecs![0 1 2 3 4 5 6 7 8 9];

const OTHERS: [Target; 6] = [
    Target { name: "codec_resync", run: codec::run_resync, run_all: codec::run_all_resync },
    Target { name: "codec_unframed", run: unframed::run, run_all: unframed::run },
    Target { name: "endpoint", run: endpoint::run, run_all: endpoint::run },
    Target { name: "control", run: control::run, run_all: control::run },
    Target { name: "address", run: address::run, run_all: address::run },
    Target { name: "demux", run: demux::run, run_all: demux::run },
];

/// All there are.
pub(crate) fn targets() -> impl Iterator<Item = &'static Target> {
    CODECS.iter().chain(&OTHERS)
}

/// The target of this name.
pub(crate) fn target(name: &str) -> &'static Target {
    let named = targets().find(|target| target.name == name);
    named.unwrap_or_else(|| panic!("no target is called {name:?}"))
}

impl Tried {
    /// So many ways, without memory that would be held.
    pub(crate) fn ways(ways: u64) -> Self {
        Self { ways, held: 0 }
    }

    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { ways: self.ways + other.ways, held: self.held.max(other.held) }
    }

    /// So many bytes were held where so many are allowed.
    pub(crate) fn holding(self, held: usize, allowed: usize) -> Self {
        let percent = (held * 100).checked_div(allowed).unwrap_or(0) as u64;
        Self { held: self.held.max(percent), ..self }
    }
}

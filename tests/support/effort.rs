//! How much a robustness suite tries, and what it tells of it: one row for each promise.

use std::fmt::Display;
use std::io::Write;

/// How much is tried: `ROBUSTNESS` says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Effort {
    /// Not set, as by `cargo test`: seconds for a whole suite.
    Quick,
    /// `short`, as `tests/robustness/run` sets it: all suites in three minutes.
    Short,
    /// `long`: everything that is promised, in the numbers that are promised.
    Long,
}

impl Effort {
    /// What the environment asks for.
    pub(crate) fn asked() -> Self {
        match std::env::var("ROBUSTNESS").as_deref() {
            Err(std::env::VarError::NotPresent) => Self::Quick,
            Ok("short") => Self::Short,
            Ok("long") => Self::Long,
            other => panic!("ROBUSTNESS is short, long or not set at all, and not {other:?}"),
        }
    }

    /// The one of three that this effort is.
    pub(crate) fn pick<T>(self, quick: T, short: T, long: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Short => short,
            Self::Long => long,
        }
    }
}

/// Tells what was tried for a promise and how it went, once the test has seen that it held.
///
/// To the file that `ROBUSTNESS_ROWS` names, which may be several processes' at once, else to the
/// standard output.
pub(crate) fn tell(promise: &str, tried: impl Display, worst: impl Display, bound: impl Display) {
    let row = format!("{promise}\t{tried}\t{worst}\t{bound}\n");
    assert_eq!(row.matches(['\t', '\n']).count(), 4, "a row is one line of four columns: {row:?}");
    let Some(path) = std::env::var_os("ROBUSTNESS_ROWS") else {
        print!("robustness: {}", row.replace('\t', " | "));
        return;
    };
    let mut rows = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    // One write(2) to a file that is only appended to: rows of other processes do not cut it.
    rows.write_all(row.as_bytes()).unwrap();
}

//! What a machine lacks that a test needs.

use std::fmt::Display;

#[path = "skipped.rs"]
pub(crate) mod skipped;

/// Skips the test that runs for all to see; in continuous integration, where nobody looks, that is a
/// failure.
pub(crate) fn say(what: impl Display) {
    assert!(std::env::var_os("CI").is_none(), "{what}");
    skipped::say(what);
}

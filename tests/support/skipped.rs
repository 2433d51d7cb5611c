//! What is said of a test that cannot be run here.

use std::fmt::Display;
use std::io::{self, Write};
use std::thread;

/// Says that the test that runs is skipped, and why. It is seen even where the test harness captures
/// what tests print, because it goes past the macros that print.
pub(crate) fn say(why: impl Display) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    // In one piece, because others write as well.
    let _ = io::stderr().write_all(format!("skipped: {why} ({test})\n").as_bytes());
}

//! The example `echo` before clients that know nothing of this library: Python's and socat.

mod beside;
mod python;
mod socat;
#[path = "../support/mod.rs"]
mod support;
mod tool;

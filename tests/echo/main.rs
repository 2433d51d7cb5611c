//! The examples `echo` and `send` as programs: over every cell, interrupted, lied to.

mod alone;
mod descriptors;
mod drained;
mod interrupted;
mod liars;
mod pipelined;
mod refused;
mod runtime;
mod send;
mod several;
#[path = "../support/skipped.rs"]
mod skipped;
#[path = "../support/mod.rs"]
mod support;

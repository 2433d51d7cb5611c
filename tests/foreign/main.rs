//! Clients that know nothing of this library, Python's and socat, before the example `echo` and before
//! a stream that passes descriptors.

mod beside;
mod descriptors;
mod python;
mod socat;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tool.rs"]
mod tool;

//! The targets of tests/hostile, for the fuzzer.

#[path = "../../tests/hostile/targets/mod.rs"]
#[expect(dead_code, reason = "some of it is the suite's alone")]
mod targets;

// What `core`'s own files, which `targets/library.rs` includes, name by the root of their crate.
use anysock_core::{
    AbstractName, Addr, Domain, LocalAddress, Outgoing, Received, UnixAddr, UnixPath,
};

/// Gives the input to the target of this name.
pub fn run(name: &str, input: &[u8]) {
    (targets::target(name).run)(input);
}

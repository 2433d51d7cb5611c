//! What needs a network of its own: hosts that are network namespaces, wired by veth pairs.
//!
//! | module | holds |
//! |---|---|
//! | `host` | a network namespace as a host: wires, commands, and code that runs there |
//! | `hosts` | that hosts are apart, reach each other, and leave nothing behind |
//! | `beside` | what comes and goes beside datagrams: ECN marks, and the address that was asked |
//! | `dual_stack` | one listener for both protocols, and a name with addresses of both |
//! | `answers` | what routers and hosts answer, with the destination it concerns |
//! | `ip`, `multicast`, `tcp` | what socket options do between hosts |
//!
//! A test begins with `let Some([left, right]) = host::wired() else { return };`: it is skipped
//! for all to see where the user may not make network namespaces, and fails instead where `CI`
//! is set.

mod answers;
mod beside;
mod dual_stack;
mod host;
mod hosts;
#[path = "../support/info.rs"]
mod info;
mod ip;
#[path = "../support/lacking.rs"]
mod lacking;
#[path = "../support/link.rs"]
mod link;
mod multicast;
mod tcp;

//! TLS and mutual TLS over every stream cell, as a user upgrades a connection.
//!
//! The chain of certificates is made here, root → intermediate → leaf, by the modules of the example
//! `tls`, which are the upgrade under test as well.

#[path = "../../examples/tls/chain.rs"]
mod chain;
mod ends;
mod example;
mod fixture;
mod framed;
mod laws;
mod messages;
mod openssl;
#[path = "../../../tests/support/process.rs"]
mod process;
mod refused;
mod stalled;
#[path = "../../../tests/support/tool.rs"]
mod tool;
#[path = "../../examples/tls/upgrade.rs"]
mod upgrade;

//! What socket options do, seen on loopback: the tests that the table of `Options` names.
//!
//! What needs hosts of its own is seen in `tests/network`.

mod address;
mod along;
mod buffers;
mod cells;
#[path = "../support/directory.rs"]
mod directory;
mod document;
#[path = "../support/info.rs"]
mod info;
mod ip;
#[path = "../support/lacking.rs"]
mod lacking;
#[path = "../support/link.rs"]
mod link;
mod tcp;

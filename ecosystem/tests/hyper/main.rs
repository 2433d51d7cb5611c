//! hyper without a framework on unix sockets and TCP at once: curl, its own client, and slow clients.

mod curl;
mod fixture;
mod pooling;
mod slow;

#[path = "../../../tests/support/process.rs"]
mod process;

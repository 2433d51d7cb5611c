//! Sockets that a process is started with, `fd:N` and `systemd:NAME`, over every cell: passed by
//! hand, as a shell does, and by systemd's own tool.

mod activate;
mod alone;
mod by_hand;
mod mismatch;
mod passed;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/tool.rs"]
mod tool;

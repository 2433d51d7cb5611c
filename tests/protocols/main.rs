//! The examples that speak real protocols, each before clients that nobody here wrote: `relay`, `chat`
//! and `syslog` before socat, Python and logger.

mod chat;
mod memory;
mod program;
mod refused;
mod relay;
mod socat;
#[path = "../support/mod.rs"]
mod support;
mod syslog;
#[path = "../support/tool.rs"]
mod tool;

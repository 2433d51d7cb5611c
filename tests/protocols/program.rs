//! An example as a service: started, told to end, asked what it did.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::Server;
use crate::support::process::example;

/// Starts an example that listens on `count` endpoints.
pub(crate) fn start(name: &str, arguments: &[&str], count: usize) -> Server {
    let mut command = Command::new(example(name));
    command.args(arguments).stdin(Stdio::null());
    Server::of(command, count)
}

/// What it says it did, once it was told to end. It was started with `--json`.
pub(crate) fn report(server: Server) -> Value {
    server.signal("TERM");
    let (status, said) = server.ended();
    assert_eq!(status.code(), Some(0), "{said}");
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {said}"))
}

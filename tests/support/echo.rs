//! The example `echo`, which most tests of programs talk to.

use std::process::{Command, Stdio};

use super::Server;
use super::process::example;

impl Server {
    /// Starts `echo` on all the endpoints and waits until it listens.
    pub(crate) fn start(endpoints: &[String], options: &[&str]) -> Self {
        let mut command = Command::new(example("echo"));
        command.args(endpoints).args(options).stdin(Stdio::null());
        Self::of(command, endpoints.len())
    }
}

//! The example `handover` as a program: it loses nothing, and shows what would be lost otherwise.

#[path = "../support/directory.rs"]
mod directory;
#[path = "../support/process.rs"]
mod process;
mod readiness;
mod replaced;
mod successor;

use std::process::{Command, Output, Stdio};

use crate::directory::Directory;
use crate::process::{Guarded, example, output};

/// Runs the example to its end, its sockets in a directory of their own in which it leaves nothing.
fn run(arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Output {
    let directory = Directory::new();
    let mut command = Command::new(example("handover"));
    command.args(arguments).env("TMPDIR", directory.path("")).env_remove("RUST_LOG");
    prepare(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = output(Guarded(command.spawn().unwrap()));
    directory.assert_empty();
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

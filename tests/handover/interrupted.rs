//! Interrupted in the midst of it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::directory::Directory;
use crate::process::{DEADLINE, Guarded, example, output};
use crate::text;

#[test]
fn an_interrupted_service_fails_and_leaves_nothing_behind() {
    let directory = Directory::new();
    let mut command = Command::new(example("handover"));
    command.args(["--connections", "10000000"]).env("TMPDIR", directory.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = Guarded(command.spawn().unwrap());
    // It serves once its sockets are there.
    let own = format!("anysock-handover-{}/stream", child.0.id());
    let until = Instant::now() + DEADLINE;
    while !std::path::Path::new(&directory.path(&own)).exists() {
        assert!(Instant::now() < until, "it never listens");
        std::thread::sleep(Duration::from_millis(1));
    }
    let kill = format!("kill -INT {}", child.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let output = output(child);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), "handover: interrupted\n");
    directory.assert_empty();
}

//! A test that runs in a process of its own, whose limits it may lower.

use std::io::{self, Write};
use std::process::{Command, Stdio};

const ALONE: &str = "ANYSOCK_TEST_ALONE";

/// Whether this is that process; otherwise runs the test, by its module and name, in one.
pub(crate) fn here(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ALONE, "1");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
    if failed.contains("skipped: ") {
        let _ = io::stderr().write_all(&output.stderr);
    }
    false
}

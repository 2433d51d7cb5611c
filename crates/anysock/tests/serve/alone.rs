//! A test that runs alone, in a process of its own.

use std::process::Command;

const ALONE: &str = "ANYSOCK_TEST_ALONE";

/// Whether this is the process in which one test runs alone.
pub(crate) fn here() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs a test, by its module and name, in such a process that may open so many descriptors.
pub(crate) fn run(test: &str, descriptors: usize) {
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "ulimit -S -n {descriptors}; \
         exec env {ALONE}=1 \"$0\" --exact \"$1\" --nocapture --test-threads=1"
    );
    let output = Command::new("sh").args(["-c", &script]).arg(exe).arg(test).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let failed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
}

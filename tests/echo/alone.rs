//! A test that runs alone, in a process of its own.

use crate::support::run;

const ALONE: &str = "ANYSOCK_TEST_ALONE";

/// Whether this is the process in which one test runs alone.
pub(crate) fn here() -> bool {
    std::env::var_os(ALONE).is_some()
}

/// Runs a test, by its module and name, in such a process, where as many descriptors may be open
/// as thousands of connections need.
pub(crate) fn run_again(test: &str) {
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "ulimit -S -n 4096; exec env {ALONE}=1 \"$0\" --exact \"$1\" --nocapture --test-threads=1"
    );
    let output = run("sh", &["-c", &script, exe.to_str().unwrap(), test], b"");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{said}");
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.contains("1 passed"), "{said}{failed}");
}

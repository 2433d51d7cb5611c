//! Tools that a machine may lack.

use std::process::Command;

/// Whether a tool is there. Where not, the test is skipped for all to see; in continuous
/// integration, where nobody looks, that is a failure.
pub(crate) fn is_there(tool: &str, ask: &str) -> bool {
    let there = Command::new(tool).arg(ask).output().is_ok_and(|output| output.status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "{tool} is missing");
        eprintln!("skipped: {tool} is missing");
    }
    there
}

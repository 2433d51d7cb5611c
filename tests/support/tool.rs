//! Tools that a machine may lack.

use std::process::Command;

#[path = "lacking.rs"]
mod lacking;

/// Whether a tool is there; where not, it is [said](lacking::say).
pub(crate) fn is_there(tool: &str, ask: &str) -> bool {
    let there = Command::new(tool).arg(ask).output().is_ok_and(|output| output.status.success());
    if !there {
        lacking::say(format_args!("{tool} is missing"));
    }
    there
}

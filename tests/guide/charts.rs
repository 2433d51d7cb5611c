//! The charts show what the page of measurements says.

use std::process::Command;

use crate::root;

#[test]
fn the_charts_are_drawn_from_the_committed_figures() {
    let checked = Command::new(root().join("scripts/charts")).arg("--check").output();
    let checked = checked.expect("python3 is there, as CONTRIBUTING says");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

//! The charts and the table of measurements are those of one run, whose rows are committed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use crate::root;

/// `scripts/charts --check` of the project at `top`.
fn check(top: &Path) -> Output {
    let checked = Command::new(top.join("scripts/charts")).arg("--check").output();
    checked.expect("python3 is there, as CONTRIBUTING says")
}

#[test]
fn the_charts_and_the_table_are_of_the_committed_run() {
    let checked = check(root());
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

/// What this says of `file`, after `from` in it became `to`.
fn check_changed(file: &str, from: &str, to: &str) -> String {
    let top = std::env::temp_dir().join(format!("anysock-charts-{}", std::process::id()));
    for folder in ["scripts", "docs", "docs/images"] {
        fs::create_dir_all(top.join(folder)).unwrap();
        for entry in fs::read_dir(root().join(folder)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), top.join(folder).join(entry.file_name())).unwrap();
            }
        }
    }
    let text = fs::read_to_string(top.join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from:?}");
    fs::write(top.join(file), text.replacen(from, to, 1)).unwrap();
    let checked = check(&top);
    fs::remove_dir_all(&top).unwrap();
    assert!(!checked.status.success(), "{file} was changed, and nobody noticed");
    String::from_utf8(checked.stderr).unwrap()
}

#[test]
fn a_figure_that_is_not_of_the_run_is_noticed_and_its_file_named() {
    let cases = [
        ("docs/PERFORMANCE.md", " met ", " MET "),
        ("docs/images/one-way.svg", "</text>", "0</text>"),
        ("docs/images/rows.json", "\"ours\":", "\"ours\":1"),
    ];
    for (file, from, to) in cases {
        let said = check_changed(file, from, to);
        let named = file.rsplit('/').next().unwrap();
        assert!(said.contains(named), "{file}: {said}");
        assert!(said.contains("scripts/charts"), "what to do is not said: {said}");
    }
}

//! The example as a program of its own: what it prints, and how it exits.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anysock::Cell;
use serde_json::Value;
use tokio::process::Command;

const FIELDS: [&str; 11] = [
    "cell",
    "endpoint",
    "supported",
    "why",
    "reliable",
    "boundaries",
    "connection",
    "largest",
    "p50_us",
    "p99_us",
    "messages_per_second",
];

/// Beside the tests' own directory. `cargo test` builds it; `cargo test --test matrix` does not.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let program = own.ancestors().nth(2).unwrap().join("examples/matrix");
    assert!(program.exists(), "{program:?} is not there: cargo build --example matrix");
    program
}

async fn run(args: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.args(args).env_remove("RUST_LOG").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(120), command.output());
    output.await.expect("the program ends").unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn seven_cells_work_and_two_are_unsupported() {
    let output = run(&["--messages", "300"]).await;
    let (table, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{table}{errors}");
    assert_eq!(errors, "", "progress is for terminals");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 1 + Cell::ALL.len() + 2, "{table}");
    for (cell, line) in Cell::ALL.iter().zip(&lines[1..]) {
        assert!(line.starts_with(&cell.to_string()), "{table}");
    }
    let sum = "7 of 7 supported cells work as promised, 2 unsupported";
    assert_eq!(lines.last(), Some(&sum), "{table}");
}

#[tokio::test]
async fn json_has_one_object_with_exactly_its_fields_for_each_cell() {
    let output = run(&["--json", "--messages", "300"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let cells: Vec<_> = rows.iter().map(|row| row["cell"].as_str().unwrap()).collect();
    assert_eq!(cells, Cell::ALL.map(|cell| cell.to_string()));
    for row in &rows {
        let fields: BTreeSet<_> = row.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, BTreeSet::from(FIELDS), "{row}");
        let measured = ["largest", "p50_us", "p99_us", "messages_per_second"];
        let supported = row["supported"].as_bool().unwrap();
        assert!(measured.iter().all(|name| row[name].is_number() == supported), "{row}");
        assert_eq!(row["why"].is_null(), supported, "{row}");
        assert!(row["endpoint"].is_string(), "{row}");
        for name in ["reliable", "boundaries", "connection"] {
            let answer = row[name].as_object().unwrap();
            assert_eq!(answer.keys().collect::<Vec<_>>(), ["observed", "promised"], "{row}");
            assert!(answer.values().all(|value| value.is_boolean() == supported), "{row}");
        }
    }
}

#[tokio::test]
async fn udp_is_seen_to_lose_and_keeps_boundaries() {
    let output = run(&["--json", "--messages", "10", "--cell", "ipv4-datagram"]).await;
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(row["reliable"], serde_json::json!({ "promised": false, "observed": false }));
    assert_eq!(row["boundaries"], serde_json::json!({ "promised": true, "observed": true }));
    assert_eq!(row["connection"], serde_json::json!({ "promised": false, "observed": false }));
    assert_eq!(row["largest"], 65_507);
}

#[tokio::test]
async fn an_unknown_cell_is_refused_and_the_known_ones_are_named() {
    let output = run(&["--cell", "ipx-stream"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("ipv6-seqpacket"), "{}", text(&output.stderr));
}

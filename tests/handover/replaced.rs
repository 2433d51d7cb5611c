//! How often the service was replaced, and what of the load was lost.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::process::{self, example};
use crate::{run, text};

/// The three numbers of the last line.
fn numbers(output: &str) -> [u64; 3] {
    let last = output.lines().last().unwrap_or_default();
    let words: Vec<&str> = last.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let ["replaced", replaced, "times", connections, "connections", lost, "lost"] = words[..]
    else {
        panic!("{output}")
    };
    [replaced, connections, lost].map(|number| number.parse().unwrap())
}

#[test]
fn twenty_times_under_ten_thousand_connections_and_none_is_lost() {
    let output = run(&[], |_| {});
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}{errors}");
    let [replaced, connections, lost] = numbers(said);
    assert_eq!(said.trim_end(), format!("replaced 20 times, {connections} connections, 0 lost"));
    assert_eq!((replaced, lost), (20, 0));
    assert!(connections >= 10_000, "{said}");
    assert_eq!(errors, "", "progress is for terminals");
}

#[test]
fn without_the_hand_over_connections_are_lost_and_it_fails() {
    let arguments = ["--broken", "--replace", "3", "--connections", "900"];
    let output = run(&arguments, |_| {});
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{said}{errors}");
    let [replaced, _, lost] = numbers(said);
    assert!(replaced == 3 && lost > 0, "{said}");
    assert!(errors.lines().all(|line| line.starts_with("handover: lost ")), "{errors}");
    assert!(errors.contains("refused"), "{errors}");
}

#[test]
fn json_is_one_object_with_exactly_its_fields() {
    let output = run(&["--json", "--replace", "2", "--connections", "300"], |_| {});
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    let fields: BTreeSet<_> = outcome.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["connections", "lost", "reasons", "replaced", "seconds"];
    assert_eq!(fields, BTreeSet::from(expected), "{outcome}");
    assert_eq!((&outcome["replaced"], &outcome["lost"]), (&2.into(), &0.into()), "{outcome}");
    assert!(outcome["connections"].as_u64().unwrap() >= 300, "{outcome}");
    assert_eq!(outcome["reasons"], serde_json::json!({}), "{outcome}");
}

#[test]
fn bad_arguments_are_refused_by_name() {
    for (arguments, named) in [
        (["--replace", "0"], "--replace"),
        (["--connections", "many"], "--connections"),
        (["--at-once", "501"], "--at-once"),
    ] {
        let output = process::run(example("handover").to_str().unwrap(), &arguments, b"");
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}

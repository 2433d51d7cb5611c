//! System calls, counted from outside: this program runs itself under strace.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::bounds::{Bound, CALLS_FED, CALLS_THERE_AND_BACK};
use crate::work::{Work, Workshop};
use crate::{lacking, part};

/// Looked up around what is counted, which shows in the trace. Nobody has this file.
const MARK: &str = "/anysock-test-counts-mark";

/// Made when the heap happens to grow, by a byte that anybody asked for: allocations are counted
/// by themselves.
const OF_THE_ALLOCATOR: [&str; 2] = ["brk", "mprotect"];

const FED: &str = "calls::a_fed_message_costs_a_small_part_of_a_system_call";
const THERE_AND_BACK: &str = "calls::a_round_trip_costs_few_system_calls";

#[test]
fn a_fed_message_costs_a_small_part_of_a_system_call() {
    check(FED, &CALLS_FED);
}

#[test]
fn a_round_trip_costs_few_system_calls() {
    check(THERE_AND_BACK, &CALLS_THERE_AND_BACK);
}

fn check(test: &str, bounds: &[Bound]) {
    if part::mine().is_some() {
        return bounds.iter().for_each(work);
    }
    let Some(trace) = trace(test) else { return };
    // After each mark; behind a row's last one its end, and the next one's beginning.
    let slices: Vec<_> = trace.split(MARK).skip(1).map(calls).collect();
    assert_eq!(slices.len(), 3 * bounds.len());
    let broken = bounds.iter().zip(slices.chunks(3)).filter(|(bound, slices)| {
        let [one, all] = [&slices[0], &slices[1]].map(|calls| calls.values().sum::<usize>());
        let each = (all as f64 - one as f64) / messages(bound) as f64;
        println!("{:?}", slices[1]);
        bound.is_broken_by(each, "system calls")
    });
    assert_eq!(broken.count(), 0, "more system calls than the bound, as is printed above");
}

/// Over how many messages calls are counted. A traced process is slow.
fn messages(bound: &Bound) -> usize {
    match bound.work {
        Work::RoundTrip => 1 << 8,
        Work::Fed | Work::Held(_) => (1 << 16).min((32 << 20) / bound.size),
    }
}

/// What the traced process does for one row.
fn work(bound: &Bound) {
    let mut workshop = Workshop::new(bound.link, bound.work, bound.size);
    // Buffers grow and registrations happen in the first run.
    workshop.run(messages(bound));
    mark();
    // What every run costs is no message's.
    workshop.run(1);
    mark();
    workshop.run(1 + messages(bound));
    mark();
}

fn mark() {
    assert!(!Path::new(MARK).exists());
}

/// What strace said; `None` where it cannot be used, which is a failure in continuous
/// integration, where nobody looks.
fn trace(test: &str) -> Option<String> {
    let skip = |why: &str| {
        lacking::say(why);
        None
    };
    let version = Command::new("strace").arg("-V").output();
    if !version.is_ok_and(|output| output.status.success()) {
        return skip("strace is missing");
    }
    let output = part::play(&["strace", "-f", "-qq"], test, "traced");
    let trace = String::from_utf8_lossy(&output.stderr).into_owned();
    if !trace.contains(MARK) {
        return skip(&format!("strace does not work here: {trace}"));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{trace}");
    Some(trace)
}

/// How often each call is made between two marks.
fn calls(trace: &str) -> BTreeMap<&str, usize> {
    let mut calls = BTreeMap::new();
    // First comes the rest of the mark's own line.
    for line in trace.lines().skip(1) {
        // Signals are not calls, and a call that another thread's interrupts has two lines.
        let Some((before, _)) = line.split_once('(') else { continue };
        if !line.contains("resumed>") {
            let name = before.rsplit(' ').next().unwrap_or(before);
            if OF_THE_ALLOCATOR.contains(&name) {
                continue;
            }
            *calls.entry(name).or_default() += 1;
        }
    }
    calls
}

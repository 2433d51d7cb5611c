//! Every system call fails once, everywhere.
//!
//! A script is run for each of the seven cells: it binds, connects, sends messages of many sizes
//! there and back, one by one and in batches, owned and copied, with descriptors on unix, half
//! closes, closes and drops. It is run once to see which system calls the library makes, and then
//! once for each fault at each call: [`EINTR`, `EAGAIN`, `ECONNRESET`, `EPIPE`, `ENOBUFS`, `ENOMEM`,
//! `EMFILE`, `ENFILE`](anysock::core::faults::ERRORS) instead of the call, or the call for one byte
//! or packet, or for half of them. So a case is a cell, a call, the how manieth, and a fault.
//!
//! Of each case it is asserted that
//!
//! - it ends within 2 s, closing included;
//! - it ends as [`verdict::specified`] says: unseen, with every message arrived whole and in order;
//!   or with the very error told to whoever made the call, and nothing out of order, twice, or
//!   missing that no error accounts for;
//! - the listener has taken no harm: one more client connects, sends a message and gets it back;
//! - all descriptors are closed, of the library's and of those that were passed, and the socket
//!   file is gone.
//!
//! What is not tried, and why, is [`verdict::Excluded`] and [`verdict::ELSEWHERE`], which is printed
//! with the numbers. Nothing is excluded by the name of a call or of a cell.
//!
//! The seam at which calls fail is in `anysock-core` under `--cfg anysock_faults` alone:
//!
//! ```console
//! $ export RUSTFLAGS="--cfg anysock_faults"
//! $ cargo test -p anysock --test faults --target-dir target/faults -- --nocapture
//! $ ROBUSTNESS=long cargo test -p anysock --test faults --target-dir target/faults -- --nocapture
//! $ ANYSOCK_FAULT='tcp4 sendmsg 17 EPIPE' cargo test -p anysock --test faults --target-dir target/faults -- --nocapture
//! ```
//!
//! The last runs one case alone, and shows where in the library the fault was met; every failure
//! prints that line. Each cell has a process of its own, two at a time, since what is counted is a
//! process's.
#![cfg(anysock_faults)]

mod cases;
mod cells;
#[path = "../../../../tests/support/effort.rs"]
mod effort;
mod log;
mod script;
mod trial;
mod verdict;

use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use anysock::core::faults::MARKER;

use crate::cells::Tried;
use crate::effort::{Effort, tell};
use crate::trial::Summary;
use crate::verdict::{ELSEWHERE, Excluded};

/// Says to a process of which cell it is.
const CELL: &str = "ANYSOCK_FAULTS_CELL";

#[test]
fn every_system_call_fails_once_everywhere() {
    if let Ok(case) = std::env::var("ANYSOCK_FAULT") {
        return trial::one(&case);
    }
    if let Ok(cell) = std::env::var(CELL) {
        // How many cases of a cell; all of them are what is promised.
        let most = Effort::asked().pick(60, 320, usize::MAX);
        return trial::of_a_cell(Tried::named(&cell), most);
    }
    let (waiting, all) = (Mutex::new(cells::ALL.into_iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(tried) = waiting.lock().unwrap().next() else { break };
                    let summary = in_a_process_of_its_own(tried);
                    all.lock().unwrap().push((tried, summary));
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    let failed = all.iter().filter_map(|(_, summary)| summary.as_ref().err());
    let failed: Vec<_> = failed.map(String::as_str).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    report(all.into_iter().map(|(tried, summary)| (tried, summary.unwrap())).collect());
}

#[test]
fn the_seam_is_seen_in_this_build() {
    let binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(binary.windows(MARKER.len()).any(|bytes| bytes == MARKER.as_bytes()));
}

fn in_a_process_of_its_own(tried: Tried) -> Result<Summary, String> {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "every_system_call_fails_once_everywhere", "--nocapture"])
        .env(CELL, tried.name)
        .output()
        .unwrap();
    let (said, shouted) =
        (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    match said.lines().find_map(Summary::parse) {
        Some(summary) if done.status.success() => Ok(summary),
        _ => Err(format!("{}: {}\n{said}\n{shouted}", tried.name, done.status)),
    }
}

fn report(all: Vec<(Tried, Summary)>) {
    let mut total = Summary::default();
    for (tried, summary) in &all {
        let Summary { tried: cases, calls, slowest, unmet, .. } = summary;
        println!(
            "{:15} {calls:4} calls, {cases:5} faults, slowest {slowest:?}, {unmet} unmet",
            tried.name
        );
        total.add(summary);
    }
    println!("\nnot tried:");
    for (why, count) in Excluded::ALL.into_iter().zip(total.excluded) {
        let [what, reason] = why.reason();
        println!("{count:6}  {what}: {reason}");
    }
    for [what, reason] in ELSEWHERE {
        println!("     -  {what}: {reason}");
    }
    let least = Effort::asked().pick(400, 2_000, 10_000);
    assert!(total.tried >= least, "{} cases were tried, at least {least} should be", total.tried);
    let excluded: usize = total.excluded.iter().sum();
    let slowest = total.slowest.as_secs_f64();
    tell(
        "every system call fails once, everywhere: the specified error, or success",
        format!(
            "{} faults at {} calls of {} cells, {excluded} excluded",
            total.tried,
            total.calls,
            all.len()
        ),
        format!("{slowest:.2} s"),
        format!("{} s", script::BOUND.as_secs()),
    );
    tell(
        "no fault leaks a descriptor or a socket file",
        format!("{} faults", total.tried),
        format!("{} open", total.leaked),
        "0",
    );
    // Timing decides how often a socket is found empty.
    assert!(total.unmet * 50 <= total.tried, "{} calls were not made again", total.unmet);
    assert!(total.slowest < script::BOUND + Duration::from_millis(1));
}

//! The cases of one cell, in a process of their own; or one case alone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::cases::{self, Case};
use crate::cells::Tried;
use crate::script::{self, BOUND, Run};
use crate::verdict::{self, Excluded};

/// So often a case is run until its call is made.
const ATTEMPTS: usize = 4;

/// How the cases of a cell went. One line of text between processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Faults that were met, each another.
    pub(crate) tried: usize,
    /// Calls of one script.
    pub(crate) calls: usize,
    pub(crate) slowest: Duration,
    /// Descriptors that were open afterwards and not before.
    pub(crate) leaked: usize,
    /// Cases whose call was not made again.
    pub(crate) unmet: usize,
    /// For each of [`Excluded::ALL`].
    pub(crate) excluded: [usize; 3],
}

const HEAD: &str = "summary of a cell:";

impl Summary {
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let numbers = line.split_once(HEAD)?.1.split_whitespace();
        let numbers: Vec<usize> = numbers.map(|number| number.parse().unwrap()).collect();
        let [tried, calls, slowest, leaked, unmet, excluded @ ..] = &numbers[..] else {
            return None;
        };
        Some(Self {
            tried: *tried,
            calls: *calls,
            slowest: Duration::from_micros(*slowest as u64),
            leaked: *leaked,
            unmet: *unmet,
            excluded: excluded.try_into().ok()?,
        })
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.tried += other.tried;
        self.calls += other.calls;
        self.slowest = self.slowest.max(other.slowest);
        self.leaked += other.leaked;
        self.unmet += other.unmet;
        for (sum, more) in self.excluded.iter_mut().zip(other.excluded) {
            *sum += more;
        }
    }

    fn print(&self) {
        let Self { tried, calls, slowest, leaked, unmet, excluded: [a, b, c] } = self;
        let slowest = slowest.as_micros();
        println!("\n{HEAD} {tried} {calls} {slowest} {leaked} {unmet} {a} {b} {c}");
    }
}

/// Runs up to so many cases of a cell, and fails with those that went wrong.
pub(crate) fn of_a_cell(tried: Tried, most: usize) {
    let (directory, watchdog) = (Directory::new(), Watchdog::start());
    // What is set up once for a process is no leak.
    clean(tried, &directory);
    let learned = clean(tried, &directory);
    let (cases, excluded) = cases::all(tried, &learned.trace.made);
    let mut summary = Summary {
        calls: learned.trace.made.len(),
        excluded: Excluded::ALL.map(|why| excluded.get(&why).copied().unwrap_or(0)),
        ..Summary::default()
    };
    let mut failed = BTreeMap::new();
    for case in cases::spread(cases, most) {
        watchdog.watch(&case);
        let Some(run) = met(case, &directory) else {
            summary.unmet += 1;
            continue;
        };
        summary.tried += 1;
        summary.slowest = summary.slowest.max(run.took);
        summary.leaked += run.descriptors.1.saturating_sub(run.descriptors.0);
        let mut wrong = verdict::judge(tried, Some(case.plan), &run);
        if run.is_left {
            // Whoever binds next is not hindered by the file.
            let next = script::run(tried, None, &directory.0);
            wrong.extend(verdict::judge(tried, None, &next));
        }
        if !wrong.is_empty() {
            failed.insert(case.to_string(), wrong.join("; "));
        }
    }
    let failed_cases = failed.len();
    for (case, wrong) in failed.into_iter().take(20) {
        println!("ANYSOCK_FAULT='{case}': {wrong}");
    }
    assert_eq!(failed_cases, 0, "cases of {} that did not go as specified", tried.name);
    summary.print();
}

/// Runs one case, and tells what came of it.
pub(crate) fn one(text: &str) {
    let (case, directory) = (Case::parse(text), Directory::new());
    clean(case.tried, &directory);
    let run = met(case, &directory);
    let run = run.unwrap_or_else(|| panic!("the script makes no such call: {case}"));
    println!("{case}: took {:?}, descriptors {:?}", run.took, run.descriptors);
    for told in &run.record.told {
        println!("told at {told}");
    }
    let wrong = verdict::judge(case.tried, Some(case.plan), &run);
    assert!(wrong.is_empty(), "ANYSOCK_FAULT='{case}': {}", wrong.join("; "));
}

/// A run in which the fault was met. What would block, and how often, is not the same each time.
fn met(case: Case, directory: &Directory) -> Option<Run> {
    (0..ATTEMPTS).find_map(|_| {
        let run = script::run(case.tried, Some(case.plan), &directory.0);
        run.trace.fired.then_some(run)
    })
}

/// A run without a fault.
fn clean(tried: Tried, directory: &Directory) -> Run {
    let run = script::run(tried, None, &directory.0);
    let mut wrong = verdict::judge(tried, None, &run);
    // A process sets up some things once.
    wrong.retain(|wrong| !wrong.contains("descriptors were open"));
    assert!(wrong.is_empty(), "{}, without a fault: {}", tried.name, wrong.join("; "));
    run
}

/// A directory of this process, which goes with it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let name = format!("anysock-faults-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Ends the process where a case never yields, so that its own deadline cannot fire.
struct Watchdog(Arc<Mutex<(String, Instant)>>);

impl Watchdog {
    fn start() -> Self {
        let watched =
            Arc::new(Mutex::new(("the script without a fault".to_owned(), Instant::now())));
        let seen = Arc::downgrade(&watched);
        thread::spawn(move || {
            while let Some(watched) = seen.upgrade() {
                let (case, since) = watched.lock().unwrap().clone();
                if since.elapsed() > BOUND * 20 {
                    println!("ANYSOCK_FAULT='{case}': the thread does not yield");
                    std::process::exit(1);
                }
                drop(watched);
                thread::sleep(Duration::from_millis(100));
            }
        });
        Self(watched)
    }

    fn watch(&self, case: &Case) {
        *self.0.lock().unwrap() = (case.to_string(), Instant::now());
    }
}

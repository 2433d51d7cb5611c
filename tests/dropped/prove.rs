//! Tries a promise: every case by seed after seed, on two threads, until enough was tried.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::effort::{Effort, tell};
use crate::points::Points;
use crate::probe::Probe;
use crate::stop::{Stop, Verdict};

/// A trial under way.
pub(crate) type Trying<'a> = Pin<Box<dyn Future<Output = Verdict> + 'a>>;

/// What makes one.
pub(crate) type Trial = for<'a> fn(&'a mut Probe) -> Trying<'a>;

/// An operation on a transport.
pub(crate) type Case = (&'static str, &'static str);

/// A trial that takes longer than this hangs.
const LONGEST: Duration = Duration::from_secs(120);

/// How long a promise may be tried for its drop points. They are there long before.
const ENOUGH: Duration = Duration::from_secs(600);

/// A prime: cases are tried in steps of so many.
const STRIDE: usize = 37;

/// A promise, and how many drop points it is tried at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    pub(crate) words: &'static str,
    pub(crate) quick: u64,
    pub(crate) short: u64,
    pub(crate) long: u64,
}

/// Descriptors are the process's: one promise at a time is tried.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Promise {
    /// Tries it, and tells how it went.
    pub(crate) fn try_all(self, cases: &[Case], trial: Trial) {
        let _alone = alone();
        // What a first runtime opens for all that follow.
        drop(runtime());
        if let Ok(asked) = std::env::var("ANYSOCK_DROP") {
            return replay(&asked, cases, trial);
        }
        let effort = Effort::asked();
        assert!(cases.len() % STRIDE > 0, "a case would be left out");
        let target = effort.pick(self.quick, self.short, self.long);
        let before = descriptors();
        let started = Instant::now();
        let points = Arc::new(Points::default());
        let next = AtomicU64::new(0);
        let failure = Mutex::new(None);
        let is_over = AtomicBool::new(false);
        let work = || {
            while !is_over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let seed = number / cases.len() as u64;
                // Neighbours are alike: few of them are to be of all kinds.
                let case = number as usize * STRIDE % cases.len();
                let enough = points.count() >= target || started.elapsed() > ENOUGH;
                if enough && (seed > 0 || effort == Effort::Quick) {
                    break;
                }
                let probe = Probe::new(cases[case], seed, u32::MAX, Arc::clone(&points));
                if let Err(stop) = run(probe, trial) {
                    is_over.store(true, Ordering::Relaxed);
                    failure.lock().unwrap().get_or_insert(stop);
                }
            }
        };
        std::thread::scope(|scope| {
            let other = scope.spawn(work);
            work();
            other.join().unwrap();
        });
        if let Some(Stop(what)) = failure.into_inner().unwrap() {
            panic!("{what}");
        }
        let left = descriptors().saturating_sub(before);
        assert_eq!(left, 0, "descriptors were left open by {cases:?}");
        let count = points.count();
        assert!(count >= target, "of {target} drop points only {count} came about");
        println!(
            "{}: {} ({} trials, {:?})",
            self.words,
            points.summary(),
            next.load(Ordering::Relaxed),
            started.elapsed()
        );
        let tried = format!("{count} drop points, {} cases", cases.len());
        tell(self.words, tried, format!("0 lost, doubled, split; {left} descriptors"), "0; 0");
    }
}

/// Tries one drop point again, if it is one of these cases.
fn replay(asked: &str, cases: &[Case], trial: Trial) {
    let words: Vec<_> = asked.split(' ').collect();
    let [operation, transport, seed, polls] = words[..] else {
        panic!("ANYSOCK_DROP is 'operation transport seed k', and not {asked:?}");
    };
    let (seed, polls) = (seed.parse().unwrap(), polls.parse().unwrap());
    let Some(case) = cases.iter().find(|case| **case == (operation, transport)) else { return };
    let before = descriptors();
    let points = Arc::new(Points::default());
    run(Probe::new(*case, seed, polls, Arc::clone(&points)), trial).unwrap_or_else(|stop| {
        panic!("{stop}");
    });
    assert_eq!(descriptors(), before, "descriptors were left open");
    println!("ANYSOCK_DROP='{asked}': held at {} drop points", points.count());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Runs one trial on a runtime of its own.
fn run(mut probe: Probe, trial: Trial) -> Verdict {
    let tried = catch_unwind(AssertUnwindSafe(|| {
        runtime().block_on(async {
            let trying = tokio::time::timeout(LONGEST, trial(&mut probe)).await;
            trying
                .unwrap_or_else(|_| Err(Stop::new(format_args!("the trial hangs for {LONGEST:?}"))))
        })
    }));
    let verdict = tried.unwrap_or_else(|_| Err(Stop::new("a panic, told above")));
    let polls = probe.polls();
    verdict.map_err(|stop| {
        Stop(format!("ANYSOCK_DROP='{}': dropped at poll {polls}: {stop}", probe.name()))
    })
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

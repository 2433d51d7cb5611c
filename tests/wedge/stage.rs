//! Where a case is played and watched: a runtime of one thread, with a timer that ticks beside it.
//!
//! Who watches is another thread, so that a runtime that is wedged is told of like any other.

use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;
use std::time::{Duration, Instant};

use anysock::Cell;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;

use crate::report::{Ended, Report};
use crate::trap::Case;
use crate::usage;

/// How often the timer ticks.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// How long it may take to get to the point, or to go on once it can.
const DEADLINE: Duration = Duration::from_secs(20);

/// The stage as a case sees it.
pub(crate) struct Stage {
    pub(crate) cell: Cell,
    /// A directory that is removed by who started this process.
    pub(crate) directory: PathBuf,
    tell: mpsc::Sender<Told>,
    watched: Arc<Watched>,
}

/// What the watching thread looks at.
struct Watched {
    ticks: AtomicU64,
    last_tick: Mutex<Instant>,
    worst: Mutex<Duration>,
    polls: AtomicU64,
    /// Messages that were handed out in a poll that has not returned, and the most in any.
    handed: AtomicU64,
    most: AtomicU64,
    /// The address space before it was all about that.
    before: AtomicU64,
    is_over: AtomicBool,
    over: Notify,
}

enum Told {
    Begun,
    Released,
    Ended(Result<(), String>),
}

/// What ends the blocking of an operation.
pub(crate) type Release = Box<dyn FnOnce()>;

/// Plays one case, and watches it for `window`.
pub(crate) fn play<F: Future<Output = ()>>(
    played: Case,
    directory: PathBuf,
    window: Duration,
    case: impl FnOnce(Stage) -> F + Send + 'static,
) -> Report {
    let memory = usage::Memory::open();
    let (tell, hear) = mpsc::channel();
    let watched = Arc::new(Watched::new());
    let stage = Stage { cell: played.cell, directory, tell, watched: Arc::clone(&watched) };
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(case(stage));
    });
    let Ok(Told::Begun) = hear.recv_timeout(DEADLINE) else {
        return Report::never_begun(window);
    };
    let (ticks, before) = (watched.ticks.load(Relaxed), usage::processor());
    // What is measured is a span of time: nothing is waited for.
    std::thread::sleep(window);
    let used = usage::processor() - before;
    let ticks = watched.ticks.load(Relaxed) - ticks;
    let since = watched.last_tick.lock().unwrap().elapsed();
    let late = (*watched.worst.lock().unwrap()).max(since.saturating_sub(TICK));
    let polls = watched.polls.load(Relaxed);
    let most = watched.most.load(Relaxed).max(watched.handed.load(Relaxed));
    watched.is_over.store(true, Relaxed);
    watched.over.notify_one();
    // Where no other task runs, this one does not end either.
    let patience = if ticks < played.trap.least_ticks(window) { TICK } else { DEADLINE };
    let ended = match hear.recv_timeout(patience) {
        Ok(Told::Released) => hear.recv_timeout(patience),
        other => other,
    };
    let ended = match ended {
        Ok(Told::Ended(Ok(()))) => Ended::Well,
        Ok(Told::Ended(Err(why))) => Ended::Otherwise(why),
        Ok(_) | Err(mpsc::RecvTimeoutError::Timeout) => Ended::Not,
        Err(mpsc::RecvTimeoutError::Disconnected) => Ended::Otherwise("it panicked".into()),
    };
    let grown = memory.peak().saturating_sub(watched.before.load(Relaxed));
    Report { ended, ticks, late, used, polls, most, window, grown }
}

impl Stage {
    /// Watches `operation` until the window is over. Then `release` lets it go on, and it must
    /// end; what has nothing to be released must have ended before.
    pub(crate) async fn watch(
        self,
        operation: impl Future<Output = Result<(), String>>,
        release: Option<Release>,
    ) {
        let ticking = tokio::spawn(tick(Arc::clone(&self.watched)));
        while self.watched.ticks.load(Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let mut operation = pin!(operation);
        let mut over = pin!(self.watched.over.notified());
        let mut ended = None;
        *self.watched.worst.lock().unwrap() = Duration::ZERO;
        self.tell.send(Told::Begun).unwrap();
        poll_fn(|cx| {
            if ended.is_none() {
                self.watched.polls.fetch_add(1, Relaxed);
                if let Poll::Ready(done) = operation.as_mut().poll(cx) {
                    ended = Some(done);
                }
            }
            over.as_mut().poll(cx)
        })
        .await;
        let ended = match (ended, release) {
            (Some(ended), _) => ended,
            (None, Some(release)) => {
                release();
                self.tell.send(Told::Released).unwrap();
                operation.await
            }
            (None, None) => {
                // Nothing more can come. Whoever is fast enough to be late is given some time.
                match tokio::time::timeout(DEADLINE / 20, operation).await {
                    Ok(ended) => ended,
                    Err(_) => Err(ASLEEP.into()),
                }
            }
        };
        self.tell.send(Told::Ended(ended)).unwrap();
        // What it holds is left as it is, and the timer ticks on, until the process is killed.
        let _ = ticking.await;
    }

    /// What counts the messages that are handed out.
    pub(crate) fn counter(&self) -> Counter {
        Counter(Arc::clone(&self.watched))
    }

    /// From here on it is told by how much the address space grows, and it may not grow by more
    /// than `room`, in bytes.
    pub(crate) fn limit_growth(&self, room: u64) {
        let before = usage::Memory::open().size();
        self.watched.before.store(before, Relaxed);
        usage::limit_address_space(before + room);
    }

    /// Whether the window is over; for operations that go on until then.
    pub(crate) fn is_over(&self) -> impl Fn() -> bool + use<> {
        let watched = Arc::clone(&self.watched);
        move || watched.is_over.load(Relaxed)
    }
}

/// Counts the messages that a task is handed.
pub(crate) struct Counter(Arc<Watched>);

impl Counter {
    /// One more.
    pub(crate) fn count(&self) {
        self.0.handed.fetch_add(1, Relaxed);
    }

    /// Keeps those of one poll apart from those of the next.
    pub(crate) async fn by_poll<F: Future>(&self, receiving: F) -> F::Output {
        let mut receiving = pin!(receiving);
        poll_fn(|cx| {
            let done = receiving.as_mut().poll(cx);
            self.0.most.fetch_max(self.0.handed.swap(0, Relaxed), Relaxed);
            done
        })
        .await
    }
}

/// What is said of an operation that could have ended and has not.
pub(crate) const ASLEEP: &str = "it sleeps, and what it waits for is there";

impl Watched {
    fn new() -> Self {
        Self {
            ticks: AtomicU64::new(0),
            last_tick: Mutex::new(Instant::now()),
            worst: Mutex::default(),
            polls: AtomicU64::new(0),
            handed: AtomicU64::new(0),
            most: AtomicU64::new(0),
            before: AtomicU64::new(u64::MAX),
            is_over: AtomicBool::new(false),
            over: Notify::new(),
        }
    }
}

async fn tick(watched: Arc<Watched>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let now = Instant::now();
        let gap = now - std::mem::replace(&mut *watched.last_tick.lock().unwrap(), now);
        let mut worst = watched.worst.lock().unwrap();
        *worst = (*worst).max(gap.saturating_sub(TICK));
        watched.ticks.fetch_add(1, Relaxed);
    }
}

/// Polls once; nothing, if that was too early.
pub(crate) async fn poll_once<F: Future>(mut operation: Pin<&mut F>) -> Option<F::Output> {
    poll_fn(|cx| match operation.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

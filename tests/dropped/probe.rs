//! Polls a future by hand, so often and no more, while the world around it goes on by a schedule.

use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use fastrand::Rng;
use tokio::sync::Notify;

use crate::points::Points;
use crate::stop::{Stop, Verdict, ensure};

/// How long anything may take that is bound to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An operation that takes more polls than this is not followed to its end.
pub(crate) const MOST_POLLS: u32 = 48;

/// One trial: an operation on a transport, by the schedule of a seed.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) operation: &'static str,
    pub(crate) transport: &'static str,
    pub(crate) seed: u64,
    pub(crate) rng: Rng,
    /// The poll after which the future at hand is dropped.
    polls: u32,
    /// Which of the trial's drops is tried, from 0, and the one where a replay ends.
    drop: u32,
    last: u32,
    schedule: DefaultHasher,
    points: Arc<Points>,
}

/// What goes on between two polls: a little of it, as the dice fall.
pub(crate) trait World {
    /// Does one step. What happened, as a number that belongs to the schedule; 0 for nothing.
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64>;
}

/// A world where nothing happens but the reactor.
#[derive(Debug)]
pub(crate) struct Still;

impl World for Still {
    async fn turn(&mut self, _: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        Ok(0)
    }
}

/// Counts how often the future's task was woken.
#[derive(Debug, Default)]
pub(crate) struct Woken {
    count: AtomicU32,
    told: Notify,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.told.notify_one();
    }
}

impl Probe {
    pub(crate) fn new(
        (operation, transport): (&'static str, &'static str),
        seed: u64,
        last: u32,
        points: Arc<Points>,
    ) -> Self {
        let mut schedule = DefaultHasher::new();
        transport.hash(&mut schedule);
        let mut mixed = DefaultHasher::new();
        (operation, transport, seed).hash(&mut mixed);
        let rng = Rng::with_seed(mixed.finish());
        Self { operation, transport, seed, rng, polls: 0, drop: 0, last, schedule, points }
    }

    /// The name by which this drop point is tried again, alone.
    pub(crate) fn name(&self) -> String {
        format!("{} {} {} {}", self.operation, self.transport, self.seed, self.drop)
    }

    /// The poll at which the future at hand is dropped, if it has not completed before.
    pub(crate) fn polls(&self) -> u32 {
        self.polls
    }

    /// Whether a replay ends before this drop.
    pub(crate) fn is_over(&mut self, drop: u32) -> bool {
        self.drop = drop.min(self.last);
        drop > self.last
    }

    /// Something happened that is part of the schedule.
    pub(crate) fn note(&mut self, what: impl Hash) {
        what.hash(&mut self.schedule);
    }

    /// Polls `future` so often, while `world` goes on in between, and drops it; what it gave, if it
    /// completed before that.
    ///
    /// It is polled when it was woken; in every other trial also sometimes when it was not. One
    /// that waits though it could go on, and is not woken, stops the trial.
    pub(crate) async fn drop_at<F: Future>(
        &mut self,
        operation: &'static str,
        polls: u32,
        future: F,
        world: &mut impl World,
    ) -> Verdict<Option<F::Output>> {
        // What is followed to its end is no drop.
        self.polls = if polls == u32::MAX { self.polls } else { polls };
        let mut future = pin!(future);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let spurious = self.rng.bool();
        for poll in 0..polls {
            if poll > 0 {
                self.until_woken(&woken, spurious, world).await?;
            }
            if self.rng.u8(..) < 20 {
                use_up_the_budget().await;
                self.note("no budget");
            }
            woken.count.store(0, Ordering::Release);
            let polled =
                poll_fn(|_| Poll::Ready(future.as_mut().poll(&mut Context::from_waker(&waker))));
            if let Poll::Ready(output) = polled.await {
                self.note((operation, poll, "done"));
                return Ok(Some(output));
            }
        }
        let schedule = self.schedule.finish();
        self.points.add(operation, schedule, polls);
        self.note((operation, polls, "dropped"));
        Ok(None)
    }

    async fn until_woken(
        &mut self,
        woken: &Woken,
        spurious: bool,
        world: &mut impl World,
    ) -> Verdict {
        let started = Instant::now();
        let mut idle = 0;
        loop {
            let what = world.turn(&mut self.rng).await?;
            if what != 0 {
                self.note(what);
                idle = 0;
            }
            let is_woken = woken.count.load(Ordering::Acquire) > 0;
            if is_woken || spurious && self.rng.u8(..) < 40 {
                return Ok(());
            }
            idle += 1;
            if idle > 30 {
                // Nothing else is to be done: until it is woken, or the world may go on by a timer.
                let _ = tokio::time::timeout(Duration::from_millis(1), woken.told.notified()).await;
            }
            ensure!(
                started.elapsed() < PATIENCE,
                "the future was polled {} times at most, and is not woken within {PATIENCE:?}, \
                 though its peer went on",
                self.polls
            );
        }
    }
}

/// Leaves nothing of this task's cooperative budget, until it yields.
async fn use_up_the_budget() {
    while tokio::task::coop::has_budget_remaining() {
        tokio::task::coop::consume_budget().await;
    }
}

/// Polls a future once, in the task at hand, and drops it.
pub(crate) async fn once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

/// What is bound to come, or how it was waited for in vain.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> Verdict<F::Output> {
    let waited = tokio::time::timeout(PATIENCE, future).await;
    waited.map_err(|_| Stop::new(format_args!("{what}: not within {PATIENCE:?}")))
}

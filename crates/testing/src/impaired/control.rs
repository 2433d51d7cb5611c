//! What is done to both lines of a transport from outside: partition, stall, reset.
//!
//! ```text
//! line   Open <--partition, heal--> Partitioned      (a line that may lose messages loses them)
//!        Open <--stall, resume--> Stalled            (nothing is lost)
//!        any --reset--> Reset                        (for good)
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use anysock_framing::Error;

use super::trace::{Happening, Journal, Trace};

/// Which of the two lines of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Out,
    In,
}

/// What is done to an [`Impaired`](super::Impaired) transport from outside, at any time, by any
/// task; to both directions of it. What both a partition and a stall hold up moves on once both
/// are over.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
/// use anysock_testing::impaired::{Impaired, Seed};
///
/// let (mut a, b) = memory::pair();
/// let mut b = Impaired::new(b, Seed::new(1));
/// let handle = b.handle();
/// handle.stall();
/// a.send("late").await?;
/// let receiving = tokio::spawn(async move { b.recv().await });
/// handle.resume();
/// assert_eq!(receiving.await??.unwrap(), "late");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ImpairedHandle(Arc<Control>);

#[derive(Debug)]
pub(crate) struct Control {
    state: Mutex<State>,
    journal: Journal,
    label: Arc<str>,
}

#[derive(Debug, Default)]
struct State {
    partitioned: bool,
    stalled: bool,
    reset: bool,
    wakers: [Option<Waker>; 2],
}

impl ImpairedHandle {
    pub(crate) fn new(control: Arc<Control>) -> Self {
        Self(control)
    }

    /// Parts the two ends. Where messages may be lost, those that come meanwhile are; elsewhere
    /// they wait.
    pub fn partition(&self) {
        self.0.change("partitioned", |state| !std::mem::replace(&mut state.partitioned, true));
    }

    /// Ends the partition.
    pub fn heal(&self) {
        self.0.change("healed", |state| std::mem::take(&mut state.partitioned));
    }

    /// Has everything wait, and nothing lost.
    pub fn stall(&self) {
        self.0.change("stalled", |state| !std::mem::replace(&mut state.stalled, true));
    }

    /// Ends the stall.
    pub fn resume(&self) {
        self.0.change("resumed", |state| std::mem::take(&mut state.stalled));
    }

    /// Breaks the connection: what is on its way is lost, what has arrived can be received, and
    /// then both halves of this end fail with `ConnectionReset`. The other end meets what it
    /// meets when this one is dropped, which is its owner's to do.
    pub fn reset(&self) {
        self.0.reset();
    }

    /// What was done up to now.
    pub fn trace(&self) -> Trace {
        self.0.journal.read()
    }
}

impl Control {
    pub(crate) fn new(journal: Journal, label: Arc<str>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), journal, label })
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn is_reset(&self) -> bool {
        self.state().reset
    }

    pub(super) fn is_partitioned(&self) -> bool {
        self.state().partitioned
    }

    /// Whether nothing may pass on a line that loses what it cannot pass, or on one that does not.
    pub(super) fn is_held_up(&self, loses: bool) -> bool {
        let state = self.state();
        state.stalled || state.partitioned && !loses
    }

    pub(super) fn reset(&self) {
        self.change("reset", |state| !std::mem::replace(&mut state.reset, true));
    }

    /// Wakes the task that waits at `side` when something changes.
    pub(super) fn register(&self, side: Side, cx: &Context<'_>) {
        let mut state = self.state();
        let waker = &mut state.wakers[side as usize];
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            let replaced = waker.replace(cx.waker().clone());
            drop(state);
            drop(replaced);
        }
    }

    /// Wakes both sides if `change` says that it changed something.
    fn change(&self, what: &'static str, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state();
        if !change(&mut state) {
            return;
        }
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.journal.write(&self.label, Happening::Event(what));
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn reset() -> Error {
    io::Error::from(io::ErrorKind::ConnectionReset).into()
}

//! Trying again for a while, instead of waiting at once.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The longest time that a task may be told to try again for, instead of waiting: 1 ms. Beyond
/// that, being woken costs little in comparison.
pub const LONGEST_BUSY_POLL: Duration = Duration::from_millis(1);

/// For how long trying again goes on.
///
/// ```text
///   Idle ── found nothing ──> Since(then) ── for long enough ──> Over
///    ^                            │                               │
///    └────────────────────── something came ──────────────────────┘
/// ```
#[derive(Debug, Default)]
pub(crate) struct Busy {
    /// In nanoseconds; 0 if it is off.
    longest: AtomicU32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Idle,
    Since(Instant),
    Over,
}

impl Busy {
    /// Refuses what is too long.
    pub(crate) fn set(&self, longest: Duration) -> io::Result<()> {
        check(longest)?;
        // What was checked fits.
        let nanoseconds = u32::try_from(longest.as_nanos()).unwrap_or(0);
        self.longest.store(nanoseconds, Ordering::Relaxed);
        Ok(())
    }

    /// Whether it is worth trying now.
    pub(crate) fn is_on(&self) -> bool {
        self.longest.load(Ordering::Relaxed) > 0 && !matches!(*self.state(), State::Over)
    }

    /// Something came.
    pub(crate) fn begin_anew(&self) {
        if self.longest.load(Ordering::Relaxed) > 0 {
            *self.state() = State::Idle;
        }
    }

    /// Nothing was found; whether to go on.
    pub(crate) fn goes_on(&self) -> bool {
        let longest = Duration::from_nanos(self.longest.load(Ordering::Relaxed).into());
        let mut state = self.state();
        match *state {
            State::Idle => *state = State::Since(Instant::now()),
            State::Since(then) if then.elapsed() < longest => {}
            State::Since(_) | State::Over => *state = State::Over,
        }
        matches!(*state, State::Since(_))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses what is longer than [`LONGEST_BUSY_POLL`].
pub(crate) fn check(longest: Duration) -> io::Result<()> {
    if longest <= LONGEST_BUSY_POLL {
        return Ok(());
    }
    let what = format!(
        "busy polling for {longest:?} would keep a processor busy; at most {LONGEST_BUSY_POLL:?}"
    );
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

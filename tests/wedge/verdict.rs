//! What is said of a case once it was played.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use crate::report::{Ended, Report};
use crate::stage::ASLEEP;
use crate::trap::Trap;

/// The most of one processor that may be used while an operation is blocked.
pub(crate) const SHARE: f64 = 0.05;
/// The goal for the timer beside it, which a machine with other work may miss.
pub(crate) const LATE: Duration = Duration::from_millis(50);

/// The most messages that a task may be handed before others run: tokio's cooperative budget.
pub(crate) const BUDGET: u64 = 128;

/// How it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Well,
    /// No other task of the runtime runs: its timer has stopped.
    Stops,
    /// The others run, and so does the processor.
    Burns,
    /// What it waits for is there, and it is never told.
    Sleeps,
    /// It says "would block" to who was to be spared that.
    WouldBlock,
    /// The process is aborted.
    Aborts,
    /// Anything else.
    Fails,
}

impl Verdict {
    /// Of a process that has told of it, or has ended with `status` before.
    pub(crate) fn of(trap: Trap, report: Option<&Report>, status: ExitStatus) -> Self {
        let Some(report) = report else {
            let aborts = status.signal() == Some(libc::SIGABRT);
            return if aborts { Self::Aborts } else { Self::Fails };
        };
        if !report.has_begun() {
            return Self::Fails;
        }
        if report.ticks < trap.least_ticks(report.window) || report.most > BUDGET {
            return Self::Stops;
        }
        if trap.is_blocked() && report.share() > SHARE {
            return Self::Burns;
        }
        match &report.ended {
            Ended::Well => Self::Well,
            Ended::Not => Self::Sleeps,
            Ended::Otherwise(why) if why == ASLEEP => Self::Sleeps,
            Ended::Otherwise(why) if is_would_block(why) => Self::WouldBlock,
            Ended::Otherwise(_) => Self::Fails,
        }
    }

    pub(crate) fn is_wedge(self) -> bool {
        self != Self::Well
    }
}

fn is_would_block(why: &str) -> bool {
    let kernels = std::io::Error::from_raw_os_error(libc::EAGAIN).to_string();
    let ours = std::io::Error::from(std::io::ErrorKind::WouldBlock).to_string();
    why == kernels || why == ours
}

/// The most polls of a blocked operation: pauses grow from half a millisecond to 20.
pub(crate) fn most_polls(window: Duration) -> u64 {
    20 + window.as_millis() as u64 / 10
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Well => "well",
            Self::Stops => "STOPS",
            Self::Burns => "BURNS",
            Self::Sleeps => "SLEEPS",
            Self::WouldBlock => "WOULD BLOCK",
            Self::Aborts => "ABORTS",
            Self::Fails => "FAILS",
        })
    }
}

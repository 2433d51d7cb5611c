//! What was done to which message.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::decision::Decision;

/// What was done to which message, in the order in which it was done.
///
/// A snapshot: it does not grow any more. Two of them are equal if all was done to the same
/// messages at the same times.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
/// use anysock_testing::impaired::{Impaired, Impairments, Seed};
///
/// let (a, _b) = memory::pair();
/// let mut a = Impaired::new(a, Seed::new(1)).outgoing(Impairments::none().loss(1.0));
/// a.send("never seen again").await?;
/// let trace = a.handle().trace();
/// assert_eq!(trace.records().len(), 1);
/// assert!(trace.to_string().ends_with("out #0, 16 bytes: lost\n"));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    records: Vec<Record>,
    forgotten: u64,
}

/// One line of a [`Trace`].
///
/// ```
/// use anysock_testing::impaired::{Record, Trace};
/// fn lost(trace: &Trace) -> usize {
///     use anysock_testing::impaired::Happening::Message;
///     let lost = |record: &&Record| {
///         matches!(record.what, Message { decision, .. } if decision.lost)
///     };
///     trace.records().iter().filter(lost).count()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// When it was done, since the beginning.
    pub at: Duration,
    /// On which line: `out`, `in`, or from host to host in a network.
    pub line: Arc<str>,
    /// What it was.
    pub what: Happening,
}

/// What a [`Record`] tells of.
///
/// ```
/// use anysock_testing::impaired::{Decision, Happening};
/// let passed = Happening::Message { number: 3, length: 5, decision: Decision::default() };
/// assert_eq!(passed.to_string(), "#3, 5 bytes: passed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// A message came by.
    Message {
        /// Its number on the line, from 0.
        number: u64,
        /// Its length as it was sent, in bytes.
        length: usize,
        /// What was decided for it. A message that a partition swallowed counts as lost.
        decision: Decision,
    },
    /// Somebody said so: a partition, a stall, a reset, a connection.
    Event(&'static str),
}

/// Where everybody writes.
#[derive(Clone, Debug)]
pub(crate) struct Journal(Arc<Pages>);

#[derive(Debug)]
struct Pages {
    start: Instant,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    records: VecDeque<Record>,
    forgotten: u64,
}

impl Trace {
    /// The most records that are kept; of more the oldest are forgotten, and counted.
    pub const MAX_RECORDS: usize = 65_536;

    /// The records, the oldest first.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// How many older ones were forgotten.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Pages { start: Instant::now(), written: Mutex::default() }))
    }

    pub(crate) fn write(&self, line: &Arc<str>, what: Happening) {
        let record = Record { at: self.0.start.elapsed(), line: Arc::clone(line), what };
        let mut written = self.written();
        if written.records.len() == Trace::MAX_RECORDS {
            written.records.pop_front();
            written.forgotten += 1;
        }
        written.records.push_back(record);
    }

    pub(crate) fn read(&self) -> Trace {
        let written = self.written();
        Trace { records: written.records.iter().cloned().collect(), forgotten: written.forgotten }
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.0.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { number, length, decision } => {
                write!(f, "#{number}, {length} bytes: {decision}")
            }
            Self::Event(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12.6}s  {} {}", self.at.as_secs_f64(), self.line, self.what)
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.forgotten > 0 {
            writeln!(f, "({} older records are forgotten)", self.forgotten)?;
        }
        self.records.iter().try_for_each(|record| writeln!(f, "{record}"))
    }
}

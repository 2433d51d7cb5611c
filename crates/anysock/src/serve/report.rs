//! What a service has done, told at its end.

use std::fmt;

use anysock_async::ListenerStats;
use anysock_core::Endpoint;
use anysock_framing::Error;

/// What became of all connections of a service.
///
/// Each accepted connection is counted once more, by its end:
/// `accepted == finished + failed + aborted + panicked`. Refused ones are not among them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::{Error, Report};
///
/// let listener = anysock::bind("unix:").await?;
/// let report: Report = anysock::serve(listener, |_| async { Ok::<_, Error>(()) })
///     .shutdown(async {}, Duration::ZERO) // at once
///     .await;
/// assert_eq!((report.accepted, report.refused()), (0, 0));
/// println!("{report}");
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// Connections that were given to a handler.
    pub accepted: u64,
    /// Handlers that returned `Ok`.
    pub finished: u64,
    /// Handlers that returned an error.
    pub failed: u64,
    /// Handlers that were still at work when the grace was over, and were dropped.
    pub aborted: u64,
    /// Handlers that panicked, each of which cost its own connection.
    pub panicked: u64,
    /// Of the aborted, those that had not let go a second later: they never wait, so that nothing
    /// can stop them.
    pub stuck: u64,
    /// Connections closed unserved, because their address had as many as it may.
    pub refused_per_address: u64,
    /// Connections closed unserved, because their user had as many as it may.
    pub refused_per_uid: u64,
    /// The same by listener, in the order in which they were given.
    pub listeners: Vec<ListenerReport>,
}

/// What became of one listener.
///
/// ```
/// fn failed(report: &anysock::Report) -> impl Iterator<Item = &anysock::ListenerReport> {
///     report.listeners.iter().filter(|listener| listener.error.is_some())
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ListenerReport {
    /// Where it was.
    pub endpoint: Endpoint,
    /// Connections of it that were given to a handler.
    pub accepted: u64,
    /// Connections of it that were closed unserved.
    pub refused: u64,
    /// What it had counted itself when it was closed: what the gate refused, what was lost before
    /// it was accepted, datagrams that found no room.
    pub stats: ListenerStats,
    /// Why it ended before the service did, if it did.
    pub error: Option<Error>,
}

impl Report {
    /// All that were refused, for whatever limit.
    pub fn refused(&self) -> u64 {
        self.refused_per_address + self.refused_per_uid
    }
}

impl ListenerReport {
    pub(super) fn new(endpoint: Endpoint) -> Self {
        Self { endpoint, accepted: 0, refused: 0, stats: ListenerStats::default(), error: None }
    }
}

/// A table with a line for each count, and one for each listener.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            ("accepted", self.accepted),
            ("  finished", self.finished),
            ("  failed", self.failed),
            ("  aborted", self.aborted),
            ("  panicked", self.panicked),
            ("refused", self.refused()),
            ("  per address", self.refused_per_address),
            ("  per uid", self.refused_per_uid),
        ];
        let names = self.listeners.iter().map(|listener| listener.endpoint.to_string().len());
        let width = names.chain(counts.map(|(name, _)| name.len())).max().unwrap_or(0);
        for (name, count) in counts {
            writeln!(f, "{name:width$}  {count:>10}")?;
        }
        for listener in &self.listeners {
            let endpoint = listener.endpoint.to_string();
            write!(f, "{endpoint:width$}  {:>10} accepted", listener.accepted)?;
            write!(f, ", {} refused", listener.refused)?;
            if listener.stats.dropped > 0 {
                write!(f, ", {} datagrams dropped", listener.stats.dropped)?;
            }
            if listener.stats.replies_dropped > 0 {
                write!(f, ", {} replies dropped", listener.stats.replies_dropped)?;
            }
            match &listener.error {
                Some(error) => writeln!(f, ", ended: {error}")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

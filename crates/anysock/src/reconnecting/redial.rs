//! Connecting until it works, or until there is no use in it.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use anysock_framing::{Error, ErrorKind};
use tokio::time::Instant;

use super::Backoff;
use crate::{Connect, Connection};

/// A connection under way.
pub(super) type Redial = Pin<Box<dyn Future<Output = Result<Dialled, GaveUp>> + Send>>;

/// A connection that was made.
pub(super) struct Dialled {
    pub(super) connection: Connection,
    /// The attempts it took.
    pub(super) attempts: u32,
    /// How high the ceiling of the next pause is.
    pub(super) step: u32,
}

/// Connects, and connects again, as it was told.
#[derive(Debug)]
pub(super) struct Redialer {
    connect: Connect,
    backoff: Backoff,
    /// Pauses since the last connection that proved itself.
    step: u32,
}

impl Redialer {
    pub(super) fn new(connect: Connect, backoff: Backoff) -> Self {
        Self { connect, backoff, step: 0 }
    }

    /// Connects; after a connection was lost there is a pause first.
    pub(super) fn dial(&self, again: bool) -> Redial {
        if again && self.connect.is_inherited() {
            let what = "an inherited socket is connected by whoever passes it, and not again by this \
                        process";
            let error = io::Error::new(io::ErrorKind::Unsupported, what).into();
            let gave_up = GaveUp::new(1, Reason::Permanent, error);
            return Box::pin(std::future::ready(Err(gave_up)));
        }
        let until = self.backoff.total().and_then(|total| Instant::now().checked_add(total));
        Box::pin(dial(self.connect.clone(), self.backoff.clone(), self.step, until, again))
    }

    /// Whether a connection has to be gone before the next one can take its place.
    pub(super) fn has_place(&self) -> bool {
        self.connect.has_place()
    }

    /// A connection was made.
    pub(super) fn note(&mut self, dialled: &Dialled) {
        self.step = dialled.step;
    }

    /// A connection was lost that lasted so long.
    pub(super) fn lost(&mut self, lasted: Duration, brought_a_message: bool) {
        if brought_a_message || lasted >= self.backoff.ceiling(u32::MAX) {
            self.step = 0;
        }
    }
}

async fn dial(
    connect: Connect,
    backoff: Backoff,
    mut step: u32,
    until: Option<Instant>,
    mut pauses: bool,
) -> Result<Dialled, GaveUp> {
    let mut attempts = 0;
    loop {
        let attempt = async {
            if pauses {
                tokio::time::sleep(backoff.pause(step)).await;
            }
            connect.clone().into_future().await
        };
        let connected = match until {
            Some(until) => tokio::time::timeout_at(until, attempt).await.ok(),
            None => Some(attempt.await),
        };
        step = step.saturating_add(u32::from(pauses));
        pauses = true;
        attempts += 1;
        let error = match connected {
            Some(Ok(connection)) => return Ok(Dialled { connection, attempts, step }),
            Some(Err(error)) => error,
            None => return Err(GaveUp::new(attempts, Reason::Late, late())),
        };
        tracing::debug!(attempts, %error, "cannot connect yet");
        let reason = match () {
            () if is_permanent(&error) => Reason::Permanent,
            () if backoff.is_over(attempts) => Reason::Attempts,
            () => continue,
        };
        return Err(GaveUp::new(attempts, reason, error));
    }
}

fn late() -> Error {
    io::Error::new(io::ErrorKind::TimedOut, "the time for connecting is over").into()
}

fn is_permanent(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Io(error) => anysock_async::is_permanent(error),
        // Of ours: what was asked for cannot be had.
        _ => true,
    }
}

/// Connecting was given up, and why.
///
/// Comes wrapped in a fatal [`Error`], of the kind of the last attempt's:
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::{Backoff, GaveUp};
///
/// let connect = anysock::connect("unix:@nobody-is-here").reconnecting(Backoff::default().attempts(1));
/// let error = connect.await.unwrap_err();
/// let gave_up = GaveUp::of(&error).unwrap();
/// assert_eq!((gave_up.attempts(), gave_up.is_permanent()), (1, false));
/// assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionRefused));
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GaveUp {
    attempts: u32,
    reason: Reason,
    cause: Arc<Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Permanent,
    Attempts,
    Late,
}

impl GaveUp {
    fn new(attempts: u32, reason: Reason, cause: Error) -> Self {
        tracing::warn!(attempts, error = %cause, "gave up connecting");
        Self { attempts, reason, cause: Arc::new(cause) }
    }

    /// The one inside of `error`, if it is one.
    pub fn of(error: &Error) -> Option<&Self> {
        match error.kind() {
            ErrorKind::Io(error) => error.get_ref()?.downcast_ref(),
            _ => None,
        }
    }

    /// How many attempts there were since the connection was lost, from 1.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether trying again could not have mended it: see
    /// [`is_permanent`](crate::sockets::is_permanent). Else the attempts or the time were over.
    pub fn is_permanent(&self) -> bool {
        self.reason == Reason::Permanent
    }

    /// Why the last attempt failed.
    pub fn cause(&self) -> &Error {
        &self.cause
    }
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attempts, reason, cause } = self;
        let why = match reason {
            Reason::Permanent => "trying again cannot mend it",
            Reason::Attempts => "no more attempts are allowed",
            Reason::Late => "no more time is allowed",
        };
        write!(f, "gave up connecting at attempt {attempts}, {why}: {cause}")
    }
}

impl std::error::Error for GaveUp {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

impl From<GaveUp> for Error {
    fn from(gave_up: GaveUp) -> Self {
        let kind = gave_up.cause.io_kind().unwrap_or(io::ErrorKind::Other);
        io::Error::new(kind, gave_up).into()
    }
}

//! `serve(listeners, handler)`: a task for each connection, within limits, to an orderly end.

mod admission;
mod report;
mod service;
mod shutdown;

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use anysock_framing::{Limits, Quota};
use tokio::sync::watch;

use self::admission::Admission;
use self::service::Service;
use crate::{Connection, Listener};

pub use self::report::{ListenerReport, Report};
pub use self::shutdown::{Phase, Shutdown};

/// Serves one listener or several, of any cells, with a handler for each connection. Await it,
/// after saying what differs from the defaults.
///
/// Each connection has a task of its own on the runtime, so that a handler that panics costs its
/// own connection only (unless the program was built with `panic = "abort"`). A handler's error is
/// counted, and logged at debug level. It runs until the [shutdown](Serve::shutdown), or until
/// every listener has failed for good: one that fails leaves the others running, and stands in the
/// [`Report`]. Errors of accepting that pass are waited out by the listeners themselves, with
/// pauses of 5 ms to 1 s where descriptors or memory are short.
///
/// # Cancel safety
///
/// Dropping the future closes the listeners and drops every handler where it waits.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::{Error, prelude::*};
///
/// let listeners = [anysock::bind("tcp://127.0.0.1:0").await?, anysock::bind("unix:").await?];
/// let endpoint = listeners[1].endpoint().clone();
/// let serving = anysock::serve(listeners, |mut peer| async move {
///     while let Some(message) = peer.recv().await? {
///         peer.feed(message).await?;
///     }
///     Ok::<_, Error>(())
/// })
/// .max_connections(1000)
/// .idle(Duration::from_secs(60))
/// .shutdown(tokio::time::sleep(Duration::from_millis(50)), Duration::from_secs(5));
///
/// let (report, answer) = tokio::join!(serving.into_future(), async {
///     let mut client = anysock::connect(endpoint).await?;
///     client.send("hello").await?;
///     client.recv().await
/// });
/// assert_eq!(answer?.unwrap(), "hello");
/// assert_eq!(report.accepted, 1);
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn serve<H, F, E>(listeners: impl Into<Vec<Listener>>, handler: H) -> Serve<H>
where
    H: FnMut(Connection) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{
    Serve {
        listeners: listeners.into(),
        handler,
        max_connections: DEFAULT_CONNECTIONS,
        admission: Admission::default(),
        limits: Limits::default(),
        signal: Box::pin(std::future::pending()),
        grace: None,
        phase: watch::Sender::new(Phase::Running { connections: 0 }),
    }
}

const DEFAULT_CONNECTIONS: usize = 10_000;

/// A service to be run: the builder of [`serve`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::{Error, Quota};
///
/// let listener = anysock::bind("tcp://127.0.0.1:0").await?;
/// let serving = anysock::serve(listener, |_| async { Ok::<_, Error>(()) })
///     .max_connections(1000)
///     .max_per_address(10)
///     .max_message(4096)
///     .rate(Quota::messages(100, 20))
///     .idle(Duration::from_secs(60))
///     .shutdown(async {}, Duration::from_secs(5));
/// let phases = serving.phases();
/// serving.await;
/// assert_eq!(*phases.borrow(), anysock::Phase::Done);
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is served unless this is awaited"]
pub struct Serve<H> {
    listeners: Vec<Listener>,
    handler: H,
    max_connections: usize,
    admission: Admission,
    limits: Limits,
    signal: Pin<Box<dyn Future<Output = ()> + Send>>,
    grace: Option<Duration>,
    phase: watch::Sender<Phase>,
}

impl<H> Serve<H> {
    /// How many connections are served at a time, over all listeners; 10,000 unless said, and never
    /// less than one. Nothing is accepted beyond: those that come wait in the kernel's backlog,
    /// where they cost this process neither memory nor a descriptor. (Unaccepted senders of
    /// datagrams wait in the listener, within its [`PeerLimits`](crate::PeerLimits).)
    pub fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most.max(1);
        self
    }

    /// How many connections, or senders of datagrams, are served at a time of one address, whatever
    /// its port. Further ones are closed at once, and counted. On unix sockets that is the name of
    /// the other end: those without a name, as clients mostly are, are not limited by it.
    pub fn max_per_address(mut self, most: usize) -> Self {
        self.admission.limit_per_address(most);
        self
    }

    /// How many connections are served at a time of one user. Further ones are closed at once, and
    /// counted. Unix streams and seqpacket tell the user (`SO_PEERCRED`, unix(7)); others are not
    /// limited by it.
    pub fn max_per_uid(mut self, most: usize) -> Self {
        self.admission.limit_per_uid(most);
        self
    }

    /// The limits of each connection, all at once, instead of those said before. A connection under
    /// limits is a [`Connection`] that still tells its addresses.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The longest message of each connection, in bytes: see [`Limits::max_message`].
    /// [`Bind::max`](crate::Bind::max) says the same to the transport itself, which then need not
    /// hold longer ones first.
    pub fn max_message(mut self, bytes: usize) -> Self {
        self.limits = self.limits.max_message(bytes);
        self
    }

    /// How much is received of each connection: see [`Limits::rate`].
    pub fn rate(mut self, quota: Quota) -> Self {
        self.limits = self.limits.rate(quota);
        self
    }

    /// How long nothing may pass on a connection: see [`Limits::idle`].
    pub fn idle(mut self, after: Duration) -> Self {
        self.limits = self.limits.idle(after);
        self
    }

    /// When to stop, and how long handlers may then take to finish.
    ///
    /// When `signal` completes (a [`Shutdown`], or any other future), the listeners are closed:
    /// connections that nobody had accepted are reset by the kernel. Handlers go on, until all have
    /// ended or `grace` is over; those that are left then are dropped where they wait.
    ///
    /// Without this, it serves until the listeners fail, and then for as long as its handlers take.
    pub fn shutdown<S>(mut self, signal: S, grace: Duration) -> Self
    where
        S: IntoFuture<Output = ()>,
        S::IntoFuture: Send + 'static,
    {
        self.signal = Box::pin(signal.into_future());
        self.grace = Some(grace);
        self
    }

    /// Tells how far it is, now and at each change. After [`Phase::Done`], or when the service was
    /// dropped, the sender is gone.
    pub fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }
}

impl<H> fmt::Debug for Serve<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serve")
            .field("listeners", &self.listeners)
            .field("max_connections", &self.max_connections)
            .field("admission", &self.admission)
            .field("limits", &self.limits)
            .field("grace", &self.grace)
            .field("phase", &*self.phase.borrow())
            .finish_non_exhaustive()
    }
}

impl<H, F, E> IntoFuture for Serve<H>
where
    H: FnMut(Connection) -> F + Send + 'static,
    F: Future<Output = Result<(), E>> + Send + 'static,
    E: fmt::Display + Send + 'static,
{
    type Output = Report;
    type IntoFuture = Pin<Box<dyn Future<Output = Report> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(Service::new(self).run())
    }
}

/// One listener, where several are expected.
impl From<Listener> for Vec<Listener> {
    fn from(listener: Listener) -> Self {
        vec![listener]
    }
}

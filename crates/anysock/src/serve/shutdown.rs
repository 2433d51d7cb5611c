//! How a service is told to stop, and how far it is.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::watch;

/// Tells services to stop, and handlers that they are to finish. Clones are one handle.
///
/// Given to [`Serve::shutdown`](crate::Serve::shutdown), it begins the shutdown of that service; a
/// handler that holds a clone sees it begin, and ends its conversation at the next good place. A
/// handler that does not look at it is aborted when the grace is over.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::{Connection, Error, Shutdown, prelude::*};
///
/// async fn echo(mut peer: Connection, shutdown: Shutdown) -> Result<(), Error> {
///     loop {
///         tokio::select! {
///             biased; // what has come is answered first
///             message = peer.recv() => match message? {
///                 Some(message) => peer.feed(message).await?,
///                 None => break,
///             },
///             () = shutdown.begun() => break,
///         }
///     }
///     peer.close().await
/// }
///
/// let shutdown = Shutdown::new();
/// let listener = anysock::bind("tcp://127.0.0.1:0").await?;
/// let mut client = anysock::connect(listener.endpoint()).await?;
/// let handles = shutdown.clone();
/// let serving = anysock::serve(listener, move |peer| echo(peer, handles.clone()))
///     .shutdown(shutdown.clone(), Duration::from_secs(5));
/// let serving = tokio::spawn(serving.into_future());
///
/// client.send("hello").await?;
/// assert_eq!(client.recv().await?.unwrap(), "hello");
/// shutdown.begin();
/// assert!(client.recv().await?.is_none());
/// client.close().await?;
/// assert_eq!(serving.await?.finished, 1);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<watch::Sender<bool>>);

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// One that has not begun.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Begins the shutdown; again, it does nothing.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until it has begun; at once from then on.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: call it again.
    pub async fn begun(&self) {
        let mut told = self.0.subscribe();
        // The sender lives as long as this does, so that there is an answer.
        let _ = told.wait_for(|has_begun| *has_begun).await;
    }
}

impl IntoFuture for Shutdown {
    type Output = ();
    type IntoFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.begun().await })
    }
}

/// How far a service is; see [`Serve::phases`](crate::Serve::phases).
///
/// ```text
///  Running ── shutdown begins, or no listener is left ──> Draining ── all handlers ended ──> Done
///                                                            │                               ^
///                                                            └── grace is over ──> Aborting ─┘
/// ```
///
/// ```
/// use anysock::Phase;
/// fn is_ready(phase: Phase) -> bool {
///     matches!(phase, Phase::Running { .. })
/// }
/// assert!(!is_ready(Phase::Draining { left: 2 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It accepts.
    Running {
        /// Handlers at work.
        connections: usize,
    },
    /// It no longer accepts, its listeners are closed, and the handlers may finish.
    Draining {
        /// Handlers still at work.
        left: usize,
    },
    /// The grace is over: handlers are dropped where they wait.
    Aborting {
        /// Handlers that have not let go yet.
        left: usize,
    },
    /// It is over; the report is there.
    Done,
}

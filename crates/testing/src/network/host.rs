//! Where a task runs.

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::simulated::Network;

tokio::task_local! {
    static HERE: Arc<str>;
}

/// A host of a [`Network`]: what runs here binds and connects here. Made by [`Network::host`].
///
/// A future knows its host, the tasks that it spawns do not: those that connect to others in
/// turn are spawned by [`spawn`](Self::spawn), or wrapped by [`run`](Self::run). All others, in a
/// network that was entered, connect from the host [`Network::ELSEWHERE`]. Accepting and talking
/// is no matter of hosts.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// use anysock::prelude::*;
/// use anysock_testing::network::Network;
///
/// let network = Network::new(7);
/// let (client, server) = (network.host("client"), network.host("server"));
/// let mut listener = server.run(async { anysock::bind("mem:db").await }).await?;
/// let asking = client.spawn(async { anysock::connect("mem:db").await });
/// let peer = listener.accept().await?;
/// let connection = asking.await.unwrap()?;
/// assert_eq!(client.name(), "client");
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    network: Network,
    name: Arc<str>,
}

impl Host {
    pub(super) fn new(network: Network, name: &str) -> Self {
        Self { network, name: name.into() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a future here.
    ///
    /// # Cancel safety
    ///
    /// As the future.
    pub fn run<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let Self { network, name } = self.clone();
        async move { network.names().scope(HERE.scope(name, future)).await }
    }

    /// Spawns a task that runs here.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        tokio::spawn(self.run(future))
    }
}

/// The host of the task that runs.
pub(super) fn here() -> Arc<str> {
    HERE.try_with(Arc::clone).unwrap_or_else(|_| Network::ELSEWHERE.into())
}

//! A simulated network: services that know nothing of it, in one deterministic test.

use std::future::Future;
use std::time::Duration;

mod connections;
mod service;
mod side_by_side;
mod swarm;

/// The test, with a deadline: on a paused clock, who waits for ever is told at once.
async fn within(test: impl Future<Output = ()>) {
    let hours = Duration::from_secs(5 * 3600);
    let done = tokio::time::timeout(hours, Box::pin(test)).await;
    done.expect("it waits for something that does not come");
}

//! Faults drawn from a seed: what they do to messages and bytes, and that they can be replayed.

use std::future::Future;
use std::time::Duration;

mod bytes;
mod cells;
mod conformance;
mod control;
mod faults;
mod replay;
mod timing;

/// The test, with a deadline: on a paused clock, who waits for ever is told at once.
async fn within(test: impl Future<Output = ()>) {
    let hours = Duration::from_secs(5 * 3600);
    let done = tokio::time::timeout(hours, Box::pin(test)).await;
    done.expect("it waits for something that does not come");
}

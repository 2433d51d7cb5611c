//! A runtime with a deadline.

use std::future::Future;

use tokio::runtime::Builder;

use crate::support::process::DEADLINE;

/// What `work` gives, within the deadline.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let work = async { tokio::time::timeout(DEADLINE, work).await };
    runtime.block_on(work).expect("done within the deadline")
}

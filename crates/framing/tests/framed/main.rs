//! Framed streams, against the laws one by one.

mod auto_flush;
mod cancelled;
mod closing;
mod fair;
mod fake;
mod faulty_codec;
mod flushing;
mod splits;
mod vectored;

use std::time::Duration;

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), test).await.expect("this hangs")
}

//! A transport that connects again: what it tells, what it never repeats, and when it stops.

mod closing;
mod connections;
mod giving_up;
mod halves;
mod reports;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Backoff, Error, ErrorKind, Listener, Reconnecting};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    timeout(DEADLINE, test).await.expect("this hangs")
}

/// Short pauses, or the tests take long.
fn quick() -> Backoff {
    Backoff::default().first(Duration::from_millis(2)).longest(Duration::from_millis(20))
}

fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{}-{count}", std::process::id())
}

async fn reconnecting(listener: &Listener) -> Reconnecting {
    anysock::connect(listener.endpoint()).reconnecting(quick()).await.expect("connected")
}

async fn heard(from: &mut impl RecvHalf) -> String {
    let message = from.recv().await.expect("received").expect("a message");
    String::from_utf8(message.to_vec()).expect("text")
}

/// What a report says: the connection, messages sent, those that had not left, whether it failed.
fn report(error: &Error) -> (u64, u64, u64, bool) {
    assert!(!error.is_fatal());
    match error.kind() {
        ErrorKind::Reconnected { connection, attempts, sent, unflushed, cause } => {
            assert!(*attempts > 0);
            (*connection, *sent, *unflushed, cause.is_some())
        }
        _ => panic!("no report: {error}"),
    }
}

/// Sends until it is told that the connection was lost; how many sends went well before.
async fn send_until_told(to: &mut impl SendHalf) -> (u64, Error) {
    for count in 0.. {
        match to.send("into the void").await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => return (count, error),
        }
    }
    unreachable!()
}

//! One end of a connection between two processes: what `scripts/other-peers` runs beside others.

use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{Connection, Error};
use bytes::Bytes;

use crate::ends::{message, runtime};

/// Bytes between two looks at the clock, which costs as much as a small message.
const BETWEEN: usize = 64 << 10;

/// Sends until nobody receives any more.
pub(crate) fn send(endpoint: &str, size: usize) {
    let message = message(size);
    runtime().block_on(async {
        let mut to = anysock::connect(endpoint).await.expect("connecting");
        while to.feed(Bytes::from_static(message)).await.is_ok() {}
    });
}

/// Listens, and prints how many messages came per second since the first.
pub(crate) fn recv(endpoint: &str, size: usize, seconds: u64) {
    runtime().block_on(async {
        let mut listener = anysock::bind(endpoint).await.expect("binding");
        let mut from = listener.accept().await.expect("accepting");
        let rate = rate(&mut from, size, Duration::from_secs(seconds)).await.expect("receiving");
        println!("{rate:.0}");
    });
}

async fn rate(from: &mut Connection, size: usize, least: Duration) -> Result<f64, Error> {
    let between = (BETWEEN / size).max(1);
    recv_one(from, size).await?;
    let start = Instant::now();
    let mut count = 0;
    while start.elapsed() < least {
        for _ in 0..between {
            recv_one(from, size).await?;
        }
        count += between;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

async fn recv_one(from: &mut Connection, size: usize) -> Result<(), Error> {
    let message = from.recv().await?.expect("a message");
    assert_eq!(message.len(), size);
    Ok(())
}

//! Round trips one at a time, and messages per second many at a time.

use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{BoxTransport, Error};
use tokio::time::timeout;

use crate::observe::{Failure, Link};

/// Bytes of a message.
const SIZE: usize = 64;
/// Messages on their way at a time. Fewer than any queue holds, so that none is lost to one.
const WINDOW: usize = 32;
/// Round trips before the first one that counts.
const WARM_UP: usize = 50;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How fast messages travel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    /// The median round trip, in microseconds.
    pub(crate) p50_us: f64,
    /// The 99th percentile, in microseconds.
    pub(crate) p99_us: f64,
    pub(crate) messages_per_second: u64,
}

/// Has `messages` messages echoed, one at a time, and again [`WINDOW`] at a time.
pub(crate) async fn measure(link: Link, messages: usize) -> Result<Speed, Failure> {
    let mut client = link.client;
    let echo = tokio::spawn(echo(link.peer));
    let measured = async {
        round_trips(&mut client, WARM_UP).await?;
        let mut trips = round_trips(&mut client, messages).await?;
        trips.sort_unstable();
        let started = Instant::now();
        pipeline(&mut client, messages).await?;
        let rate = messages as f64 / started.elapsed().as_secs_f64();
        Ok(Speed {
            p50_us: microseconds(trips[(messages - 1) / 2]),
            p99_us: microseconds(trips[(messages - 1) * 99 / 100]),
            messages_per_second: rate as u64,
        })
    };
    let measured = measured.await;
    echo.abort();
    measured
}

async fn echo(mut peer: BoxTransport) -> Result<(), Error> {
    while let Some(message) = peer.recv().await? {
        peer.feed(message).await?; // flushed when recv would wait
    }
    Ok(())
}

async fn round_trips(client: &mut BoxTransport, count: usize) -> Result<Vec<Duration>, Failure> {
    let mut trips = Vec::with_capacity(count);
    for number in 0..count {
        let started = Instant::now();
        client.send(&message(number)[..]).await?;
        expect(client, number).await?;
        trips.push(started.elapsed());
    }
    Ok(trips)
}

async fn pipeline(client: &mut BoxTransport, count: usize) -> Result<(), Failure> {
    for number in 0..count + WINDOW {
        if number >= WINDOW {
            expect(client, number - WINDOW).await?;
        }
        if number < count {
            client.feed(&message(number)[..]).await?;
        }
    }
    Ok(())
}

async fn expect(client: &mut BoxTransport, number: usize) -> Result<(), Failure> {
    let what = match timeout(PATIENCE, client.recv()).await {
        Ok(Ok(Some(answer))) if answer == message(number)[..] => return Ok(()),
        Ok(Ok(Some(_))) => "another message came".to_string(),
        Ok(Ok(None)) => "the end came".to_string(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("nothing came within {PATIENCE:?}"),
    };
    Err(format!("echo: message {number} did not come back: {what}").into())
}

fn message(number: usize) -> [u8; SIZE] {
    let mut message = [0xa5; SIZE];
    message[..8].copy_from_slice(&(number as u64).to_be_bytes());
    message
}

fn microseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e7).round() / 10.0
}

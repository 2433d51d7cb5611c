//! A service and its client, written against `anysock` alone.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Error, Listener};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Answers each request by the same, and never ends by itself. Its connections end with it.
pub(crate) async fn echo(endpoint: String) -> Result<(), Error> {
    let mut listener: Listener = anysock::bind(&endpoint).await?;
    let mut peers = JoinSet::new();
    loop {
        let mut peer = listener.accept().await?;
        peers.spawn(async move {
            while let Some(message) = peer.recv().await? {
                peer.feed(message).await?;
            }
            Ok::<_, Error>(())
        });
        while peers.try_join_next().is_some() {}
    }
}

/// Has so many requests answered, whatever happens to the connection: how many it took.
pub(crate) async fn ask(endpoint: String, requests: u32) -> u32 {
    const ANSWER: Duration = Duration::from_secs(3);
    let (mut answered, mut tries) = (0, 0);
    while answered < requests {
        let connecting = anysock::connect(&endpoint).deadline(ANSWER);
        let Ok(mut server) = connecting.await else {
            tries += 1;
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        while answered < requests {
            tries += 1;
            let request = format!("request {answered}");
            let exchange = async {
                server.send(&request).await?;
                server.recv().await
            };
            match timeout(ANSWER, exchange).await {
                Ok(Ok(Some(answer))) if answer == *request.as_bytes() => answered += 1,
                // Out of step, or gone: begin anew.
                _ => break,
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    tries
}

//! Answers each datagram with how many its client has sent: anysock.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Endpoint, Error, Shutdown};

pub(crate) async fn serve(
    endpoint: &str,
    bound: impl FnOnce(Endpoint),
    stop: Shutdown,
) -> Result<(), Error> {
    let listener = anysock::bind(endpoint).await?;
    bound(listener.endpoint().clone());
    anysock::serve([listener], answer)
        .idle(Duration::from_secs(60))
        .shutdown(stop, Duration::ZERO)
        .await;
    Ok(())
}

async fn answer(mut peer: Connection) -> Result<(), Error> {
    let mut requests = 0;
    while let Some(request) = peer.recv().await? {
        requests += 1;
        let text = String::from_utf8_lossy(&request);
        peer.feed(format!("{requests}: {text}")).await?;
    }
    Ok(())
}

//! Sends every line back, over TCP and a unix socket, or whatever else: anysock.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Delimited, Endpoint, Error, Shutdown};

pub(crate) async fn serve(
    endpoints: &[&str],
    bound: impl FnOnce(Vec<Endpoint>),
    stop: Shutdown,
) -> Result<(), Error> {
    let mut listeners = Vec::new();
    for endpoint in endpoints {
        listeners.push(anysock::bind(*endpoint).codec(Delimited::lines()).max(1024).await?);
    }
    bound(listeners.iter().map(|listener| listener.endpoint().clone()).collect());
    let told = stop.clone();
    anysock::serve(listeners, move |peer| echo(peer, told.clone()))
        .shutdown(stop, Duration::from_secs(5))
        .await;
    Ok(())
}

async fn echo(mut peer: Connection, stop: Shutdown) -> Result<(), Error> {
    loop {
        tokio::select! {
            biased;
            line = peer.recv() => match line? {
                Some(line) => peer.feed(line).await?,
                None => break,
            },
            () = stop.begun() => break,
        }
    }
    peer.close().await
}

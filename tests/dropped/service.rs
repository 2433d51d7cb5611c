//! A service, and the signal that stops it, dropped at every poll.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use anysock::framing::{RecvExt, SendExt};
use anysock::{Connection, Endpoint, Error, Shutdown};
use fastrand::Rng;

use crate::probe::{Probe, World, once, within};
use crate::prove::Trying;
use crate::stop::{Verdict, ensure};

/// What it serves.
pub(crate) const PLACES: [&str; 4] =
    ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0", "udp://127.0.0.1:0"];

/// Clients that come and ask, and somebody who may stop it.
struct Clients {
    endpoint: Endpoint,
    there: Vec<Connection>,
    shutdown: Shutdown,
    /// After so many turns.
    stops: u32,
}

/// Dropped, it has closed its listeners and dropped every handler where it waited.
pub(crate) fn serve(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        for polls in 0..24 {
            if probe.is_over(polls) || serve_at(probe, polls).await? {
                break;
            }
        }
        Ok(())
    })
}

async fn serve_at(probe: &mut Probe, polls: u32) -> Verdict<bool> {
    let listener = anysock::bind(probe.transport).await?;
    let endpoint = listener.endpoint().clone();
    let shutdown = Shutdown::new();
    let handlers = Arc::new(());
    let held = Arc::clone(&handlers);
    let handler = move |mut peer: Connection| {
        let held = Arc::clone(&held);
        async move {
            while let Some(message) = peer.recv().await? {
                peer.send(message).await?;
            }
            drop(held);
            Ok::<_, Error>(())
        }
    };
    let grace = Duration::from_millis(probe.rng.u64(0..3));
    let serving = anysock::serve(listener, handler).shutdown(shutdown.clone(), grace);
    let phases = serving.phases();
    let stops = probe.rng.u32(1..80);
    let mut clients = Clients { endpoint, there: Vec::new(), shutdown, stops };
    let serving = serving.into_future();
    let report = probe.drop_at("serve", polls, serving, &mut clients).await?;
    let Clients { endpoint, there, .. } = clients;
    within("the handlers' end", async {
        // Each holds it, and so did the one who makes them.
        while Arc::strong_count(&handlers) > 1 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await?;
    ensure!(phases.has_changed().is_err(), "the service is gone, and tells its phase");
    for mut client in there {
        // An answer that is under way may come, and then the end; on datagrams nothing tells.
        while !endpoint.to_string().starts_with("udp") {
            match within("the end", client.recv()).await? {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
    }
    // The address is free.
    let mut again = within("binding again", async {
        loop {
            // A datagram listener's task lets go of the address in its own time.
            match anysock::bind(&endpoint).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    })
    .await?;
    let mut client = anysock::connect(again.endpoint()).await?;
    client.send("hello").await?;
    let mut peer = within("accepting", anysock::framing::AcceptExt::accept(&mut again)).await??;
    let hello = within("the message", peer.recv()).await??;
    ensure!(hello.is_some_and(|hello| hello == "hello"), "another message");
    Ok(report.is_some())
}

impl World for Clients {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        self.stops = self.stops.saturating_sub(1);
        if self.stops == 0 && !self.shutdown.has_begun() {
            self.shutdown.begin();
            return Ok(1);
        }
        if self.shutdown.has_begun() {
            return Ok(0);
        }
        match rng.u8(0..10) {
            0 if self.there.len() < 4 => {
                let connecting = anysock::connect(&self.endpoint).into_future();
                self.there.push(within("connecting", connecting).await??);
                Ok(2)
            }
            1..=4 => {
                let number = rng.usize(0..4);
                let Some(client) = self.there.get_mut(number) else { return Ok(0) };
                let _ = once(client.send("a question")).await;
                let answer = once(client.recv()).await;
                Ok(3 + 2 * number as u64 + u64::from(answer.is_some()))
            }
            _ => Ok(0),
        }
    }
}

/// Somebody who begins the shutdown after some turns.
struct Beginning(Shutdown, u32);

impl World for Beginning {
    async fn turn(&mut self, _: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        self.1 = self.1.saturating_sub(1);
        if self.1 == 0 && !self.0.has_begun() {
            self.0.begin();
            return Ok(1);
        }
        Ok(0)
    }
}

/// Dropped and called again, it still tells.
pub(crate) fn begun(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        for polls in 0..6 {
            if probe.is_over(polls) {
                break;
            }
            let shutdown = Shutdown::new();
            let turns = probe.rng.u32(1..10);
            probe.note(turns);
            let mut world = Beginning(shutdown.clone(), turns);
            let done = if probe.operation == "begun" {
                probe.drop_at("begun", polls, shutdown.begun(), &mut world).await?
            } else {
                let waiting = shutdown.clone().into_future();
                probe.drop_at("shutdown", polls, waiting, &mut world).await?
            };
            ensure!(done.is_none() || shutdown.has_begun(), "it tells what has not happened");
            let again = shutdown.begun();
            world.0.begin();
            within("the beginning of the shutdown", again).await?;
        }
        Ok(())
    })
}

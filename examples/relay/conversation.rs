//! One client and the connection that is its own, both ways.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connect, Connection, ConnectionRecv, ConnectionSend, Endpoint, Error, Shutdown};
use serde::Serialize;

/// Messages that are passed on by one flush.
const BATCH: usize = 64;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Relay {
    pub(crate) onward: Connect,
    pub(crate) to: Endpoint,
    pub(crate) silence: Duration,
    pub(crate) counts: Arc<Counts>,
    pub(crate) shutdown: Shutdown,
}

/// What has passed.
#[derive(Default, Serialize)]
pub(crate) struct Counts {
    forward: Way,
    back: Way,
}

#[derive(Default, Serialize)]
struct Way {
    messages: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
}

impl Relay {
    /// Passes on between one client and a connection of its own, both ways until both have ended.
    pub(crate) async fn pass(self, client: Connection) -> Result<(), Error> {
        let from = client.peer_addr().ok();
        let ended = self.connect_and_pass(client).await;
        match &ended {
            Ok(()) => tracing::debug!(?from, "conversation ended"),
            Err(error) => tracing::warn!(?from, to = %self.to, %error, "conversation failed"),
        }
        ended
    }

    async fn connect_and_pass(&self, client: Connection) -> Result<(), Error> {
        let server = self.onward.clone().await?;
        let (to_server, from_server) = server.split();
        let (to_client, from_client) = client.split();
        let mut ends = Ends { to: [to_server, to_client], in_order: false };
        let [to_server, to_client] = &mut ends.to;
        let one_way_ended = Shutdown::new();
        let forward = self.one_way(from_client, to_server, &self.counts.forward, &one_way_ended);
        let back = self.one_way(from_server, to_client, &self.counts.back, &one_way_ended);
        tokio::try_join!(forward, back)?;
        ends.in_order = true;
        Ok(())
    }

    async fn one_way(
        &self,
        mut from: ConnectionRecv,
        to: &mut ConnectionSend,
        counts: &Way,
        one_way_ended: &Shutdown,
    ) -> Result<(), Error> {
        let has_end = from.guarantees().end_of_file();
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                biased; // what has come is passed on first
                received = from.recv_many(&mut batch, BATCH) => received,
                () = self.silent(one_way_ended), if !has_end => break,
            };
            match received {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => counts.lose(&error),
            }
            for message in batch.drain(..) {
                counts.take(message.len());
                survive(to.feed(message).await, counts)?;
            }
            survive(to.flush().await, counts)?;
        }
        survive(to.close().await, counts)?;
        one_way_ended.begin();
        Ok(())
    }

    /// Once the end is near, waits for as long as a sender without end may pause.
    async fn silent(&self, one_way_ended: &Shutdown) {
        tokio::select! {
            () = one_way_ended.begun() => {}
            () = self.shutdown.begun() => {}
        }
        tokio::time::sleep(self.silence).await;
    }
}

/// Both connections. Where they end because this was dropped, by an error or once the grace is over,
/// they end by a reset if they can.
struct Ends {
    to: [ConnectionSend; 2],
    in_order: bool,
}

impl Drop for Ends {
    fn drop(&mut self) {
        for to in &mut self.to {
            if !self.in_order {
                // Only TCP has resets; others refuse it.
                let _ = to.abort();
            }
        }
    }
}

/// An error that costs a message does not end the way.
fn survive(done: Result<(), Error>, counts: &Way) -> Result<(), Error> {
    match done {
        Err(error) if !error.is_fatal() => {
            counts.lose(&error);
            Ok(())
        }
        done => done,
    }
}

impl Way {
    fn take(&self, bytes: usize) {
        self.messages.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    fn lose(&self, error: &Error) {
        // As often as a client likes: counted, and not to fill the log.
        tracing::debug!(%error, "message lost");
        self.lost.fetch_add(1, Relaxed);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { forward, back } = self;
        write!(f, "forward: {forward}\nback:    {back}")
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [messages, bytes, lost] =
            [&self.messages, &self.bytes, &self.lost].map(|count| count.load(Relaxed));
        write!(f, "{messages} messages of {bytes} bytes, {lost} lost")
    }
}

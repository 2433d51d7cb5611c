//! Answers DNS queries for one zone, over UDP and TCP by one handler: `dns ENDPOINT... [--record LINE]`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example dns -- udp://127.0.0.1:5300 tcp://127.0.0.1:5300
//! dig @127.0.0.1 -p 5300 www.example.org
//! dig @127.0.0.1 -p 5300 many.example.org TXT      # too long for UDP: dig comes back by TCP
//! ```
//!
//! An authoritative responder (RFC 1035) with EDNS (RFC 6891); the wire format and the zone's are
//! hickory-proto's. Over streams each message stands behind its length in two bytes, and a client may ask
//! much at once. Over UDP an answer is as long as the client takes, and 1,232 bytes at most (512 if it does
//! not say); a longer one is cut to nothing but the flag that sends the client to TCP. What is not within
//! the zone is refused, what is no query is not answered; of all types (ANY) is the first. Aliases within
//! the zone are followed, wildcards stand for what has no other name; there are no delegations.
//!
//! Signals, log, report and exit codes are those of every [`service`].

mod respond;
#[path = "../../../examples/service/mod.rs"]
mod service;
mod zone;

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{AnyCodec, Connection, Endpoint, Error, ErrorKind, LengthDelimited, Shutdown};
use clap::Parser;
use respond::{Outcome, respond};
use serde::Serialize;
use service::Service;
use zone::Zone;

/// How long a connection may be silent unless said otherwise: RFC 7766, 6.2.3.
const IDLE: Duration = Duration::from_secs(10);

/// How long a sender of datagrams keeps his place: who lies about where he sends from has a new address for
/// each, and would soon have all places.
const BRIEF: Duration = Duration::from_millis(250);

/// Answers DNS queries for one zone, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<Endpoint>,

    /// The name of the zone
    #[arg(long, value_name = "NAME", default_value = "example.org.")]
    zone: String,

    /// A record of the zone, as in a master file: "www 300 IN A 192.0.2.1"; may be repeated [default: a
    /// small zone to try it with]
    #[arg(long = "record", value_name = "LINE")]
    records: Vec<String>,

    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { endpoints, zone, records, mut service } = Arguments::parse();
    let idle = *service.idle.get_or_insert(IDLE);
    let codec = AnyCodec::from(LengthDelimited::u16());
    let endpoints: Vec<_> =
        endpoints.into_iter().map(|endpoint| (endpoint, codec.clone())).collect();
    service::end_of("dns", async {
        let zone = Arc::new(Zone::read(&zone, &records)?);
        let (shutdown, counts) = (Shutdown::new(), Arc::<Counts>::default());
        let handler = {
            let (counts, shutdown) = (counts.clone(), shutdown.clone());
            move |peer| answer(peer, zone.clone(), counts.clone(), shutdown.clone(), idle)
        };
        service.run(&endpoints, &shutdown, handler, || &*counts).await
    })
    .await
}

#[derive(Default, Serialize)]
struct Counts {
    answered: AtomicU64,
    refused: AtomicU64,
    truncated: AtomicU64,
    ignored: AtomicU64,
}

/// Answers one client, until its end or its silence, or the shutdown has begun.
async fn answer(
    mut peer: Connection,
    zone: Arc<Zone>,
    counts: Arc<Counts>,
    shutdown: Shutdown,
    idle: Duration,
) -> Result<(), Error> {
    let by_stream = peer.guarantees().reliable();
    // A byte now and then is no query, and keeps no place.
    let patience = if by_stream { idle } else { BRIEF };
    loop {
        let received = tokio::select! {
            biased; // what has come is answered first
            received = peer.recv() => received,
            () = shutdown.begun() => break,
            () = tokio::time::sleep(patience) => break,
        };
        let query = match received {
            Ok(Some(query)) => query,
            Ok(None) => break,
            Err(error) if matches!(error.kind(), ErrorKind::Idle { .. }) => break,
            Err(error) => {
                lost(&peer, error)?;
                continue;
            }
        };
        let (outcome, response) = respond(&query, &zone, by_stream);
        counts.count(outcome);
        if let Some(response) = response {
            // Flushed when recv would wait.
            peer.feed(response).await.or_else(|error| lost(&peer, error))?;
        }
    }
    peer.close().await
}

/// What costs one query or answer does not end the conversation. Anybody can have that happen as often as
/// he likes, and is not to fill the log.
fn lost(peer: &Connection, error: Error) -> Result<(), Error> {
    tracing::debug!(from = ?peer.peer_addr().ok(), %error, "query or answer lost");
    if error.is_fatal() { Err(error) } else { Ok(()) }
}

impl Counts {
    fn count(&self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Answered => &self.answered,
            Outcome::Refused => &self.refused,
            Outcome::Truncated => &self.truncated,
            Outcome::Ignored => &self.ignored,
        };
        count.fetch_add(1, Relaxed);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [answered, refused, truncated, ignored] =
            [&self.answered, &self.refused, &self.truncated, &self.ignored]
                .map(|count| count.load(Relaxed));
        write!(f, "{answered} queries answered, {refused} refused, ")?;
        write!(f, "{truncated} sent to TCP, {ignored} ignored")
    }
}

//! Sends every message back, over any cell: `echo ENDPOINT... [--codec NAME] [--max BYTES]`.
//!
//! ```text
//! cargo run --example echo tcp://127.0.0.1:7000 unix:/tmp/echo.sock udp://[::1]:7000
//! ```
//!
//! Serves until interrupted, by Ctrl-C or SIGTERM. Then it accepts nothing more, answers what has
//! come, closes every connection, and says what it has done. Interrupted again it drops them at
//! once. It ends with 0 if all connections ended within the grace, with 3 if some had to be aborted,
//! with 1 if it could not serve. What happens to its connections is logged to standard error, as much
//! of it as `RUST_LOG` asks for.

mod service;

use std::fmt;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anysock::prelude::*;
use anysock::{AnyCodec, Connection, Endpoint, Error, Shutdown};
use clap::Parser;
use serde::Serialize;
use service::Service;

/// Once the shutdown has begun, so many messages of one connection are still answered without its
/// pausing.
const LAST: u32 = 10_000;

/// Sends every message back, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<Endpoint>,

    /// How streams mark messages: u8, u16, u24, u32, u64 (with le for little endian), varint,
    /// lines, crlf, nul, fixed:N, netstring, octets, content-length, cobs, slip, unframed; resync:NAME to
    /// go on behind what is too long or malformed.
    #[arg(long, value_name = "NAME", default_value = "u32")]
    codec: AnyCodec,

    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { endpoints, codec, service } = Arguments::parse();
    let endpoints: Vec<_> =
        endpoints.into_iter().map(|endpoint| (endpoint, codec.clone())).collect();
    let (shutdown, messages) = (Shutdown::new(), Arc::<Messages>::default());
    let handler = {
        let (messages, shutdown) = (messages.clone(), shutdown.clone());
        move |peer| answer(peer, messages.clone(), shutdown.clone())
    };
    service::end_of("echo", service.run(&endpoints, &shutdown, handler, || &*messages)).await
}

/// What went over all connections that came to an end.
#[derive(Default, Serialize)]
struct Messages {
    received: AtomicU64,
    answered: AtomicU64,
}

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, answered } = self;
        write!(
            f,
            "{} messages received, {} answered",
            received.load(Relaxed),
            answered.load(Relaxed)
        )
    }
}

/// Answers one peer until it ends, a fatal error does, or the shutdown has begun.
async fn answer(
    mut peer: Connection,
    messages: Arc<Messages>,
    shutdown: Shutdown,
) -> Result<(), Error> {
    let ended = loop {
        let Err(error) = echo(&mut peer, &shutdown).await else { break Ok(()) };
        let (at, from) = (peer.local_addr().ok(), peer.peer_addr().ok());
        if error.is_fatal() {
            tracing::warn!(?at, ?from, %error, "connection failed");
            break Err(error);
        }
        tracing::warn!(?at, ?from, %error, "message lost");
    };
    let stats = peer.stats();
    messages.received.fetch_add(stats.received, Relaxed);
    messages.answered.fetch_add(stats.sent - stats.dropped.min(stats.sent), Relaxed);
    ended
}

async fn echo(peer: &mut Connection, shutdown: &Shutdown) -> Result<(), Error> {
    let mut shut_down = pin!(shutdown.begun());
    let mut last = LAST;
    loop {
        let message = tokio::select! {
            biased; // what has come is answered first
            message = peer.recv() => message?,
            () = &mut shut_down => None,
        };
        let Some(message) = message else { break };
        peer.feed(message).await?; // flushed when recv would wait
        if shutdown.has_begun() {
            last -= 1;
            if last == 0 {
                break;
            }
        }
    }
    peer.close().await
}

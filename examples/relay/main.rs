//! Passes on what comes at one endpoint to another, and what comes back: `relay FROM TO`.
//!
//! ```text
//! cargo run --example relay -- tcp://127.0.0.1:7000 unix:/run/app.sock --idle 60
//! socat - TCP:127.0.0.1:7000
//! ```
//!
//! Any cell to any cell, one connection to TO for each to FROM. Between two streams bytes are passed
//! on as they come; where a side keeps boundaries, messages are, and a stream at the other side marks
//! them by a codec (`--codec`, u32 unless said). Two codecs translate: `--codec lines --to-codec octets`.
//!
//! Who does not read holds up who writes: a way holds no more than what it received at once, and what
//! a connection may have unsent. Half closes are passed on, and so is over TCP that a connection failed,
//! as a reset: what was cut off is not to be taken for whole. Datagrams have no end: once the other way
//! has ended, or the relay is interrupted, they are taken for done after `--silence`. A message that the
//! other side cannot carry, or that it drops, is lost alone, logged and counted.
//!
//! Interrupted, it lets conversations end within the grace; signals, log, report and exit codes are those
//! of every [`service`].

mod conversation;
#[path = "../service/mod.rs"]
mod service;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anysock::{AnyCodec, Endpoint, Shutdown, Type, Unframed};
use clap::Parser;
use conversation::{Counts, Relay};
use service::Service;

/// Passes on what comes at FROM to TO, and what comes back, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    from: Endpoint,

    /// Where to connect to, for each connection
    to: Endpoint,

    /// How streams mark messages, as for the example echo [default: unframed between two streams, u32
    /// where one side keeps boundaries, or is inherited]
    #[arg(long, value_name = "NAME")]
    codec: Option<AnyCodec>,

    /// The same at TO, if it is another one there
    #[arg(long, value_name = "NAME")]
    to_codec: Option<AnyCodec>,

    /// How long datagrams may pause once the other way has ended
    #[arg(long, value_name = "SECONDS", value_parser = service::seconds, default_value = "1")]
    silence: Duration,

    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { from, to, codec, to_codec, silence, service } = Arguments::parse();
    let keeps_boundaries = [&from, &to].iter().any(|end| end.kind() != Some(Type::Stream));
    let codec = match codec {
        Some(codec) => codec,
        None if keeps_boundaries => AnyCodec::default(),
        None => Unframed::new().into(),
    };
    let mut onward = anysock::connect(&to).codec(to_codec.unwrap_or_else(|| codec.clone()));
    if let Some(max) = service.max {
        onward = onward.max(max);
    }
    let is_circle = from == to;
    let (shutdown, counts) = (Shutdown::new(), Arc::<Counts>::default());
    let relay = Relay { onward, to, silence, counts: counts.clone(), shutdown: shutdown.clone() };
    let handler = move |client| relay.clone().pass(client);
    let endpoints = [(from, codec)];
    service::end_of("relay", async {
        if is_circle {
            return Err("FROM and TO are the same: each client would be passed on for ever".into());
        }
        service.run(&endpoints, &shutdown, handler, || &*counts).await
    })
    .await
}

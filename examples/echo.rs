//! Sends every message back, over any cell: `echo ENDPOINT... [--codec NAME] [--max BYTES]`.
//!
//! ```text
//! cargo run --example echo tcp://127.0.0.1:7000 unix:/tmp/echo.sock udp://[::1]:7000
//! ```
//!
//! Serves until interrupted. What happens to its connections is logged to standard error, as
//! much of it as `RUST_LOG` asks for.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anysock::prelude::*;
use anysock::{AnyCodec, Connection, Endpoint, Error, Listener};
use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tracing_subscriber::EnvFilter;

/// Sends every message back, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<Endpoint>,

    /// How streams mark messages: u8, u16, u24, u32, u64 (with le for little endian), varint,
    /// lines, crlf, nul, fixed:N.
    #[arg(long, value_name = "NAME", default_value = "u32")]
    codec: AnyCodec,

    /// The longest message, in bytes [default: 1 MiB on streams, 64 KiB elsewhere]
    #[arg(long, value_name = "BYTES")]
    max: Option<usize>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
    // Returning drops every listener and connection, and with them their socket files.
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    // Before the first line is printed, so that who has read it may interrupt.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;

    let mut listeners = JoinSet::new();
    for listener in bind(&arguments).await? {
        listeners.spawn(serve(listener));
    }
    tokio::select! {
        () = either(&mut interrupt, &mut terminate) => Ok(()),
        _ = listeners.join_all() => Err("none of the endpoints can be served any more".into()),
    }
}

/// Binds all the endpoints, or none, and says where they are.
async fn bind(arguments: &Arguments) -> Result<Vec<Listener>, Box<dyn std::error::Error>> {
    let mut listeners = Vec::new();
    for endpoint in &arguments.endpoints {
        let mut bind = anysock::bind(endpoint).codec(arguments.codec.clone());
        if let Some(max) = arguments.max {
            bind = bind.max(max);
        }
        let bound = bind.await.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?;
        listeners.push(bound);
    }
    let mut out = io::stdout().lock();
    for listener in &listeners {
        writeln!(out, "listening on {}", listener.endpoint())?;
    }
    out.flush()?;
    Ok(listeners)
}

/// Answers every peer of one listener; ends only if the listener does.
async fn serve(mut listener: Listener) {
    loop {
        match listener.accept().await {
            Ok(peer) => drop(tokio::spawn(answer(peer))),
            Err(error) => {
                tracing::error!(endpoint = %listener.endpoint(), %error, "accepting failed");
                return;
            }
        }
    }
}

/// Answers one peer until it ends, or a fatal error does.
async fn answer(mut peer: Connection) {
    while let Err(error) = echo(&mut peer).await {
        let (at, from) = (peer.local_addr().ok(), peer.peer_addr().ok());
        if error.is_fatal() {
            tracing::warn!(?at, ?from, %error, "connection failed");
            return;
        }
        tracing::warn!(?at, ?from, %error, "message lost");
    }
}

async fn echo(peer: &mut Connection) -> Result<(), Error> {
    while let Some(message) = peer.recv().await? {
        peer.feed(message).await?; // flushed when recv would wait
    }
    peer.close().await
}

async fn either(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

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

use std::io::{self, IsTerminal, Write};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{AnyCodec, Connection, Endpoint, Error, Limits, Listener, Quota, Report, Shutdown};
use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

/// Once the shutdown has begun, so many messages of one connection are still answered without its
/// pausing.
const LAST: u32 = 10_000;

/// How it ends if connections did not.
const ABORTED: u8 = 3;

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

    /// The longest message, in bytes [default: 1 MiB on streams, 64 KiB elsewhere]
    #[arg(long, value_name = "BYTES")]
    max: Option<usize>,

    /// Connections at a time; further ones wait
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    max_connections: usize,

    /// Connections at a time of one address; further ones are refused
    #[arg(long, value_name = "COUNT")]
    max_per_address: Option<usize>,

    /// Connections at a time of one user, over unix sockets; further ones are refused
    #[arg(long, value_name = "COUNT")]
    max_per_uid: Option<usize>,

    /// Messages per second of each connection; further ones wait
    #[arg(long, value_name = "MESSAGES")]
    rate: Option<u64>,

    /// A connection on which nothing has passed for so long is closed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    idle: Option<Duration>,

    /// How long connections may take to end, once interrupted
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    grace: Duration,

    /// Say what was done as JSON
    #[arg(long)]
    json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
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
        Ok(code) => code,
        Err(error) => {
            eprintln!("echo: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let shutdown = Shutdown::new();
    // Before the first line is printed, so that who has read it may interrupt.
    let interrupted_again = shut_down_when_interrupted(&shutdown)?;

    let messages = Arc::<Messages>::default();
    let handler = {
        let (messages, shutdown) = (messages.clone(), shutdown.clone());
        move |peer| answer(peer, messages.clone(), shutdown.clone())
    };
    let mut limits = Limits::default();
    if let Some(rate) = arguments.rate {
        limits = limits.rate(Quota::messages(rate, rate));
    }
    if let Some(idle) = arguments.idle {
        limits = limits.idle(idle);
    }
    let mut serving = anysock::serve(bind(&arguments).await?, handler)
        .max_connections(arguments.max_connections)
        .limits(limits)
        .shutdown(shutdown.clone(), arguments.grace);
    if let Some(most) = arguments.max_per_address {
        serving = serving.max_per_address(most);
    }
    if let Some(most) = arguments.max_per_uid {
        serving = serving.max_per_uid(most);
    }

    let report = tokio::select! {
        report = serving.into_future() => report,
        _ = interrupted_again => {
            tracing::warn!("interrupted again, all connections are dropped");
            return Ok(ExitCode::from(ABORTED));
        }
    };
    print(&report, &messages, arguments.json)?;
    match report.aborted {
        _ if !shutdown.has_begun() => Err("none of the endpoints can be served any more".into()),
        0 => Ok(ExitCode::SUCCESS),
        _ => Ok(ExitCode::from(ABORTED)),
    }
}

/// Begins the shutdown at the first signal; the task ends at the second.
fn shut_down_when_interrupted(shutdown: &Shutdown) -> io::Result<JoinHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    Ok(tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            shutdown.begin();
        }
    }))
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

/// What went over all connections that came to an end.
#[derive(Default)]
struct Messages {
    received: AtomicU64,
    answered: AtomicU64,
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

fn print(report: &Report, messages: &Messages, as_json: bool) -> io::Result<()> {
    let (received, answered) = (messages.received.load(Relaxed), messages.answered.load(Relaxed));
    let mut out = io::stdout().lock();
    if !as_json {
        write!(out, "{report}")?;
        return writeln!(out, "{received} messages received, {answered} answered");
    }
    let listeners = report.listeners.iter().map(|listener| {
        json!({
            "endpoint": listener.endpoint.to_string(),
            "accepted": listener.accepted,
            "refused": listener.refused,
            "error": listener.error.as_ref().map(ToString::to_string),
        })
    });
    let all = json!({
        "accepted": report.accepted,
        "finished": report.finished,
        "failed": report.failed,
        "aborted": report.aborted,
        "panicked": report.panicked,
        "refused": report.refused(),
        "listeners": listeners.collect::<Vec<_>>(),
        "messages": { "received": received, "answered": answered },
    });
    writeln!(out, "{all}")
}

//! Sends lines of standard input, prints what is received: `send ENDPOINT [--codec NAME] [--expect N]`.
//!
//! ```text
//! echo hello | cargo run --example send tcp://127.0.0.1:7000
//! ```
//!
//! After the input it half closes and ends with the peer's end-of-file; on transports that have
//! none, after a second of silence. What happens is logged to standard error, as much of it as
//! `RUST_LOG` asks for.

#[path = "service/log.rs"]
mod log;

use std::error::Error;
use std::future::pending;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{AnyCodec, ConnectionRecv, ConnectionSend, Endpoint, Message};
use clap::Parser;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a transport without end-of-file is silent before it is taken for done.
const SILENCE: Duration = Duration::from_secs(1);

/// How long the expected messages may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines that are read ahead of sending.
const AHEAD: usize = 64;

/// Sends each line of standard input as a message; prints each message received as a line.
#[derive(Parser)]
struct Arguments {
    /// Where to connect to: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    #[arg(value_name = "ENDPOINT")]
    endpoint: Endpoint,

    /// How a stream marks messages: u8, u16, u24, u32, u64 (with le for little endian), varint,
    /// lines, crlf, nul, fixed:N, netstring, octets, content-length, cobs, slip, unframed; resync:NAME to
    /// go on behind what is too long or malformed.
    #[arg(long, value_name = "NAME", default_value = "u32")]
    codec: AnyCodec,

    /// End well as soon as so many messages were received, badly after 10 seconds.
    #[arg(long, value_name = "N")]
    expect: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::begin("info");
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("send: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let Arguments { endpoint, codec, expect } = arguments;
    let connecting = anysock::connect(&endpoint).codec(codec);
    let server =
        connecting.await.map_err(|error| format!("cannot connect to {endpoint}: {error}"))?;
    let ends = server.guarantees().end_of_file();
    let (sending, receiving) = server.split();
    let sent = tokio::spawn(send(sending, lines()));
    converse(sent, receiving, ends, expect).await
}

/// Sends every line and ends this direction.
async fn send(
    mut sending: ConnectionSend,
    mut lines: mpsc::Receiver<io::Result<Vec<u8>>>,
) -> Result<(), String> {
    let mut batch = Vec::new();
    let mut sent = Ok(());
    while sent.is_ok() && lines.recv_many(&mut batch, AHEAD).await > 0 {
        sent = send_all(&mut sending, batch.drain(..)).await;
    }
    // Also after a failure: the peer is to end, and what it still says is to be printed.
    let closed = sending.close().await;
    sent.and(closed).map_err(|error| format!("cannot send: {error}"))
}

async fn send_all(
    sending: &mut ConnectionSend,
    lines: impl Iterator<Item = io::Result<Vec<u8>>>,
) -> Result<(), anysock::Error> {
    for line in lines {
        sending.feed(line?).await?;
    }
    sending.flush().await
}

/// Prints what is received: until the end, or until all was sent and the peer is silent; just so
/// many messages if they are expected.
async fn converse(
    mut sent: JoinHandle<Result<(), String>>,
    mut receiving: ConnectionRecv,
    ends: bool,
    expected: Option<u64>,
) -> Result<(), Box<dyn Error>> {
    let patience = expected.map(|_| Instant::now() + PATIENCE);
    let (mut outcome, mut count, mut last) = (None, 0, Instant::now());
    while expected != Some(count) {
        let silence = (outcome.is_some() && !ends).then_some(last + SILENCE);
        tokio::select! {
            done = &mut sent, if outcome.is_none() => outcome = Some(done?),
            received = receiving.recv() => match received? {
                Some(message) => {
                    print(&message)?;
                    count += 1;
                }
                None => break,
            },
            () = reached(patience.or(silence)) => break,
        }
        last = Instant::now();
    }
    if expected == Some(count) {
        return Ok(());
    }
    match outcome {
        Some(outcome) => outcome?,
        // All was sent, it may be, and the peer's end came right behind it.
        None => {
            timeout(SILENCE, sent).await.map_err(|_| "the peer ended before the input")???
        }
    }
    match expected {
        Some(expected) => Err(format!("{count} messages instead of {expected}").into()),
        None => Ok(()),
    }
}

async fn reached(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

fn print(message: &Message) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(message)?;
    out.write_all(b"\n")?;
    out.flush()
}

/// The lines of standard input, without their ends. A thread of their own reads them: unlike a
/// task of the runtime it may wait for input that never comes while the program ends.
fn lines() -> mpsc::Receiver<io::Result<Vec<u8>>> {
    let (sender, lines) = mpsc::channel(AHEAD);
    std::thread::spawn(move || {
        // Ended by the receiver's end as well as by the input's.
        for line in io::stdin().lock().split(b'\n') {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

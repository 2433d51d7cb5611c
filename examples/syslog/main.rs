//! Collects syslog messages and prints each as one line: `syslog ENDPOINT...`.
//!
//! ```text
//! cargo run --example syslog -- unix-dgram:/tmp/log udp://127.0.0.1:5514 tcp://127.0.0.1:5514
//! logger --socket /tmp/log hello
//! logger --server 127.0.0.1 --port 5514 --tcp --octet-count hello
//! ```
//!
//! RFC 5424 and RFC 3164, over any cell: datagrams (RFC 5426, and what libc does with /dev/log), and
//! streams with octet counting or lines (RFC 6587), each connection as its first byte says. What is no
//! message of either RFC is printed as it is. Too long a message is discarded and counted, and the connection
//! goes on; only a wrong count ends it, for nobody knows where the next message begins.
//!
//! A pipe that nobody reads holds up who sends by a stream, and costs datagrams, which are counted where
//! that is known. Signals, log, report and exit codes are those of every [`service`].

mod entry;
mod framing;
#[path = "../service/mod.rs"]
mod service;

use std::fmt;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use anysock::prelude::*;
use anysock::{Connection, Endpoint, Error, Shutdown};
use clap::Parser;
use entry::Entry;
use framing::Framing;
use serde::Serialize;
use service::Service;
use tokio::sync::mpsc;

/// The longest message unless said otherwise, in bytes.
const LONGEST: usize = 64 * 1024;

/// Lines that wait for whoever reads the standard output.
const AHEAD: usize = 64;

/// Collects syslog messages and prints each as one line, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<Endpoint>,

    /// How streams mark messages
    #[arg(long, value_enum, value_name = "NAME", default_value = "auto")]
    codec: Framing,

    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { endpoints, codec, mut service } = Arguments::parse();
    let codec = codec.codec(*service.max.get_or_insert(LONGEST));
    let endpoints: Vec<_> =
        endpoints.into_iter().map(|endpoint| (endpoint, codec.clone())).collect();
    let (shutdown, counts) = (Shutdown::new(), Arc::<Counts>::default());
    let (lines, printing) = print_lines(shutdown.clone());
    let handler = {
        let (counts, shutdown, as_json) = (counts.clone(), shutdown.clone(), service.json);
        move |peer| {
            let collector = Collector { lines: lines.clone(), counts: counts.clone(), as_json };
            collector.collect(peer, shutdown.clone())
        }
    };
    let counts = || {
        // Nobody sends any more: it ends once all is printed.
        let _ = printing.join();
        &*counts
    };
    service::end_of("syslog", service.run(&endpoints, &shutdown, handler, counts)).await
}

/// What is done with the messages of one peer.
struct Collector {
    lines: mpsc::Sender<String>,
    counts: Arc<Counts>,
    as_json: bool,
}

#[derive(Default, Serialize)]
struct Counts {
    received: AtomicU64,
    discarded: AtomicU64,
}

impl Collector {
    /// Prints what one peer sends, until its end, or the shutdown has begun and nothing more is here.
    async fn collect(self, mut peer: Connection, shutdown: Shutdown) -> Result<(), Error> {
        let from = peer.peer_addr().ok();
        let ended = loop {
            let received = tokio::select! {
                biased; // what has come is printed first
                received = peer.recv() => received,
                () = shutdown.begun() => Ok(None),
            };
            match received {
                Ok(Some(message)) => {
                    self.counts.received.fetch_add(1, Relaxed);
                    let text = String::from_utf8_lossy(&message);
                    let entry = Entry::read(&text, from.as_ref());
                    if self.lines.send(entry.line(self.as_json)).await.is_err() {
                        break Ok(()); // and the shutdown has begun
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) if error.is_fatal() => {
                    tracing::warn!(?from, %error, "connection failed");
                    break Err(error);
                }
                // As often as who sends likes: counted, and not to fill the log.
                Err(error) => tracing::debug!(?from, %error, "messages lost"),
            }
        };
        let stats = peer.stats();
        if stats.discarded > 0 {
            tracing::warn!(?from, frames = stats.discarded, "messages were too long");
        }
        self.counts.discarded.fetch_add(stats.discarded + stats.truncated, Relaxed);
        ended.and(peer.close().await)
    }
}

/// A thread that prints, for a pipe may be full for as long as its reader likes. When the reader is
/// gone the shutdown begins.
fn print_lines(shutdown: Shutdown) -> (mpsc::Sender<String>, JoinHandle<()>) {
    let (sender, mut lines) = mpsc::channel::<String>(AHEAD);
    let printing = std::thread::spawn(move || {
        while let Some(line) = lines.blocking_recv() {
            if let Err(error) = writeln!(std::io::stdout(), "{line}") {
                tracing::error!(%error, "cannot print");
                return shutdown.begin();
            }
        }
    });
    (sender, printing)
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { received, discarded } = self;
        let [received, discarded] = [received, discarded].map(|count| count.load(Relaxed));
        write!(f, "{received} messages received, {discarded} discarded")
    }
}

//! A service that replaces itself under load, and refuses nobody meanwhile.
//!
//! ```text
//! cargo run --release --example handover
//! ```
//!
//! ```text
//!  this process ──starts──> server 1   server 2   server 3 ..   each is this program again
//!       │                      │  ^       │  ^
//!       │                      │  └ "take over" over a unix socket
//!       │                      └─ the listeners, as descriptors ─> accepts, says so, and only
//!       │                                                          then the former one stops
//!       └────starts──> client: connects, sends, receives and closes, all the time
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `run` | the processes, and who is replaced when |
//! | `server` | accepts, answers, and ends |
//! | `pass` | what goes over the unix socket from server to server |
//! | `client` | the load, and what of it was lost |

mod client;
mod pass;
mod run;
mod server;

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anysock::Endpoint;
use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// What ends a process of this example.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Replaces a running service by new processes of itself, while a client connects to it all the
/// time, and counts the connections that were lost.
#[derive(Debug, Parser)]
#[command(after_long_help = "\
The service listens on a TCP port, on a unix path and, as seqpacket, on an abstract unix name. Each
server of it hands its listening sockets to its successor over a unix socket, accepts until the
successor does, finishes its connections and ends. Connections that wait in a backlog are the
successor's. A connection is lost if it is refused, if it is reset or ends early, or if a message is
not answered as it should be.

Where NOTIFY_SOCKET is set, each server tells that it is ready, see sd_notify(3).

Exit status: 0; 1 if a connection was lost, or something failed; 2 for bad arguments.
RUST_LOG=anysock=debug shows what the library does.")]
struct Args {
    /// How often the service is replaced.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count(1, 1_000))]
    replace: u64,

    /// Connections to make at least.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = count(1, 10_000_000))]
    connections: u64,

    /// Connections at the same time.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = count(1, 500))]
    at_once: u64,

    /// Print one JSON object instead of the last line.
    #[arg(long)]
    json: bool,

    /// Close the listeners and bind anew instead of handing them over, to see what is lost then.
    #[arg(long)]
    broken: bool,

    #[command(subcommand)]
    part: Option<Part>,
}

/// What this program is when it is started by itself.
#[derive(Debug, Subcommand)]
enum Part {
    #[command(hide = true)]
    Server {
        /// Where its sockets are, and those of its kind.
        directory: PathBuf,
        /// Takes the listeners of a server that runs.
        #[arg(long)]
        successor: bool,
        #[arg(long)]
        broken: bool,
    },
    #[command(hide = true)]
    Client {
        #[arg(required = true)]
        endpoints: Vec<Endpoint>,
        #[arg(long, default_value_t = 16)]
        at_once: u64,
    },
}

fn count(least: u64, most: u64) -> RangedU64ValueParser {
    clap::value_parser!(u64).range(least..=most)
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    let done = match args.part {
        Some(Part::Server { directory, successor, broken }) => {
            server::serve(&directory, successor, broken).await
        }
        Some(Part::Client { endpoints, at_once }) => client::load(&endpoints, at_once).await,
        None => replace(&args).await,
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("handover: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Everything, and what came of it.
async fn replace(args: &Args) -> Result<ExitCode, Failure> {
    let plan = run::Plan {
        replace: args.replace,
        connections: args.connections,
        at_once: args.at_once,
        broken: args.broken,
    };
    let outcome = tokio::select! {
        outcome = run::run(&plan) => outcome?,
        _ = tokio::signal::ctrl_c() => return Err("interrupted".into()),
    };
    progress("");
    for (why, times) in &outcome.reasons {
        eprintln!("handover: lost {times} times: {why}");
    }
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&outcome)?)?;
    } else {
        writeln!(out, "{outcome}")?;
    }
    out.flush()?;
    Ok(if outcome.lost == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One line that is overwritten, for people only.
pub(crate) fn progress(what: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}

//! The table made real: opens both ends of every cell, and shows beside each guarantee what was
//! observed.
//!
//! ```text
//! cargo run --release --example matrix
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `cell` | both ends of one cell, by `anysock::bind` and `anysock::connect` |
//! | `observe` | what a transport does, whatever it promises |
//! | `speed` | round trips and messages per second |
//! | `watch` | no cell takes for ever |
//! | `report` | the table, the JSON, and what contradicts a guarantee |

mod cell;
mod observe;
mod report;
mod speed;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anysock::Cell;
use clap::Parser;
use clap::builder::RangedU64ValueParser;
use tracing_subscriber::EnvFilter;

use crate::report::Row;

/// How long one cell may take. One that takes longer hangs, and is reported as such.
const DEADLINE: Duration = Duration::from_secs(30);

/// Opens a listener and a client on every cell, exchanges messages, and prints what each cell
/// guarantees beside what was observed.
#[derive(Debug, Parser)]
#[command(after_long_help = "\
Columns, guarantees as `promised: what was seen`:
  reliable      The sender overruns a receiver that sleeps, both ways: until it has to wait, or
                until loss is seen. Then the receiver wakes. How much of what was sent arrives?
  boundaries    Messages of many sizes, empty ones and the largest too, back to back, both ways:
                how many arrive just as they were sent?
  connection    Is a peer accepted before the first message; what does an end receive once the
                other has closed; what does a send get then?
  largest       The longest message, in bytes, that really went through, both ways. Datagram and
                seqpacket sockets have a limit of their own; a stream has none, and goes up to
                --max.
  p50, p99      Round trips of 64 bytes, one at a time, in microseconds.
  messages/s    64-byte messages echoed, 32 at a time on their way.

What is promised is what both ends promise. A cell may do more than it promises.

Exit status: 0; 1 if an observation contradicts a guarantee, or a cell fails or hangs; 2 for bad
arguments. RUST_LOG=anysock=debug shows what the library does.")]
struct Args {
    /// Print an array of one JSON object per cell.
    #[arg(long)]
    json: bool,

    /// Messages to measure with, in each cell.
    #[arg(long, value_name = "N", default_value_t = 5_000, value_parser = count())]
    messages: u64,

    /// Only these cells, such as unix-stream, ipv4-datagram or ipv6-seqpacket.
    #[arg(long = "cell", value_name = "NAME", num_args = 1.., value_parser = cell)]
    cells: Vec<Cell>,

    /// The longest message that both ends are told to take, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 16 << 20, value_parser = most())]
    max: u64,
}

fn count() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=10_000_000)
}

/// At least what the observations need, at most what the codec can announce.
fn most() -> RangedU64ValueParser {
    clap::value_parser!(u64).range(2_048..=1 << 30)
}

fn cell(name: &str) -> Result<Cell, String> {
    let known = Cell::ALL.into_iter().find(|cell| cell.to_string() == name);
    known.ok_or_else(|| format!("there are {}", Cell::ALL.map(|cell| cell.to_string()).join(", ")))
}

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    let (max, messages) = (args.max as usize, args.messages as usize);
    let rows: Vec<Row> = Cell::ALL
        .into_iter()
        .filter(|cell| args.cells.is_empty() || args.cells.contains(cell))
        .map(|cell| {
            progress(&format!("observing {cell}"));
            watch::watched(cell, DEADLINE, move || cell::row(cell, max, messages))
        })
        .collect();
    progress("");
    let text = if args.json { report::json(&rows) } else { report::table(&rows) };
    if let Err(error) = io::stdout().lock().write_all(text.as_bytes()) {
        eprintln!("matrix: cannot print: {error}");
        return ExitCode::FAILURE;
    }
    let wrong = report::wrong(&rows);
    wrong.iter().for_each(|what| eprintln!("matrix: {what}"));
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One line that is overwritten, for people only.
fn progress(what: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}

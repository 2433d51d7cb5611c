//! Nothing that a peer, the holder of a duplicate, the network or an exhausted machine does can
//! wedge a runtime.
//!
//! A case is one trap, or one state in which an operation blocks, on one cell. It is played by a
//! process of its own: on a runtime of one thread the operation is blocked, through `connect`,
//! `bind`, `Listener` and `Connection`, with a real peer, and a timer of 10 ms ticks beside it. The
//! process is watched for a window of 150 ms (400 ms with `ROBUSTNESS=short`, 2 s with `long`), tells
//! one line, and is killed. What must hold:
//!
//! - the timer fires: at least a fifth of its ticks, such that only one that has stopped is found;
//!   how late it was at worst is told, and does not decide, since other work on the machine adds to it;
//! - the process takes at most 5 % of a processor in the window, and the operation is polled no more
//!   often than pauses which grow to 20 ms let it be;
//! - once what it waits for is there, the operation ends as it should.
//!
//! What is out of bounds is played again, alone and for longer: a wedge is there for ever, and what a
//! busy machine does to a short window is not.
//!
//! Under a flood (T7) nothing is blocked. There a reader may be handed 128 messages before others
//! run. Where a thousand peers announce 8 MiB each (T8), the address space may grow by 256 MiB.
//!
//! | module | holds |
//! |---|---|
//! | `trap`, `table` | the cases; how plain tokio fares in each, or why there is none |
//! | `traps`, `states` | how each is played, on any `sockets` |
//! | `with_anysock`, `with_tokio` | anysock; and tokio's own types, as their documentation shows them |
//! | `far`, `network` | peers without a runtime; a neighbour that does not answer |
//! | `stage`, `report`, `verdict` | what watches, what it tells, what that means |
//! | `child`, `trial` | the process of a case, and who starts and kills it |
//! | `gates`, `comparison` | what must hold for anysock, and that the table is true of tokio |
//!
//! The same processes play on plain tokio types (`TcpStream` and `UnixStream` under tokio-util's
//! `LengthDelimitedCodec`, `UdpSocket`, `UnixDatagram`, the listeners, `AsyncFd` for seqpacket). There
//! a case is a wedge if the timer stops, the processor burns, a task sleeps on what is there, the
//! process aborts, or "would block" reaches who awaited or was first to send. With tokio 1.54.1:
//!
//! | case | plain tokio |
//! |---|---|
//! | T1, and shut down by another process | stops: `UdpSocket`, `UnixDatagram`; accepting on `UnixListener`, `AsyncFd` |
//! | T2 | stops: `UdpSocket`, `UnixDatagram` |
//! | T3 | burns: `UnixDatagram` |
//! | T4 | sleeps: `UnixStream`, `TcpStream` |
//! | T5 | would block: `UnixStream`, and seqpacket sockets |
//! | T6 | would block: `UdpSocket`, `UnixDatagram`, `AsyncFd`; accepted streams are well since 1.54.1 |
//! | T7 | stops: `AsyncFd`, and both streams with messages of one byte: the codec spends no budget |
//! | T8 | aborts: both streams, the codec reserves what is announced |
//! | no descriptor | burns: accepting on `TcpListener` and `UnixListener` in a loop that goes on; stops: `AsyncFd` |
//!
//! The rest is well there too. One case alone, and what it tells on both:
//!
//! ```console
//! $ ANYSOCK_WEDGE='unix-datagram T1' cargo test --test wedge one_case -- --nocapture
//! $ cargo test --test wedge -- --nocapture   # all, with the table
//! ```

mod child;
mod comparison;
#[path = "../support/directory.rs"]
#[expect(dead_code, reason = "what is left in it is nobody's business here")]
mod directory;
#[path = "../support/effort.rs"]
mod effort;
mod far;
mod gates;
#[path = "../support/limits.rs"]
mod limits;
#[path = "../support/link.rs"]
#[expect(dead_code, reason = "options are tested elsewhere")]
mod link;
mod network;
mod outcome;
#[path = "../support/process.rs"]
#[expect(dead_code, reason = "only what does not outlive its test is of use here")]
mod process;
mod report;
mod sockets;
mod stage;
mod states;
mod table;
mod trap;
mod traps;
mod trial;
mod usage;
mod verdict;
mod with_anysock;
mod with_tokio;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::child::On;
use crate::effort::Effort;
use crate::table::Entry;
use crate::trap::{CELLS, Case, Trap};

/// Names one case that is to be played alone: `ANYSOCK_WEDGE='unix-datagram T1'`.
const ALONE: &str = "ANYSOCK_WEDGE";

/// For how long a blocked operation is watched.
fn window() -> Duration {
    Duration::from_millis(Effort::asked().pick(150, 400, 2000))
}

/// One test after the other, so that those that wedge do not disturb the figures of the others;
/// none where one case is to be played alone.
fn in_turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = || TURN.lock().unwrap_or_else(PoisonError::into_inner);
    std::env::var_os(ALONE).is_none().then(turn)
}

#[test]
fn one_case_is_played_alone_where_one_is_named() {
    let Ok(name) = std::env::var(ALONE) else { return };
    let case = Case::parse(&name);
    let case = case.unwrap_or_else(|| panic!("{ALONE} is a cell and a trap, not {name:?}"));
    if let Some(Entry::Never(why)) = table::entry(case) {
        panic!("there is no {case}: {why}");
    }
    for on in [On::Anysock, On::Tokio] {
        trial::play(&[case], on, window(), 1).iter().for_each(|trial| println!("{on:?} {trial}"));
    }
}

#[test]
fn every_cell_meets_every_trap_or_it_is_said_why_it_cannot() {
    let mut reasons = Vec::new();
    let text = table::text(|case| match table::entry(case) {
        Some(Entry::Plain(_)) => "played".into(),
        Some(Entry::Never(why)) => {
            let number = reasons.iter().position(|known| *known == why);
            let number = number.unwrap_or_else(|| {
                reasons.push(why);
                reasons.len() - 1
            });
            format!("no ({})", number + 1)
        }
        None => panic!("{case} is blank, or there twice"),
    });
    println!("{text}");
    Trap::ALL.iter().for_each(|trap| println!("{trap:28}{}", trap.what()));
    for (number, why) in reasons.iter().enumerate() {
        println!("({}) {why}", number + 1);
    }
    assert_eq!(table::all().count(), CELLS.len() * Trap::ALL.len());
}

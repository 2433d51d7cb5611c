//! Every transport of this workspace keeps the eleven laws, and the table says what was checked.

mod cells;
mod limited;
mod pairs;
mod reconnecting;

use std::thread;
use std::time::Duration;

use anysock::{Deadlines, Idle, Limits, MaxLength, Quota, Rate, Transport};
use anysock_testing::conformance::{Boxed, InMemory, Kit, Report, Subject, Table};

use self::cells::{Cell, Near};
use self::limited::Limited;
use self::pairs::{DatagramPair, SeqPacketPair, StreamPair};
use self::reconnecting::Again;

fn start(subject: impl Subject) -> thread::JoinHandle<Report> {
    thread::spawn(move || Kit::default().check(subject))
}

const MINUTE: Duration = Duration::from_secs(60);

/// More than the kit sends.
fn ample() -> Quota {
    Quota::messages(100_000_000, 1_000_000).and_bytes(100_000_000_000, 1_000_000_000)
}

/// All limits at once, none of which the kit reaches.
fn under_all<S: Subject>(subject: S) -> Limited<S, impl Transport + Send + 'static + use<S>> {
    Limited::new("under all limits", subject, |inner| {
        Limits::default()
            .idle(MINUTE)
            .read_deadline(MINUTE)
            .write_deadline(MINUTE)
            .rate(ample())
            .send_rate(ample())
            .max_message(1 << 20)
            .wrap(inner)
    })
}

#[test]
fn every_transport_keeps_the_laws() {
    // A few at a time: most of a check is waiting, but not all of it.
    let mut reports = Vec::new();
    let mut wait = |threads: Vec<thread::JoinHandle<Report>>| {
        reports.extend(threads.into_iter().map(|thread| thread.join().expect("a report")));
    };
    wait(vec![
        start(Cell::new("unix-stream", "unix:", Near::Client)),
        start(Cell::new("ipv4-stream", "tcp://127.0.0.1:0", Near::Client)),
        start(Cell::new("ipv6-stream", "tcp://[::1]:0", Near::Client)),
        start(Cell::new("unix-seqpacket", "unix-seqpacket:", Near::Client)),
    ]);
    wait(vec![
        start(Cell::new("unix-datagram", "unix-dgram:", Near::Client)),
        start(Cell::new("ipv4-datagram", "udp://127.0.0.1:0", Near::Client)),
        start(Cell::new("ipv6-datagram", "udp://[::1]:0", Near::Client)),
        start(Cell::new("ipv4-stream, accepted", "tcp://127.0.0.1:0", Near::Accepted)),
    ]);
    wait(vec![
        start(Cell::new("unix-datagram, accepted", "unix-dgram:", Near::Accepted)),
        start(Cell::new("ipv4-datagram, accepted", "udp://127.0.0.1:0", Near::Accepted)),
        start(Cell::new("ipv6-datagram, accepted", "udp://[::1]:0", Near::Accepted)),
        start(Cell::new("unix-seqpacket, accepted", "unix-seqpacket:", Near::Accepted)),
    ]);
    wait(vec![
        start(StreamPair),
        start(SeqPacketPair),
        start(DatagramPair),
        start(InMemory),
        start(Boxed(Cell::new("ipv4-stream", "tcp://127.0.0.1:0", Near::Client))),
    ]);
    wait(vec![
        start(Cell::new("multipath", "mptcp://127.0.0.1:0", Near::Client)),
        start(Again::new("unix-stream, reconnecting", "unix:")),
        start(Again::steady("unix-stream, steady", "unix:")),
        start(Again::steady("unix-seqpacket, steady", "unix-seqpacket:")),
        start(Again::steady("ipv4-stream, steady", "tcp://127.0.0.1:0")),
        start(Limited::new("under idle", StreamPair, |inner| Idle::new(inner, MINUTE))),
        start(Limited::new("under deadlines", StreamPair, |inner| {
            Deadlines::new(inner).read(MINUTE).write(MINUTE)
        })),
        start(Limited::new("under a rate", StreamPair, |inner| {
            Rate::new(inner).received(ample()).sent(ample())
        })),
        // Slow enough that each second message waits, fast enough for the kit's patience.
        start(Limited::new("under a low rate", InMemory, |inner| {
            Rate::new(inner).received(Quota::messages(4000, 1)).sent(Quota::messages(4000, 1))
        })),
        start(
            Limited::new("under a maximum", SeqPacketPair, |inner| {
                MaxLength::new(inner).sent(100_000).received(100_000)
            })
            .with_max(|inner, max| MaxLength::new(inner).sent(max).received(max)),
        ),
    ]);
    wait(vec![
        start(under_all(StreamPair)),
        start(under_all(Cell::new("unix-seqpacket", "unix-seqpacket:", Near::Client))),
        start(under_all(Cell::new("ipv4-stream", "tcp://127.0.0.1:0", Near::Accepted))),
        start(under_all(Cell::new("ipv4-datagram", "udp://127.0.0.1:0", Near::Client))),
        start(Boxed(under_all(DatagramPair))),
    ]);
    println!("{}", Table(&reports));
    reports.iter().for_each(|report| report.assert());
}

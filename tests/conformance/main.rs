//! Every transport of this workspace keeps the eleven laws, and the table says what was checked.

mod cells;
mod pairs;
mod reconnecting;

use std::thread;

use anysock_testing::conformance::{Boxed, InMemory, Kit, Report, Subject, Table};

use self::cells::{Cell, Near};
use self::pairs::{DatagramPair, SeqPacketPair, StreamPair};
use self::reconnecting::Again;

fn start(subject: impl Subject) -> thread::JoinHandle<Report> {
    thread::spawn(move || Kit::default().check(subject))
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
    ]);
    println!("{}", Table(&reports));
    reports.iter().for_each(|report| report.assert());
}

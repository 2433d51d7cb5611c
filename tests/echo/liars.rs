//! Peers that announce much and send little cost little.

use std::fs;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anysock::Cell;
use socket2::{SockAddr, Socket};

use crate::alone;
use crate::support::process::DEADLINE;
use crate::support::{Directory, Server, endpoint};

const PEERS: usize = 1_000;
const ANNOUNCED: usize = 16 * 1024 * 1024;

/// Resident memory of the server, in KiB: 8 of read buffer, the task, the connection.
const MOST_A_PEER: usize = 12;

/// Virtual memory of the server, in KiB, where the lies come to 16 GB.
const MOST_VIRTUAL: usize = 1_000_000;

macro_rules! a_thousand_liars_cost_little_and_delay_nobody {
    ($($name:ident $cell:ident $codec:literal;)*) => {
        mod a_thousand_liars_cost_little_and_delay_nobody {$(
            #[test]
            fn $name() {
                super::lie(stringify!($name), anysock::Cell::$cell, $codec);
            }
        )*}
    };
}

a_thousand_liars_cost_little_and_delay_nobody! {
    unix_stream_u32 UNIX_STREAM "u32";
    unix_stream_u64 UNIX_STREAM "u64";
    unix_stream_varint UNIX_STREAM "varint";
    ipv4_stream_u32 IPV4_STREAM "u32";
    ipv4_stream_u64 IPV4_STREAM "u64";
    ipv4_stream_varint IPV4_STREAM "varint";
    ipv6_stream_u32 IPV6_STREAM "u32";
    ipv6_stream_u64 IPV6_STREAM "u64";
    ipv6_stream_varint IPV6_STREAM "varint";
}

fn lie(name: &str, cell: Cell, codec: &str) {
    if !alone::here() {
        let module = "liars::a_thousand_liars_cost_little_and_delay_nobody";
        return alone::run_again(&format!("{module}::{name}"));
    }
    let directory = Directory::new();
    let max = ANNOUNCED.to_string();
    let server = Server::start(&[endpoint(cell, &directory)], &["--codec", codec, "--max", &max]);
    let mut honest = Peer::connect(&server.endpoints[0]);
    honest.exchange(codec, b"hello");

    let before = kib(server.id(), "VmRSS:");
    let descriptors = open(server.id());
    let mut slowest = Duration::ZERO;
    let mut liars: Vec<_> = (0..PEERS)
        .map(|number| {
            let mut liar = Peer::connect(&server.endpoints[0]);
            liar.send(&[&announce(codec, ANNOUNCED)[..], b"."].concat());
            if number % 10 == 0 {
                slowest = slowest.max(honest.exchange(codec, b"hello again"));
            }
            liar
        })
        .collect();
    slowest = slowest.max(honest.exchange(codec, b"and again"));
    settle(server.id(), descriptors + PEERS);
    let a_peer = (kib(server.id(), "VmRSS:").saturating_sub(before)) as f64 / PEERS as f64;

    // None was sent away, and what one announced was a promise after all.
    assert!(liars.iter_mut().all(Peer::is_waiting));
    let mut late = liars.pop().unwrap();
    late.send(&vec![b'.'; ANNOUNCED - 1]);
    late.expect(&[announce(codec, ANNOUNCED), vec![b'.'; ANNOUNCED]].concat());

    let peak = kib(server.id(), "VmPeak:");
    println!("{name}: {a_peer:.1} KiB a peer, VmPeak {peak} KiB, slowest answer {slowest:?}");
    assert!(a_peer <= MOST_A_PEER as f64, "{a_peer:.1} KiB a peer");
    assert!(peak < MOST_VIRTUAL, "{peak} KiB of virtual memory");
    drop(liars);
    honest.exchange(codec, b"and still");
    assert!(server.stop("TERM").success());
}

/// How a length is written in front of a message.
fn announce(codec: &str, length: usize) -> Vec<u8> {
    match codec {
        "u32" => u32::try_from(length).unwrap().to_be_bytes().into(),
        "u64" => (length as u64).to_be_bytes().into(),
        _ => {
            let mut bytes = Vec::new();
            let mut rest = length;
            while rest >= 0x80 {
                bytes.push(rest as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
            bytes
        }
    }
}

/// A client that knows nothing of this library.
struct Peer(Socket);

impl Peer {
    fn connect(endpoint: &str) -> Self {
        let addr = match endpoint.strip_prefix("tcp://") {
            Some(addr) => addr.parse::<SocketAddr>().unwrap().into(),
            None => SockAddr::unix(endpoint.strip_prefix("unix:").unwrap()).unwrap(),
        };
        let socket = Socket::new(addr.domain(), socket2::Type::STREAM, None).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        socket.set_write_timeout(Some(DEADLINE)).unwrap();
        socket.connect(&addr).unwrap();
        Self(socket)
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn expect(&mut self, bytes: &[u8]) {
        let mut got = vec![0; bytes.len()];
        self.0.read_exact(&mut got).unwrap();
        assert!(got == bytes);
    }

    /// How long the answer took.
    fn exchange(&mut self, codec: &str, message: &[u8]) -> Duration {
        let frame = [&announce(codec, message.len()), message].concat();
        let start = Instant::now();
        self.send(&frame);
        self.expect(&frame);
        start.elapsed()
    }

    /// Whether neither an answer nor an end has come.
    fn is_waiting(&mut self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let read = self.0.read(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Waits until the server has so many descriptors open and nothing more to do: all its threads
/// sleep.
fn settle(id: u32, descriptors: usize) {
    let start = Instant::now();
    while open(id) < descriptors || !is_asleep(id) {
        assert!(start.elapsed() < DEADLINE, "the server accepts and reads within the deadline");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn open(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).unwrap().count()
}

fn is_asleep(id: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{id}/task")).unwrap();
    threads.map(|thread| fs::read_to_string(thread.unwrap().path().join("stat")).unwrap()).all(
        // proc(5): the state follows the name, which stands in parentheses.
        |stat| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('S')),
    )
}

/// A line of /proc/ID/status, in KiB.
fn kib(id: u32, field: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

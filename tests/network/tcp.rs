//! What options do to a TCP connection whose peer no longer answers.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use anysock::{Keepalive, Options, Type};
use anysock_core::Socket;

use crate::host::{self, Host};
use crate::info::Info;
use crate::lacking::skipped;
use crate::link::{self, at, bind, wait_until};

/// Retransmissions in a row for want of an answer.
const RETRANSMITS: usize = 2;
/// By how many doublings the time between them has grown.
const BACKOFF: usize = 4;
/// Bits, of which 32 says that bytes went with the first packet and were taken.
const OPTIONS: usize = 5;
/// The time to the next retransmission, in microseconds.
const RETRANSMISSION_TIMEOUT: usize = 8;
/// Segments that are under way.
const UNACKNOWLEDGED: usize = 24;

const SECOND: Duration = Duration::from_secs(1);

/// The addresses of a host on wire 0.
fn addresses(host: &Host) -> [IpAddr; 2] {
    [host.v4(0).into(), host.v6(0).into()]
}

/// Connections from one host to the other, one over each family; clients, then servers.
fn connected(left: &Host, right: &Host, options: &Options) -> Vec<(Socket, Socket)> {
    let connect = |address: IpAddr| {
        let listener = right.run(|| bind(Type::Stream, &at(address, 0), &Options::new())).unwrap();
        let addr = listener.local_addr().unwrap();
        let client = left.run(|| link::begin(Type::Stream, &addr, options)).unwrap();
        let server = link::accept(&listener);
        link::wait(&client, libc::POLLOUT);
        (client, server)
    };
    addresses(right).into_iter().map(connect).collect()
}

#[test]
fn nodelay_sends_small_segments_before_earlier_ones_are_answered() {
    let Some([left, right]) = host::wired() else { return };
    let with = connected(&left, &right, &Options::new().nodelay(true));
    let without = connected(&left, &right, &Options::new().nodelay(false));
    right.turn_deaf();
    let under_way = |client: &Socket| {
        for _ in 0..5 {
            client.send(b"x").unwrap();
        }
        Info::of(client).number(UNACKNOWLEDGED)
    };
    for ((with, _server), (without, _other)) in with.iter().zip(&without) {
        assert_eq!(under_way(with), 5);
        assert_eq!(under_way(without), 1);
    }
}

#[test]
fn keepalive_breaks_a_connection_whose_peer_is_gone() {
    let Some([left, right]) = host::wired() else { return };
    let keepalive = Keepalive::new().idle(SECOND).interval(SECOND).count(1);
    let connections = connected(&left, &right, &Options::new().keepalive(keepalive));
    right.turn_deaf();
    for (client, _server) in &connections {
        assert_eq!(link::error(client).kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn user_timeout_breaks_a_connection_that_is_not_acknowledged() {
    let Some([left, right]) = host::wired() else { return };
    let options = Options::new().user_timeout(Duration::from_millis(500));
    let connections = connected(&left, &right, &options);
    right.turn_deaf();
    for (client, _server) in &connections {
        client.send(b"is anybody there?").unwrap();
    }
    for (client, _server) in &connections {
        assert_eq!(link::error(client).kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn syn_retries_bound_how_long_connecting_takes() {
    let Some([left, right]) = host::wired() else { return };
    right.turn_deaf();
    for address in addresses(&right) {
        // By itself it takes two minutes; this takes three seconds.
        let options = Options::new().syn_retries(1);
        let begun = left.run(|| link::begin(Type::Stream, &at(address, 9), &options));
        assert_eq!(link::error(&begun.unwrap()).kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn thin_linear_timeouts_repeat_at_equal_times() {
    let Some([left, right]) = host::wired() else { return };
    // bbr has none of this.
    let reno = || Options::new().congestion_control("reno");
    let with = connected(&left, &right, &reno().thin_linear_timeouts(true));
    let without = connected(&left, &right, &reno().thin_linear_timeouts(false));
    right.turn_deaf();
    let backoff = |client: &Socket| after_retransmissions(client, 3).0[BACKOFF];
    for ((with, _server), (without, _other)) in with.iter().zip(&without) {
        with.send(b"x").unwrap();
        without.send(b"x").unwrap();
        assert_eq!(backoff(with), 0);
        assert!(backoff(without) >= 3);
    }
}

#[test]
fn longest_retransmission_bounds_the_pauses() {
    let Some([left, right]) = host::wired() else { return };
    let bounded = Options::new().longest_retransmission(SECOND);
    let probe = left.run(|| Socket::open(anysock::Cell::IPV4_STREAM)).unwrap();
    if bounded.apply(&probe).is_err_and(|error| error.kind() == io::ErrorKind::Unsupported) {
        skipped::say("this kernel is older than Linux 6.15");
        return;
    }
    let with = connected(&left, &right, &bounded);
    let without = connected(&left, &right, &Options::new());
    right.turn_deaf();
    let pause = |client: &Socket| after_retransmissions(client, 3).number(RETRANSMISSION_TIMEOUT);
    for ((with, _server), (without, _other)) in with.iter().zip(&without) {
        with.send(b"x").unwrap();
        without.send(b"x").unwrap();
        assert!(pause(with) <= 1_000_000);
        assert!(pause(without) > 1_000_000);
    }
}

/// What there is to tell once a client has tried again so often.
fn after_retransmissions(client: &Socket, times: u8) -> Info {
    wait_until("bytes are sent again", || Info::of(client).0[RETRANSMITS] >= times);
    Info::of(client)
}

#[test]
fn fast_open_carries_the_first_bytes_in_the_first_packet() {
    let Some([left, right]) = host::wired() else { return };
    for host in [&left, &right] {
        host.sysctl("net/ipv4/tcp_fastopen", "3");
    }
    for address in addresses(&right) {
        let server = Options::new().fast_open(8);
        let listener = right.run(|| bind(Type::Stream, &at(address, 0), &server)).unwrap();
        let addr = listener.local_addr().unwrap();
        let early = |options: &Options| {
            let client = left.run(|| link::begin(Type::Stream, &addr, options)).unwrap();
            link::wait(&client, libc::POLLOUT);
            client.send(b"hello").unwrap();
            let server = link::accept(&listener);
            link::wait(&server, libc::POLLIN);
            assert_eq!(server.recv(&mut [0; 8]).unwrap(), 5);
            // The answer to the first packet says so.
            server.send(b"welcome").unwrap();
            link::wait(&client, libc::POLLIN);
            Info::of(&client).0[OPTIONS] & 32 != 0
        };
        let eager = Options::new().fast_open_connect(true);
        assert!(!early(&eager), "nobody has a cookie yet");
        assert!(early(&eager));
        assert!(!early(&Options::new()));
    }
}

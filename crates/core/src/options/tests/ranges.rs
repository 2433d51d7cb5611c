//! The ends of what each option takes.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Group, Keepalive, OptionError, Options, milliseconds, seconds, table};
use crate::{Cell, Socket};

#[test]
fn values_that_the_kernel_would_refuse_or_replace_are_out_of_range() {
    let (new, tcp, udp) = (Options::new, Cell::IPV4_STREAM, Cell::IPV6_DATAGRAM);
    let keepalive = |keepalive| Options::new().keepalive(keepalive);
    let half = milliseconds(500);
    let refused = [
        (tcp, keepalive(Keepalive::new().idle(Duration::ZERO))),
        (tcp, keepalive(Keepalive::new().idle(seconds(32_768)))),
        (tcp, keepalive(Keepalive::new().idle(milliseconds(1_500)))),
        (tcp, keepalive(Keepalive::new().interval(Duration::ZERO))),
        (tcp, keepalive(Keepalive::new().interval(seconds(32_768)))),
        (tcp, keepalive(Keepalive::new().count(0))),
        (tcp, keepalive(Keepalive::new().count(128))),
        (tcp, new().linger(milliseconds(1))),
        (tcp, new().linger(seconds(1 << 31))),
        (tcp, new().send_buffer(0)),
        (tcp, new().send_buffer_force(0)),
        (tcp, new().receive_buffer(1 << 31)),
        (tcp, new().receive_buffer_force(1 << 31)),
        (tcp, new().backlog(1 << 31)),
        (Cell::UNIX_STREAM, new().file_mode(0o1000)),
        (tcp, new().device("")),
        (tcp, new().device("sixteen-bytes-is")),
        (tcp, new().device(0)),
        (tcp, new().local_port_range(0..=10)),
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
        (tcp, new().local_port_range(11..=10)),
        (tcp, new().incoming_cpu(1 << 31)),
        (tcp, new().max_pacing_rate(0)),
        (tcp, new().max_pacing_rate(u64::MAX)),
        (udp, new().kernel_busy_poll(Duration::from_nanos(500))),
        (udp, new().kernel_busy_poll(Duration::from_micros(1 << 31))),
        (tcp, new().user_timeout(Duration::ZERO)),
        (tcp, new().user_timeout(Duration::from_micros(1_500))),
        (tcp, new().user_timeout(milliseconds(1 << 31))),
        (tcp, new().congestion_control("")),
        (tcp, new().congestion_control("sixteen-bytes-is")),
        (tcp, new().congestion_control("a b")),
        (tcp, new().defer_accept(Duration::ZERO)),
        (tcp, new().defer_accept(half)),
        (tcp, new().defer_accept(seconds(16_385))),
        (tcp, new().fast_open(0)),
        (tcp, new().fast_open(1 << 31)),
        (tcp, new().not_sent_low_water(0)),
        (tcp, new().not_sent_low_water(1 << 31)),
        (tcp, new().max_segment(87)),
        (tcp, new().max_segment(32_768)),
        (tcp, new().syn_retries(0)),
        (tcp, new().syn_retries(128)),
        (tcp, new().fin_timeout(Duration::ZERO)),
        (tcp, new().fin_timeout(half)),
        (tcp, new().fin_timeout(seconds(121))),
        (tcp, new().longest_retransmission(milliseconds(999))),
        (tcp, new().longest_retransmission(milliseconds(120_001))),
        (udp, new().ttl(0)),
        (tcp, new().traffic_class(0xb9)),
        (udp, new().priority(1 << 31)),
        (udp, new().mark(0)),
        (udp, new().multicast_interface(0)),
        (udp, new().join(Group::new(Ipv4Addr::new(239, 1, 2, 3), "lo"))),
    ];
    for (cell, options) in refused {
        let error = options.check(cell).unwrap_err();
        assert!(matches!(error, OptionError::OutOfRange { .. }), "{options:?}: {error}");
    }
}

#[test]
fn values_at_the_limits_are_taken_and_read_back() {
    let (new, tcp, udp) = (Options::new, Cell::IPV4_STREAM, Cell::IPV6_DATAGRAM);
    let ends = [
        (tcp, new().linger(seconds(i32::MAX as u64))),
        (tcp, new().local_port_range(1..=1)),
        (udp, new().local_port_range(1..=65_535)),
        (tcp, new().incoming_cpu(i32::MAX as u32)),
        (tcp, new().max_pacing_rate(1)),
        (tcp, new().max_pacing_rate(u64::MAX - 1)),
        (udp, new().kernel_busy_poll(Duration::ZERO)),
        (tcp, new().user_timeout(milliseconds(1))),
        (tcp, new().user_timeout(milliseconds(i32::MAX as u64))),
        (tcp, new().defer_accept(seconds(1))),
        (tcp, new().fast_open(1)),
        (tcp, new().not_sent_low_water(1)),
        (tcp, new().not_sent_low_water(i32::MAX as u32)),
        (tcp, new().max_segment(88)),
        (tcp, new().max_segment(32_767)),
        (tcp, new().syn_retries(1)),
        (tcp, new().syn_retries(127)),
        (tcp, new().fin_timeout(seconds(1))),
        (tcp, new().fin_timeout(seconds(120))),
        (tcp, new().longest_retransmission(milliseconds(1_000))),
        (tcp, new().longest_retransmission(milliseconds(120_000))),
        (udp, new().ttl(1)),
        (udp, new().ttl(255)),
        (tcp, new().min_ttl(0)),
        (tcp, new().min_ttl(255)),
        (tcp, new().traffic_class(0)),
        (tcp, new().traffic_class(252)),
        (udp, new().traffic_class(255)),
        (udp, new().priority(0)),
        (udp, new().priority(6)),
        (udp, new().multicast_ttl(0)),
        (udp, new().multicast_ttl(255)),
    ];
    for (cell, options) in ends {
        let socket = Socket::open(cell).unwrap();
        options.apply(&socket).unwrap_or_else(|error| panic!("{options:?}: {error}"));
        let mut read = Options::read(&socket).unwrap();
        let expected = read.clone();
        for row in table().filter(|row| row.is_set(&options)) {
            row.copy(&options, &mut read);
        }
        assert_eq!(read, expected, "{options:?}");
    }
}

#[test]
fn keepalive_takes_its_limits() {
    let most = Keepalive::new().idle(seconds(32_767)).interval(seconds(32_767)).count(127);
    let least = Keepalive::new().idle(seconds(1)).interval(seconds(1)).count(1);
    for keepalive in [most, least] {
        let socket = Socket::open(Cell::IPV4_STREAM).unwrap();
        Options::new().keepalive(keepalive).apply(&socket).unwrap();
        assert_eq!(Options::read(&socket).unwrap().keepalive, Some(keepalive));
    }
    let socket = Socket::open(Cell::IPV6_STREAM).unwrap();
    Options::new().keepalive(Keepalive::new()).apply(&socket).unwrap();
    assert_eq!(Options::read(&socket).unwrap().keepalive.unwrap().count, Some(9));
}

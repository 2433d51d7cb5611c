//! What is peculiar to datagrams: pending errors, and buffers that peers share.

use std::io::IoSlice;

use anysock_core::{Addr, Cell, Outgoing, Socket};
use libc::{EAGAIN, ECONNREFUSED};

use crate::ends::{Ends, bound, fill, outcome, receive_now, send, text};
use crate::raw::{POLLERR, POLLIN, poll, poll_now};

fn send_to(socket: &Socket, bytes: &[u8], to: &Addr) -> std::io::Result<usize> {
    socket.send_message(&[IoSlice::new(bytes)], &Outgoing::to(to))
}

/// Where nobody is.
fn nowhere(cell: Cell) -> Addr {
    bound(cell).local_addr().unwrap()
}

fn reports_an_icmp_error_before_queued_data(cell: Cell) {
    let near = bound(cell);
    let other = bound(cell);
    send_to(&other, b"queued", &near.local_addr().unwrap()).unwrap();
    poll(&near, POLLIN);
    near.connect(&nowhere(cell)).unwrap();
    send(&near, b"lost").unwrap();
    poll(&near, POLLERR);
    assert_eq!(receive_now(&near), Err(ECONNREFUSED));
    assert_eq!(receive_now(&near), text("queued"));
}

per_cell! { reports_an_icmp_error_before_queued_data {
    ipv4_datagram_reports_an_icmp_error_before_queued_data => IPV4_DATAGRAM,
    ipv6_datagram_reports_an_icmp_error_before_queued_data => IPV6_DATAGRAM,
} }

fn unconnected_sees_no_icmp_error(cell: Cell) {
    let near = bound(cell);
    let to = nowhere(cell);
    for _ in 0..3 {
        assert_eq!(outcome(send_to(&near, b"lost", &to)), Ok(4));
    }
    assert_eq!(poll_now(&near, POLLIN), 0);
    assert_eq!(receive_now(&near), Err(EAGAIN));
}

per_cell! { unconnected_sees_no_icmp_error {
    ipv4_datagram_unconnected_sees_no_icmp_error => IPV4_DATAGRAM,
    ipv6_datagram_unconnected_sees_no_icmp_error => IPV6_DATAGRAM,
} }

fn fails_an_innocent_send_where_errors_are_asked_for(cell: Cell) {
    let (near, healthy) = (bound(cell), bound(cell));
    near.set_receive_errors(true).unwrap();
    let nobody = nowhere(cell);
    send_to(&near, b"lost", &nobody).unwrap();
    poll(&near, POLLERR);
    let to = healthy.local_addr().unwrap();
    assert_eq!(outcome(send_to(&near, b"innocent", &to)), Err(ECONNREFUSED));
    assert_eq!(receive_now(&healthy), Err(EAGAIN), "it was not sent");
    // The queue tells whom it concerns.
    let error = near.recv_error().unwrap().unwrap();
    assert_eq!((error.destination, error.number), (Some(nobody), ECONNREFUSED));
}

per_cell! { fails_an_innocent_send_where_errors_are_asked_for {
    ipv4_datagram_fails_an_innocent_send_where_errors_are_asked_for => IPV4_DATAGRAM,
    ipv6_datagram_fails_an_innocent_send_where_errors_are_asked_for => IPV6_DATAGRAM,
} }

#[test]
fn unix_datagram_replies_to_a_connected_client_fill_the_senders_buffer_for_everybody() {
    let cell = Cell::UNIX_DATAGRAM;
    let (server, asleep, healthy) = (bound(cell), bound(cell), bound(cell));
    asleep.connect(&server.local_addr().unwrap()).unwrap();
    let to = asleep.local_addr().unwrap();
    assert!(fill(|| send_to(&server, b"reply", &to)) > 100);
    let other = healthy.local_addr().unwrap();
    assert_eq!(outcome(send_to(&server, b"reply", &other)), Err(EAGAIN));
    receive_now(&asleep).unwrap();
    assert_eq!(outcome(send_to(&server, b"reply", &other)), Ok(5));
}

#[test]
fn unix_datagram_replies_to_an_unconnected_client_fill_its_own_queue_only() {
    let cell = Cell::UNIX_DATAGRAM;
    let (server, asleep, healthy) = (bound(cell), bound(cell), bound(cell));
    let to = asleep.local_addr().unwrap();
    assert!(fill(|| send_to(&server, b"reply", &to)) < 100);
    let other = healthy.local_addr().unwrap();
    assert_eq!(outcome(send_to(&server, b"reply", &other)), Ok(5));
}

#[test]
fn unix_datagram_is_reset_when_its_peer_connects_elsewhere_and_back() {
    let Ends { near, far } = Ends::new(Cell::UNIX_DATAGRAM);
    send(&near, b"purged").unwrap();
    far.connect(&bound(Cell::UNIX_DATAGRAM).local_addr().unwrap()).unwrap();
    far.connect(&near.local_addr().unwrap()).unwrap();
    assert_eq!(poll_now(&near, 0), POLLERR);
    assert_eq!(send(&near, b"one"), Err(libc::ECONNRESET));
    assert_eq!(send(&near, b"two"), Ok(3));
    assert_eq!(receive_now(&far), text("two"));
}

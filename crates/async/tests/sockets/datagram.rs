//! Datagram sockets: boundaries, truncation, and the answers to what was sent.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;

use anysock_async::{DatagramSocket, Packet};
use anysock_core::{Addr, Cell, Options, UnixAddr};

use crate::fixture::{fresh, poll_once, recv, within};

fn bound(cell: Cell) -> DatagramSocket {
    DatagramSocket::bind(&fresh(cell.domain), &Options::new()).unwrap()
}

/// Two sockets that are connected to each other.
fn connected(cell: Cell) -> (DatagramSocket, DatagramSocket) {
    let (near, far) = (bound(cell), bound(cell));
    near.connect(&far.local_addr().unwrap()).unwrap();
    far.connect(&near.local_addr().unwrap()).unwrap();
    (near, far)
}

async fn keeps_boundaries_and_empty_messages(cell: Cell) {
    let (near, far) = connected(cell);
    for message in ["one", "", "three"] {
        far.send(message.as_bytes()).await.unwrap();
    }
    for message in ["one", "", "three"] {
        assert_eq!(recv(&near).await.unwrap(), message);
    }
}

per_cell! { keeps_boundaries_and_empty_messages {
    unix_datagram_keeps_boundaries_and_empty_messages => UNIX_DATAGRAM,
    ipv4_datagram_keeps_boundaries_and_empty_messages => IPV4_DATAGRAM,
    ipv6_datagram_keeps_boundaries_and_empty_messages => IPV6_DATAGRAM,
} }

async fn reports_what_it_truncated(cell: Cell) {
    let (mut near, far) = connected(cell);
    for _ in 0..2 {
        far.send(b"too long").await.unwrap();
        far.send(b"short").await.unwrap();
    }
    let received = near.recv(&mut [0; 5]).await.unwrap().unwrap();
    assert_eq!((received.length, received.copied), (8, 5));
    assert!(!near.recv(&mut [0; 5]).await.unwrap().unwrap().is_truncated());
    let packet = poll_fn(|cx| near.poll_recv_packet(cx, 5)).await.unwrap().unwrap();
    assert!(matches!(packet, Packet::Truncated { length: 8 }));
    let packet = poll_fn(|cx| near.poll_recv_packet(cx, 5)).await.unwrap().unwrap();
    assert!(matches!(packet, Packet::Message(message) if message == "short"));
}

per_cell! { reports_what_it_truncated {
    unix_datagram_reports_what_it_truncated => UNIX_DATAGRAM,
    ipv4_datagram_reports_what_it_truncated => IPV4_DATAGRAM,
    ipv6_datagram_reports_what_it_truncated => IPV6_DATAGRAM,
} }

async fn names_the_source_to_whoever_asks(cell: Cell) {
    let (near, far) = (bound(cell), bound(cell));
    far.send_to(b"hello", &near.local_addr().unwrap()).await.unwrap();
    let (received, source) = near.recv_from(&mut [0; 8]).await.unwrap().unwrap();
    assert_eq!((received.length, source), (5, far.local_addr().unwrap()));
}

per_cell! { names_the_source_to_whoever_asks {
    unix_datagram_names_the_source_to_whoever_asks => UNIX_DATAGRAM,
    ipv4_datagram_names_the_source_to_whoever_asks => IPV4_DATAGRAM,
    ipv6_datagram_names_the_source_to_whoever_asks => IPV6_DATAGRAM,
} }

#[tokio::test]
async fn unix_datagram_names_a_sender_without_a_name_unnamed() {
    let near = bound(Cell::UNIX_DATAGRAM);
    let nameless = anysock_core::Socket::open(Cell::UNIX_DATAGRAM).unwrap();
    nameless.connect(&near.local_addr().unwrap()).unwrap();
    nameless.send(b"hello").unwrap();
    let (_, source) = within(near.recv_from(&mut [0; 8])).await.unwrap().unwrap();
    assert_eq!(source, Addr::Unix(UnixAddr::Unnamed));
}

async fn a_parked_reader_is_told_of_an_icmp_error(cell: Cell) {
    let mut near = bound(cell);
    let nowhere = bound(cell).local_addr().unwrap();
    near.connect(&nowhere).unwrap();
    {
        let mut buffer = [0; 8];
        let mut parked = pin!(near.recv(&mut buffer));
        assert!(poll_once(parked.as_mut()).await.is_pending());
        near.send(b"lost").await.unwrap();
        assert_eq!(parked.await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }
    // By polling as well, and again: the socket goes on.
    for _ in 0..2 {
        assert!(poll_once(pin!(poll_fn(|cx| near.poll_recv_packet(cx, 8)))).await.is_pending());
        near.send(b"lost").await.unwrap();
        let error = poll_fn(|cx| near.poll_recv_packet(cx, 8)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
}

per_cell! { a_parked_reader_is_told_of_an_icmp_error {
    ipv4_datagram_a_parked_reader_is_told_of_an_icmp_error => IPV4_DATAGRAM,
    ipv6_datagram_a_parked_reader_is_told_of_an_icmp_error => IPV6_DATAGRAM,
} }

async fn takes_the_largest_message_and_refuses_a_longer_one(cell: Cell) {
    let (near, far) = connected(cell);
    let most = near.max_message().unwrap();
    let message = vec![7; most + 1];
    let refused = near.send(&message).await.unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EMSGSIZE));
    near.send(&message[..most]).await.unwrap();
    let mut buffer = vec![0; most + 1];
    assert_eq!(far.recv(&mut buffer).await.unwrap().unwrap().length, most);
}

per_cell! { takes_the_largest_message_and_refuses_a_longer_one {
    unix_datagram_takes_the_largest_message_and_refuses_a_longer_one => UNIX_DATAGRAM,
    ipv4_datagram_takes_the_largest_message_and_refuses_a_longer_one => IPV4_DATAGRAM,
    ipv6_datagram_takes_the_largest_message_and_refuses_a_longer_one => IPV6_DATAGRAM,
} }

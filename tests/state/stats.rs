//! After a script every counter has a known value.

use std::pin::pin;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{ErrorKind, PeerLimits, Stats};

use crate::links::{join, meet, poll_once, until_there};

const FED: usize = 8;
const SIZE: usize = 100;

/// What a message of `size` bytes counts in the queue beside them.
fn overhead(endpoint: &str) -> usize {
    let is_stream = endpoint.starts_with("tcp") || endpoint.starts_with("unix:");
    if is_stream { 4 } else { 64 }
}

async fn is_counted(endpoint: &str) {
    let (_listener, mut client, mut peer) = meet(endpoint).await;
    let overhead = overhead(endpoint);
    assert_eq!(
        client.stats(),
        Stats {
            sent: 1,
            sent_bytes: 5,
            most_unsent: 5 + overhead,
            send_calls: 1,
            ..Stats::default()
        }
    );
    // The listener receives for all peers of datagrams.
    let receives = peer.stats().receive_calls > 0;
    let calls = |count| if receives { count } else { 0 };
    let first = Stats { received: 1, received_bytes: 5, receive_calls: calls(1), ..held(&peer) };
    assert_eq!(peer.stats(), first);

    for _ in 0..FED {
        client.feed(&[7; SIZE][..]).await.unwrap();
    }
    let unsent = FED * (SIZE + overhead);
    assert_eq!((client.stats().unsent, client.stats().send_calls), (unsent, 1));
    client.flush().await.unwrap();
    let fed = Stats {
        sent: 9,
        sent_bytes: 5 + 800,
        most_unsent: unsent,
        send_calls: 2,
        ..Stats::default()
    };
    assert_eq!(client.stats(), fed);

    until_there(&peer, FED * SIZE).await;
    for _ in 0..FED {
        assert_eq!(peer.recv().await.unwrap().unwrap().len(), SIZE);
    }
    let received =
        Stats { received: 9, received_bytes: 5 + 800, receive_calls: calls(2), ..held(&peer) };
    assert_eq!(peer.stats(), received);

    // It finds nothing, and waits.
    assert!(poll_once(pin!(peer.recv())).await.is_pending());
    let waiting = Stats { receive_calls: calls(3), receive_would_block: calls(1), ..received };
    assert_eq!(peer.stats(), Stats { held: 0, ..waiting });
    client.send("").await.unwrap();
    assert_eq!(peer.recv().await.unwrap().unwrap(), "");
    let last = Stats { received: 10, receive_calls: calls(4), ..waiting };
    assert_eq!(peer.stats(), Stats { held: peer.stats().held, ..last });

    peer.send("reply").await.unwrap();
    until_there(&client, 5).await;
    assert_eq!(client.recv().await.unwrap().unwrap(), "reply");
    let client = client.stats();
    assert_eq!((client.sent, client.send_calls, client.send_would_block), (10, 3, 0));
    assert_eq!((client.received, client.receive_calls, client.receive_would_block), (1, 1, 0));
    assert_eq!((peer.stats().sent, peer.stats().send_calls), (1, 1));
}

/// What is held is the block's size, which is not of this test.
fn held(transport: &impl Guaranteed) -> Stats {
    Stats { held: transport.stats().held, ..Stats::default() }
}

per_endpoint! { is_counted {
    unix_stream_is_counted => "unix:",
    unix_datagram_is_counted => "unix-dgram:",
    unix_seqpacket_is_counted => "unix-seqpacket:",
    ipv4_stream_is_counted => "tcp://127.0.0.1:0",
    ipv4_datagram_is_counted => "udp://127.0.0.1:0",
    ipv6_stream_is_counted => "tcp://[::1]:0",
    ipv6_datagram_is_counted => "udp://[::1]:0",
} }

#[tokio::test]
async fn in_memory_messages_are_counted_and_there_are_no_calls() {
    let (_listener, client, peer) = meet("mem:counted").await;
    assert_eq!(client.stats(), Stats { sent: 1, sent_bytes: 5, ..Stats::default() });
    assert_eq!(peer.stats(), Stats { received: 1, received_bytes: 5, ..Stats::default() });
}

async fn the_halves_count_their_own_direction(endpoint: &str) {
    let (_listener, mut client, peer) = meet(endpoint).await;
    let whole = client.stats();
    client.send("again").await.unwrap();
    let (mut sending, receiving) = client.split();
    sending.send("and again").await.unwrap();
    let stats = sending.stats();
    assert_eq!((stats.sent, stats.send_calls), (whole.sent + 2, whole.send_calls + 2));
    assert_eq!((stats.receive_calls, receiving.stats()), (0, Stats::default()));
    let before = peer.stats();
    let (sending, mut receiving) = peer.split();
    assert_eq!(receiving.recv().await.unwrap().unwrap(), "again");
    assert_eq!(receiving.recv().await.unwrap().unwrap(), "and again");
    assert_eq!(receiving.stats().received, before.received + 2);
    assert!(receiving.stats().receive_calls >= before.receive_calls);
    assert_eq!(sending.stats(), Stats::default());
}

per_endpoint! { the_halves_count_their_own_direction {
    unix_stream_halves_count_their_own_direction => "unix:",
    unix_datagram_halves_count_their_own_direction => "unix-dgram:",
    unix_seqpacket_halves_count_their_own_direction => "unix-seqpacket:",
    ipv4_stream_halves_count_their_own_direction => "tcp://127.0.0.1:0",
    ipv4_datagram_halves_count_their_own_direction => "udp://127.0.0.1:0",
    ipv6_stream_halves_count_their_own_direction => "tcp://[::1]:0",
    ipv6_datagram_halves_count_their_own_direction => "udp://[::1]:0",
} }

async fn what_is_too_long_is_counted(endpoint: &str) {
    let mut listener = anysock::bind(endpoint).max(50).await.unwrap();
    let (mut client, mut peer) = join(&mut listener).await;
    client.send(&[7; 51][..]).await.unwrap();
    client.send("short").await.unwrap();
    let error = peer.recv().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { length: 51, limit: 50 }), "{error}");
    assert_eq!(peer.recv().await.unwrap().unwrap(), "short");
    assert_eq!((peer.stats().truncated, peer.stats().received), (1, 2));
}

per_endpoint! { what_is_too_long_is_counted {
    unix_datagram_that_is_too_long_is_counted => "unix-dgram:",
    unix_seqpacket_that_is_too_long_is_counted => "unix-seqpacket:",
    ipv4_datagram_that_is_too_long_is_counted => "udp://127.0.0.1:0",
    ipv6_datagram_that_is_too_long_is_counted => "udp://[::1]:0",
} }

async fn what_finds_no_room_is_counted_by_the_peer_and_the_listener(endpoint: &str) {
    let limits = PeerLimits { queue_messages: 2, ..PeerLimits::default() };
    let mut listener = anysock::bind(endpoint).peer_limits(limits).await.unwrap();
    let (mut client, mut peer) = join(&mut listener).await;
    // From here on nothing is taken that may still be held.
    assert!(poll_once(pin!(peer.recv())).await.is_pending());
    for _ in 0..5 {
        client.send("message").await.unwrap();
    }
    while listener.stats().dropped < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!((peer.stats().dropped, listener.stats().dropped), (3, 3));
    assert_eq!(listener.stats().accepted, 1);
    let datagrams = listener.as_socket().unwrap().as_datagrams().unwrap();
    assert!(datagrams.receive_calls().made >= 2);
}

per_endpoint! { what_finds_no_room_is_counted_by_the_peer_and_the_listener {
    unix_datagrams_that_find_no_room_are_counted => "unix-dgram:",
    ipv4_datagrams_that_find_no_room_are_counted => "udp://127.0.0.1:0",
    ipv6_datagrams_that_find_no_room_are_counted => "udp://[::1]:0",
} }

#[tokio::test]
async fn a_full_seqpacket_socket_has_blocked_once_for_each_wait() {
    let (_listener, mut client, mut peer) = meet("unix-seqpacket:").await;
    let message = &[7; 30_000][..];
    let mut sent = 1;
    while poll_once(pin!(client.send(message))).await.is_ready() {
        sent += 1;
    }
    let stats = client.stats();
    assert_eq!((stats.send_calls, stats.send_would_block), (sent + 1, 1));
    assert_eq!((stats.sent, stats.unsent), (sent + 1, 30_064));
    for _ in 0..sent {
        peer.recv().await.unwrap();
        if client.stats().unsent > 0 {
            let _ = poll_once(pin!(client.flush())).await;
        }
    }
    client.flush().await.unwrap();
    let stats = client.stats();
    assert_eq!((stats.send_calls - stats.send_would_block, stats.unsent), (sent + 1, 0));
}

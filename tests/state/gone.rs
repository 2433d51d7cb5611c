//! When the peer is gone, through every transport.

use std::io::ErrorKind;
use std::pin::Pin;

use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{BoxTransport, Closed, Connection, Delimited, Departure, Framed, Io, Packets};

use crate::links::{meet, poll_once};

fn departure(endpoint: &str) -> Departure {
    if endpoint.starts_with("tcp") { Departure::Ended } else { Departure::HungUp }
}

async fn tells_beside_whoever_receives(endpoint: &str) {
    let (_listener, mut client, mut peer) = meet(endpoint).await;
    let mut closed = peer.closed().unwrap();
    // One task waits for both, and borrows the connection for one of them alone.
    for number in 0..3 {
        client.send(number.to_string()).await.unwrap();
        tokio::select! {
            biased;
            departure = &mut closed => panic!("{departure:?}"),
            message = peer.recv() => {
                assert_eq!(message.unwrap().unwrap(), number.to_string().as_str());
            }
        }
    }
    client.send("unread").await.unwrap();
    drop(client);
    assert_eq!(closed.await, departure(endpoint));
    assert_eq!(peer.recv().await.unwrap().unwrap(), "unread");
    assert!(peer.recv().await.unwrap().is_none());
}

per_endpoint! { tells_beside_whoever_receives {
    unix_stream_tells_of_a_peer_that_is_gone => "unix:",
    unix_seqpacket_tells_of_a_peer_that_is_gone => "unix-seqpacket:",
    ipv4_stream_tells_of_a_peer_that_is_gone => "tcp://127.0.0.1:0",
    ipv6_stream_tells_of_a_peer_that_is_gone => "tcp://[::1]:0",
    memory_tells_of_a_peer_that_is_gone => "mem:gone",
} }

/// Each half, which one task holds while another holds the other, and boxes of them.
async fn each_half_tells(endpoint: &str) {
    let (mut listener, client, peer) = meet(endpoint).await;
    let (sending, mut receiving) = peer.split();
    let sending = sending.auto_flush();
    let waiting: Vec<Closed> = vec![sending.closed().unwrap(), receiving.closed().unwrap()];
    let reading = tokio::spawn(async move { receiving.recv().await });
    tokio::task::yield_now().await;
    drop(client);
    for closed in waiting {
        assert_eq!(closed.await, departure(endpoint));
    }
    assert!(reading.await.unwrap().unwrap().is_none());
    drop(sending);

    let (client, peer) = crate::links::join(&mut listener).await;
    let boxed: BoxTransport = Box::new(peer);
    let other = Connection::from_transport(boxed);
    let (sending, receiving) = Box::new(other).split_boxed();
    drop(client);
    assert_eq!(sending.closed().unwrap().await, departure(endpoint));
    assert_eq!(receiving.closed().unwrap().await, departure(endpoint));
}

per_endpoint! { each_half_tells {
    unix_stream_halves_tell_of_a_peer_that_is_gone => "unix:",
    unix_seqpacket_halves_tell_of_a_peer_that_is_gone => "unix-seqpacket:",
    ipv4_stream_halves_tell_of_a_peer_that_is_gone => "tcp://127.0.0.1:0",
    ipv6_stream_halves_tell_of_a_peer_that_is_gone => "tcp://[::1]:0",
    memory_halves_tell_of_a_peer_that_is_gone => "mem:halves-gone",
} }

async fn keeps_nothing_open(endpoint: &str) {
    let (_listener, mut client, peer) = meet(endpoint).await;
    let closed = peer.closed().unwrap();
    drop(peer);
    assert!(client.recv().await.unwrap().is_none());
    assert_eq!(closed.await, Departure::Dropped);
}

per_endpoint! { keeps_nothing_open {
    unix_stream_that_is_watched_is_not_kept_open => "unix:",
    unix_seqpacket_that_is_watched_is_not_kept_open => "unix-seqpacket:",
    ipv4_stream_that_is_watched_is_not_kept_open => "tcp://127.0.0.1:0",
    ipv6_stream_that_is_watched_is_not_kept_open => "tcp://[::1]:0",
    memory_that_is_watched_is_not_kept_open => "mem:kept",
} }

#[tokio::test]
async fn in_memory_half_of_a_peer_is_still_a_peer() {
    let (_listener, client, peer) = meet("mem:half").await;
    let mut closed = peer.closed().unwrap();
    let (sending, receiving) = client.split();
    drop(sending);
    assert!(poll_once(Pin::new(&mut closed)).await.is_pending());
    drop(receiving);
    assert_eq!(closed.await, Departure::HungUp);
}

fn is_refused(transport: &impl Guaranteed) {
    assert_eq!(transport.closed().unwrap_err().kind(), ErrorKind::Unsupported);
}

async fn refuses_to_guess(endpoint: &str) {
    let (_listener, client, peer) = meet(endpoint).await;
    is_refused(&client);
    is_refused(&peer);
    let (sending, receiving) = client.split();
    is_refused(&sending);
    is_refused(&receiving);
}

per_endpoint! { refuses_to_guess {
    unix_datagrams_tell_nothing_of_a_peer => "unix-dgram:",
    ipv4_datagrams_tell_nothing_of_a_peer => "udp://127.0.0.1:0",
    ipv6_datagrams_tell_nothing_of_a_peer => "udp://[::1]:0",
} }

#[tokio::test]
async fn other_streams_and_paired_datagrams_tell_nothing_of_a_peer() {
    let (near, _far) = tokio::io::duplex(64);
    is_refused(&Framed::new(Io::new(near), Delimited::lines()));
    let (near, _far) = DatagramSocket::pair().unwrap();
    is_refused(&Packets::paired(near));
}

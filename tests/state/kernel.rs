//! What the kernel tells of a connection's socket, through the face.

use std::io::ErrorKind;
use std::time::Duration;

use anysock::TcpState;
use anysock::prelude::*;

use crate::links::{meet, until_there};

async fn tells_what_tcp_knows(endpoint: &str) {
    let (_listener, mut client, peer) = meet(endpoint).await;
    client.send(&[7; 1_000][..]).await.unwrap();
    until_there(&peer, 1_004).await;
    let (client_info, peer_info) = (client.tcp_info().unwrap(), peer.tcp_info().unwrap());
    assert_eq!(client_info.state, TcpState::Established);
    // "hello", and a header for each.
    assert_eq!(client_info.bytes_sent, Some(5 + 1_000 + 8));
    assert_eq!(peer_info.bytes_received, client_info.bytes_sent);
    assert!(Duration::ZERO < client_info.rtt && client_info.rtt < Duration::from_secs(5));
    drop(peer);
    while client.tcp_info().unwrap().state == TcpState::Established {
        tokio::task::yield_now().await;
    }
    assert!(client.tcp_info().unwrap().state.peer_has_ended());
}

per_endpoint! { tells_what_tcp_knows {
    ipv4_stream_tells_what_tcp_knows => "tcp://127.0.0.1:0",
    ipv6_stream_tells_what_tcp_knows => "tcp://[::1]:0",
} }

async fn has_no_tcp(endpoint: &str) {
    let (_listener, client, peer) = meet(endpoint).await;
    for connection in [client, peer] {
        assert_eq!(connection.tcp_info().unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

per_endpoint! { has_no_tcp {
    unix_stream_has_no_tcp => "unix:",
    unix_datagram_has_no_tcp => "unix-dgram:",
    unix_seqpacket_has_no_tcp => "unix-seqpacket:",
    ipv4_datagram_has_no_tcp => "udp://127.0.0.1:0",
    ipv6_datagram_has_no_tcp => "udp://[::1]:0",
    memory_has_no_tcp => "mem:no-tcp",
} }

/// What 1,000 bytes that nobody has received are to who sent them and to who is to receive them.
async fn tells_how_many_bytes_wait(endpoint: &str) {
    let (_listener, mut client, peer) = meet(endpoint).await;
    client.send(&[7; 1_000][..]).await.unwrap();
    let is_inet = endpoint.starts_with("tcp");
    let unread = if endpoint.starts_with("unix-") { 1_000 } else { 1_004 };
    until_there(&peer, unread).await;
    assert_eq!(peer.unread_bytes().unwrap(), unread);
    assert_eq!((peer.unsent_bytes().unwrap(), client.unread_bytes().unwrap()), (0, 0));
    if is_inet {
        // The peer's kernel has them, and says so.
        while client.unsent_bytes().unwrap() > 0 {
            tokio::task::yield_now().await;
        }
    } else {
        assert!(client.unsent_bytes().unwrap() > unread);
    }
    let mut peer = peer;
    assert_eq!(peer.recv().await.unwrap().unwrap().len(), 1_000);
    assert_eq!((peer.unread_bytes().unwrap(), client.unsent_bytes().unwrap()), (0, 0));
}

per_endpoint! { tells_how_many_bytes_wait {
    unix_stream_tells_how_many_bytes_wait => "unix:",
    unix_seqpacket_tells_how_many_bytes_wait => "unix-seqpacket:",
    ipv4_stream_tells_how_many_bytes_wait => "tcp://127.0.0.1:0",
    ipv6_stream_tells_how_many_bytes_wait => "tcp://[::1]:0",
} }

async fn tells_the_length_of_the_next_message(endpoint: &str) {
    let (_listener, client, mut peer) = meet(endpoint).await;
    peer.send("reply").await.unwrap();
    peer.send("longer reply").await.unwrap();
    until_there(&client, 5).await;
    assert_eq!(client.unread_bytes().unwrap(), 5);
    // It shares a socket with all the others.
    for told in [peer.unread_bytes(), peer.unsent_bytes()] {
        assert_eq!(told.unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

per_endpoint! { tells_the_length_of_the_next_message {
    unix_datagram_tells_the_length_of_the_next_message => "unix-dgram:",
    ipv4_datagram_tells_the_length_of_the_next_message => "udp://127.0.0.1:0",
    ipv6_datagram_tells_the_length_of_the_next_message => "udp://[::1]:0",
} }

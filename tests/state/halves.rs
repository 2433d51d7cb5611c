//! What the halves of a connection tell of its socket, whatever stands around it.

use std::io::ErrorKind;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, ConnectionRecv, ConnectionSend, Limits};

use crate::links::meet;

/// Everything that can be asked, as text, so that whole and halves can be compared.
macro_rules! told {
    ($of:expr) => {
        [
            ("cell", format!("{:?}", $of.cell())),
            ("socket", format!("{}", $of.as_socket().is_some())),
            (
                "send buffer",
                format!("{:?}", $of.as_socket().map(|s| s.send_buffer_size().unwrap())),
            ),
            ("local", shown($of.local_addr())),
            ("peer", shown($of.peer_addr())),
            ("credentials", shown($of.peer_credentials())),
            ("multipath", shown($of.is_multipath())),
            ("TCP", shown($of.tcp_info().map(|info| info.state))),
            ("unsent", shown($of.unsent_bytes())),
            ("unread", shown($of.unread_bytes())),
        ]
    };
}

fn shown<T: std::fmt::Debug>(told: std::io::Result<T>) -> String {
    format!("{:?}", told.map_err(|error| (error.kind(), error.to_string())))
}

fn limited(connection: Connection) -> Connection {
    let limits = Limits::default()
        .idle(Duration::from_secs(60))
        .read_deadline(Duration::from_secs(60))
        .write_deadline(Duration::from_secs(60))
        .max_message(1000);
    connection.limit(&limits)
}

async fn tell_what_the_whole_does(endpoint: &str) {
    for around in [|connection| connection, limited] {
        let (_listener, mut client, peer) = meet(endpoint).await;
        let peer = around(peer);
        client.send("unread").await.unwrap();
        if let Some(socket) = client.as_socket() {
            while socket.unsent_bytes().unwrap() > 0 && socket.cell().domain.is_inet() {
                tokio::task::yield_now().await; // until it is acknowledged, and thus here
            }
        }
        let whole = told!(peer);
        let (sending, receiving): (ConnectionSend, ConnectionRecv) = peer.split();
        assert_eq!(told!(sending), whole);
        assert_eq!(told!(receiving), whole);
        match sending.socket_ref() {
            None => assert!(endpoint.starts_with("mem:")),
            Some(socket) => {
                assert_eq!(
                    socket.is_shared(),
                    endpoint.contains("udp") || endpoint.contains("dgram")
                );
                // One alone still has it.
                drop(receiving);
                assert_eq!(told!(sending)[..5], whole[..5]);
            }
        }
    }
}

per_endpoint! { tell_what_the_whole_does {
    unix_stream_halves_tell_of_the_socket => "unix:",
    unix_datagram_halves_tell_of_the_socket => "unix-dgram:",
    unix_seqpacket_halves_tell_of_the_socket => "unix-seqpacket:",
    ipv4_stream_halves_tell_of_the_socket => "tcp://127.0.0.1:0",
    ipv4_datagram_halves_tell_of_the_socket => "udp://127.0.0.1:0",
    ipv6_stream_halves_tell_of_the_socket => "tcp://[::1]:0",
    ipv6_datagram_halves_tell_of_the_socket => "udp://[::1]:0",
    memory_halves_tell_that_there_is_no_socket => "mem:halves-told",
} }

/// A wildcard listener's peer is where it was asked, also by halves.
#[tokio::test]
async fn half_of_a_datagram_peer_is_at_the_address_that_was_asked() {
    let mut listener = anysock::bind("udp://0.0.0.0:0").await.unwrap();
    let at = listener.endpoint().to_string();
    let port = at.rsplit_once(':').unwrap().1;
    let mut client = anysock::connect(format!("udp://127.0.0.7:{port}")).await.unwrap();
    client.send("hello").await.unwrap();
    let (sending, receiving) = listener.accept().await.unwrap().split();
    let asked = format!("127.0.0.7:{port}");
    assert_eq!(sending.local_addr().unwrap().to_string(), asked);
    assert_eq!(receiving.local_addr().unwrap().to_string(), asked);
    assert_eq!(receiving.peer_addr().unwrap(), client.local_addr().unwrap());
}

/// Options are the socket's, whoever sets them.
#[tokio::test]
async fn an_option_that_a_half_sets_is_set_for_both() {
    let (_listener, _client, peer) = meet("tcp://127.0.0.1:0").await;
    let (sending, receiving) = limited(peer).split();
    let options = anysock::Options::new().nodelay(false);
    options.apply(sending.as_socket().unwrap()).unwrap();
    let read = anysock::Options::read(receiving.as_socket().unwrap()).unwrap();
    assert_eq!(read.nodelay, Some(false));
}

async fn upgraded_tells_of_its_socket(endpoint: &str) {
    let (_listener, mut client, peer) = meet(endpoint).await;
    let mut plain = told!(peer);
    let within = Duration::from_secs(10);
    let around = async |socket| Ok(tokio::io::BufStream::new(socket));
    let upgraded = limited(peer).upgrade(within, around).await.unwrap();
    assert_eq!(told!(upgraded), plain);
    client.send("hello").await.unwrap();
    let (mut sending, mut receiving) = upgraded.split();
    assert_eq!(receiving.recv().await.unwrap().unwrap(), "hello");
    sending.send("hello").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
    for told in [told!(sending), told!(receiving)] {
        plain[8] = told[8].clone(); // whether it is acknowledged by now
        assert_eq!(told, plain);
    }
    let gone = [sending.closed().unwrap(), receiving.closed().unwrap()];
    drop(client);
    for gone in gone {
        gone.await;
    }
    assert!(receiving.recv().await.unwrap().is_none());
}

per_endpoint! { upgraded_tells_of_its_socket {
    unix_stream_that_was_upgraded_tells_of_the_socket => "unix:",
    ipv4_stream_that_was_upgraded_tells_of_the_socket => "tcp://127.0.0.1:0",
    ipv6_stream_that_was_upgraded_tells_of_the_socket => "tcp://[::1]:0",
} }

/// The handle that is asked keeps nothing open beyond the connection.
#[tokio::test]
async fn an_upgraded_connection_that_is_dropped_ends() {
    let (_listener, mut client, peer) = meet("tcp://127.0.0.1:0").await;
    let around = async |socket| Ok(tokio::io::BufStream::new(socket));
    let upgraded = peer.upgrade(Duration::from_secs(10), around).await.unwrap();
    let closed = upgraded.closed().unwrap();
    let (sending, receiving) = upgraded.split();
    drop(sending);
    drop(receiving);
    assert_eq!(closed.await, anysock::Departure::Dropped);
    assert!(client.recv().await.unwrap().is_none());
}

/// A listener's socket is asked once more for the counters of one peer.
#[tokio::test]
async fn bytes_of_a_shared_socket_are_no_halfs_to_tell() {
    let (_listener, _client, peer) = meet("udp://127.0.0.1:0").await;
    let (sending, _receiving) = peer.split();
    assert_eq!(sending.unread_bytes().unwrap_err().kind(), ErrorKind::Unsupported);
}

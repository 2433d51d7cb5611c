//! A connection that one side breaks off.

use std::io::ErrorKind;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{BoxTransport, Connection, Limits};

use crate::links::meet;

/// Whoever waits is told, at both ends, and the last words arrive.
async fn a_half_breaks_off(endpoint: &str) {
    let limit =
        |connection: Connection| connection.limit(&Limits::default().idle(Duration::from_secs(60)));
    for around in [|connection| connection, limit] {
        let (_listener, mut client, peer) = meet(endpoint).await;
        let (mut sending, mut receiving) = around(peer).split();
        let waiting = tokio::spawn(async move { receiving.recv().await });
        tokio::task::yield_now().await;
        sending.send("last words").await.unwrap();
        sending.feed("never sent").await.unwrap();
        sending.abort().unwrap();
        assert!(sending.send("no more").await.unwrap_err().is_fatal());
        assert!(waiting.await.unwrap().unwrap_err().is_fatal());
        assert_eq!(client.recv().await.unwrap().unwrap(), "last words");
        for _ in 0..2 {
            let error = loop {
                match client.recv().await {
                    Ok(Some(message)) => assert_eq!(message, "never sent", "in memory it was"),
                    Ok(None) => panic!("it looks as if all had come"),
                    Err(error) => break error,
                }
            };
            assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
        }
    }
}

per_endpoint! { a_half_breaks_off {
    ipv4_stream_is_broken_off_by_a_half => "tcp://127.0.0.1:0",
    ipv6_stream_is_broken_off_by_a_half => "tcp://[::1]:0",
    multipath_is_broken_off_by_a_half => "mptcp://127.0.0.1:0",
    memory_is_broken_off_by_a_half => "mem:broken-off",
} }

/// And goes on as if nothing had been asked.
async fn has_no_reset(endpoint: &str) {
    let (_listener, mut client, peer) = meet(endpoint).await;
    let (mut sending, _receiving) = peer.split();
    let refused = sending.abort().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.to_string().contains("TCP"), "{refused}");
    sending.send("hello").await.unwrap();
    assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
}

per_endpoint! { has_no_reset {
    unix_stream_has_no_reset => "unix:",
    unix_datagram_has_no_reset => "unix-dgram:",
    unix_seqpacket_has_no_reset => "unix-seqpacket:",
    ipv4_datagram_has_no_reset => "udp://127.0.0.1:0",
    ipv6_datagram_has_no_reset => "udp://[::1]:0",
} }

/// Whole, in a box, under automatic flushing, and beneath what was made of its stream.
#[tokio::test]
async fn a_connection_is_broken_off_through_what_stands_around_it() {
    let around = async |socket| Ok(tokio::io::BufStream::new(socket));
    for way in 0..4 {
        let (_listener, mut client, mut peer) = meet("tcp://127.0.0.1:0").await;
        match way {
            0 => peer.abort().unwrap(),
            1 => (Box::new(peer) as BoxTransport).abort().unwrap(),
            2 => peer.split().0.auto_flush().abort().unwrap(),
            _ => {
                let mut peer = peer.upgrade(Duration::from_secs(10), around).await.unwrap();
                peer.abort().unwrap();
                assert!(peer.recv().await.unwrap_err().is_fatal());
            }
        }
        let error = client.recv().await.unwrap_err();
        assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset), "{way}");
    }
}

/// A sender that waits for room is not left waiting, and what it holds is let go of.
#[tokio::test]
async fn what_waits_for_room_is_let_go_of() {
    let (_listener, client, peer) = meet("tcp://127.0.0.1:0").await;
    let (mut sending, _receiving) = peer.split();
    let full = tokio::time::timeout(Duration::from_millis(200), async {
        loop {
            sending.send(vec![0; 64 * 1024]).await.unwrap();
        }
    });
    assert!(full.await.is_err());
    assert!(sending.stats().unsent > 0);
    sending.abort().unwrap();
    assert_eq!(sending.stats().unsent, 0);
    assert!(sending.flush().await.unwrap_err().is_fatal());
    assert!(sending.close().await.is_err());
    drop(client);
}

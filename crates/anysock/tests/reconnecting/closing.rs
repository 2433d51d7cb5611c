//! The end: of the peer, and of the client that closes.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Backoff, Delimited, ErrorKind};
use tokio::time::timeout;

use crate::{DEADLINE, heard, quick, reconnecting, report, send_until_told, within};

#[tokio::test]
async fn an_end_in_order_is_the_end_where_that_was_asked_for() {
    within(async {
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0"] {
            let mut listener = anysock::bind(endpoint).await.expect("bound");
            let connect = anysock::connect(listener.endpoint()).reconnecting(quick());
            let mut client = connect.clone().ends_with_peer().await.expect("connected");
            assert!(client.guarantees().contains(Guarantees::END_OF_FILE));
            let mut peer = listener.accept().await.expect("accepted");
            peer.send("goodbye").await.expect("sent");
            drop(peer);
            assert_eq!(heard(&mut client).await, "goodbye");
            for _ in 0..3 {
                assert!(client.recv().await.expect("no error").is_none());
            }
            // Sending to it fails some time, and connects no more.
            let (_, error) = send_until_told(&mut client).await;
            assert!(error.is_fatal(), "{error}");
            assert!(client.recv().await.expect("no error").is_none());
            assert_eq!(client.connections(), 1);

            // A failure is made good all the same.
            let mut client = connect.ends_with_peer().await.expect("connected");
            client.send("never read").await.expect("sent");
            drop(listener.accept().await.expect("accepted"));
            let error = client.recv().await.expect_err("a report");
            assert_eq!(report(&error).0, 2);
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_ends_first_gets_the_replies_that_wait() {
    within(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        let connect = anysock::connect(endpoint).codec(Delimited::lines());
        let mut client = connect.reconnecting(quick()).await.expect("connected");
        let (mut peer, _) = listener.accept().expect("accepted");
        // Before the first look at the socket: the end is known with the request.
        std::io::Write::write_all(&mut peer, b"request\n").expect("written");
        peer.shutdown(std::net::Shutdown::Write).expect("ended");
        let server = tokio::task::spawn_blocking(move || {
            use std::io::Read;
            let mut all = String::new();
            peer.read_to_string(&mut all).expect("read");
            all
        });
        assert_eq!(heard(&mut client).await, "request");
        client.feed("reply").await.expect("taken");
        assert_eq!(report(&client.recv().await.expect_err("a report")), (2, 1, 0, false));
        assert_eq!(server.await.expect("no panic"), "reply\n");
    })
    .await;
}

#[tokio::test]
async fn closing_flushes_and_is_the_end() {
    within(async {
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://[::1]:0"] {
            let mut listener = anysock::bind(endpoint).await.expect("bound");
            let mut client = reconnecting(&listener).await;
            let mut peer = listener.accept().await.expect("accepted");
            client.feed("goodbye").await.expect("taken");
            let peer = async {
                peer.send("not received any more").await.expect("sent");
                assert_eq!(heard(&mut peer).await, "goodbye");
                assert!(peer.recv().await.expect("an orderly end").is_none());
                drop(peer);
            };
            let (closed, ()) = tokio::join!(client.close(), peer);
            closed.expect("closed");
            assert!(client.recv().await.expect("no error").is_none());
            let error = client.send("too late").await.expect_err("closed");
            assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
            client.close().await.expect("closed already");
            assert_eq!(client.connections(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn closing_without_a_connection_says_what_was_lost() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("never read").await.expect("sent");
        drop(listener.accept().await.expect("accepted"));
        drop(listener);
        assert!(timeout(Duration::from_millis(5), client.recv()).await.is_err());
        let error = client.close().await.expect_err("something was lost");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionAborted), "{error}");
        assert!(client.recv().await.expect_err("no orderly end").is_fatal());
    })
    .await;
}

#[tokio::test]
async fn closing_one_half_ends_the_others_wait_for_a_connection() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let patient = Backoff::default().first(DEADLINE * 1000).longest(DEADLINE * 1000);
        let connect = anysock::connect(listener.endpoint()).reconnecting(patient);
        let (mut sending, mut receiving) = connect.await.expect("connected").split();
        sending.send("never read").await.expect("sent");
        drop(listener.accept().await.expect("accepted"));
        assert!(timeout(Duration::from_millis(5), receiving.recv()).await.is_err());
        let waiting = tokio::spawn(async move { receiving.recv().await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        sending.close().await.expect_err("something was lost");
        let error = waiting.await.expect("no panic").expect_err("no orderly end");
        assert!(error.is_fatal(), "{error}");
    })
    .await;
}

//! A connection after the one that was lost, on every cell.

use std::future::IntoFuture;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, ErrorKind};
use tokio::time::timeout;

use crate::{heard, quick, reconnecting, report, send_until_told, unique, within};

/// Has a server that closes in order after a message of each side, and again after the next.
async fn tells_of_each_connection_and_repeats_nothing(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let mut client = reconnecting(&listener).await;
    for number in 1..4 {
        let mut peer = listener.accept().await.expect("accepted");
        client.send(format!("request {number}")).await.expect("sent");
        // The first that arrives here is the first that was sent after the report.
        assert_eq!(heard(&mut peer).await, format!("request {number}"));
        peer.send(format!("reply {number}")).await.expect("sent");
        drop(peer);
        assert_eq!(heard(&mut client).await, format!("reply {number}"));
        let error = client.recv().await.expect_err("a report");
        assert_eq!(report(&error), (number + 1, 1, 0, false));
        assert_eq!(client.connections(), number + 1);
    }
    let stats = client.stats();
    assert_eq!((stats.sent, stats.received), (3, 3));
}

/// A server that is gone with a message unread, and comes back at the same place after a while.
async fn waits_for_a_server_that_is_away(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let endpoint = listener.endpoint().clone();
    let mut client = reconnecting(&listener).await;
    client.send("never read").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    peer.send("last words").await.expect("sent");
    drop((peer, listener));

    assert_eq!(heard(&mut client).await, "last words");
    // Dropped, the wait for the report goes on with the next call.
    for _ in 0..5 {
        let waiting = timeout(Duration::from_millis(5), client.recv()).await;
        assert!(waiting.is_err(), "nobody is there: {waiting:?}");
    }
    let mut listener = anysock::bind(endpoint).await.expect("bound again");
    let error = client.recv().await.expect_err("a report");
    let (number, sent, unflushed, _) = report(&error);
    assert_eq!((number, sent, unflushed), (2, 1, 0));

    let mut peer = listener.accept().await.expect("accepted");
    client.send("read").await.expect("sent");
    assert_eq!(heard(&mut peer).await, "read");
    peer.send("answered").await.expect("sent");
    assert_eq!(heard(&mut client).await, "answered");
}

/// Sending meets the loss, and the message at hand is not sent to the new connection.
async fn sending_is_told_as_well(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let mut client = reconnecting(&listener).await;
    client.send("first").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    assert_eq!(heard(&mut peer).await, "first");
    drop(peer);

    let (count, error) = send_until_told(&mut client).await;
    let (number, sent, unflushed, failed) = report(&error);
    // With the one that met it, or without.
    assert!(number == 2 && failed && (sent == 1 + count || sent == 2 + count), "{error}");
    assert_eq!(unflushed, sent - 1 - count);
    client.send("second").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    assert_eq!(heard(&mut peer).await, "second");
    // Nothing came in between: receiving is not told again.
    peer.send("reply").await.expect("sent");
    assert_eq!(heard(&mut client).await, "reply");
}

/// Each half is told once, whichever met the loss.
async fn each_half_is_told(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let (mut sending, mut receiving) = reconnecting(&listener).await.split();
    let receiver = tokio::spawn(async move {
        let mut told = Vec::new();
        loop {
            match receiving.recv().await {
                Ok(Some(message)) if message == "enough" => return told,
                Ok(Some(_)) => {}
                Ok(None) => panic!("there is no end"),
                Err(error) => told.push(report(&error).0),
            }
        }
    });
    let mut peer = listener.accept().await.expect("accepted");
    sending.send("hello").await.expect("sent");
    assert_eq!(heard(&mut peer).await, "hello");
    drop(peer);
    let mut peer = listener.accept().await.expect("accepted again");
    let (_, error) = send_until_told(&mut sending).await;
    assert_eq!(report(&error).0, 2);
    sending.send("hello again").await.expect("sent");
    assert_eq!(heard(&mut peer).await, "hello again");
    peer.send("enough").await.expect("sent");
    assert_eq!(receiver.await.expect("no panic"), [2]);
}

macro_rules! over_connections {
    ($($behaviour:ident,)*) => {
        mod over {
            $(
                mod $behaviour {
                    use super::super::{unique, within};

                    #[tokio::test]
                    async fn unix_stream() {
                        within(super::super::$behaviour(path("unix:"))).await;
                    }

                    #[tokio::test]
                    async fn unix_seqpacket() {
                        within(super::super::$behaviour(path("unix-seqpacket:"))).await;
                    }

                    #[tokio::test]
                    async fn ipv4_stream() {
                        within(super::super::$behaviour("tcp://127.0.0.1:0".into())).await;
                    }

                    #[tokio::test]
                    async fn ipv6_stream() {
                        within(super::super::$behaviour("tcp://[::1]:0".into())).await;
                    }

                    #[tokio::test]
                    async fn in_memory() {
                        within(super::super::$behaviour(format!("mem:{}", unique("again")))).await;
                    }

                    fn path(scheme: &str) -> String {
                        let path = std::env::temp_dir().join(unique("anysock-again"));
                        format!("{scheme}{}", path.display())
                    }
                }
            )*
        }
    };
}

over_connections! {
    tells_of_each_connection_and_repeats_nothing,
    waits_for_a_server_that_is_away,
    sending_is_told_as_well,
    each_half_is_told,
}

#[tokio::test]
async fn a_unix_datagram_client_finds_the_server_that_took_the_place() {
    within(async {
        let path = std::env::temp_dir().join(unique("anysock-again"));
        let endpoint = format!("unix-dgram:{}", path.display());
        let mut listener = anysock::bind(&endpoint).await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("first").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "first");
        drop((peer, listener));

        // The listener's task lets go of the path in its own time.
        let mut listener = loop {
            match anysock::bind(&endpoint).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        let (_, error) = send_until_told(&mut client).await;
        assert_eq!(report(&error).0, 2);
        client.send("second").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "second");
    })
    .await;
}

#[tokio::test]
async fn a_udp_client_needs_no_other_connection() {
    within(async {
        let mut listener = anysock::bind("udp://127.0.0.1:0").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("hello").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "hello");
        drop((peer, listener));
        for _ in 0..10 {
            if let Err(error) = client.send("to nobody").await {
                assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error}");
            }
        }
        assert_eq!(client.connections(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    within(async {
        let endpoint = format!("unix:@{}", unique("late"));
        let mut connecting = anysock::connect(&endpoint).reconnecting(quick()).into_future();
        let early = timeout(Duration::from_millis(5), &mut connecting).await;
        assert!(early.is_err(), "nobody is there: {early:?}");
        let mut listener = anysock::bind(&endpoint).await.expect("bound");
        let mut client = connecting.await.expect("connected");
        client.send("hello").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "hello");
    })
    .await;
}

#[tokio::test]
async fn a_client_with_a_place_of_its_own_takes_it_again() {
    within(async {
        let path = std::env::temp_dir().join(unique("anysock-client"));
        let from = anysock::UnixAddr::path(&path).expect("a path");
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let connect = anysock::connect(listener.endpoint()).local_addr(from.clone());
        let mut client = connect.reconnecting(quick()).await.expect("connected");
        for number in 2..4 {
            let peer = listener.accept().await.expect("accepted");
            assert_eq!(peer.peer_addr().expect("told"), from.clone().into());
            drop(peer);
            let (_, error) = send_until_told(&mut client).await;
            assert_eq!(report(&error).0, number);
        }
        drop(client);
        assert!(!path.exists());
    })
    .await;
}

#[tokio::test]
async fn its_guarantees_are_those_that_hold_across_a_loss() {
    within(async {
        let listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let client = reconnecting(&listener).await;
        assert_eq!(client.guarantees(), Guarantees::BOUNDARIES | Guarantees::CONNECTION_ORIENTED);
        client.require(Guarantees::RELIABLE).expect_err("what is in flight may be lost");
        let connection = Connection::from_transport(client);
        assert_eq!(connection.max_message(), 64 * 1024);
    })
    .await;
}

//! Several listeners at one address.

use std::error::Error as _;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Error, ErrorKind, Listener, OptionError};

/// Enough that each of three shards is missed once in 10^10 runs.
const CLIENTS: usize = 64;
const SHARDS: usize = 3;

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), test).await.expect("this hangs")
}

/// The next that any of them accepts, and which.
async fn accept_any(listeners: &mut [Listener]) -> (usize, Connection) {
    poll_fn(|cx| {
        for (which, listener) in listeners.iter_mut().enumerate() {
            if let Poll::Ready(accepted) = listener.poll_accept(cx) {
                return Poll::Ready((which, accepted.expect("accepted")));
            }
        }
        Poll::Pending
    })
    .await
}

async fn spreads_what_comes_over_all(endpoint: &str) {
    let mut listeners = anysock::bind(endpoint).shards(SHARDS).await.expect("bound");
    assert_eq!(listeners.len(), SHARDS);
    let at = listeners[0].endpoint().clone();
    assert!(listeners.iter().all(|listener| *listener.endpoint() == at), "one port for all");
    let mut counts = [0; SHARDS];
    for number in 0..CLIENTS {
        let text = number.to_string();
        let mut client = anysock::connect(&at).await.expect("connected");
        client.send(&text).await.expect("sent");
        let (which, mut peer) = accept_any(&mut listeners).await;
        counts[which] += 1;
        assert_eq!(peer.recv().await.expect("received").expect("a message"), text.as_str());
        peer.send("answer").await.expect("sent");
        assert_eq!(client.recv().await.expect("received").expect("a message"), "answer");
    }
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

macro_rules! spread {
    ($($name:ident: $endpoint:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            within(spreads_what_comes_over_all($endpoint)).await;
        }
    )*};
}

spread! {
    ipv4_stream_spreads_connections_over_all_shards: "tcp://127.0.0.1:0";
    ipv6_stream_spreads_connections_over_all_shards: "tcp://[::1]:0";
    ipv4_datagram_spreads_peers_over_all_shards: "udp://127.0.0.1:0";
    ipv6_datagram_spreads_peers_over_all_shards: "udp://[::1]:0";
}

async fn refused(endpoint: &str, count: usize) -> Error {
    let shards = anysock::bind(endpoint).shards(count);
    within(async { shards.await.map(drop).expect_err("refused") }).await
}

fn io_error(error: &Error) -> &std::io::Error {
    match error.kind() {
        ErrorKind::Io(error) => error,
        _ => panic!("{error}: {:?}", error.source()),
    }
}

#[tokio::test]
async fn a_unix_address_belongs_to_one_socket_which_a_typed_error_says() {
    for endpoint in ["unix:", "unix-dgram:", "unix-seqpacket:"] {
        let error = refused(endpoint, 2).await;
        let inner = io_error(&error).get_ref().expect("a cause");
        let Some(OptionError::Meaningless { option, cell, .. }) = inner.downcast_ref() else {
            panic!("{error}");
        };
        assert_eq!((*option, cell.domain), ("reuse_port", anysock::Domain::Unix));
    }
}

#[tokio::test]
async fn no_shard_at_all_and_shards_in_memory_are_refused() {
    let none = refused("tcp://127.0.0.1:0", 0).await;
    assert_eq!(io_error(&none).kind(), std::io::ErrorKind::InvalidInput);
    let memory = refused("mem:shards", 2).await;
    assert_eq!(io_error(&memory).kind(), std::io::ErrorKind::Unsupported);
}

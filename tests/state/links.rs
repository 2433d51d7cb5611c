//! Connections of every kind, and deadlines.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Listener};

/// No test waits for ever.
pub(crate) async fn within<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), test).await.expect("this hangs")
}

/// A listener, a client of it, and the peer that it accepted; "hello" has passed between them.
pub(crate) async fn meet(endpoint: &str) -> (Listener, Connection, Connection) {
    let mut listener = anysock::bind(endpoint).await.unwrap();
    let (client, peer) = join(&mut listener).await;
    (listener, client, peer)
}

/// One more client.
pub(crate) async fn join(listener: &mut Listener) -> (Connection, Connection) {
    let mut client = anysock::connect(listener.endpoint()).await.unwrap();
    client.send("hello").await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    until_there(&peer, 1).await;
    assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
    (client, peer)
}

/// Waits until so many bytes are there to be received, where that can be known: the network may
/// bring them later than they were sent.
pub(crate) async fn until_there(connection: &Connection, bytes: usize) {
    while connection.unread_bytes().is_ok_and(|unread| unread < bytes) {
        tokio::task::yield_now().await;
    }
}

/// Polls once.
pub(crate) async fn poll_once<F: Future>(mut operation: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(operation.as_mut().poll(cx))).await
}

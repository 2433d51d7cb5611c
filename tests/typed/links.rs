//! Two connected transports over a cell.

use std::future::Future;
use std::time::Duration;

use anysock::{AnyCodec, Cell, Connection};

use crate::Directory;
use crate::support::endpoint;

/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::time::timeout(DEADLINE, test).await.expect("within the deadline")
    })
}

/// A client and its peer; the streams by `codec`. A datagram peer is there once it was heard, so the
/// client says `hello` first, which is received.
pub(crate) async fn link(cell: Cell, codec: AnyCodec) -> (Connection, Connection) {
    use anysock::prelude::*;
    let directory = Directory::new();
    let mut listener =
        anysock::bind(endpoint(cell, &directory)).codec(codec.clone()).await.unwrap();
    let mut client = anysock::connect(listener.endpoint()).codec(codec).await.unwrap();
    client.send("hello").await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
    (client, peer)
}

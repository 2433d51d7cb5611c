//! Spans of connect, accept, connection and close, over every cell, and nothing unless somebody looks.

use std::future::Future;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Cell, Error, Limits};

use crate::Directory;
use crate::recorder::{Seen, Span};
use crate::support::{endpoint, over_the_matrix};

/// On this thread, whose subscriber it is.
fn block_on<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deadline = Duration::from_secs(20);
    runtime.block_on(async { tokio::time::timeout(deadline, test).await.expect("in time") })
}

/// A client says hello twice and is answered once; its halves, and the peer, are closed.
async fn converse(cell: Cell, directory: &Directory) -> String {
    let mut listener = anysock::bind(endpoint(cell, directory)).await.unwrap();
    let mut client = anysock::connect(listener.endpoint()).await.unwrap();
    client.send("hello").await.unwrap();
    client.send("again").await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
    assert_eq!(peer.recv().await.unwrap().unwrap(), "again");
    peer.send("good bye").await.unwrap();
    let (mut sending, mut receiving) = client.split();
    assert_eq!(receiving.recv().await.unwrap().unwrap(), "good bye");
    let (a, b) = tokio::join!(sending.close(), peer.close());
    a.and(b).unwrap();
    listener.endpoint().to_string()
}

fn counters(span: &Span) -> [&str; 4] {
    ["sent", "sent_bytes", "received", "received_bytes"].map(|name| &*span.fields[name])
}

fn a_conversation_is_seen_from_connecting_to_closing(cell: Cell) {
    let (seen, directory) = (Seen::default(), Directory::new());
    let looking = seen.look("anysock=debug");
    let endpoint = block_on(converse(cell, &directory));
    drop(looking);
    directory.assert_empty();

    for name in ["connect", "accept"] {
        let spans = seen.spans(name);
        assert!(spans.iter().all(|span| span.fields["endpoint"] == endpoint && span.is_closed));
        assert!(!spans.is_empty(), "{name}");
    }
    let connections = seen.spans("connection");
    assert!(connections.iter().all(|span| span.is_closed));
    assert!(connections.iter().all(|span| span.fields["endpoint"] == endpoint));
    let of = |end: &str| connections.iter().find(|span| span.fields["end"] == end).unwrap();
    assert_eq!(counters(of("client")), ["2", "10", "1", "8"]);
    assert_eq!(counters(of("accepted")), ["1", "8", "2", "10"]);
    assert!(of("client").fields.contains_key("peer") && of("accepted").fields.contains_key("peer"));
    assert_eq!(connections.len(), 2);
    let closing = seen.spans("close");
    assert_eq!(closing.len(), 2);
    assert!(closing.iter().all(|span| span.parent == Some("connection") && span.is_closed));

    let over = seen.events("the connection is over");
    assert_eq!(over.len(), 2);
    assert!(over.iter().all(|event| event.within.last() == Some(&"connection")));
}

over_the_matrix!(a_conversation_is_seen_from_connecting_to_closing);

fn nothing_is_told_unless_somebody_looks(cell: Cell) {
    let (seen, directory) = (Seen::default(), Directory::new());
    let looking = seen.look("warn");
    block_on(async {
        converse(cell, &directory).await;
        let path = format!("unix:{}", directory.path("another"));
        let mut listener = anysock::bind(path).await.unwrap();
        let client = anysock::connect(listener.endpoint()).await.unwrap();
        let peer = listener.accept().await.unwrap();
        for connection in [client, peer.limit(&Limits::default().max_message(7))] {
            assert!(connection.span().is_disabled());
            assert!(!format!("{connection:?}").contains("Observed"), "it is not wrapped");
        }
    });
    drop(looking);
    assert!(seen.is_empty());
}

over_the_matrix!(nothing_is_told_unless_somebody_looks);

#[test]
fn a_handler_of_serve_is_in_the_span_of_its_connection() {
    let seen = Seen::default();
    let looking = seen.look("anysock=debug,seen=debug");
    block_on(async {
        let listener = anysock::bind("unix-seqpacket:").await.unwrap();
        let endpoint = listener.endpoint().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = anysock::serve(listener, |mut peer| async move {
            while let Some(message) = peer.recv().await? {
                tracing::debug!("handled");
                peer.send(message).await?;
            }
            Ok::<_, Error>(())
        })
        .max_message(100)
        .shutdown(async { drop(stopped.await) }, Duration::from_secs(5));
        let (report, ()) = tokio::join!(serving.into_future(), async {
            let mut client = anysock::connect(endpoint).await.unwrap();
            client.send("hello").await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
            drop(client);
            drop(stop);
        });
        assert_eq!(report.accepted, 1);
    });
    drop(looking);
    let handled = seen.events("handled");
    assert_eq!(handled.len(), 1);
    assert_eq!(handled[0].within, ["connection"]);
    assert!(seen.spans("connection").iter().all(|span| span.is_closed));
}

#[test]
fn what_a_transport_tells_is_in_the_span_of_its_connection() {
    let seen = Seen::default();
    let looking = seen.look("anysock=debug");
    block_on(async {
        let mut listener = anysock::bind("unix-seqpacket:").max(3).await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        client.send("too long").await.unwrap();
        assert!(!peer.recv().await.unwrap_err().is_fatal());
    });
    drop(looking);
    let truncated = seen.events("a message was truncated");
    assert_eq!(truncated.len(), 1);
    assert_eq!(truncated[0].within, ["connection"]);
    let accepted = seen.spans("connection");
    let accepted = accepted.iter().find(|span| span.fields["end"] == "accepted").unwrap();
    assert_eq!(accepted.fields["truncated"], "1");
}

#[test]
fn a_connection_that_could_not_be_made_is_seen_to_fail() {
    let seen = Seen::default();
    let looking = seen.look("anysock=debug");
    let directory = Directory::new();
    let nowhere = format!("unix:{}", directory.path("nowhere"));
    block_on(async { anysock::connect(&nowhere).await.unwrap_err() });
    drop(looking);
    let failed = seen.events("connect failed");
    assert_eq!(failed[0].within, ["connect"]);
    assert_eq!(seen.spans("connect")[0].fields["endpoint"], nowhere);
    assert!(seen.spans("connection").is_empty());
}

#[test]
fn an_upgraded_connection_goes_on_in_its_span() {
    let seen = Seen::default();
    let looking = seen.look("anysock=debug");
    block_on(async {
        let mut listener = anysock::bind("unix:").await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        client.send("before").await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "before");
        peer.send("go ahead").await.unwrap();
        let within = Duration::from_secs(10);
        let plain = async |socket| Ok(tokio::io::BufStream::new(socket));
        let mut peer = peer.upgrade(within, plain).await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        assert!(!peer.span().is_disabled());
        let (sending, receiving) = peer.split();
        assert_eq!(sending.span().id(), receiving.span().id());
        assert!(!sending.span().is_disabled());
    });
    drop(looking);
    let connections = seen.spans("connection");
    assert_eq!(connections.len(), 2);
    assert!(connections.iter().all(|span| span.is_closed));
    let accepted = connections.iter().find(|span| span.fields["end"] == "accepted").unwrap();
    // What passed before counts as well.
    assert_eq!(counters(accepted), ["1", "8", "2", "11"]);
}

#[test]
fn what_passed_before_the_stream_was_taken_is_in_the_span() {
    let seen = Seen::default();
    let looking = seen.look("anysock=debug");
    block_on(async {
        let listener = anysock::bind("unix:").await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        client.send("CONNECT").await.unwrap();
        let _stream = client.into_stream().unwrap();
    });
    drop(looking);
    assert_eq!(counters(&seen.spans("connection")[0]), ["1", "7", "0", "0"]);
}

//! Transports as `Stream` and `Sink` of the futures crates.

use std::io;
use std::time::Duration;

use anysock_framing::{ErrorKind, Message, RecvExt, RecvHalf, SendExt, SendHalf, memory};
use futures_core::FusedStream;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use tokio::time::timeout;

/// No test waits for ever.
async fn within(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(60), test).await.expect("this hangs");
}

#[tokio::test]
async fn a_stream_forwards_into_a_sink() {
    within(async {
        let (mut client, server) = memory::Options::default().max_queued(2).pair();
        let (send, recv) = server.split();
        tokio::spawn(recv.into_stream().forward(send.into_sink::<Message>()));
        for text in ["one", "", "three"] {
            client.send(text).await.unwrap();
        }
        for text in ["one", "", "three"] {
            assert_eq!(client.recv().await.unwrap().unwrap(), text);
        }
        client.close().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_stream_outlives_a_survivable_error_and_ends_at_a_fatal_one() {
    within(async {
        let (mut a, b) = memory::Options::default().max_received(3).pair();
        a.send("abcd").await.unwrap();
        a.send("abc").await.unwrap();
        a.reset();
        let mut messages = b.into_stream();
        let error = messages.next().await.unwrap().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Truncated { .. }), "{error}");
        assert_eq!(messages.next().await.unwrap().unwrap(), "abc");
        let error = messages.next().await.unwrap().unwrap_err();
        assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionReset));
        assert!(messages.is_terminated());
        assert!(messages.next().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn boxed_halves_and_borrowed_transports_can_be_adapted() {
    within(async {
        let (mut a, b) = memory::pair();
        let mut sink = (&mut a).into_sink::<&str>();
        sink.send_all(&mut stream::iter(["one", "two"]).map(Ok)).await.unwrap();
        drop(a);
        let boxed: Box<dyn RecvHalf + Send> = Box::new(b);
        let messages: Vec<_> = boxed.into_stream().map(Result::unwrap).collect().await;
        assert_eq!(messages, ["one", "two"]);
    })
    .await;
}

#[tokio::test]
async fn an_adapter_gives_its_half_back() {
    within(async {
        let (a, b) = memory::pair();
        let mut sink = a.into_sink::<String>();
        sink.feed("one".into()).await.unwrap();
        let mut messages = b.into_stream();
        assert_eq!(messages.next().await.unwrap().unwrap(), "one");
        assert_eq!(sink.get_ref().max_message(), 64 * 1024);
        sink.into_inner().send("two").await.unwrap();
        assert_eq!(messages.into_inner().recv().await.unwrap().unwrap(), "two");
    })
    .await;
}

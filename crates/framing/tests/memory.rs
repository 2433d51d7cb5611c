//! The in-memory transport: its bounds, its ends, and whom it wakes.

use std::future::poll_fn;
use std::io;
use std::net::Ipv4Addr;
use std::task::Poll;
use std::time::Duration;

use anysock_framing::{
    AsPayload, Attached, BoxTransport, Error, ErrorKind, Guaranteed, Guarantees, RecvExt, RecvHalf,
    SendExt, SendHalf, memory,
};
use bytes::Bytes;
use tokio::time::{Instant, timeout};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};

fn io_kind<T: std::fmt::Debug>(result: Result<T, Error>) -> io::ErrorKind {
    let error = result.unwrap_err();
    assert!(error.is_fatal());
    error.io_kind().unwrap()
}

/// No test waits for ever.
async fn within(test: impl Future<Output = ()>) {
    timeout(Duration::from_secs(60), test).await.expect("this hangs");
}

#[tokio::test]
async fn messages_arrive_whole_and_in_order_and_empty_ones_too() {
    within(async {
        let (mut a, mut b) = memory::pair();
        for text in ["one", "", "three", ""] {
            a.send(text).await.unwrap();
        }
        for text in ["one", "", "three", ""] {
            assert_eq!(b.recv().await.unwrap().unwrap(), text);
        }
    })
    .await;
}

#[tokio::test]
async fn the_end_comes_after_the_messages_and_for_ever() {
    within(async {
        let (mut a, mut b) = memory::pair();
        a.send("last").await.unwrap();
        drop(a);
        assert_eq!(b.recv().await.unwrap().unwrap(), "last");
        for _ in 0..3 {
            assert!(b.recv().await.unwrap().is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn sending_to_a_dropped_end_fails_and_what_it_sent_still_arrives() {
    within(async {
        let (mut a, mut b) = memory::pair();
        a.send("last").await.unwrap();
        drop(a);
        for _ in 0..2 {
            assert_eq!(io_kind(b.send("hello").await), io::ErrorKind::BrokenPipe);
        }
        assert_eq!(b.recv().await.unwrap().unwrap(), "last");
        assert!(b.recv().await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn messages_left_unread_are_a_reset_for_their_sender() {
    within(async {
        let (mut a, mut b) = memory::pair();
        a.send("last").await.unwrap();
        b.send("never read").await.unwrap();
        drop(a);
        assert_eq!(b.recv().await.unwrap().unwrap(), "last");
        for _ in 0..2 {
            assert_eq!(io_kind(b.recv().await), io::ErrorKind::ConnectionReset);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_comes_after_the_messages_and_never_as_the_end() {
    within(async {
        let (mut a, b) = memory::pair();
        let (mut send, mut recv) = b.split();
        a.send("one").await.unwrap();
        a.send("two").await.unwrap();
        a.reset();
        assert_eq!(io_kind(send.send("hello").await), io::ErrorKind::ConnectionReset);
        assert_eq!(recv.recv().await.unwrap().unwrap(), "one");
        assert_eq!(recv.recv().await.unwrap().unwrap(), "two");
        for _ in 0..2 {
            assert_eq!(io_kind(recv.recv().await), io::ErrorKind::ConnectionReset);
        }
        assert_eq!(io_kind(send.close().await), io::ErrorKind::ConnectionReset);
    })
    .await;
}

#[tokio::test]
async fn a_reset_by_one_half_reaches_the_other() {
    within(async {
        let (a, mut b) = memory::pair();
        let (send, mut recv) = a.split();
        b.send("one").await.unwrap();
        send.reset();
        assert_eq!(recv.recv().await.unwrap().unwrap(), "one");
        assert_eq!(io_kind(recv.recv().await), io::ErrorKind::ConnectionReset);
    })
    .await;
}

#[tokio::test]
async fn bytes_in_the_queue_are_bounded_by_the_watermark_and_one_message() {
    within(async {
        let (mut a, mut b) = memory::Options::default().watermark(10).max_message(8).pair();
        a.try_send("12345678").unwrap();
        a.try_send("12345678").unwrap();
        let refused = a.try_send("1").unwrap_err();
        assert_eq!(refused.message, "1");
        assert!(matches!(refused.error.kind(), ErrorKind::NotReady));
        assert_eq!(b.stats().held, 16);
        assert_eq!(a.stats().unsent, 0);

        let mut message = Bytes::from_static(b"kept");
        let error = a.start_send(message.as_payload(), &mut Attached::nothing()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotReady) && !error.is_fatal());
        assert_eq!(message, "kept");

        b.recv().await.unwrap();
        a.try_send("1").unwrap();
        assert_eq!(b.stats().held, 9);
    })
    .await;
}

#[tokio::test]
async fn empty_messages_are_bounded_by_their_number() {
    within(async {
        let (mut a, mut b) = memory::Options::default().max_queued(2).pair();
        a.try_send("").unwrap();
        a.try_send("").unwrap();
        assert!(matches!(a.try_send("").unwrap_err().error.kind(), ErrorKind::NotReady));
        assert_eq!(b.recv().await.unwrap().unwrap(), "");
        a.try_send("").unwrap();
    })
    .await;
}

#[test]
fn a_receiver_is_woken_by_message_end_and_reset() {
    let (mut a, mut b) = memory::pair();
    let mut recv = task::spawn(b.recv());
    assert_pending!(recv.poll());
    a.try_send("hello").unwrap();
    assert!(recv.is_woken());
    assert_eq!(assert_ready_ok!(recv.poll()).unwrap(), "hello");
    drop(recv);

    let mut recv = task::spawn(b.recv());
    assert_pending!(recv.poll());
    drop(a);
    assert!(recv.is_woken());
    assert!(assert_ready_ok!(recv.poll()).is_none());

    let (a, mut b) = memory::pair();
    let mut recv = task::spawn(b.recv());
    assert_pending!(recv.poll());
    a.reset();
    assert!(recv.is_woken());
    assert!(assert_ready_err!(recv.poll()).is_fatal());
}

#[test]
fn a_sender_is_woken_by_room_end_and_reset() {
    let full = || {
        let (mut a, b) = memory::Options::default().max_queued(1).pair();
        a.try_send("").unwrap();
        (a, b)
    };
    let (mut a, mut b) = full();
    let mut ready = task::spawn(a.ready());
    assert_pending!(ready.poll());
    assert_ready_ok!(task::spawn(b.recv()).poll());
    assert!(ready.is_woken());
    assert_ready_ok!(ready.poll());

    let (mut a, b) = full();
    let mut ready = task::spawn(a.ready());
    assert_pending!(ready.poll());
    drop(b);
    assert!(ready.is_woken());
    assert_eq!(io_kind(assert_ready!(ready.poll())), io::ErrorKind::BrokenPipe);

    let (mut a, b) = full();
    let mut ready = task::spawn(a.ready());
    assert_pending!(ready.poll());
    b.reset();
    assert!(ready.is_woken());
    assert_eq!(io_kind(assert_ready!(ready.poll())), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_blocked_sender_does_not_stop_its_receiver() {
    let (a, mut b) = memory::Options::default().max_queued(1).pair();
    let (mut send, mut recv) = a.split();
    send.try_send("").unwrap();
    let mut blocked = task::spawn(send.ready());
    assert_pending!(blocked.poll());
    let mut receiving = task::spawn(recv.recv());
    assert_pending!(receiving.poll());
    b.try_send("hello").unwrap();
    assert!(receiving.is_woken() && !blocked.is_woken());
    assert_eq!(assert_ready_ok!(receiving.poll()).unwrap(), "hello");
    assert_ready_ok!(task::spawn(b.recv()).poll());
    assert!(blocked.is_woken());
}

#[test]
fn what_cannot_be_sent_is_left_untouched() {
    let (mut a, mut b) = memory::Options::default().max_message(4).pair();
    let mut message = Bytes::from_static(b"too long");
    let error = a.start_send(message.as_payload(), &mut Attached::nothing()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLong { length: 8, limit: 4 }), "{error}");
    assert_eq!(message, "too long");

    let mut message = Bytes::from_static(b"hi");
    for (mut attached, named) in [
        (Attached::nothing().source(Ipv4Addr::LOCALHOST.into()), "a source address"),
        (Attached::nothing().hop_limit(1), "a hop limit"),
    ] {
        let error = a.start_send(message.as_payload(), &mut attached).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::NotAttachable { what, .. } if *what == named),
            "{error}"
        );
        assert_eq!(message, "hi");
        assert!(!attached.is_empty());
    }

    a.try_send(message).unwrap();
    assert_eq!(assert_ready_ok!(task::spawn(b.recv()).poll()).unwrap(), "hi");
}

#[tokio::test]
async fn a_message_beyond_the_receivers_maximum_is_lost_alone_and_counted() {
    within(async {
        let (mut a, mut b) = memory::Options::default().max_received(3).pair();
        for text in ["abc", "abcd", "abc"] {
            a.send(text).await.unwrap();
        }
        let mut messages = Vec::new();
        assert_eq!(b.recv_many(&mut messages, 10).await.unwrap(), 1);
        let error = b.recv_many(&mut messages, 10).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Truncated { length: 4, limit: 3 }), "{error}");
        assert!(!error.is_fatal());
        assert_eq!(b.recv_many(&mut messages, 10).await.unwrap(), 1);
        assert_eq!(messages, ["abc", "abc"]);
        assert_eq!((b.stats().received, b.stats().truncated, b.stats().held), (2, 1, 0));
    })
    .await;
}

#[tokio::test]
async fn many_are_received_at_once_and_no_more_than_asked_for() {
    within(async {
        let (mut a, mut b) = memory::pair();
        for text in ["one", "two", "three"] {
            a.send(text).await.unwrap();
        }
        drop(a);
        let mut messages = Vec::new();
        assert_eq!(b.recv_many(&mut messages, 0).await.unwrap(), 0);
        assert_eq!(b.recv_many(&mut messages, 2).await.unwrap(), 2);
        assert_eq!(b.recv_many(&mut messages, 2).await.unwrap(), 1);
        assert_eq!(b.recv_many(&mut messages, 2).await.unwrap(), 0);
        assert_eq!(messages, ["one", "two", "three"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn close_discards_what_arrives_until_the_peers_end() {
    within(async {
        let (mut a, mut b) = memory::Options::default().max_queued(1).pair();
        b.send("never read").await.unwrap();
        let closing = tokio::spawn(async move { a.close().await.map(|()| a) });
        assert!(b.recv().await.unwrap().is_none());
        for _ in 0..5 {
            b.send("discarded").await.unwrap();
        }
        assert!(!closing.is_finished());
        let started = Instant::now();
        drop(b);
        let mut a = closing.await.unwrap().unwrap();
        assert_eq!(started.elapsed(), Duration::ZERO);
        a.close().await.unwrap();
        let error = a.send("hello").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Closed) && !error.is_fatal());
        assert!(a.recv().await.unwrap().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn close_gives_up_on_a_peer_that_does_not_end() {
    within(async {
        let (mut a, _b) = memory::Options::default().close_deadline(Duration::from_secs(3)).pair();
        let started = Instant::now();
        // A cancelled close is taken up where it was.
        timeout(Duration::from_secs(2), a.close()).await.unwrap_err();
        a.close().await.unwrap();
        assert_eq!(started.elapsed().as_secs(), 3);
    })
    .await;
}

#[tokio::test]
async fn closing_a_half_does_not_wait() {
    within(async {
        let (a, mut b) = memory::pair();
        let (mut send, mut recv) = a.split();
        send.close().await.unwrap();
        assert!(b.recv().await.unwrap().is_none());
        b.send("answer").await.unwrap();
        assert_eq!(recv.recv().await.unwrap().unwrap(), "answer");
    })
    .await;
}

#[tokio::test]
async fn a_flooded_receiver_yields_to_its_neighbours() {
    within(async {
        let (mut a, mut b) = memory::Options::default().max_queued(1000).pair();
        (0..1000).for_each(|_| a.try_send("flood").unwrap());
        let neighbour = tokio::spawn(async {});
        let mut received = 0;
        poll_fn(|cx| {
            while let Poll::Ready(message) = b.poll_recv(cx) {
                assert!(message.unwrap().is_some());
                received += 1;
            }
            Poll::Ready(())
        })
        .await;
        assert!((1..1000).contains(&received), "{received}");
        tokio::task::yield_now().await;
        assert!(neighbour.is_finished());

        let mut messages = Vec::new();
        let got = b.recv_many(&mut messages, 1000).await.unwrap();
        assert!((1..1000 - received).contains(&got), "{got}");
        while received + messages.len() < 1000 {
            b.recv_many(&mut messages, 1000).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_short_message_pins_no_block_and_a_long_one_is_not_copied() {
    within(async {
        let (mut a, mut b) = memory::pair();
        let block = Bytes::from(vec![b'x'; 60_000]);
        a.send(block.slice(..10)).await.unwrap();
        a.send(block.slice(10..)).await.unwrap();
        let short = b.recv().await.unwrap().unwrap();
        assert_ne!(short.as_ptr(), block.as_ptr());
        let long = b.recv().await.unwrap().unwrap();
        assert_eq!(long.as_ptr(), block[10..].as_ptr());
    })
    .await;
}

#[tokio::test]
async fn a_boxed_transport_is_split_like_any_other() {
    within(async {
        let (a, mut b) = memory::pair();
        a.require(Guarantees::RELIABLE | Guarantees::ORDERED | Guarantees::BOUNDARIES).unwrap();
        a.require(Guarantees::CONNECTION_ORIENTED | Guarantees::END_OF_FILE).unwrap();
        let boxed: BoxTransport = Box::new(a);
        let (mut send, mut recv) = boxed.split_boxed();
        send.send("there").await.unwrap();
        let message = b.recv().await.unwrap().unwrap();
        b.send(message).await.unwrap();
        assert_eq!(recv.recv().await.unwrap().unwrap(), "there");
        assert_eq!((send.stats().sent, send.stats().sent_bytes), (1, 5));
        assert_eq!((recv.stats().received, recv.stats().received_bytes), (1, 5));
        assert_eq!((b.stats().sent, b.stats().received), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_echo_over_threads_loses_nothing() {
    within(async {
        const MESSAGES: usize = 20_000;
        let (client, mut server) = memory::Options::default().watermark(64).max_queued(8).pair();
        let echo = tokio::spawn(async move {
            while let Some(message) = server.recv().await? {
                server.feed(message).await?;
            }
            server.close().await
        });
        let (mut send, mut recv) = client.split();
        let sending = tokio::spawn(async move {
            for number in 0..MESSAGES {
                send.send(number.to_string()).await?;
            }
            send.close().await
        });
        let receiving = async {
            for number in 0..MESSAGES {
                assert_eq!(recv.recv().await.unwrap().unwrap(), number.to_string());
            }
            assert!(recv.recv().await.unwrap().is_none());
        };
        receiving.await;
        sending.await.unwrap().unwrap();
        echo.await.unwrap().unwrap();
    })
    .await;
}

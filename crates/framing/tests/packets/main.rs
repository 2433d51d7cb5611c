//! Packet transports, against the laws one by one, over a socket whose errors a test decides.

mod fake;

use std::io;
use std::time::Duration;

use anysock_async::Packet;
use anysock_framing::{
    Error, ErrorKind, Fault, Guaranteed, Guarantees, Packets, RecvExt, RecvHalf, SendExt,
};
use bytes::Bytes;
use tokio::time::Instant;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};

use crate::fake::{Fake, Handle, Sent};

/// So much is accepted unsent, and one message more.
const WATERMARK: usize = 160 * 1024;

fn packets() -> (Packets<Fake>, Handle) {
    Fake::packets(Guarantees::BOUNDARIES)
}

/// With an end-of-file, as seqpacket has it.
fn connection() -> (Packets<Fake>, Handle) {
    Fake::packets(Guarantees::BOUNDARIES | Guarantees::RELIABLE | Guarantees::END_OF_FILE)
}

fn feed_all(packets: &mut Packets<Fake>, texts: &[&'static str]) {
    for text in texts {
        packets.try_send(*text).unwrap();
    }
}

fn assert_refused(error: &Error) {
    assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error}");
    assert!(!error.is_fatal());
}

#[tokio::test]
async fn an_answer_to_an_earlier_message_costs_the_innocent_one_nothing() {
    let (mut packets, fake) = packets();
    feed_all(&mut packets, &["one", "two", "three"]);
    fake.sends([Sent::Ok, Sent::Fails(Fault::Earlier), Sent::Ok]);
    let error = assert_ready_err!(task::spawn(packets.flush()).poll());
    assert_refused(&error);
    assert_eq!(fake.sent(), ["one", "two", "three"]);
    assert_eq!(packets.stats().dropped, 0);
    assert_ready_ok!(task::spawn(packets.flush()).poll());
}

#[tokio::test]
async fn an_answer_before_each_message_drops_none_of_them() {
    let (mut packets, fake) = packets();
    feed_all(&mut packets, &["one", "two", "three"]);
    for _ in 0..3 {
        fake.sends([Sent::Fails(Fault::Earlier), Sent::Ok]);
    }
    assert_refused(&assert_ready_err!(task::spawn(packets.flush()).poll()));
    assert_eq!(fake.sent(), ["one", "two", "three"]);
    assert_eq!(packets.stats().dropped, 0);
}

#[tokio::test]
async fn a_message_refused_again_and_again_is_dropped_and_does_not_spin() {
    let (mut packets, fake) = packets();
    feed_all(&mut packets, &["unreachable", "next"]);
    fake.sends([Sent::Fails(Fault::Earlier); 3]);
    let error = assert_ready_err!(task::spawn(packets.flush()).poll());
    assert!(matches!(error.kind(), ErrorKind::Dropped { length: 11, .. }), "{error}");
    assert_eq!(fake.sent(), ["next"]);
    assert_eq!((packets.stats().dropped, packets.stats().unsent), (1, 0));
}

#[tokio::test]
async fn a_message_that_the_kernel_refuses_is_dropped_counted_and_does_not_jam_the_others() {
    for number in [libc::EMSGSIZE, libc::ENOBUFS] {
        let (mut packets, fake) = packets();
        feed_all(&mut packets, &["one", "two", "three", "four"]);
        let fails = Sent::FailsWith(Fault::Packet, number);
        fake.sends([fails, Sent::Ok, fails]);
        let error = assert_ready_err!(task::spawn(packets.flush()).poll());
        assert!(matches!(error.kind(), ErrorKind::Dropped { length: 3, .. }), "{error}");
        assert!(!error.is_fatal());
        assert_eq!(fake.sent(), ["two", "four"]);
        assert_eq!((packets.stats().dropped, packets.stats().unsent), (2, 0));
        assert_ready_ok!(task::spawn(packets.send("five")).poll());
    }
}

#[tokio::test]
async fn a_failed_connection_is_final_and_said_again() {
    let (mut packets, fake) = connection();
    feed_all(&mut packets, &["one", "two"]);
    fake.sends([Sent::FailsWith(Fault::Connection, libc::EPIPE)]);
    fake.brings(Packet::Message(Bytes::from_static(b"last").into()));
    fake.ends();
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(packets.flush()).poll());
        assert!(error.is_fatal());
        assert_eq!(error.io_kind(), Some(io::ErrorKind::BrokenPipe));
        assert!(packets.try_send("more").unwrap_err().error.is_fatal());
    }
    assert_eq!(packets.stats().unsent, 0);
    // It does not pre-empt what was received, and comes after it.
    assert_eq!(assert_ready_ok!(task::spawn(packets.recv()).poll()).unwrap(), "last");
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(packets.recv()).poll());
        assert_eq!(error.io_kind(), Some(io::ErrorKind::BrokenPipe));
    }
}

#[tokio::test]
async fn errors_met_within_recv_are_kept_for_the_next_flush_and_lose_no_message() {
    let (mut packets, fake) = packets();
    feed_all(&mut packets, &["one", "two"]);
    fake.sends([Sent::Fails(Fault::Earlier), Sent::Ok]);
    assert_pending!(task::spawn(packets.recv()).poll());
    assert_eq!(fake.sent(), ["one", "two"]);
    // Neither waiting for room nor accepting a message is what failed.
    assert_ready_ok!(task::spawn(packets.ready()).poll());
    assert_ready_ok!(task::spawn(packets.feed("three")).poll());
    assert_refused(&assert_ready_err!(task::spawn(packets.send("four")).poll()));
    assert_eq!(fake.sent(), ["one", "two", "three", "four"]);
    assert_ready_ok!(task::spawn(packets.flush()).poll());
}

#[tokio::test]
async fn a_reply_dropped_within_recv_is_reported_before_the_end() {
    let (mut packets, fake) = connection();
    feed_all(&mut packets, &["too long", "reply"]);
    fake.sends([Sent::FailsWith(Fault::Packet, libc::EMSGSIZE)]);
    fake.ends();
    let error = assert_ready_err!(task::spawn(packets.recv()).poll());
    assert!(matches!(error.kind(), ErrorKind::Dropped { length: 8, .. }), "{error}");
    assert_eq!(fake.sent(), ["reply"]);
    for _ in 0..2 {
        assert!(assert_ready_ok!(task::spawn(packets.recv()).poll()).is_none());
    }
}

#[tokio::test]
async fn the_end_comes_after_the_last_reply_was_sent() {
    let (mut packets, fake) = connection();
    feed_all(&mut packets, &["reply"]);
    fake.blocks(true);
    fake.ends();
    let mut recv = task::spawn(packets.recv());
    assert_pending!(recv.poll());
    fake.blocks(false);
    assert!(recv.is_woken());
    assert!(assert_ready_ok!(recv.poll()).is_none());
    assert_eq!(fake.sent(), ["reply"]);
}

#[tokio::test]
async fn a_flush_that_blocks_does_not_stop_receiving() {
    let (mut packets, fake) = packets();
    fake.blocks(true);
    feed_all(&mut packets, &["reply"]);
    assert_pending!(task::spawn(packets.recv()).poll());
    fake.brings(Packet::Message(Bytes::from_static(b"more").into()));
    fake.brings(Packet::Truncated { length: 9 });
    assert_eq!(assert_ready_ok!(task::spawn(packets.recv()).poll()).unwrap(), "more");
    assert!(!assert_ready_err!(task::spawn(packets.recv()).poll()).is_fatal());
}

#[tokio::test]
async fn survivable_errors_of_receiving_are_counted_and_survived() {
    let (mut packets, fake) = packets();
    fake.brings(Packet::Truncated { length: 70_000 });
    fake.recv_fails(libc::ECONNREFUSED);
    fake.brings(Packet::Message(Bytes::new().into()));
    let error = assert_ready_err!(task::spawn(packets.recv()).poll());
    assert!(
        matches!(error.kind(), ErrorKind::Truncated { length: 70_000, limit: 65_536 }),
        "{error}"
    );
    assert_refused(&assert_ready_err!(task::spawn(packets.recv()).poll()));
    assert_eq!(assert_ready_ok!(task::spawn(packets.recv()).poll()).unwrap(), "");
    assert_eq!((packets.stats().truncated, packets.stats().received), (1, 1));
}

#[tokio::test]
async fn a_final_error_of_receiving_is_said_again_and_never_an_end() {
    let (packets, fake) = connection();
    fake.recv_fails(libc::ECONNRESET);
    fake.ends();
    let mut packets = packets;
    for _ in 0..3 {
        let error = assert_ready_err!(task::spawn(packets.recv()).poll());
        assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionReset));
    }
}

/// A unix datagram socket never sees its peer's end; a send tells.
#[tokio::test]
async fn a_receiver_without_an_end_of_file_learns_from_sending_that_its_peer_is_gone() {
    let (mut packets, fake) = packets();
    feed_all(&mut packets, &["reply"]);
    fake.sends([Sent::FailsWith(Fault::Connection, libc::ECONNREFUSED)]);
    fake.brings(Packet::Message(Bytes::from_static(b"last").into()));
    assert_eq!(assert_ready_ok!(task::spawn(packets.recv()).poll()).unwrap(), "last");
    let error = assert_ready_err!(task::spawn(packets.recv()).poll());
    assert_eq!(error.io_kind(), Some(io::ErrorKind::ConnectionRefused));

    let (packets, fake) = self::packets();
    let (mut sending, mut receiving) = packets.split();
    let mut recv = task::spawn(receiving.recv());
    assert_pending!(recv.poll());
    fake.sends([Sent::FailsWith(Fault::Connection, libc::ECONNREFUSED)]);
    assert_ready_err!(task::spawn(sending.send("hello")).poll());
    assert!(recv.is_woken());
    assert!(assert_ready_err!(recv.poll()).is_fatal());
}

#[tokio::test]
async fn the_queue_is_bounded_for_empty_messages_too() {
    for message in [&[][..], &[0; 1000]] {
        let (mut packets, fake) = packets();
        fake.blocks(true);
        let mut count = 0;
        while packets.try_send(message).is_ok() {
            count += 1;
            assert!(count * message.len() <= WATERMARK + message.len());
            assert!(count <= WATERMARK / 64);
        }
        assert!(matches!(packets.try_send(message).unwrap_err().error.kind(), ErrorKind::NotReady));
        assert!(packets.stats().unsent >= WATERMARK);
        fake.blocks(false);
        assert_ready_ok!(task::spawn(packets.ready()).poll());
        assert_ready_ok!(task::spawn(packets.flush()).poll());
        assert_eq!((fake.sent().len(), packets.stats().unsent), (count, 0));
    }
}

#[tokio::test]
async fn a_small_message_in_the_queue_does_not_keep_its_block_alive() {
    let (mut packets, fake) = packets();
    fake.blocks(true);
    for (length, is_kept) in [(0, false), (10, false), (4095, false), (4096, true)] {
        let block = Bytes::from(vec![1; 64 * 1024]);
        packets.try_send(block.slice(..length)).unwrap();
        assert_eq!(!block.is_unique(), is_kept, "{length} bytes");
    }
}

#[tokio::test]
async fn too_long_a_message_is_refused_whole_by_the_smaller_of_both_limits() {
    let (packets, fake) = packets();
    assert_eq!(anysock_framing::SendHalf::max_message(&packets), 60_000);
    let mut packets = packets.max(10);
    let refused = packets.try_send("eleven byte").unwrap_err();
    assert!(
        matches!(refused.error.kind(), ErrorKind::TooLong { length: 11, limit: 10 }),
        "{}",
        refused.error
    );
    assert_ready_ok!(task::spawn(packets.send("ten bytes!")).poll());
    assert_eq!(fake.sent(), ["ten bytes!"]);
}

#[tokio::test(start_paused = true)]
async fn closing_sends_what_is_queued_ends_and_drains() {
    let (mut packets, fake) = connection();
    feed_all(&mut packets, &["one", "too long", "two"]);
    fake.sends([Sent::Ok, Sent::FailsWith(Fault::Packet, libc::EMSGSIZE)]);
    let mut close = task::spawn(packets.close());
    assert_pending!(close.poll());
    assert_eq!(fake.sent(), ["one", "two"]);
    assert!(fake.is_shut_down());
    fake.brings(Packet::Message(Bytes::from_static(b"unwanted").into()));
    assert_pending!(close.poll());
    fake.ends();
    // What was dropped is said once all is done.
    let error = assert_ready_err!(close.poll());
    assert!(matches!(error.kind(), ErrorKind::Dropped { length: 8, .. }), "{error}");
    drop(close);
    assert_ready_ok!(task::spawn(packets.close()).poll());
    let refused = packets.try_send("late").unwrap_err();
    assert!(matches!(refused.error.kind(), ErrorKind::Closed));
    assert!(assert_ready_ok!(task::spawn(packets.recv()).poll()).is_none());
}

#[tokio::test(start_paused = true)]
async fn closing_waits_two_seconds_where_there_is_an_end_and_not_at_all_elsewhere() {
    for (socket, seconds) in [(connection(), 2), (packets(), 0)] {
        let (mut packets, _fake) = socket;
        let since = Instant::now();
        packets.close().await.unwrap();
        assert_eq!(since.elapsed().as_secs(), seconds);
        assert!(since.elapsed() < Duration::from_millis(seconds * 1000 + 5));
    }
}

#[tokio::test(start_paused = true)]
async fn closing_the_sending_half_leaves_the_receiving_half_usable() {
    let (packets, fake) = connection();
    let (mut sending, mut receiving) = packets.split();
    assert_ready_ok!(task::spawn(sending.close()).poll());
    fake.brings(Packet::Message(Bytes::from_static(b"reply").into()));
    assert_eq!(assert_ready_ok!(task::spawn(receiving.recv()).poll()).unwrap(), "reply");
}

#[tokio::test]
async fn receiving_yields_by_the_budget_and_waiting_spends_none_of_it() {
    let (mut flooded, fake) = packets();
    for _ in 0..2000 {
        fake.brings(Packet::Message(Bytes::new().into()));
    }
    let mut count = 0;
    let mut flood = task::spawn(async {
        while count < 2000 {
            flooded.recv().await.unwrap();
            count += 1;
        }
    });
    assert_pending!(flood.poll());
    drop(flood);
    assert!((1..=128).contains(&count), "{count}");

    tokio::task::yield_now().await;
    let mut idle: Vec<_> = (0..1000).map(|_| packets()).collect();
    let mut all = task::spawn(std::future::poll_fn(|cx| {
        assert!(idle.iter_mut().all(|(packets, _)| packets.poll_recv(cx).is_pending()));
        flooded.poll_recv(cx)
    }));
    assert_ready_ok!(all.poll());
}

#[tokio::test]
async fn a_send_dropped_while_the_socket_blocks_is_whole_or_nothing() {
    let (mut packets, fake) = packets();
    fake.blocks(true);
    assert_pending!(task::spawn(packets.send("first")).poll());
    let mut got = Vec::new();
    assert_pending!(task::spawn(packets.recv_many(&mut got, 9)).poll());
    fake.blocks(false);
    assert_ready_ok!(task::spawn(packets.send("second")).poll());
    assert_eq!(fake.sent(), ["first", "second"]);
}

#[tokio::test]
async fn one_of_many_that_is_refused_is_the_only_one_that_is_dropped() {
    let (mut packets, fake) = packets();
    let large = "x".repeat(5_000);
    fake.blocks(true);
    for text in ["a", "", "bb", large.as_str(), "", "cc", "dd"] {
        packets.try_send(text.to_string()).unwrap();
    }
    fake.blocks(false);
    fake.sends([Sent::Ok, Sent::Ok, Sent::Ok, Sent::FailsWith(Fault::Packet, libc::EMSGSIZE)]);
    let error = assert_ready_err!(task::spawn(packets.flush()).poll());
    assert!(matches!(error.kind(), ErrorKind::Dropped { length: 5_000, .. }), "{error}");
    assert_eq!(fake.sent(), ["a", "", "bb", "", "cc", "dd"]);
    assert_eq!((packets.stats().dropped, packets.stats().unsent), (1, 0));
}

//! Timeouts and limits over a transport in memory, by a clock that the tests move.

mod driving;

use std::future::poll_fn;
use std::time::Duration;

use anysock_framing::{
    AsPayload, Attached, Deadlines, ErrorKind, Guaranteed, Idle, Limits, MaxLength, Quota, Rate,
    RecvExt, RecvHalf, SendExt, SendHalf, Transport, memory,
};
use tokio::time::{Instant, advance, sleep, timeout};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};

const SECOND: Duration = Duration::from_secs(1);

/// Polls receiving once.
macro_rules! recv {
    ($half:expr) => {
        task::spawn(poll_fn(|cx| $half.poll_recv(cx))).poll()
    };
}

/// Sends until the transport has no room.
fn fill(half: &mut impl SendHalf) {
    while half.try_send("filler").is_ok() {}
}

mod idle {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_ends_receiving_exactly_when_its_time_is_over_and_for_good() {
        let (mut a, b) = memory::pair();
        let mut b = Idle::new(b, 10 * SECOND);
        let start = Instant::now();
        for _ in 0..3 {
            let error = b.recv().await.unwrap_err();
            let ErrorKind::Idle { after } = error.kind() else { panic!("{error}") };
            assert_eq!((*after, start.elapsed()), (10 * SECOND, 10 * SECOND));
            assert!(error.is_fatal());
        }
        // What comes too late is not received, and a farewell still leaves.
        a.send("late").await.unwrap();
        b.recv().await.unwrap_err();
        b.send("farewell").await.unwrap();
        assert_eq!(a.recv().await.unwrap().unwrap(), "farewell");
    }

    #[tokio::test(start_paused = true)]
    async fn each_message_received_starts_the_time_anew() {
        let (mut a, b) = memory::pair();
        let mut b = Idle::new(b, 10 * SECOND);
        for _ in 0..5 {
            assert!(timeout(9 * SECOND, b.recv()).await.is_err());
            a.send("not idle").await.unwrap();
            b.recv().await.unwrap().unwrap();
        }
        let waiting = Instant::now();
        b.recv().await.unwrap_err();
        assert_eq!(waiting.elapsed(), 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn each_message_sent_starts_the_time_anew_also_by_the_other_half() {
        let (mut a, b) = memory::pair();
        let (mut sending, mut receiving) = Box::new(Idle::new(b, 10 * SECOND)).split_boxed();
        assert_pending!(recv!(receiving));
        for _ in 0..5 {
            advance(9 * SECOND).await;
            assert_pending!(recv!(receiving));
            sending.send("not idle").await.unwrap();
            a.recv().await.unwrap().unwrap();
        }
        let waiting = Instant::now();
        receiving.recv().await.unwrap_err();
        assert_eq!(waiting.elapsed(), 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_half_that_waits_counts_from_when_the_other_one_sent() {
        let (mut a, b) = memory::pair();
        let (mut sending, mut receiving) = Box::new(Idle::new(b, 10 * SECOND)).split_boxed();
        let start = Instant::now();
        // In a task of its own, which nothing wakes when the other half sends.
        let receive = tokio::spawn(async move {
            receiving.recv().await.unwrap_err();
            start.elapsed()
        });
        sleep(4 * SECOND).await;
        sending.send("not idle").await.unwrap();
        a.recv().await.unwrap().unwrap();
        assert_eq!(receive.await.unwrap(), 14 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn time_in_which_nobody_waits_does_not_count() {
        let (mut a, b) = memory::pair();
        let mut b = Idle::new(b, 10 * SECOND);
        a.send("one").await.unwrap();
        b.recv().await.unwrap();
        advance(3600 * SECOND).await;
        assert_pending!(recv!(b));
        advance(9 * SECOND).await;
        assert_pending!(recv!(b));
        advance(SECOND).await;
        assert_ready_err!(recv!(b));
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_is_dropped_does_not_start_the_time_anew() {
        let (_a, b) = memory::pair();
        let mut b = Idle::new(b, 10 * SECOND);
        let start = Instant::now();
        while timeout(3 * SECOND, b.recv()).await.is_err() {}
        assert_eq!(start.elapsed(), 10 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_idle_for_the_sender_as_well() {
        let (_a, b) = memory::pair();
        let mut b = Idle::new(b, 10 * SECOND);
        fill(&mut b);
        let start = Instant::now();
        let error = b.send("no room").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Idle { .. }));
        assert_eq!(start.elapsed(), 10 * SECOND);
        b.recv().await.unwrap_err();
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_transport_can_be_closed_in_order() {
        let (mut a, b) = memory::pair();
        let mut b = Idle::new(b, 10 * SECOND);
        b.recv().await.unwrap_err();
        let (closed, end) = tokio::join!(b.close(), async {
            let end = a.recv().await;
            a.close().await.unwrap();
            end
        });
        closed.unwrap();
        assert!(end.unwrap().is_none());
    }
}

mod deadlines {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_is_waited_for_so_long_each_time_and_the_next_is_received() {
        let (mut a, b) = memory::pair();
        let mut b = Deadlines::new(b).read(5 * SECOND);
        for _ in 0..3 {
            let start = Instant::now();
            let error = b.recv().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Deadline { waiting_for: "message", .. }));
            assert!(!error.is_fatal());
            assert_eq!(start.elapsed(), 5 * SECOND);
            a.send("after").await.unwrap();
            assert_eq!(b.recv().await.unwrap().unwrap(), "after");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_wait_has_a_deadline_of_its_own() {
        let (mut a, b) = memory::pair();
        let mut b = Deadlines::new(b).read(5 * SECOND);
        let start = Instant::now();
        assert!(timeout(3 * SECOND, b.recv()).await.is_err());
        a.send("in time").await.unwrap();
        b.recv().await.unwrap().unwrap();
        for waited in [3 + 5, 3 + 5 + 5] {
            b.recv().await.unwrap_err();
            assert_eq!(start.elapsed(), waited * SECOND);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_waited_for_so_long_and_nothing_is_lost_or_sent_twice() {
        let (mut a, b) = memory::Options::default().max_queued(1).pair();
        let mut b = Deadlines::new(b).write(5 * SECOND);
        b.send("first").await.unwrap();
        let start = Instant::now();
        let error = b.send("second").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Deadline { waiting_for: "room to send", .. }));
        assert!(!error.is_fatal());
        assert_eq!(start.elapsed(), 5 * SECOND);
        assert_eq!(a.recv().await.unwrap().unwrap(), "first");
        b.send("third").await.unwrap();
        assert_eq!(a.recv().await.unwrap().unwrap(), "third");
    }

    #[tokio::test(start_paused = true)]
    async fn a_future_that_is_dropped_does_not_move_the_deadline() {
        let (_a, b) = memory::pair();
        let mut b = Deadlines::new(b).read(5 * SECOND);
        let start = Instant::now();
        while timeout(2 * SECOND, b.recv()).await.is_err() {}
        assert_eq!(start.elapsed(), 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn each_half_has_its_own() {
        let (_a, b) = memory::pair();
        let limited = Deadlines::new(b).read(5 * SECOND).write(7 * SECOND);
        let (mut sending, mut receiving) = Box::new(limited).split_boxed();
        fill(&mut sending);
        let start = Instant::now();
        let receive = async { (receiving.recv().await.unwrap_err(), start.elapsed()) };
        let send = async { (sending.send("no room").await.unwrap_err(), start.elapsed()) };
        let ((read, at), (write, then)) = tokio::join!(receive, send);
        assert!(!read.is_fatal() && !write.is_fatal());
        assert_eq!((at, then), (5 * SECOND, 7 * SECOND));
    }
}

mod rate {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_received_beyond_the_quota_waits_and_is_not_lost() {
        let (mut a, b) = memory::pair();
        let mut b = Rate::new(b).received(Quota::messages(10, 2));
        for number in 0..5 {
            a.send(number.to_string()).await.unwrap();
        }
        let start = Instant::now();
        let mut messages = Vec::new();
        for at in [0, 0, 100, 200, 300] {
            b.recv_many(&mut messages, 100).await.unwrap();
            assert_eq!(start.elapsed(), Duration::from_millis(at));
        }
        assert!(messages.iter().enumerate().all(|(number, got)| *got == *number.to_string()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_beyond_the_quota_waits_and_is_not_ready_before() {
        let (mut a, b) = memory::pair();
        let mut b = Rate::new(b).sent(Quota::bytes(1000, 1));
        let start = Instant::now();
        b.send(vec![0; 500]).await.unwrap();
        let refused = b.try_send("early").unwrap_err();
        assert!(matches!(refused.error.kind(), ErrorKind::NotReady));
        let mut early = "early";
        let error = b.start_send(early.as_payload(), &mut Attached::nothing()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotReady));
        b.ready().await.unwrap();
        assert_eq!(start.elapsed(), SECOND / 2);
        b.try_send("in time").unwrap();
        b.try_send("again too early").unwrap_err();
        b.flush().await.unwrap();
        assert_eq!(a.recv().await.unwrap().unwrap().len(), 500);
        assert_eq!(a.recv().await.unwrap().unwrap(), "in time");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_refused_takes_nothing_of_the_quota() {
        let (_a, b) = memory::Options::default().max_message(10).pair();
        let mut b = Rate::new(b).sent(Quota::messages(1, 1));
        for _ in 0..3 {
            let refused = b.try_send("much too long").unwrap_err();
            assert!(matches!(refused.error.kind(), ErrorKind::TooLong { .. }));
        }
        b.try_send("fits").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn each_half_keeps_its_quota_and_what_was_used_of_it() {
        let (mut a, b) = memory::pair();
        let mut b = Rate::new(b).received(Quota::messages(1, 1)).sent(Quota::messages(2, 1));
        a.send("one").await.unwrap();
        a.send("two").await.unwrap();
        b.recv().await.unwrap();
        b.send("one").await.unwrap();
        let start = Instant::now();
        let (mut sending, mut receiving) = Box::new(b).split_boxed();
        sending.send("two").await.unwrap();
        assert_eq!(start.elapsed(), SECOND / 2);
        receiving.recv().await.unwrap();
        assert_eq!(start.elapsed(), SECOND);
    }
}

mod max_length {
    use super::*;

    #[tokio::test]
    async fn a_longer_message_is_refused_at_sending_by_the_stricter_maximum() {
        let (mut a, b) = memory::pair();
        let mut b = MaxLength::new(b).sent(4);
        assert_eq!(b.max_message(), 4);
        let error = b.send("longer").await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLong { length: 6, limit: 4 }));
        b.send("fits").await.unwrap();
        assert_eq!(a.recv().await.unwrap().unwrap(), "fits");
        let (_, b) = memory::Options::default().max_message(3).pair();
        assert_eq!(MaxLength::new(b).sent(4).max_message(), 3);
    }

    #[tokio::test]
    async fn a_longer_message_that_arrives_is_counted_as_lost_also_after_splitting() {
        let (mut a, b) = memory::pair();
        let mut b = MaxLength::new(b).received(4);
        for message in ["longer", "fits", "longer"] {
            a.send(message).await.unwrap();
        }
        assert_ready_err!(recv!(b));
        let (_sending, mut b) = Box::new(b).split_boxed();
        assert_eq!(assert_ready_ok!(recv!(b)).unwrap(), "fits");
        assert_ready_err!(recv!(b));
        let stats = b.stats();
        assert_eq!((stats.received, stats.received_bytes, stats.truncated), (1, 4, 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_ones_own_quota_is_neither_idle_nor_late() {
    let limits = Limits::default()
        .idle(2 * SECOND)
        .read_deadline(2 * SECOND)
        .rate(Quota::messages(1, 1).and_bytes(1, 1));
    let (mut a, b) = memory::pair();
    let mut b = limits.wrap(b);
    a.send("ten bytes.").await.unwrap();
    a.send("after").await.unwrap();
    let start = Instant::now();
    b.recv().await.unwrap();
    assert_eq!(b.recv().await.unwrap().unwrap(), "after");
    assert_eq!(start.elapsed(), 10 * SECOND);
}

#[tokio::test]
async fn no_limit_at_all_changes_nothing() {
    let (mut a, b) = memory::pair();
    let mut b = Limits::default().wrap(b);
    assert!(Limits::default().is_empty());
    assert_eq!((b.guarantees(), b.max_message()), (a.guarantees(), a.max_message()));
    a.send("hello").await.unwrap();
    let received = assert_ready!(recv!(b)).unwrap();
    assert_eq!(received.unwrap(), "hello");
    drop(a);
    assert!(b.recv().await.unwrap().is_none());
}

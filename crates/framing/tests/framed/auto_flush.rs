//! A sending half that flushes by itself.

use std::time::Duration;

use anysock_framing::{
    AutoFlush, ErrorKind, Framed, FramedSend, Guaranteed, LengthDelimited, SendExt,
};
use tokio::task::yield_now;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};

use crate::fake::{Fake, Handle};
use crate::within;

type Flushed = AutoFlush<FramedSend<Fake, LengthDelimited>>;

fn auto_flush() -> (Flushed, Handle) {
    let (framed, handle): (Framed<_, _>, _) = Fake::framed();
    (framed.split().0.auto_flush(), handle)
}

/// Other tasks have run.
async fn turns() {
    for _ in 0..4 {
        yield_now().await;
    }
}

#[tokio::test]
async fn what_was_fed_leaves_together_once_the_feeder_lets_others_run() {
    let (mut half, fake) = auto_flush();
    for _ in 0..3 {
        assert_ready_ok!(task::spawn(half.feed("hi")).poll());
    }
    assert!(fake.output().is_empty());
    turns().await;
    assert_eq!(fake.output(), b"\x02hi\x02hi\x02hi");
    assert_eq!(fake.flushed(), 9);
    assert_ready_ok!(task::spawn(half.feed("hi")).poll());
    turns().await;
    assert_eq!(fake.flushed(), 12);
}

#[tokio::test]
async fn a_feeder_and_the_flusher_are_both_woken_by_the_same_room() {
    let (mut half, fake) = auto_flush();
    fake.decide(|state| state.room = 0);
    let message = [b'x'; 255];
    while half.stats().unsent < 160 * 1024 {
        assert_ready_ok!(task::spawn(half.feed(&message)).poll());
        // The flusher waits for room as well.
        yield_now().await;
    }
    let mut feeding = task::spawn(half.feed("more"));
    assert_pending!(feeding.poll());
    turns().await;
    fake.decide(|state| state.room = usize::MAX);
    assert!(feeding.is_woken());
    drop(feeding);
    within(half.feed("more")).await.unwrap();
    turns().await;
    assert!(fake.output().ends_with(b"\x04more"));
    assert_eq!(half.stats().unsent, 0);
}

#[tokio::test]
async fn a_failure_that_the_flusher_met_is_told_to_whoever_sends_next() {
    let (mut half, fake) = auto_flush();
    assert_ready_ok!(task::spawn(half.feed("hi")).poll());
    fake.decide(|state| state.failure = Some(libc::EPIPE));
    turns().await;
    let error = assert_ready_err!(task::spawn(half.feed("hi")).poll());
    assert!(matches!(error.kind(), ErrorKind::Io(_)), "{error}");
    let error = assert_ready_err!(task::spawn(half.flush()).poll());
    assert!(error.is_fatal());
}

#[tokio::test]
async fn dropped_it_ends_its_task_and_sends_nothing_more() {
    let tasks = tokio::runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    let (mut half, fake) = auto_flush();
    fake.decide(|state| state.room = 0);
    assert_ready_ok!(task::spawn(half.feed("hi")).poll());
    turns().await;
    assert_eq!(tasks.num_alive_tasks(), before + 1);
    drop(half);
    within(async {
        while tasks.num_alive_tasks() > before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    fake.decide(|state| state.room = usize::MAX);
    turns().await;
    assert!(fake.output().is_empty());
}

#[tokio::test]
async fn closing_sends_what_was_fed_and_the_end() {
    let (mut half, fake) = auto_flush();
    assert_ready_ok!(task::spawn(half.feed("bye")).poll());
    within(half.close()).await.unwrap();
    assert_eq!(fake.output(), b"\x03bye");
    assert!(fake.is_shut_down());
}

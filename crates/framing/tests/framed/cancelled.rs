//! Law 8: futures dropped at every poll, over a stream that waits at each step.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use anysock_framing::{Guaranteed, RecvExt, SendExt};

use crate::fake::Fake;
use crate::within;

/// Polls so often, then drops; what it gave, if it did.
async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    // Each future finds the budget of a task that was just woken.
    tokio::task::yield_now().await;
    let mut future = pin!(future);
    for _ in 0..polls {
        if let Poll::Ready(output) = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            return Some(output);
        }
    }
    None
}

const TEXTS: [&str; 5] = ["one", "", "three", "four", "5"];

fn frames(texts: &[&str]) -> Vec<u8> {
    texts.iter().flat_map(|text| [&[text.len() as u8], text.as_bytes()].concat()).collect()
}

#[tokio::test]
async fn a_recv_dropped_at_any_poll_loses_no_message() {
    for polls in 1..8 {
        let (mut framed, fake) = Fake::framed();
        fake.decide(|state| state.hesitates = true);
        frames(&TEXTS).iter().for_each(|byte| fake.brings(&[*byte]));
        let mut got = Vec::new();
        for _ in 0..200 {
            got.extend(
                at_most(polls, framed.recv()).await.map(|message| message.unwrap().unwrap()),
            );
        }
        assert_eq!(got, TEXTS, "dropped after {polls} polls");
    }
}

#[tokio::test]
async fn a_recv_many_dropped_at_any_poll_loses_no_message() {
    for polls in 1..8 {
        let (mut framed, fake) = Fake::framed();
        fake.decide(|state| state.hesitates = true);
        frames(&TEXTS).chunks(3).for_each(|bytes| fake.brings(bytes));
        let mut got = Vec::new();
        for _ in 0..100 {
            let before = got.len();
            let count = at_most(polls, framed.recv_many(&mut got, 2)).await;
            assert_eq!(got.len() - before, count.map_or(0, Result::unwrap));
        }
        assert_eq!(got, TEXTS, "dropped after {polls} polls");
    }
}

#[tokio::test]
async fn a_send_dropped_at_any_poll_splits_no_message_and_repeats_none() {
    for polls in 0..12 {
        let (mut framed, fake) = Fake::framed();
        fake.decide(|state| (state.hesitates, state.chunk) = (true, 2));
        let before = framed.stats().sent;
        let done = at_most(polls, framed.send("dropped")).await.is_some();
        let accepted = framed.stats().sent > before;
        assert!(accepted || !done);
        within(framed.send("next")).await.unwrap();
        let expected = if accepted { frames(&["dropped", "next"]) } else { frames(&["next"]) };
        assert_eq!(fake.output(), expected, "dropped after {polls} polls");
        assert_eq!(fake.flushed(), expected.len());
    }
}

#[tokio::test]
async fn who_waits_for_ready_and_tries_loses_no_message_however_often_it_is_dropped() {
    let (mut framed, fake) = Fake::framed();
    fake.decide(|state| (state.hesitates, state.chunk) = (true, 900));
    let message = "m".repeat(255);
    let (mut accepted, mut tries) = (0, 0);
    while accepted < 1500 {
        tries += 1;
        assert!(tries < 1_000_000, "it is never ready again");
        // Dropped after one poll, so that above the watermark most of these come to nothing.
        if at_most(1, framed.ready()).await.is_some() {
            framed.try_send(&message).unwrap();
            accepted += 1;
        }
    }
    within(framed.flush()).await.unwrap();
    assert_eq!(fake.output().len(), 1500 * 256);
    assert!(
        fake.output().chunks(256).all(|frame| frame[0] == 255 && &frame[1..] == message.as_bytes())
    );
}

#[tokio::test]
async fn a_flush_dropped_at_any_poll_goes_on_where_it_was() {
    for polls in 1..6 {
        let (mut framed, fake) = Fake::framed();
        fake.decide(|state| (state.hesitates, state.chunk) = (true, 1));
        for text in TEXTS {
            within(framed.feed(text)).await.unwrap();
        }
        let mut drops = 0;
        while at_most(polls, framed.flush()).await.is_none() {
            drops += 1;
            assert!(drops < 100, "it does not end");
        }
        assert_eq!(fake.output(), frames(&TEXTS));
    }
}

#[tokio::test]
async fn try_send_gives_back_what_the_transport_has_no_room_for() {
    let (mut framed, fake) = Fake::framed();
    fake.decide(|state| state.room = 0);
    let taken = (0..10_000).take_while(|_| framed.try_send([0; 255]).is_ok()).count();
    assert!(taken < 10_000, "it takes without end");
    let unsent = framed.stats().unsent;
    let refused = framed.try_send(String::from("back")).unwrap_err();
    assert_eq!(refused.message, "back");
    assert!(!refused.error.is_fatal());
    assert_eq!(framed.stats().unsent, unsent);
    fake.decide(|state| state.room = usize::MAX);
    framed.try_send("now").unwrap();
}

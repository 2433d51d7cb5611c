//! Futures that are dropped lose no descriptor, double none and leave none open.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use anysock::prelude::*;
use anysock::{Ancillary, BoxTransport, Error, Message};

use crate::links::{Link, Witness, attached, expect_with, over_the_links};

const ASKED: Ancillary = Ancillary::DESCRIPTORS;

/// Polls a future at most so often, and drops it.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..times {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        match polled {
            Poll::Ready(done) => return Some(done),
            Poll::Pending => tokio::task::yield_now().await,
        }
    }
    None
}

/// The next message, by futures that are dropped after so many polls each.
async fn received(far: &mut BoxTransport, times: usize) -> Result<Message, Error> {
    loop {
        match polled(far.recv(), times).await {
            Some(received) => return received.map(|message| message.expect("no end")),
            None => tokio::task::yield_now().await,
        }
    }
}

over_the_links!(receiving_may_be_dropped_at_every_poll);

async fn receiving_may_be_dropped_at_every_poll(link: Link) {
    for times in 1..4 {
        let (mut near, mut far) = link.open(ASKED).await;
        let sending = tokio::spawn(async move {
            let mut all = Vec::new();
            for number in 0..40 {
                let (attached, witnesses) = attached(number % 4);
                near.send_with(vec![number as u8], attached).await.unwrap();
                all.push(witnesses);
                if number % 5 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            (near, all)
        });
        let mut messages = Vec::new();
        while messages.len() < 40 {
            messages.push(received(&mut far, times).await.unwrap());
        }
        let (near, all) = sending.await.unwrap();
        for (number, (message, witnesses)) in messages.into_iter().zip(&all).enumerate() {
            assert_eq!(message, [number as u8]);
            expect_with(message, witnesses);
        }
        assert_eq!(polled(far.recv(), times).await.map(|end| end.is_ok()), None);
        drop((near, far));
        all.iter().flatten().for_each(Witness::expect_closed);
    }
}

over_the_links!(sending_may_be_dropped_at_every_poll);

async fn sending_may_be_dropped_at_every_poll(link: Link) {
    for times in 0..4 {
        let (mut near, mut far) = link.open(ASKED).await;
        let mut all = Vec::new();
        // Some go at once, others wait for room, and some are never accepted.
        for number in 0..60_u8 {
            let (attached, witnesses) = attached(usize::from(number % 4));
            let _ = polled(near.send_with(vec![number; 3000], attached), times).await;
            all.push(witnesses);
        }
        let flushing = async {
            near.flush().await.unwrap();
            near.send("the end").await.unwrap();
        };
        let receiving = async {
            let mut messages = Vec::new();
            loop {
                let message = far.recv().await.unwrap().unwrap();
                if message == "the end" {
                    return messages;
                }
                messages.push(message);
            }
        };
        let ((), messages) = tokio::join!(flushing, receiving);
        assert_eq!(messages.is_empty(), times == 0);
        let mut last = None;
        for message in messages {
            let number = message[0];
            assert!(last < Some(number), "in order, and once");
            assert_eq!(message, vec![number; 3000]);
            last = Some(number);
            expect_with(message, &all[usize::from(number)]);
        }
        // Those of messages that were never accepted went with their futures.
        all.iter().flatten().for_each(Witness::expect_closed);
    }
}

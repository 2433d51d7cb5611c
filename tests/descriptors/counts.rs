//! From none to as many as there may be, with each message its own.

use anysock_core::{Ancillary, Cell};
use anysock_framing::{
    AsPayload, Attached, ErrorKind, Guaranteed, RecvExt, SendExt, SendHalf, Transport,
};

use crate::cells::{BOTH, assert_plain, next, pair, run};
use crate::tokens::{Tokens, attached};

over_the_unix_cells! {
    every_count_arrives_with_its_message_in_order_and_close_on_exec,
    messages_that_are_sent_together_keep_theirs_apart,
    halves_pass_and_take_as_well,
    as_many_as_there_may_be_arrive_beside_credentials,
    one_more_than_there_may_be_is_refused_and_stays_the_callers,
    what_nobody_takes_is_closed_with_the_message,
    what_is_not_sent_or_not_received_is_closed_with_the_transport,
}

fn every_count_arrives_with_its_message_in_order_and_close_on_exec(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        for count in 0..=Attached::MAX_DESCRIPTORS {
            let (along, tokens) = attached(count);
            a.feed("before").await.unwrap();
            a.send_with(format!("{count} of them"), along).await.unwrap();
            a.send("after").await.unwrap();

            assert_eq!(next(&mut b).await.take_descriptors().len(), 0);
            let mut message = next(&mut b).await;
            assert_eq!(message, format!("{count} of them"));
            let descriptors = message.take_descriptors();
            tokens.check(&descriptors);
            assert_plain(next(&mut b).await, &b"after"[..]);

            tokens.assert_open();
            drop(descriptors);
            tokens.assert_closed();
        }
        assert_eq!(b.stats().closed_descriptors, 0);
    });
}

fn messages_that_are_sent_together_keep_theirs_apart(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        let counts = [1, 1, 0, 2, 253, 0, 0, 252, 3, 100, 1, 0];
        let mut all = Vec::new();
        for (number, count) in counts.into_iter().enumerate() {
            let (along, tokens) = attached(count);
            // Empty ones among them.
            a.feed_with("x".repeat(number % 5 * 1500), along).await.unwrap();
            all.push(tokens);
        }
        a.flush().await.unwrap();
        let mut messages = Vec::new();
        while messages.len() < counts.len() {
            assert_ne!(b.recv_many(&mut messages, 5).await.unwrap(), 0);
        }
        for (number, (message, tokens)) in messages.iter_mut().zip(&all).enumerate() {
            assert_eq!(message.len(), number % 5 * 1500);
            tokens.check(&message.take_descriptors());
            tokens.assert_closed();
        }
    });
}

fn halves_pass_and_take_as_well(cell: Cell) {
    run(async {
        let (a, b) = pair(cell, Ancillary::DESCRIPTORS);
        let (mut sending, _receiving) = a.split_boxed();
        let (_sending, mut receiving) = b.split_boxed();
        for count in [2, 0, 3] {
            let (along, tokens) = attached(count);
            sending.send_with("by halves", along).await.unwrap();
            tokens.check(&next(&mut receiving).await.take_descriptors());
        }
    });
}

fn as_many_as_there_may_be_arrive_beside_credentials(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, BOTH);
        let (along, tokens) = attached(Attached::MAX_DESCRIPTORS);
        a.send_with("both", along).await.unwrap();
        let mut message = next(&mut b).await;
        assert_eq!(message.credentials().unwrap().pid, Some(std::process::id()));
        tokens.check(&message.take_descriptors());
    });
}

fn one_more_than_there_may_be_is_refused_and_stays_the_callers(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        let (mut along, tokens) = attached(Attached::MAX_DESCRIPTORS + 1);
        let mut message = String::from("too many");
        a.ready().await.unwrap();
        let error = a.start_send(message.as_payload(), &mut along).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotAttachable { .. }), "{error}");
        assert!(!error.is_fatal());
        assert_eq!(message, "too many");
        tokens.check(along.descriptors());
        drop(along);
        tokens.assert_closed();
        a.send("goes on").await.unwrap();
        assert_eq!(next(&mut b).await, "goes on");
    });
}

fn what_nobody_takes_is_closed_with_the_message(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        let (along, tokens) = attached(3);
        a.send_with("looked at", along).await.unwrap();
        let message = next(&mut b).await;
        tokens.check(&message.arrival().unwrap().descriptors);
        drop(message);
        tokens.assert_closed();
    });
}

fn what_is_not_sent_or_not_received_is_closed_with_the_transport(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        let feed = async |a: &mut Box<_>, count| -> Tokens {
            let a: &mut Box<dyn Transport + Send> = a;
            let (along, tokens) = attached(count);
            a.feed_with("on its way", along).await.unwrap();
            tokens
        };
        let first = feed(&mut a, 2).await;
        let unread = feed(&mut a, 3).await;
        a.flush().await.unwrap();
        let unsent = feed(&mut a, 4).await;
        let message = next(&mut b).await;
        first.check(&message.arrival().unwrap().descriptors);
        drop(a);
        unsent.assert_closed();
        unread.assert_open();
        drop(b);
        unread.assert_closed();
        first.assert_open();
        drop(message);
        first.assert_closed();
    });
}

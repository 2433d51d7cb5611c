//! The report of a loss: between which messages it comes, what it counts, what it never repeats.

use std::time::Duration;

use anysock::framing::AsPayload;
use anysock::prelude::*;
use anysock::{Attached, Backoff, ErrorKind};
use tokio::time::timeout;

use crate::{heard, reconnecting, report, send_until_told, within};

#[tokio::test]
async fn what_the_lost_connection_holds_comes_first_and_the_report_between() {
    within(async {
        let mut listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        let mut peer = listener.accept().await.expect("accepted");
        for word in ["one", "two", "three"] {
            peer.send(word).await.expect("sent");
        }
        drop(peer);
        let (_, error) = send_until_told(&mut client).await;
        assert_eq!(report(&error).0, 2);
        let mut peer = listener.accept().await.expect("accepted");
        peer.send("four").await.expect("sent");
        for word in ["one", "two", "three"] {
            assert_eq!(heard(&mut client).await, word);
        }
        // The same event as before, at its place between the messages.
        assert_eq!(report(&client.recv().await.expect_err("a report")).0, 2);
        assert_eq!(heard(&mut client).await, "four");
        client.send("not told again").await.expect("sent");
        assert_eq!(heard(&mut peer).await, "not told again");
    })
    .await;
}

#[tokio::test]
async fn what_had_not_left_is_counted_and_goes_nowhere() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("sent").await.expect("sent");
        drop(listener.accept().await.expect("accepted")); // with a message unread
        for _ in 0..3 {
            client.feed("fed").await.expect("taken");
        }
        let error = client.flush().await.expect_err("a report");
        assert_eq!(report(&error), (2, 4, 3, true));
        client.send("after").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "after");
    })
    .await;
}

#[tokio::test]
async fn a_message_is_given_back_while_the_report_is_due() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        drop(listener.accept().await.expect("accepted"));
        let error = client.recv().await.expect_err("a report");
        assert_eq!(report(&error).0, 2);
        drop(listener.accept().await.expect("accepted"));
        drop(listener);
        client.send("takes note").now_or_pending().await;
        let refused = client.try_send("mine").expect_err("nobody is there");
        assert_eq!(refused.message, "mine");
        assert!(matches!(refused.error.kind(), ErrorKind::NotReady), "{}", refused.error);
    })
    .await;
}

/// Polls a few times and lets go.
trait NowOrPending: Future + Sized {
    async fn now_or_pending(self) {
        let _ = timeout(Duration::from_millis(5), self).await;
    }
}

impl<F: Future> NowOrPending for F {}

#[tokio::test]
async fn what_was_ready_for_the_connection_before_is_not_taken_for_the_next() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let (mut sending, mut receiving) = reconnecting(&listener).await.split();
        sending.ready().await.expect("ready");
        drop(listener.accept().await.expect("accepted"));
        assert_eq!(report(&receiving.recv().await.expect_err("a report")).0, 2);

        let mut attached = Attached::nothing();
        // It is for the connection that is gone, and is told of with it.
        sending.start_send("for the first".as_payload(), &mut attached).expect("taken");
        let refused = sending.start_send("not asked".as_payload(), &mut attached);
        let refused = refused.expect_err("nobody said that it was ready");
        assert!(matches!(refused.kind(), ErrorKind::NotReady), "{refused}");
        let error = sending.flush().await.expect_err("a report");
        assert_eq!(report(&error), (2, 1, 1, false));
        sending.send("for the second").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "for the second");
        assert_eq!((sending.stats().sent, sending.stats().sent_bytes), (2, 13 + 14));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_many_connections_no_message_arrives_twice_or_late() {
    const CONNECTIONS: u64 = 100;
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let endpoint = listener.endpoint().clone();
        let server = tokio::spawn(async move {
            let mut arrived = Vec::new();
            for number in 0..CONNECTIONS {
                let mut peer = listener.accept().await.expect("accepted");
                for _ in 0..number % 5 {
                    peer.send("proof").await.expect("sent");
                    let message = heard(&mut peer).await;
                    arrived.push(message.parse::<u64>().expect("a number"));
                }
            }
            arrived
        });
        let steady = Backoff::default().first(Duration::from_millis(1)).longest(Duration::ZERO);
        let client = anysock::connect(endpoint).reconnecting(steady.attempts(1));
        let (mut sending, mut receiving) = client.await.expect("connected").split();
        let sender = tokio::spawn(async move {
            let mut told = Vec::new();
            for number in 0_u64.. {
                match sending.send(number.to_string()).await {
                    Ok(()) => {}
                    Err(error) if error.is_fatal() => break,
                    Err(error) => told.push(report(&error).0),
                }
            }
            told
        });
        let receiver = tokio::spawn(async move {
            let mut told = Vec::new();
            loop {
                match receiving.recv().await {
                    Ok(message) => assert!(message.is_some(), "there is no end"),
                    Err(error) if error.is_fatal() => return told,
                    Err(error) => told.push(report(&error).0),
                }
            }
        });
        let arrived = server.await.expect("no panic");
        assert!(arrived.is_sorted_by(|one, next| one < next), "{arrived:?}");
        assert_eq!(arrived.len(), 200);
        let mut last = Vec::new();
        for told in [sender.await, receiver.await] {
            let told = told.expect("no panic");
            assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
            last.extend(told.last().copied());
        }
        // Whoever makes a connection is told at once; the other may be told of two by one report.
        assert!(last.iter().max() >= Some(&CONNECTIONS), "{last:?}");
    })
    .await;
}

#[tokio::test]
async fn who_feeds_what_is_flushed_by_itself_is_told_before_anything_goes_over_another_connection()
{
    within(async {
        let mut listener = anysock::bind("unix:").await.unwrap();
        let (sending, _receiving) = reconnecting(&listener).await.split();
        let mut sending = sending.auto_flush();
        drop(listener.accept().await.unwrap());
        let mut fed = 0;
        let error = loop {
            match sending.feed("for the first").await {
                Ok(()) => fed += 1,
                Err(error) => break error,
            }
            // Long enough for the task that flushes to find the loss, and to connect again.
            tokio::time::sleep(Duration::from_millis(60)).await;
        };
        assert_eq!(report(&error).1, fed);
        sending.feed("for the second").await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(heard(&mut peer).await, "for the second");
    })
    .await;
}

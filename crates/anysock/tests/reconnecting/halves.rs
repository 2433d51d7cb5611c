//! Halves that share the connection: one is gone, or waits while the other meets the loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anysock::prelude::*;
use tokio::time::timeout;

use crate::{heard, reconnecting, report, send_until_told, within};

#[tokio::test]
async fn a_half_that_is_dropped_does_not_stop_the_other() {
    within(async {
        let mut listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let (sending, mut receiving) = reconnecting(&listener).await.split();
        drop(sending);
        for number in 1..4 {
            let mut peer = listener.accept().await.expect("accepted");
            peer.send("news").await.expect("sent");
            assert_eq!(heard(&mut receiving).await, "news");
            drop(peer);
            let error = receiving.recv().await.expect_err("a report");
            assert_eq!(report(&error), (number + 1, 0, 0, false));
        }
        drop(receiving);

        let mut listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let (mut sending, receiving) = reconnecting(&listener).await.split();
        drop(receiving);
        for number in 1..4 {
            drop(listener.accept().await.expect("accepted"));
            let (_, error) = send_until_told(&mut sending).await;
            assert_eq!(report(&error).0, number + 1);
        }
        sending.send("heard").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "heard");
        // Nobody else reads: closing drains what the peer still sends, until its end.
        peer.send("unread").await.expect("sent");
        assert!(timeout(Duration::from_millis(20), sending.close()).await.is_err());
        assert!(peer.recv().await.expect("an orderly end").is_none());
        drop(peer);
        sending.close().await.expect("closed");
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_is_blocked_is_woken_by_the_loss_that_the_receiver_meets() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let (mut sending, mut receiving) = reconnecting(&listener).await.split();
        let peer = listener.accept().await.expect("accepted");
        let sent = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&sent);
        let blocked = tokio::spawn(async move {
            let large = vec![0; 256 * 1024];
            loop {
                if let Err(error) = sending.send(large.clone()).await {
                    return (sending, error);
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let receiver = tokio::spawn(async move { (receiving.recv().await, receiving) });
        // Nobody reads: the sender fills the buffers, and then waits, however often it is asked.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(sent.load(Ordering::Relaxed) < 100, "so much fits no buffer");
        drop(peer);
        let (mut sending, error) = blocked.await.expect("no panic");
        assert_eq!(report(&error).0, 2);
        let (told, _receiving) = receiver.await.expect("no panic");
        assert_eq!(report(&told.expect_err("a report")).0, 2);
        let mut peer = listener.accept().await.expect("accepted");
        sending.send("small").await.expect("sent");
        assert_eq!(heard(&mut peer).await, "small");
    })
    .await;
}

#[tokio::test]
async fn its_halves_tell_all_that_they_count() {
    within(async {
        let mut listener = anysock::bind("unix:").await.unwrap();
        let (mut sending, mut receiving) = reconnecting(&listener).await.split();
        let mut peer = listener.accept().await.unwrap();
        sending.send("hello").await.unwrap();
        peer.send("hello").await.unwrap();
        assert_eq!(heard(&mut receiving).await, "hello");
        let (sent, received) = (sending.stats(), receiving.stats());
        assert_eq!((sent.sent, sent.send_calls, sent.most_unsent), (1, 1, 9));
        assert!(received.received == 1 && received.receive_calls >= 1, "{received:?}");
        assert_eq!((sent.receive_calls, received.send_calls), (0, 0));
    })
    .await;
}

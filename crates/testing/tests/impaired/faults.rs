//! What each fault does to messages, and to the guarantees.

use crate::within;
use std::time::Duration;

use anysock_framing::memory::{self, Memory};
use anysock_framing::{Guaranteed, Guarantees, RecvExt, SendExt};
use anysock_testing::impaired::{Impaired, Impairments, Seed};

const COUNT: usize = 200;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn message(number: usize) -> String {
    format!("message {number:03}")
}

/// What arrives of `COUNT` messages over a line that is impaired at the end where they arrive, or
/// where they leave.
async fn arriving(impairments: Impairments, leaving: bool) -> Vec<String> {
    let (near, far) = memory::Options::default().max_queued(1000).pair();
    let impair = |end: Memory| Impaired::new(end, Seed::new(11));
    let (near, far) = (impair(near), impair(far));
    let (mut near, mut far) = match leaving {
        true => (near.outgoing(impairments), far),
        false => (near, far.incoming(impairments)),
    };
    let sending = tokio::spawn(async move {
        for number in 0..COUNT {
            near.feed(message(number)).await.expect("fed");
            tokio::time::sleep(ms(1)).await;
        }
        near.flush().await.expect("flushed");
        drop(near);
    });
    let mut arrived = Vec::new();
    while let Some(message) = far.recv().await.expect("received") {
        arrived.push(String::from_utf8_lossy(&message).into_owned());
    }
    sending.await.expect("sent");
    arrived
}

fn sent() -> Vec<String> {
    (0..COUNT).map(message).collect()
}

#[tokio::test(start_paused = true)]
async fn lost_messages_do_not_arrive() {
    within(async {
        for leaving in [true, false] {
            let arrived = arriving(Impairments::none().loss(0.2), leaving).await;
            assert!((COUNT * 7 / 10..COUNT * 9 / 10).contains(&arrived.len()), "{}", arrived.len());
            assert!(arrived.is_sorted());
            assert!(arrived.iter().all(|message| sent().contains(message)));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn duplicated_messages_arrive_twice() {
    within(async {
        for leaving in [true, false] {
            let mut arrived = arriving(Impairments::none().duplicate(0.2), leaving).await;
            assert!(arrived.len() > COUNT * 11 / 10, "{}", arrived.len());
            arrived.dedup();
            assert_eq!(arrived, sent());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn held_back_messages_are_overtaken() {
    within(async {
        for leaving in [true, false] {
            let reorder = Impairments::none().reorder(0.2, ms(5)..=ms(20));
            let mut arrived = arriving(reorder, leaving).await;
            assert!(!arrived.is_sorted());
            arrived.sort();
            assert_eq!(arrived, sent());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn truncated_messages_lose_their_end() {
    within(async {
        for leaving in [true, false] {
            let arrived = arriving(Impairments::none().truncate(0.2), leaving).await;
            assert_eq!(arrived.len(), COUNT);
            let cut = arrived.iter().zip(sent()).filter(|(arrived, sent)| **arrived != *sent);
            assert!(cut.count() > COUNT / 10);
            assert!(arrived.iter().zip(sent()).all(|(arrived, sent)| sent.starts_with(arrived)));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn corrupted_messages_differ_by_one_bit() {
    within(async {
        for leaving in [true, false] {
            let (near, far) = memory::Options::default().max_queued(1000).pair();
            let corrupt = || Impairments::none().corrupt(1.0);
            let (mut near, mut far) =
                (Impaired::new(near, Seed::new(1)), Impaired::new(far, Seed::new(1)));
            match leaving {
                true => near = near.outgoing(corrupt()),
                false => far = far.incoming(corrupt()),
            }
            let mut places = Vec::new();
            for _ in 0..50 {
                near.send([0; 100]).await.expect("sent");
                let arrived = far.recv().await.expect("received").expect("a message");
                let ones: u32 = arrived.iter().map(|byte| byte.count_ones()).sum();
                assert_eq!((arrived.len(), ones), (100, 1));
                places.push(arrived.iter().position(|byte| *byte != 0));
            }
            places.sort_unstable();
            places.dedup();
            assert!(places.len() > 20, "always at the same places: {places:?}");
            near.send("").await.expect("sent");
            assert_eq!(far.recv().await.expect("received").expect("a message"), "");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn delays_keep_the_order() {
    within(async {
        for leaving in [true, false] {
            let slow = Impairments::none().delay(ms(0)..=ms(50), Default::default());
            assert_eq!(arriving(slow.stall(0.05, ms(10)..=ms(50)), leaving).await, sent());
        }
    })
    .await;
}

#[tokio::test]
async fn guarantees_are_lowered_by_what_breaks_them() {
    within(async {
        use Guarantees as G;
        let all =
            G::RELIABLE | G::ORDERED | G::BOUNDARIES | G::CONNECTION_ORIENTED | G::END_OF_FILE;
        let none = Impairments::none;
        let time = || ms(1)..=ms(2);
        let cases = [
            (none(), G::NONE),
            (none().delay(time(), Default::default()).bandwidth(1000), G::NONE),
            (none().stall(0.5, time()).partition(0.5, time()).reset(0.5), G::NONE),
            (none().loss(0.5), G::RELIABLE),
            (none().unreliable(), G::RELIABLE),
            (none().duplicate(0.5), G::RELIABLE | G::ORDERED),
            (none().reorder(0.5, time()), G::ORDERED),
            (none().truncate(0.5), G::RELIABLE | G::BOUNDARIES),
            (none().corrupt(0.5), G::RELIABLE | G::BOUNDARIES),
        ];
        for (impairments, broken) in cases {
            let (near, far) = memory::pair();
            let near = Impaired::new(near, Seed::new(1)).outgoing(impairments.clone());
            let far = Impaired::new(far, Seed::new(1)).incoming(impairments.clone());
            assert_eq!(near.guarantees(), all - broken, "{impairments:?}");
            assert_eq!(far.guarantees(), all - broken, "{impairments:?}");
            let (sending, receiving) = near.split();
            assert_eq!(sending.guarantees(), all - broken);
            assert_eq!(receiving.guarantees(), all - broken);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_by_chance_is_told_to_both_halves_and_counted() {
    within(async {
        let (mut near, far) = memory::pair();
        let far = Impaired::new(far, Seed::new(6)).incoming(Impairments::none().reset(0.1));
        let handle = far.handle();
        let (mut sending, mut receiving) = far.split();
        for number in 0..COUNT {
            near.send(message(number)).await.expect("sent");
        }
        let mut arrived = 0;
        let error = loop {
            match receiving.recv().await {
                Ok(Some(_)) => arrived += 1,
                Ok(None) => panic!("an orderly end"),
                Err(error) => break error,
            }
        };
        assert!((1..COUNT / 2).contains(&arrived), "{arrived}");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionReset));
        let error = receiving.recv().await.expect_err("for good");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionReset));
        let error = sending.send("more").await.expect_err("reset");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionReset));
        let trace = handle.trace().to_string();
        assert!(trace.contains(&format!("#{arrived}, 11 bytes: reset")), "{trace}");
    })
    .await;
}

//! When messages arrive, who is woken, and how much may be on its way.

use crate::within;
use std::time::Duration;

use anysock_framing::{Guaranteed, RecvExt, SendExt, SendHalf, memory};
use anysock_testing::impaired::{Impaired, Impairments, Seed, Spread};
use tokio::time::{Instant, timeout};

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

#[tokio::test(start_paused = true)]
async fn a_delayed_message_wakes_who_waits_for_it_without_other_traffic() {
    within(async {
        let (mut near, far) = memory::pair();
        let mut far =
            Impaired::new(far, Seed::new(1)).incoming(Impairments::none().latency(ms(250)));
        let start = Instant::now();
        let waiting = tokio::spawn(async move { far.recv().await.map(|message| (far, message)) });
        tokio::task::yield_now().await;
        near.send("late").await.expect("sent");
        let (_far, message) = waiting.await.expect("woken").expect("received");
        assert_eq!(message.expect("a message"), "late");
        assert_eq!(start.elapsed(), ms(250));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_on_their_way_at_the_same_time() {
    within(async {
        let (mut near, far) = memory::pair();
        let mut far =
            Impaired::new(far, Seed::new(1)).incoming(Impairments::none().latency(ms(250)));
        let start = Instant::now();
        for _ in 0..20 {
            near.send("one of many").await.expect("sent");
        }
        for _ in 0..20 {
            far.recv().await.expect("received").expect("a message");
        }
        assert_eq!(start.elapsed(), ms(250));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sending_waits_for_an_outgoing_delay_and_feeding_does_not() {
    within(async {
        let (near, mut far) = memory::pair();
        let mut near =
            Impaired::new(near, Seed::new(1)).outgoing(Impairments::none().latency(ms(100)));
        let start = Instant::now();
        near.send("one").await.expect("sent");
        assert_eq!(start.elapsed(), ms(100));
        near.feed("two").await.expect("fed");
        assert_eq!(start.elapsed(), ms(100));
        // A `recv` drives out what was fed.
        assert!(timeout(ms(500), near.recv()).await.is_err());
        for expected in ["one", "two"] {
            assert_eq!(far.recv().await.expect("received").expect("a message"), expected);
        }
        near.feed("three").await.expect("fed");
        drop(far);
        assert!(near.flush().await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn so_many_bytes_pass_in_a_second() {
    within(async {
        let (near, far) = memory::pair();
        let slow = Impairments::none().bandwidth(10_000);
        let mut far = Impaired::new(far, Seed::new(1)).incoming(slow);
        let start = Instant::now();
        let sending = tokio::spawn(async move {
            let mut near = near;
            for _ in 0..100 {
                near.send([0; 1000]).await.expect("sent");
            }
            near
        });
        for _ in 0..100 {
            far.recv().await.expect("received").expect("a message");
        }
        assert_eq!(start.elapsed(), Duration::from_secs(10));
        sending.await.expect("sent");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn times_of_a_tail_are_mostly_short() {
    within(async {
        let (mut near, far) = memory::pair();
        let slow = Impairments::none().delay(ms(0)..=ms(1600), Spread::Tail);
        let mut far = Impaired::new(far, Seed::new(1)).incoming(slow);
        let (mut short, mut long) = (0, 0);
        for _ in 0..200 {
            let start = Instant::now();
            near.send("how long?").await.expect("sent");
            far.recv().await.expect("received").expect("a message");
            short += u32::from(start.elapsed() <= ms(101));
            long += u32::from(start.elapsed() > ms(800));
        }
        assert!((70..130).contains(&short), "{short} of 200 are short");
        assert!((5..60).contains(&long), "{long} of 200 are long");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_is_bounded() {
    within(async {
        let endless = || Impairments::none().latency(Duration::from_secs(3600)).in_flight(8, 4096);
        // Incoming: no more is read, so that the peer has to wait.
        let (mut near, far) = memory::Options::default().max_queued(4).pair();
        let mut far = Impaired::new(far, Seed::new(1)).incoming(endless());
        let mut taken = 0;
        loop {
            assert!(timeout(ms(1), far.recv()).await.is_err());
            match near.try_send([0; 100]) {
                Ok(()) if taken < 1000 => taken += 1,
                Ok(()) => panic!("nothing bounds it"),
                Err(_) => break,
            }
        }
        assert_eq!(taken, 12);
        assert_eq!(far.stats().held, 1200);
        // Outgoing: nothing more is taken.
        let (near, _far) = memory::pair();
        let mut near = Impaired::new(near, Seed::new(1)).outgoing(endless());
        let mut taken = 0;
        while timeout(ms(1), near.ready()).await.is_ok() {
            near.try_send([0; 1000]).expect("ready");
            assert!(taken < 1000, "nothing bounds it");
            taken += 1;
        }
        assert_eq!((taken, near.stats().unsent), (5, 5000));
        let mut message = vec![0; 10];
        let refused = near.start_send(
            anysock_framing::AsPayload::as_payload(&mut message),
            &mut anysock_framing::Attached::nothing(),
        );
        assert!(!refused.expect_err("full").is_fatal());
        assert_eq!(message.len(), 10);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_after_the_last_delayed_message() {
    within(async {
        let (mut near, far) = memory::pair();
        let mut far = Impaired::new(far, Seed::new(1)).both(Impairments::none().latency(ms(100)));
        for number in 0..5 {
            near.send(number.to_string()).await.expect("sent");
        }
        let (mut sending, mut receiving) = near.split();
        sending.close().await.expect("closed");
        for number in 0..5 {
            let message = far.recv().await.expect("received").expect("a message");
            assert_eq!(message, number.to_string());
            far.feed(message).await.expect("fed");
        }
        // The answers leave before the end is told.
        for _ in 0..3 {
            assert!(far.recv().await.expect("received").is_none());
        }
        drop(far);
        for number in 0..5 {
            let message = receiving.recv().await.expect("received").expect("a message");
            assert_eq!(message, number.to_string());
        }
        assert!(receiving.recv().await.expect("received").is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_what_is_on_its_way() {
    within(async {
        let (near, mut far) = memory::pair();
        let mut near =
            Impaired::new(near, Seed::new(1)).outgoing(Impairments::none().latency(ms(100)));
        let start = Instant::now();
        let reading = tokio::spawn(async move {
            let mut arrived = Vec::new();
            while let Some(message) = far.recv().await.expect("received") {
                arrived.push(message.to_vec());
            }
            arrived
        });
        near.feed("one").await.expect("fed");
        near.feed("two").await.expect("fed");
        near.close().await.expect("closed");
        assert!(near.send("three").await.is_err());
        assert_eq!(start.elapsed(), ms(100));
        assert_eq!(reading.await.expect("read"), [b"one", b"two"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_dropped_while_it_was_waited_for_is_not_lost() {
    within(async {
        let (near, far) = memory::pair();
        let slow = || Impairments::none().delay(ms(1)..=ms(20), Spread::Even);
        let mut near = Impaired::new(near, Seed::new(1)).outgoing(slow());
        let mut far = Impaired::new(far, Seed::new(2)).incoming(slow());
        let sending = tokio::spawn(async move {
            for number in 0..50 {
                near.feed(number.to_string()).await.expect("fed");
                let _ = timeout(ms(3), near.flush()).await;
            }
            near.flush().await.expect("flushed");
            near
        });
        for number in 0..50 {
            // Most of these are dropped before something comes.
            let message = loop {
                if let Ok(message) = timeout(ms(1), far.recv()).await {
                    break message.expect("received").expect("a message");
                }
            };
            assert_eq!(message, number.to_string());
        }
        sending.await.expect("sent");
    })
    .await;
}

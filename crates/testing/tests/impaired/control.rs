//! Partitions, stalls and resets from outside.

use crate::within;
use std::io::ErrorKind;
use std::time::Duration;

use anysock_framing::{RecvExt, SendExt, memory};
use anysock_testing::impaired::{Impaired, Impairments, Seed};
use tokio::time::timeout;

const SOON: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn a_partition_holds_up_what_must_not_get_lost() {
    within(async {
        let (mut near, far) = memory::pair();
        let mut far = Impaired::new(far, Seed::new(1));
        let handle = far.handle();
        handle.partition();
        near.send("there").await.expect("sent");
        far.feed("back").await.expect("fed");
        assert!(timeout(SOON, far.recv()).await.is_err());
        assert!(timeout(SOON, near.recv()).await.is_err());
        let waiting = tokio::spawn(async move { far.recv().await.map(|message| (far, message)) });
        tokio::task::yield_now().await;
        handle.heal();
        let (mut far, message) = waiting.await.expect("woken").expect("received");
        assert_eq!(message.expect("a message"), "there");
        far.flush().await.expect("flushed");
        assert_eq!(near.recv().await.expect("received").expect("a message"), "back");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_loses_what_may_get_lost() {
    within(async {
        let (mut near, far) = memory::pair();
        let mut far = Impaired::new(far, Seed::new(1)).both(Impairments::none().unreliable());
        let handle = far.handle();
        handle.partition();
        near.send("lost there").await.expect("sent");
        far.send("lost back").await.expect("sent");
        assert!(timeout(SOON, far.recv()).await.is_err());
        handle.heal();
        near.send("there").await.expect("sent");
        far.send("back").await.expect("sent");
        assert_eq!(far.recv().await.expect("received").expect("a message"), "there");
        assert_eq!(near.recv().await.expect("received").expect("a message"), "back");
        let trace = handle.trace().to_string();
        assert_eq!(trace.matches(": lost").count(), 2, "{trace}");
        assert_eq!(trace.matches("both partitioned").count(), 1, "{trace}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stall_loses_nothing_even_where_that_may_happen() {
    within(async {
        let (mut near, far) = memory::pair();
        let mut far = Impaired::new(far, Seed::new(1)).both(Impairments::none().unreliable());
        let handle = far.handle();
        handle.stall();
        for number in 0..10 {
            near.send(number.to_string()).await.expect("sent");
            far.feed(number.to_string()).await.expect("fed");
        }
        assert!(timeout(SOON, far.recv()).await.is_err());
        assert!(timeout(SOON, far.flush()).await.is_err());
        handle.resume();
        far.flush().await.expect("flushed");
        for number in 0..10 {
            let number = number.to_string();
            assert_eq!(far.recv().await.expect("received").expect("a message"), number);
            assert_eq!(near.recv().await.expect("received").expect("a message"), number);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_partition_by_chance_heals_by_itself() {
    within(async {
        let (mut near, far) = memory::pair();
        let lasts = Duration::from_secs(5)..=Duration::from_secs(5);
        let parted = Impairments::none().unreliable().partition(0.5, lasts);
        let mut far = Impaired::new(far, Seed::new(2)).incoming(parted);
        let mut arrived = 0;
        for _ in 0..40 {
            near.send("perhaps").await.expect("sent");
            arrived += u32::from(timeout(Duration::from_secs(6), far.recv()).await.is_ok());
        }
        // Each partition is over before the next message: half of them begin one, and are lost.
        assert!((10..30).contains(&arrived), "{arrived} of 40");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_wakes_who_waits_and_comes_after_what_has_arrived() {
    within(async {
        let (mut near, far) = memory::pair();
        let far = Impaired::new(far, Seed::new(1)).incoming(Impairments::none().latency(SOON));
        let handle = far.handle();
        let (mut sending, mut receiving) = far.split();
        near.send("arrived").await.expect("sent");
        assert!(timeout(SOON / 2, receiving.recv()).await.is_err());
        tokio::time::sleep(SOON).await;
        near.send("on its way").await.expect("sent");
        handle.reset();
        assert_eq!(receiving.recv().await.expect("received").expect("a message"), "arrived");
        let error = receiving.recv().await.expect_err("reset");
        assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
        assert!(error.is_fatal());
        assert_eq!(sending.send("x").await.expect_err("reset").io_kind(), error.io_kind());

        let (_near, far) = memory::pair();
        let mut far = Impaired::new(far, Seed::new(1));
        let handle = far.handle();
        let waiting = tokio::spawn(async move { far.recv().await });
        tokio::task::yield_now().await;
        handle.reset();
        assert!(waiting.await.expect("woken").is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_told_stays_the_end_after_a_reset() {
    within(async {
        let (near, far) = memory::pair();
        let mut far = Impaired::new(far, Seed::new(1));
        let handle = far.handle();
        drop(near);
        assert!(far.recv().await.expect("received").is_none());
        handle.reset();
        for _ in 0..3 {
            assert!(far.recv().await.expect("received").is_none());
        }
        let error = far.send("x").await.expect_err("reset");
        assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
    })
    .await;
}

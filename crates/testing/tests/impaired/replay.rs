//! The same seed gives the same faults, and a failing test says which it was.

use crate::within;
use std::panic::catch_unwind;
use std::process::Command;
use std::task::Poll;
use std::time::Duration;

use anysock_framing::{RecvExt, SendExt, memory};
use anysock_testing::impaired::{Impaired, Impairments, Seed, Spread, Trace};

fn everything() -> Impairments {
    let ms = Duration::from_millis;
    Impairments::none()
        .loss(0.1)
        .duplicate(0.1)
        .reorder(0.1, ms(1)..=ms(30))
        .truncate(0.1)
        .corrupt(0.1)
        .delay(ms(0)..=ms(50), Spread::Tail)
        .bandwidth(50_000)
        .stall(0.02, ms(10)..=ms(100))
        .partition(0.02, ms(10)..=ms(100))
        .in_flight(1000, 1024 * 1024)
}

/// What arrives of 300 messages there and back, and what was done to them.
async fn exchange(seed: u64) -> (Vec<Vec<u8>>, Trace) {
    let (mut near, far) = memory::Options::default().max_queued(1000).pair();
    let mut far = Impaired::new(far, Seed::new(seed)).both(everything());
    let handle = far.handle();
    let mut arrived = Vec::new();
    for number in 0..300 {
        near.send(format!("message {number}")).await.expect("sent");
    }
    let (mut sending, mut receiving) = near.split();
    sending.close().await.expect("closed");
    while let Some(message) = far.recv().await.expect("received") {
        arrived.push(message.to_vec());
        far.feed(message).await.expect("fed");
    }
    far.close().await.expect("closed");
    while let Some(message) = receiving.recv().await.expect("received") {
        arrived.push(message.to_vec());
    }
    (arrived, handle.trace())
}

#[tokio::test(start_paused = true)]
async fn two_runs_with_one_seed_give_one_trace_and_another_seed_another() {
    within(async {
        let (arrived, trace) = exchange(7).await;
        let (again, same) = exchange(7).await;
        assert_eq!(trace.to_string(), same.to_string());
        assert_eq!(trace, same);
        assert_eq!(arrived, again);
        assert!(trace.records().len() > 400, "{}", trace.records().len());
        let (other, another) = exchange(8).await;
        assert_ne!(trace, another);
        assert_ne!(arrived, other);
    })
    .await;
}

#[tokio::test]
async fn what_befalls_a_message_does_not_depend_on_the_clock() {
    within(async {
        let lossy = || Impairments::none().loss(0.3).corrupt(0.3).truncate(0.3);
        let mut runs = Vec::new();
        for together in [false, true] {
            let (mut near, far) = memory::pair();
            let mut far = Impaired::new(far, Seed::new(3)).incoming(lossy());
            let mut arrived = Vec::new();
            for number in 0..100 {
                near.send(format!("message {number}")).await.expect("sent");
                if !together {
                    tokio::task::yield_now().await;
                    while let Some(message) = at_once(&mut far) {
                        arrived.push(message);
                    }
                }
            }
            while let Some(message) = at_once(&mut far) {
                arrived.push(message);
            }
            runs.push(arrived);
        }
        assert!(runs[0].len() > 30);
        assert_eq!(runs[0], runs[1]);
    })
    .await;
}

fn at_once(far: &mut Impaired<memory::Memory>) -> Option<Vec<u8>> {
    match tokio_test::task::spawn(tokio::task::coop::unconstrained(far.recv())).poll() {
        Poll::Ready(message) => Some(message.expect("received")?.to_vec()),
        Poll::Pending => None,
    }
}

#[test]
fn seeds_are_written_and_read() {
    for seed in [Seed::new(0), Seed::new(u64::MAX), Seed::random()] {
        assert_eq!(seed.to_string().parse(), Ok(seed));
        assert_eq!(seed.get().to_string().parse(), Ok(seed));
    }
    assert!("yes".parse::<Seed>().is_err());
    assert_ne!(Seed::random(), Seed::random());
    assert_ne!(Seed::new(1).of("a"), Seed::new(1).of("b"));
    assert_ne!(Seed::new(1).of("a"), Seed::new(2).of("a"));
}

#[test]
fn a_guard_says_how_to_replay_the_test() {
    let guard = Seed::new(42).guard();
    assert_eq!(guard.to_string(), "ANYSOCK_SEED=0x000000000000002a replays this test");
}

/// Run by the test below, in a process of its own; it fails with the seed of the environment.
#[test]
fn fails_if_asked_to() {
    if std::env::var_os("FAIL_WITH_SEED").is_some() {
        let seed = Seed::from_env();
        let _guard = seed.guard();
        panic!("as asked");
    }
}

#[test]
fn a_failing_test_prints_the_seed_that_replays_it() {
    let this = std::env::current_exe().expect("this test");
    let mut failing = Command::new(this);
    failing.args(["--exact", "replay::fails_if_asked_to", "--nocapture"]);
    failing.env("FAIL_WITH_SEED", "1").env_remove(Seed::VARIABLE);
    let printed = |command: &mut Command| {
        let output = command.output().expect("run");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let first = printed(&mut failing);
    let seed = first.split("ANYSOCK_SEED=").nth(1).expect("the seed").split(' ').next();
    let seed = seed.expect("the seed");
    let again = printed(failing.env(Seed::VARIABLE, seed));
    assert!(again.contains(&format!("ANYSOCK_SEED={seed} replays this test")), "{again}");
    let wrong = printed(failing.env(Seed::VARIABLE, "seven"));
    assert!(wrong.contains("ANYSOCK_SEED is \"seven\"; give a number"), "{wrong}");
}

#[test]
fn a_rate_that_is_no_probability_is_refused() {
    for rate in [-0.1, 1.1, f64::NAN] {
        assert!(catch_unwind(|| Impairments::none().loss(rate)).is_err(), "{rate}");
    }
}

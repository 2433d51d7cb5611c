//! A transport as a tower `Service`: by order, by number, in bounds, given up, and its ends.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{BoxTransport, Connection, ErrorKind, LengthDelimited};
use bytes::Bytes;
use tokio::time::timeout;
use tower::{Service, ServiceExt};

use self::process::{example, run};
use self::service::{CallError, Calls, Match};

#[path = "../../../tests/support/process.rs"]
mod process;
#[path = "../../examples/calls/service.rs"]
mod service;

const DEADLINE: Duration = Duration::from_secs(30);
const BOTH: [Match; 2] = [Match::ByOrder, Match::ById];

async fn pair(endpoint: &str) -> (Connection, Connection) {
    let mut listener = anysock::bind(endpoint).codec(LengthDelimited::u32()).await.unwrap();
    let client = anysock::connect(listener.endpoint().clone());
    let (client, server) = tokio::join!(client.into_future(), listener.accept());
    (client.unwrap(), server.unwrap())
}

async fn next(server: &mut Connection) -> Bytes {
    timeout(DEADLINE, server.recv()).await.unwrap().unwrap().expect("a request").into_bytes()
}

async fn call(calls: &mut Calls, request: &'static str) -> service::Pending {
    timeout(DEADLINE, calls.ready()).await.unwrap().unwrap().call(request.into())
}

async fn response(pending: service::Pending) -> Result<Bytes, CallError> {
    timeout(DEADLINE, pending).await.expect("an answer within the deadline")
}

/// What follows the number, where there is one.
fn body(by: Match, message: &Bytes) -> &[u8] {
    &message[if by == Match::ById { 8 } else { 0 }..]
}

#[test]
fn the_example_calls_over_every_reliable_cell_both_ways_and_refuses_the_others() {
    let program = example("calls");
    let output = run(program.to_str().unwrap(), &[], b"");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{out}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.matches("1000 calls, ByOrder").count(), 5, "{out}");
    assert_eq!(out.matches("1000 calls, ById").count(), 5, "{out}");

    let output = run(program.to_str().unwrap(), &["udp://127.0.0.1:0"], b"");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("required is also: ") && err.contains("reliable"), "{err}");
}

#[tokio::test]
async fn requests_are_pipelined_and_answered_first_in_first_out() {
    let (client, mut server) = pair("unix:").await;
    let mut calls = Calls::new(client, Match::ByOrder, 8).unwrap();
    let (one, two) = (call(&mut calls, "one").await, call(&mut calls, "two").await);
    assert_eq!(next(&mut server).await, "one"); // both are there before either is answered
    assert_eq!(next(&mut server).await, "two");
    server.send("1").await.unwrap();
    server.send("2").await.unwrap();
    assert_eq!(response(two).await.unwrap(), "2");
    assert_eq!(response(one).await.unwrap(), "1");
}

#[tokio::test]
async fn responses_find_their_requests_by_number_in_any_order() {
    let (client, mut server) = pair("tcp://127.0.0.1:0").await;
    let mut calls = Calls::new(client, Match::ById, 8).unwrap();
    let (one, two) = (call(&mut calls, "one").await, call(&mut calls, "two").await);
    let (first, second) = (next(&mut server).await, next(&mut server).await);
    server.send(second).await.unwrap();
    assert_eq!(response(two).await.unwrap(), "two");
    server.send(first).await.unwrap();
    assert_eq!(response(one).await.unwrap(), "one");
}

#[tokio::test]
async fn a_response_that_was_given_up_puts_no_later_one_out_of_order() {
    for by in BOTH {
        let (client, mut server) = pair("unix-seqpacket:").await;
        let mut calls = Calls::new(client, by, 8).unwrap();
        let (one, two) = (call(&mut calls, "one").await, call(&mut calls, "two").await);
        let requests = [next(&mut server).await, next(&mut server).await];
        drop(one);
        let three = call(&mut calls, "three").await;
        for request in requests {
            server.send(request).await.unwrap();
        }
        let third = next(&mut server).await;
        server.send(third).await.unwrap();
        assert_eq!(response(two).await.unwrap(), "two", "{by:?}");
        assert_eq!(response(three).await.unwrap(), "three", "{by:?}");
    }
}

#[tokio::test]
async fn a_request_that_was_given_up_before_it_was_sent_is_never_sent() {
    for by in BOTH {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 8).unwrap();
        // The task that sends has no turn between these: the runtime has one thread.
        let (one, two) = {
            let mut service = calls.clone();
            let one = calls.ready().await.unwrap();
            let two = service.ready().await.unwrap();
            (one.call("one".into()), two.call("two".into()))
        };
        drop(one);
        let request = next(&mut server).await;
        assert_eq!(body(by, &request), b"two", "{by:?}");
        server.send(request).await.unwrap();
        assert_eq!(response(two).await.unwrap(), "two");
    }
}

#[tokio::test]
async fn no_more_than_the_bound_are_under_way_and_a_response_frees_a_slot() {
    for by in BOTH {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 2).unwrap();
        let (one, two) = (call(&mut calls, "one").await, call(&mut calls, "two").await);
        let first = next(&mut server).await;
        let mut third = slot(calls.clone());
        assert!(futures_util::poll!(&mut third).is_pending(), "{by:?}");
        server.send(first).await.unwrap();
        assert_eq!(response(one).await.unwrap(), "one");
        timeout(DEADLINE, third).await.expect("a slot is free").unwrap();
        drop(two);
    }
}

fn slot(calls: Calls) -> std::pin::Pin<Box<dyn Future<Output = Result<Calls, CallError>>>> {
    Box::pin(calls.ready_oneshot())
}

#[tokio::test]
async fn who_gives_up_frees_the_slot_at_once_by_number_and_with_the_response_by_order() {
    for by in BOTH {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 1).unwrap();
        let one = call(&mut calls, "one").await;
        let request = next(&mut server).await;
        drop(one);
        let mut second = slot(calls.clone());
        let is_free = futures_util::poll!(&mut second).is_ready();
        assert_eq!(is_free, by == Match::ById);
        server.send(request).await.unwrap(); // late, and nobody's
        if !is_free {
            timeout(DEADLINE, second).await.expect("a slot is free").unwrap();
        }
        let two = call(&mut calls, "two").await;
        let request = next(&mut server).await;
        server.send(request).await.unwrap();
        assert_eq!(response(two).await.unwrap(), "two");
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_refused_alone() {
    for by in BOTH {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 8).unwrap();
        let long = Bytes::from(vec![0; 2 << 20]);
        let long = calls.ready().await.unwrap().call(long);
        let short = call(&mut calls, "short").await;
        match response(long).await {
            Err(CallError::Refused(error)) => {
                assert!(matches!(error.kind(), ErrorKind::TooLong { .. }), "{error}");
            }
            other => panic!("{other:?}"),
        }
        let request = next(&mut server).await;
        server.send(request).await.unwrap();
        assert_eq!(response(short).await.unwrap(), "short");
    }
}

#[tokio::test]
async fn the_end_of_the_peer_is_told_to_all_who_wait_and_to_all_who_come() {
    for by in BOTH {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 2).unwrap();
        let (one, two) = (call(&mut calls, "one").await, call(&mut calls, "two").await);
        let first = next(&mut server).await;
        next(&mut server).await;
        let mut waiting = slot(calls.clone());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        server.send(first).await.unwrap();
        drop(server);
        assert_eq!(response(one).await.unwrap(), "one"); // what has come is delivered first
        let told = response(two).await.unwrap_err();
        assert!(matches!(told, CallError::Ended | CallError::Failed(_)), "{told}");
        // Whoever had waited may have got the first one's slot; its call is answered all the same.
        if let Ok(mut late) = timeout(DEADLINE, waiting).await.expect("is told") {
            assert!(response(late.call("late".into())).await.is_err());
        }
        let told = timeout(DEADLINE, calls.ready()).await.unwrap().map(drop).unwrap_err();
        assert!(matches!(told, CallError::Ended | CallError::Failed(_)), "{told}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_has_asked_for_ends_the_service() {
    for (by, answer) in [
        (Match::ByOrder, &b"x"[..]),
        (Match::ById, b"short"),
        (Match::ById, &[0, 0, 0, 0, 0, 0, 0, 9]),
    ] {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 2).unwrap();
        server.send(answer).await.unwrap();
        let ended = async {
            while calls.ready().await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, ended).await.expect("it ends");
        let told = calls.ready().await.map(drop).unwrap_err();
        assert!(matches!(told, CallError::Unexpected(_)), "{by:?}: {told}");
    }
}

#[tokio::test]
async fn who_has_called_is_answered_after_the_last_clone_is_dropped_and_then_the_peer_sees_the_end()
{
    for by in BOTH {
        let (client, mut server) = pair("unix:").await;
        let mut calls = Calls::new(client, by, 2).unwrap();
        let one = call(&mut calls, "one").await;
        drop(calls);
        let request = next(&mut server).await;
        server.send(request).await.unwrap();
        assert_eq!(response(one).await.unwrap(), "one");
        assert!(timeout(DEADLINE, server.recv()).await.unwrap().unwrap().is_none());
    }
}

/// `ANYSOCK_CALLS_SEED` draws again what has failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_are_never_mistaken_whatever_is_given_up_at_any_moment() {
    let asked = std::env::var("ANYSOCK_CALLS_SEED");
    let seed = asked.map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    for (by, endpoint) in BOTH
        .into_iter()
        .flat_map(|by| ["tcp://127.0.0.1:0", "unix:", "unix-seqpacket:"].map(|at| (by, at)))
    {
        let (client, mut server) = pair(endpoint).await;
        let echo = tokio::spawn(async move {
            while let Some(message) = server.recv().await? {
                server.feed(message).await?;
            }
            Ok::<_, anysock::Error>(())
        });
        let calls = Calls::new(client, by, 8).unwrap();
        let callers: Vec<_> = (0..32_u64)
            .map(|caller| {
                let random = fastrand::Rng::with_seed(seed.wrapping_add(caller));
                tokio::spawn(give_up_at_random(calls.clone(), caller, random))
            })
            .collect();
        let mut answered = 0;
        for caller in callers {
            let called = timeout(DEADLINE, caller).await.expect("within the deadline");
            answered +=
                called.unwrap_or_else(|error| panic!("{by:?} {endpoint} seed {seed}: {error}"));
        }
        assert!(answered >= 32, "{by:?} {endpoint} seed {seed}: {answered} were answered");
        drop(calls);
        timeout(DEADLINE, echo).await.expect("it ends").unwrap().unwrap();
    }
}

/// 50 calls, of which some are given up after so many polls; how many were answered.
async fn give_up_at_random(mut calls: Calls, caller: u64, mut random: fastrand::Rng) -> usize {
    let mut answered = 0;
    for number in 0..=50 {
        let request = Bytes::from(format!("{caller}: {number}"));
        let mut pending = calls.ready().await.unwrap().call(request.clone());
        // The last is always waited for.
        let gives_up = number < 50 && random.bool();
        for _ in 0..random.usize(..4) {
            if !gives_up {
                break;
            }
            if let std::task::Poll::Ready(answer) = futures_util::poll!(&mut pending) {
                assert_eq!(answer.unwrap(), request);
                break;
            }
            tokio::task::yield_now().await;
        }
        if !gives_up {
            assert_eq!(response(pending).await.unwrap(), request);
            answered += 1;
        }
    }
    answered
}

#[tokio::test]
async fn a_transport_that_may_lose_requests_is_refused() {
    let listener = anysock::bind("udp://127.0.0.1:0").await.unwrap();
    for by in BOTH {
        let client = anysock::connect(listener.endpoint().clone()).await.unwrap();
        let boxed: BoxTransport = Box::new(client);
        let refused = Calls::new(Connection::from_transport(boxed), by, 2).unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Unmet { .. }), "{refused}");
    }
}

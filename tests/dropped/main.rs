//! Every future dropped at every poll.
mod bytes;
mod closing;
mod ledger;
mod links;
mod losses;
mod opening;
mod operations;
mod points;
mod probe;
mod prove;
mod raw;
mod service;
mod stop;
mod table;
mod traffic;
mod transports;

#[path = "../support/effort.rs"]
mod effort;

use bytes::STREAMS;
use closing::CLOSING;
use links::{TOLD, TRANSPORTS};
use operations::{RECEIVING, SENDING};
use prove::{Case, Promise};

/// Each operation on each transport.
fn over(operations: &[&'static str], transports: &[&'static str]) -> Vec<Case> {
    let of = |operation: &&'static str| {
        let operation = *operation;
        transports.iter().map(move |transport| (operation, *transport)).collect::<Vec<_>>()
    };
    operations.iter().flat_map(of).collect()
}

#[test]
fn sending_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped send loses, doubles and splits nothing",
        quick: 1500,
        short: 9000,
        long: 36_000,
    };
    promise.try_all(&over(&SENDING, &TRANSPORTS), transports::at_every_poll);
}

#[test]
fn receiving_may_be_dropped_at_every_poll() {
    let promise =
        Promise { words: "a dropped recv takes nothing", quick: 1500, short: 9000, long: 24_000 };
    promise.try_all(&over(&RECEIVING, &TRANSPORTS), transports::at_every_poll);
}

#[test]
fn any_operation_may_be_dropped_at_any_poll() {
    let promise = Promise {
        words: "any operation dropped at random at both ends",
        quick: 1500,
        short: 9000,
        long: 30_000,
    };
    promise.try_all(&over(&["walk"], &TRANSPORTS), transports::at_random);
}

#[test]
fn closing_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped close still closes after the last message",
        quick: 500,
        short: 2500,
        long: 6000,
    };
    promise.try_all(&over(&CLOSING, &TRANSPORTS), closing::at_every_poll);
}

#[test]
fn waiting_for_the_peer_to_go_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped wait for the peer's departure takes nothing",
        quick: 100,
        short: 500,
        long: 1500,
    };
    promise.try_all(&over(&["closed"], &TOLD), closing::closed);
}

#[test]
fn operations_of_sockets_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped send of a socket has sent nothing",
        quick: 600,
        short: 4000,
        long: 12_000,
    };
    promise.try_all(&raw::cases(), raw::at_every_poll);
}

#[test]
fn bytes_of_a_stream_are_moved_by_what_resolves_alone() {
    let promise = Promise {
        words: "a dropped read or write of a stream moves no byte",
        quick: 300,
        short: 2000,
        long: 6000,
    };
    promise.try_all(&over(&bytes::OPERATIONS, &STREAMS), bytes::at_every_poll);
}

#[test]
fn connecting_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped connect leaves no connection",
        quick: 200,
        short: 1000,
        long: 4000,
    };
    promise.try_all(&opening::connecting(), opening::connect);
}

#[test]
fn accepting_may_be_dropped_at_every_poll() {
    let promise =
        Promise { words: "a dropped accept loses no client", quick: 300, short: 1500, long: 4000 };
    promise.try_all(&opening::accepting(), opening::accept);
}

#[test]
fn binding_may_be_dropped_at_every_poll() {
    let promise =
        Promise { words: "a dropped bind leaves nothing bound", quick: 50, short: 200, long: 600 };
    promise.try_all(&opening::binding(), opening::bind);
}

#[test]
fn resolving_may_be_dropped_at_every_poll() {
    let promise =
        Promise { words: "a dropped resolve can be asked again", quick: 20, short: 60, long: 200 };
    promise.try_all(&[("resolve", "resolver")], opening::resolve);
}

#[test]
fn connecting_again_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "operations of a transport that connects again, dropped while connections are lost",
        quick: 500,
        short: 2500,
        long: 8000,
    };
    promise.try_all(&over(&losses::OPERATIONS, &losses::PLACES), losses::at_every_poll);
}

#[test]
fn a_service_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped service leaves neither handler nor listener",
        quick: 100,
        short: 400,
        long: 1500,
    };
    promise.try_all(&over(&["serve"], &service::PLACES), service::serve);
}

#[test]
fn waiting_for_a_shutdown_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped wait for a shutdown misses nothing",
        quick: 40,
        short: 100,
        long: 100,
    };
    promise.try_all(&over(&["begun", "shutdown"], &["signal"]), service::begun);
}

#[test]
fn every_operation_that_may_wait_is_tried_or_excepted_for_a_reason() {
    let mut cases = over(&SENDING, &TRANSPORTS);
    cases.extend(over(&RECEIVING, &TRANSPORTS));
    cases.extend(over(&CLOSING, &TRANSPORTS));
    cases.extend(over(&["closed"], &TOLD));
    cases.extend(raw::cases());
    cases.extend(over(&bytes::OPERATIONS, &STREAMS));
    cases.extend(opening::connecting());
    cases.extend(opening::accepting());
    cases.extend(opening::binding());
    cases.push(("resolve", "resolver"));
    cases.extend(over(&losses::OPERATIONS, &losses::PLACES));
    cases.extend(over(&["serve"], &service::PLACES));
    cases.extend(over(&["begun", "shutdown"], &["signal"]));
    table::check(&cases);
}

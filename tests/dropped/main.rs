//! Every future dropped at every poll.
mod closing;
mod ledger;
mod links;
mod operations;
mod points;
mod probe;
mod prove;
mod raw;
mod stop;
mod traffic;
mod transports;

#[path = "../support/effort.rs"]
mod effort;

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

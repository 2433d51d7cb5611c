//! Every future dropped at every poll.
mod ledger;
mod links;
mod operations;
mod points;
mod probe;
mod prove;
mod stop;
mod traffic;
mod transports;

#[path = "../support/effort.rs"]
mod effort;

use links::TRANSPORTS;
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

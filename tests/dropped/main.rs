//! Every future dropped at every poll: nothing is lost, doubled or split, and what was used before
//! can be used on.
//!
//! `table` has a row for each public operation that may wait, read from the sources; one without a
//! row fails. A trial takes an operation, a transport and a seed. It polls the operation's future
//! by hand, not at all, once, twice and so on until it completes, and drops it there. Between two
//! polls the world goes on by a schedule that the seed draws: the peer reads a little, sends a
//! little, goes away, the reactor runs, the cooperative budget is used up. Buffers are small, so
//! that there is much to wait for. A future is polled when its waker was called, and in half of the
//! trials now and then without; a waker that is forgotten thus stops the trial.
//!
//! Against what was promised ("Cancel safety") a ledger holds what arrives. Messages are numbered
//! and their bytes follow from the number; descriptors that go along have a witness at their other
//! end. What was accepted for certain arrives once and in its turn, what was not accepted never,
//! and what a dropped `send` may have accepted once or not at all, on datagrams of loopback as well,
//! of which no more are under way than queues hold. After drops, each way an ordinary message
//! comes through, by futures that are woken each for itself.
//!
//! What is counted is distinct drop points: operation, transport, what had happened until then, and
//! the number of the poll. `ROBUSTNESS=long` tries more than 125,000. At the end of each promise the
//! process has as many descriptors open as before it.
//!
//! A failure prints `ANYSOCK_DROP='operation transport seed k'`, where `k` is which drop of the
//! trial it was. With this in the environment that trial alone is repeated, up to that drop:
//!
//! ```console
//! $ ANYSOCK_DROP='send unix-stream/lines 3 12' cargo test --test dropped -- --nocapture
//! ```

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
mod values;

#[path = "../support/effort.rs"]
mod effort;

use bytes::STREAMS;
use closing::CLOSING;
use links::{BARE, TOLD, TRANSPORTS};
use operations::{RECEIVING, SENDING, VALUES};
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
        quick: 900,
        short: 6000,
        long: 36_000,
    };
    promise.try_all(&over(&SENDING, &TRANSPORTS), transports::at_every_poll);
}

#[test]
fn receiving_may_be_dropped_at_every_poll() {
    let promise =
        Promise { words: "a dropped recv takes nothing", quick: 900, short: 6000, long: 24_000 };
    promise.try_all(&over(&RECEIVING, &TRANSPORTS), transports::at_every_poll);
}

#[test]
fn receiving_values_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped recv of a value takes none",
        quick: 200,
        short: 1000,
        long: 4000,
    };
    promise.try_all(&over(&VALUES, &BARE), transports::at_every_poll);
}

#[test]
fn any_operation_may_be_dropped_at_any_poll() {
    let promise = Promise {
        words: "any operation dropped at random at both ends",
        quick: 600,
        short: 5000,
        long: 30_000,
    };
    promise.try_all(&over(&["walk"], &TRANSPORTS), transports::at_random);
}

#[test]
fn closing_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped close still closes after the last message",
        quick: 250,
        short: 1500,
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
        quick: 400,
        short: 2500,
        long: 12_000,
    };
    promise.try_all(&raw::cases(), raw::at_every_poll);
}

#[test]
fn bytes_of_a_stream_are_moved_by_what_resolves_alone() {
    let promise = Promise {
        words: "a dropped read or write of a stream moves no byte",
        quick: 200,
        short: 1000,
        long: 6000,
    };
    promise.try_all(&over(&bytes::OPERATIONS, &STREAMS), bytes::at_every_poll);
}

#[test]
fn connecting_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped connect leaves no connection",
        quick: 100,
        short: 300,
        long: 1000,
    };
    promise.try_all(&opening::connecting(), opening::connect);
}

#[test]
fn accepting_may_be_dropped_at_every_poll() {
    let promise =
        Promise { words: "a dropped accept loses no client", quick: 150, short: 700, long: 4000 };
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
        quick: 300,
        short: 1500,
        long: 8000,
    };
    promise.try_all(&over(&losses::OPERATIONS, &losses::PLACES), losses::at_every_poll);
}

#[test]
fn a_service_may_be_dropped_at_every_poll() {
    let promise = Promise {
        words: "a dropped service leaves neither handler nor listener",
        quick: 50,
        short: 200,
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
    cases.extend(over(&VALUES, &BARE));
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

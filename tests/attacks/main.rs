//! A service under attack: what it holds, what it has open, and what others still get of it.
//!
//! A process serves an echo by `anysock::serve`, over the public face alone. Attackers are a process of
//! their own, who know nothing of the library; well-behaved clients are threads of the test. Nine attacks
//! ([`attack`]) are laid in every cell where they exist; `--nocapture` prints which, where not, and why.
//! Of each attack is held:
//!
//! - **Memory.** The peak of what the service has in memory (`VmHWM`, proc(5), forgotten before the
//!   attack, and what `smaps_rollup` says), beyond what it had with its well-behaved clients before, is
//!   within the formula of `SECURITY.md`, whose constants are read from that file ([`bound`]).
//! - **Descriptors.** Those beyond are within the bound while it lasts, and none is left once attackers
//!   are gone.
//! - **Throughput**, in cells with connections: four clients with a request under way each keep half of
//!   what they had. Each is answered in every window, whatever the attack; and all are answered again,
//!   in every cell, once it is over.
//! - **Losses are counted**: what was sent was received, or is among the drops that the service's report
//!   or the kernel tells.
//!
//! Whoever floods takes the processor for that himself, and a test has no second machine. So attackers
//! run at nice 19, the service as ever: only what the service spends on them is held against it. And in
//! each window as many clients ask a second service, which nobody attacks, so that whatever else the
//! machine does befalls both ([`throughput`]): the median of the quotients with attackers, by the median
//! without them, in turn. Where that seems to be below half, rounds are added, eight at most. The quick
//! form, which others run beside, asks for an answer to each in every window, and measures nothing.
//!
//! A service is told nothing where the promise holds without, and the limit on which it rests where it
//! does not: a rate against floods; a read deadline against those who say nothing and are more than may
//! be connected. No limit of a service slows down who connects: that is for whoever routes to it, and
//! half is kept while there is one a millisecond. What is kept without such limits is told in
//! parentheses, and not judged.
//!
//! Every failure names its attack, cell and seed: `ANYSOCK_ATTACK='opens unix-stream'` tries one alone,
//! `ANYSOCK_ATTACK_SEED` with what attackers drew.

mod at;
mod attack;
mod attacker;
mod bound;
#[path = "../support/directory.rs"]
mod directory;
#[path = "../support/effort.rs"]
mod effort;
mod honest;
mod limits;
mod part;
mod serving;
mod siege;
mod throughput;
mod tried;
mod usage;

use anysock::{Cell, Domain, Type};
use std::time::Duration;

use crate::attack::Attack;
use crate::attacker::Orders;
use crate::effort::Effort;
use crate::honest::CLIENTS;
use crate::serving::Told;
use crate::siege::{Keeps, Siege};
use crate::tried::{over_cells, seed, tell_all};

/// Messages per second of each connection, where that is the means against a flood.
const RATE: u64 = 500;

fn orders(attack: Attack, count: usize) -> Orders {
    Orders { attack, count, pace: 0, size: 0, seed: seed() }
}

/// The least that is told, and what everybody may take: `each` bytes for each of `orders.count`.
fn siege(cell: Cell, orders: Orders, told: Told, each: usize) -> Siege {
    Siege {
        cell,
        orders,
        told,
        most_bytes: bound::service(cell) + CLIENTS * bound::busy(cell, 64) + orders.count * each,
        most_descriptors: if cell.kind == Type::Datagram { 0 } else { orders.count },
        keeps: if cell.kind == Type::Datagram { Keeps::Nothing } else { Keeps::Half },
        sends_away: false,
    }
}

#[test]
fn thousands_who_connect_and_say_nothing() {
    let count = Effort::asked().pick(300, 1_500, 9_900);
    let outcomes = over_cells(Attack::Opens, |cell| {
        vec![siege(cell, orders(Attack::Opens, count), Told::default(), bound::waiting(2))]
    });
    tell_all("slow openers", &format!("{count} at a time"), &outcomes);
}

#[test]
fn more_who_say_nothing_than_may_be_connected_do_not_shut_others_out() {
    let count = Effort::asked().pick(64, 400, 2_000);
    let outcomes = over_cells(Attack::Opens, |cell| {
        let told = Told {
            connections: Some(count / 2),
            read_deadline: Some(Duration::from_millis(400)),
            ..Told::default()
        };
        let all = siege(cell, orders(Attack::Opens, count), told, bound::waiting(2));
        vec![Siege { most_descriptors: count / 2, sends_away: true, ..all }]
    });
    tell_all(
        "slow openers beyond max_connections",
        &format!("{count}, {} may, read deadline", count / 2),
        &outcomes,
    );
}

#[test]
fn announcing_much_and_sending_little() {
    let count = Effort::asked().pick(200, 1_500, 9_900);
    let outcomes = over_cells(Attack::Announces, |cell| {
        let orders = Orders { size: 3_000, ..orders(Attack::Announces, count) };
        vec![siege(cell, orders, Told::default(), bound::waiting(3_004))]
    });
    tell_all("announce and stop", &format!("{count} announce 1 MiB, 4 GiB"), &outcomes);
}

#[test]
fn a_byte_at_a_time() {
    let (count, pace) = Effort::asked().pick((100, 10), (300, 150), (2_000, 1_000));
    let outcomes = over_cells(Attack::Trickles, |cell| {
        let orders = Orders { pace, ..orders(Attack::Trickles, count) };
        let with_nothing_said = siege(cell, orders, Told::default(), bound::waiting(2_047));
        let deadline = Duration::from_millis(12 * pace as u64);
        let told = Told { read_deadline: Some(deadline), ..Told::default() };
        let limited = siege(cell, orders, told, bound::waiting(2_047));
        vec![with_nothing_said, Siege { sends_away: true, ..limited }]
    });
    tell_all("slow loris", &format!("{count}, a byte every {pace} ms"), &outcomes);
}

#[test]
fn empty_messages_without_end() {
    flood(Attack::Empties, "endless empty frames");
}

#[test]
fn messages_of_one_byte_without_end() {
    flood(Attack::Crumbs, "endless one-byte frames");
}

fn flood(attack: Attack, promise: &str) {
    let count = Effort::asked().pick(4, 8, 16);
    let outcomes = over_cells(attack, |cell| {
        let orders = orders(attack, count);
        let each = of_peer(cell, 1);
        let with_nothing_said = siege(cell, orders, Told::default(), each);
        let told = Told { rate: Some(RATE), ..Told::default() };
        let limited = siege(cell, orders, told, each);
        vec![Siege { keeps: Keeps::Something, ..with_nothing_said }, limited]
    });
    tell_all(promise, &format!("{count} at a time"), &outcomes);
}

/// A connection or peer on which messages of `size` bytes come, by the limits that are there unless
/// others are said.
fn of_peer(cell: Cell, size: usize) -> usize {
    let queue = match cell.kind {
        Type::Datagram => bound::peer(128, 256 * 1024, size),
        _ => 0,
    };
    bound::busy(cell, size) + queue
}

#[test]
fn connections_that_are_reset_at_once() {
    let most = 256;
    let outcomes = over_cells(Attack::Resets, |cell| {
        let told = || Told { connections: Some(most), ..Told::default() };
        let brief = bound::brief(104, 104);
        let storm = siege(cell, orders(Attack::Resets, most), told(), brief);
        let paced = Orders { pace: 1, ..orders(Attack::Resets, most) };
        vec![Siege { keeps: Keeps::Something, ..storm }, siege(cell, paced, told(), brief)]
    });
    let tried = format!("as fast as may be, and one a millisecond, {most} may");
    tell_all("connect and reset", &tried, &outcomes);
}

#[test]
fn datagrams_from_a_hundred_thousand_addresses() {
    let count = Effort::asked().pick(2_000, 20_000, 100_000);
    let peers = anysock::PeerLimits::default().peers;
    let outcomes = over_cells(Attack::Sources, |cell| {
        let orders = Orders { size: 64, pace: 1, ..orders(Attack::Sources, count) };
        let all = siege(cell, orders, Told::default(), 0);
        // One message waits in the queue, or is on its way through the handler.
        let each = bound::peer(1, 64, 64) + bound::brief(64, 64);
        let most_bytes = all.most_bytes + peers.min(count) * each;
        vec![Siege { most_bytes, ..all }]
    });
    for outcome in &outcomes {
        let counted = outcome.counted.received + outcome.dropped + outcome.kernel_dropped;
        let sent = outcome.done + outcome.honest;
        assert_eq!(counted, sent, "{sent} were sent, {counted} received or counted: {outcome:?}");
    }
    tell_all("datagrams from new addresses", &format!("{count} addresses"), &outcomes);
}

#[test]
fn datagrams_of_peers_whom_nobody_receives() {
    let peers = Effort::asked().pick(100, 400, 1_000);
    let (messages, bytes) = (64, 16 * 1024);
    let outcomes = over_cells(Attack::Sources, |cell| {
        let of_size = |size, pace| {
            let orders = Orders { size, pace, ..orders(Attack::Sources, 2 * peers) };
            let queue = Some((messages, bytes));
            let told =
                Told { connections: Some(CLIENTS), peers: Some(peers), queue, ..Told::default() };
            let most_bytes = bound::service(cell)
                + CLIENTS * of_peer(cell, 64)
                + peers * bound::peer(messages, bytes, size);
            Siege { most_bytes, ..siege(cell, orders, told, 0) }
        };
        vec![of_size(0, 70), of_size(1, 70), of_size(1_000, 20)]
    });
    for outcome in &outcomes {
        assert!(outcome.dropped > 0, "what found no room is counted: {outcome:?}");
    }
    let tried = format!("{} addresses, {peers} peers, full queues", 2 * peers);
    tell_all("datagrams that nobody receives", &tried, &outcomes);
}

#[test]
fn requests_whose_answers_are_never_read() {
    let count = Effort::asked().pick(8, 32, 128);
    let outcomes = over_cells(Attack::Deaf, |cell| {
        let orders = Orders { size: 4 * 1024, ..orders(Attack::Deaf, count) };
        vec![siege(cell, orders, Told::default(), of_peer(cell, 4 * 1024))]
    });
    tell_all("receivers that never read", &format!("{count} at a time"), &outcomes);
}

#[test]
fn descriptors_that_nobody_asked_for_and_more_than_may_wait() {
    let count = Effort::asked().pick(4, 10, 30);
    let outcomes = over_cells(Attack::Passes, |cell| {
        assert_eq!(cell.domain, Domain::Unix);
        let every = |pace| Orders { pace, ..orders(Attack::Passes, count) };
        let each = of_peer(cell, 1_024);
        let unasked = siege(cell, every(2), Told::default(), each);
        let told = Told { descriptors: true, ..Told::default() };
        // To close 253 descriptors takes as long as to answer many messages: 500 in a second.
        let asked = siege(cell, every(2 * count), told, each);
        let most_descriptors = match cell.kind {
            Type::Datagram => anysock::PeerLimits::default().descriptors + attacker::AT_ONCE,
            _ => count * bound::descriptors(),
        };
        vec![unasked, Siege { most_descriptors, ..asked }]
    });
    tell_all("descriptors, 253 a message", &format!("{count} at a time"), &outcomes);
}

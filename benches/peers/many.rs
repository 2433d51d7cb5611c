//! Many connections at one receiver: processor time per message, in bursts to each in turn.

use crate::harness::{Contender, Measured};
use crate::observed::{Observed, at_most, send};
use crate::report::{Bar, Claim, Report, Unit};
use crate::servers::{AGAIN, BURST, BY_FRAMED, FIRST_MESSAGE, OURS, bursts};

/// How many connections, and the bar against the peer.
const CASES: [(&str, usize, Bar); 4] = [
    ("fan-in, 1 connection", 1, Bar::none()),
    ("fan-in, 100 connections", 100, Bar::none()),
    ("fan-in, 1,000 connections", 1000, Bar::none()),
    ("fan-in, 9,900 connections", 9900, Bar::new(1.5, 1.3)),
];

/// Each round needs a process of its own.
const ROUNDS: usize = 7;

/// Passes over every connection in a round, of those that count.
const PASSES: usize = 5;

pub(crate) fn measure(report: &mut Report) {
    for (what, wanted, bar) in CASES {
        if !report.wants(what) {
            continue;
        }
        let connections = at_most(wanted);
        if connections < wanted {
            report.skip(what, "too few descriptors are allowed");
            continue;
        }
        let contenders = [OURS, BY_FRAMED, AGAIN].map(|name| {
            Contender::new(name, move || {
                Box::new(move |units| burst_time(name, connections) * (units / BURST) as f64)
            })
        });
        let rounds = report.rounds().min(ROUNDS);
        let measured = Measured::same_work(&contenders, BURST, rounds);
        let spread = measured.spread(OURS, AGAIN);
        let (size, against, unit) = (FIRST_MESSAGE, BY_FRAMED, Unit::ThousandsPerSecond);
        let claim = Claim { what, size, ours: OURS, against, unit, bar };
        report.compare(&measured, spread, claim);
    }
}

/// Seconds of the receiver's processor that one burst to one connection costs.
fn burst_time(name: &str, connections: usize) -> f64 {
    let mut server = Observed::start("many", name, connections);
    let mut clients = server.connect(connections);
    // How long it took to accept them.
    server.figure();
    let mut pass = || {
        (0..bursts(connections)).for_each(|_| send(&mut clients, FIRST_MESSAGE, BURST));
        server.figure() / (bursts(connections) * connections) as f64
    };
    // Buffers come with the first.
    pass();
    let mut passes: Vec<_> = (0..PASSES).map(|_| pass()).collect();
    *passes.select_nth_unstable_by(PASSES / 2, f64::total_cmp).1
}

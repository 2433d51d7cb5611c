//! Resident bytes per connection at the server's end, while this process has the clients'.

use crate::harness::{Contender, Measured};
use crate::observed::{Observed, at_most, send};
use crate::report::{Bar, Claim, Report, Unit};
use crate::servers::{AGAIN, BY_FRAMED, CONNECTION, FIRST, FIRST_MESSAGE, MESSAGE, OURS, RAW};

/// Wanted; fewer where that many descriptors are not allowed.
const CONNECTIONS: usize = 4000;

/// Memory wobbles less than time, and each figure needs a process of its own.
const ROUNDS: usize = 7;

const UNIT: Unit = Unit::Count("bytes");

/// When a connection's bytes are counted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    Idle,
    AfterMessage,
}

pub(crate) fn measure(report: &mut Report) {
    let moments = [
        ("memory per connection, idle", Moment::Idle, Bar::new(1.05, 1.0)),
        ("memory per connection, after a message", Moment::AfterMessage, Bar::new(1.05, 1.07)),
    ];
    for (what, moment, bar) in moments {
        if report.wants(what) {
            measure_at(report, what, moment, bar);
        }
    }
}

fn measure_at(report: &mut Report, what: &str, moment: Moment, bar: Bar) {
    let connections = at_most(CONNECTIONS);
    let names = [RAW, OURS, BY_FRAMED, CONNECTION, AGAIN];
    let contenders = names.map(|name| {
        Contender::new(name, move || Box::new(move |connections| bytes(name, connections, moment)))
    });
    let rounds = report.rounds().min(ROUNDS);
    let measured = Measured::same_work(&contenders, connections, rounds);
    let spread = measured.spread(OURS, AGAIN);
    let size = if moment == Moment::Idle { 0 } else { MESSAGE };
    let mut row = |what: &str, ours, against, bar| {
        report.compare(&measured, spread, Claim { what, size, ours, against, unit: UNIT, bar });
    };
    row(what, OURS, RAW, bar);
    row(what, OURS, BY_FRAMED, Bar::none());
    row(&format!("{what}, facade"), CONNECTION, RAW, Bar::none());
}

/// How much memory all connections take at the server's end.
fn bytes(name: &str, connections: usize, moment: Moment) -> f64 {
    let mut server = Observed::start("memory", name, connections);
    // So that what is needed once is there before memory is first looked at.
    let mut first = server.connect(FIRST);
    send(&mut first, FIRST_MESSAGE, 1);
    let base = server.figure();
    let mut clients = server.connect(connections);
    let mut resident = server.figure();
    if moment == Moment::AfterMessage {
        send(&mut clients, MESSAGE, 1);
        resident = server.figure();
    }
    resident - base
}

//! Allocations per message, of consumers that drop each at once and of those that hold some.

use anysock::prelude::*;
use anysock::sockets::StreamSocket;
use anysock::{Framed, LengthDelimited};
use futures_util::StreamExt;
use tokio::net::UnixStream;

use crate::allocator::allocations;
use crate::ends::{Consumer, message, runtime, two_tasks};
use crate::harness::{Contender, Measured};
use crate::report::{Bar, Claim, Report, Unit};
use crate::streams::{self, AGAIN, OURS, Peer, READ, TUNED, feed, feed_ours, framed};

const SIZES: [usize; 3] = [64, 1 << 10, 4 << 10];

/// So many, that the two tasks of a slice weigh little.
const MESSAGES: usize = 1 << 16;

/// So many messages are held before they are dropped together.
const HELD: usize = 64;

const UNIT: Unit = Unit::Count("allocations");
const DROPPED: &str = "allocations per message, dropped";
const HOLDING: &str = "allocations per message, 64 held";

pub(crate) fn measure(report: &mut Report) {
    for size in SIZES {
        for (what, bar) in [(DROPPED, Bar::new(0.001, 0.001)), (HOLDING, Bar::goal(0.02))] {
            if report.wants(what) {
                measure_one(report, what, size, bar);
            }
        }
    }
}

fn measure_one(report: &mut Report, what: &'static str, size: usize, bar: Bar) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(size);
    let pair = || UnixStream::pair().expect("a socket pair");
    let tuned = move || {
        let (near, far) = pair();
        (streams::tune(near, READ), streams::tune(far, READ))
    };
    let ours = || {
        let (near, far) = StreamSocket::pair().expect("a socket pair");
        (framed(near), framed(far))
    };
    let contenders = if what == DROPPED {
        vec![
            streams::ours(OURS, &runtime, message),
            streams::tuned(TUNED[0], &runtime, message, pair, READ),
            streams::ours(AGAIN, &runtime, message),
        ]
    } else {
        vec![
            two_tasks(OURS, &runtime, message, ours, feed_ours, hold_ours),
            two_tasks(TUNED[0], &runtime, message, tuned, feed, hold),
            two_tasks(AGAIN, &runtime, message, ours, feed_ours, hold_ours),
        ]
    };
    let contenders: Vec<_> = contenders.into_iter().map(counted).collect();
    let measured = Measured::same_work(&contenders, MESSAGES, report.rounds());
    let spread = measured.spread(OURS, AGAIN);
    let claim = Claim { what, size, ours: OURS, against: TUNED[0], unit: UNIT, bar };
    report.absolute(&measured, spread, claim);
    report.compare(&measured, spread, Claim { bar: Bar::none(), ..claim });
}

/// The same contender, whose cost is how often it allocates once its buffers have grown.
fn counted(contender: Contender) -> Contender {
    Contender::new(contender.name(), move || {
        let mut run = contender.open();
        run(MESSAGES / 8);
        Box::new(move |count| {
            let before = allocations();
            run(count);
            (allocations() - before) as f64
        })
    })
}

type Ours = Framed<StreamSocket, LengthDelimited>;

async fn hold_ours(mut from: Ours, mut consumer: Consumer, count: usize) -> (Ours, Consumer) {
    let mut held = Vec::with_capacity(HELD);
    for _ in 0..count {
        held.push(from.recv().await.expect("receiving").expect("a message"));
        if held.len() == HELD {
            held.drain(..).for_each(|message| consumer.take(&message));
        }
    }
    held.drain(..).for_each(|message| consumer.take(&message));
    (from, consumer)
}

type Theirs = Peer<UnixStream>;

async fn hold(mut from: Theirs, mut consumer: Consumer, count: usize) -> (Theirs, Consumer) {
    let mut held = Vec::with_capacity(HELD);
    for _ in 0..count {
        held.push(from.next().await.expect("a message").expect("receiving"));
        if held.len() == HELD {
            held.drain(..).for_each(|message| consumer.take(&message));
        }
    }
    held.drain(..).for_each(|message| consumer.take(&message));
    (from, consumer)
}

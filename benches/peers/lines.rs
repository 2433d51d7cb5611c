//! Lines over a unix stream, one way.

use std::str;

use anysock::sockets::StreamSocket;
use anysock::{Delimited, Framed};
use futures_util::{SinkExt, StreamExt};
use tokio::net::UnixStream;
use tokio_util::codec::{Framed as Peers, LinesCodec};

use crate::ends::{Consumer, runtime, two_tasks};
use crate::harness::Measured;
use crate::report::{Bar, Claim, Report, Unit};
use crate::streams::{AGAIN, OURS, READ, WATERMARK, feed_ours, receive_ours};

const WHAT: &str = "unix stream, lines";
const SIZES: [usize; 2] = [64, 1 << 10];

/// So many lines are sent in a row at least.
const AT_LEAST: usize = 16;

/// Both refuse longer lines.
const LONGEST: usize = 1024 * 1024;

/// The peer as it is tuned in `streams`, with either of its read buffers.
const TUNED: [&str; 2] = ["LinesCodec tuned", "LinesCodec tuned, 128 KiB reads"];

/// The peer gives each line as a text of its own, which it has checked to be one; ours is checked to
/// have no end inside when it is sent.
pub(crate) fn measure(report: &mut Report) {
    for size in SIZES {
        if report.wants(WHAT) {
            measure_size(report, size);
        }
    }
}

fn measure_size(report: &mut Report, size: usize) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let line = line(size);
    let ours = || {
        let (near, far) = StreamSocket::pair().expect("a socket pair");
        let lines = || Delimited::lines().max(LONGEST);
        (Framed::new(near, lines()), Framed::new(far, lines()))
    };
    let tuned = |read| {
        move || {
            let (near, far) = UnixStream::pair().expect("a socket pair");
            (tune(near, read), tune(far, read))
        }
    };
    let contenders = [
        two_tasks(TUNED[0], &runtime, line, tuned(READ), feed, receive),
        two_tasks(OURS, &runtime, line, ours, feed_ours, receive_ours),
        two_tasks(TUNED[1], &runtime, line, tuned(128 * 1024), feed, receive),
        two_tasks(AGAIN, &runtime, line, ours, feed_ours, receive_ours),
    ];
    let measured = Measured::times(&contenders, AT_LEAST, report.rounds());
    let spread = measured.spread(OURS, AGAIN);
    let (against, unit) = (measured.best(&TUNED), Unit::ThousandsPerSecond);
    let claim = Claim { what: WHAT, size, ours: OURS, against, unit, bar: Bar::none() };
    report.compare(&measured, spread, claim);
}

/// A text of so many bytes, none of which ends a line.
fn line(size: usize) -> &'static [u8] {
    let bytes: Vec<u8> = (0..size).map(|place| b' ' + (place % 95) as u8).collect();
    bytes.leak()
}

type Lines = Peers<UnixStream, LinesCodec>;

fn tune(io: UnixStream, read: usize) -> Lines {
    let mut peer = Peers::with_capacity(io, LinesCodec::new_with_max_length(LONGEST), read);
    peer.set_backpressure_boundary(WATERMARK);
    peer
}

async fn feed(mut to: Lines, line: &'static [u8], count: usize) -> Lines {
    let line = str::from_utf8(line).expect("it is text");
    for _ in 0..count {
        to.feed(line).await.expect("feeding");
    }
    SinkExt::<&str>::flush(&mut to).await.expect("flushing");
    to
}

async fn receive(mut from: Lines, mut consumer: Consumer, count: usize) -> (Lines, Consumer) {
    for _ in 0..count {
        consumer.take(from.next().await.expect("a line").expect("receiving").as_bytes());
    }
    (from, consumer)
}

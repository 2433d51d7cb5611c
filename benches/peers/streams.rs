//! Stream sockets, one way, a length of four bytes before each message.

use std::rc::Rc;

use anysock::sockets::StreamSocket;
use anysock::{BoxTransport, Framed, LengthDelimited, prelude::*};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio_util::codec::{Framed as Peers, LengthDelimitedCodec};

use crate::ends::{Consumer, message, our_tcp_pair, runtime, tcp_pair, two_tasks};
use crate::harness::{Contender, Measured};
use crate::limit;
use crate::report::{Bar, Claim, Report, Unit};

/// With how much a write begins, everywhere: the peers' default is 8 KiB.
pub(crate) const WATERMARK: usize = 128 * 1024;

/// The peer's read buffer for small messages, where it has one choice only.
pub(crate) const READ: usize = 64 * 1024;

/// So many messages are sent in a row at least, so that a row's two ends weigh little.
const AT_LEAST: usize = 16;

/// From here on our sender is given bytes that it need not copy; the peer copies either way,
/// and is given a slice, which costs it least.
const OWNED: usize = 4 * 1024;

/// A size, and the bars against the limit, tuned, and each message sent alone.
const UNIX: [(usize, Bar, Bar, Bar); 6] = [
    (64, Bar::new(0.65, 0.45), Bar::new(3.5, 2.5), Bar::new(1.0, 0.91)),
    (1 << 10, Bar::new(0.85, 0.74), Bar::new(1.5, 1.15), Bar::new(1.0, 0.91)),
    (4 << 10, Bar::new(0.95, 0.85), Bar::new(1.5, 1.28), Bar::new(1.0, 0.91)),
    (16 << 10, Bar::new(0.95, 0.90), Bar::new(1.5, 1.29), Bar::new(1.0, 0.91)),
    (64 << 10, Bar::new(0.95, 1.0), Bar::new(1.5, 1.44), Bar::new(1.0, 0.91)),
    (1 << 20, Bar::new(0.90, 0.74), Bar::new(1.4, 1.1), Bar::new(1.0, 0.91)),
];

/// TCP at every size, against tuned.
const TCP: Bar = Bar::new(1.2, 0.9);

/// What of a unix stream has a row for 64 bytes only.
const DEFAULT_FEED: Bar = Bar::new(5.0, 3.5);
const BOXED: Bar = Bar::goal(0.9);

const LIMIT: &str = "blocking std";
/// The peer at its best: whichever of these read buffers suits the size.
pub(crate) const TUNED: [&str; 2] = ["Framed tuned", "Framed tuned, 128 KiB reads"];
const DEFAULT: &str = "Framed default, fed";
const SENDING: &str = "Framed, send each";
pub(crate) const OURS: &str = "ours";
pub(crate) const AGAIN: &str = "ours again";
const OURS_BOXED: &str = "ours boxed";
const OURS_SENDING: &str = "ours, send each";

pub(crate) fn measure(report: &mut Report) {
    for (size, to_limit, to_tuned, to_sending) in UNIX {
        if report.wants("unix stream") {
            measure_unix(report, size, to_limit, to_tuned, to_sending);
        }
    }
    for (size, ..) in UNIX {
        if report.wants("tcp stream") {
            measure_tcp(report, size, TCP);
        }
    }
}

fn measure_unix(report: &mut Report, size: usize, to_limit: Bar, to_tuned: Bar, to_sending: Bar) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(size);
    let peers = || UnixStream::pair().expect("a socket pair");
    let ours = || {
        let (near, far) = StreamSocket::pair().expect("a socket pair");
        (framed(near), framed(far))
    };
    let is_small = size == 64;
    let mut contenders = vec![
        limit::contender(LIMIT, message),
        tuned(TUNED[0], &runtime, message, peers, READ),
        two_tasks(OURS, &runtime, message, ours, feed_ours, receive_ours),
        tuned(TUNED[1], &runtime, message, peers, 128 * 1024),
        two_tasks(AGAIN, &runtime, message, ours, feed_ours, receive_ours),
        two_tasks(SENDING, &runtime, message, move || by_default(peers()), send_each, receive),
        two_tasks(OURS_SENDING, &runtime, message, ours, send_each_ours, receive_ours),
    ];
    if is_small {
        let boxed = move || {
            let (near, far) = ours();
            (Box::new(near) as BoxTransport, Box::new(far) as BoxTransport)
        };
        contenders.extend([
            two_tasks(DEFAULT, &runtime, message, move || by_default(peers()), feed, receive),
            two_tasks(OURS_BOXED, &runtime, message, boxed, feed_ours, receive_ours),
        ]);
    }
    let measured = Measured::times(&contenders, AT_LEAST, report.rounds());
    let spread = measured.spread(OURS, AGAIN);
    let mut row = |what, ours, against, bar| {
        let unit = Unit::ThousandsPerSecond;
        report.compare(&measured, spread, Claim { what, size, ours, against, unit, bar });
    };
    row("unix stream, fed", OURS, LIMIT, to_limit);
    row("unix stream, fed", OURS, measured.best(&TUNED), to_tuned);
    if is_small {
        row("unix stream, fed", OURS, DEFAULT, DEFAULT_FEED);
        row("unix stream, fed, boxed", OURS_BOXED, OURS, BOXED);
    }
    row("unix stream, send each", OURS_SENDING, SENDING, to_sending);
}

fn measure_tcp(report: &mut Report, size: usize, bar: Bar) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(size);
    let peers = || tcp_pair().expect("a connection");
    let connecting = Rc::clone(&runtime);
    let ours = move || {
        let (near, far) = connecting.block_on(our_tcp_pair()).expect("a connection");
        (framed(near), framed(far))
    };
    let contenders = vec![
        tuned(TUNED[0], &runtime, message, peers, READ),
        two_tasks(OURS, &runtime, message, ours.clone(), feed_ours, receive_ours),
        tuned(TUNED[1], &runtime, message, peers, 128 * 1024),
        two_tasks(AGAIN, &runtime, message, ours, feed_ours, receive_ours),
    ];
    let measured = Measured::times(&contenders, AT_LEAST, report.rounds());
    let spread = measured.spread(OURS, AGAIN);
    let (against, unit) = (measured.best(&TUNED), Unit::ThousandsPerSecond);
    let claim = Claim { what: "tcp stream, fed", size, ours: OURS, against, unit, bar };
    report.compare(&measured, spread, claim);
}

pub(crate) fn framed(socket: StreamSocket) -> Framed<StreamSocket, LengthDelimited> {
    Framed::new(socket, LengthDelimited::u32())
}

pub(crate) async fn feed_ours<T: SendHalf>(mut to: T, message: &'static [u8], count: usize) -> T {
    if message.len() < OWNED {
        for _ in 0..count {
            to.feed(message).await.expect("feeding");
        }
    } else {
        for _ in 0..count {
            to.feed(Bytes::from_static(message)).await.expect("feeding");
        }
    }
    to.flush().await.expect("flushing");
    to
}

async fn send_each_ours<T: SendHalf>(mut to: T, message: &'static [u8], count: usize) -> T {
    if message.len() < OWNED {
        for _ in 0..count {
            to.send(message).await.expect("sending");
        }
    } else {
        for _ in 0..count {
            to.send(Bytes::from_static(message)).await.expect("sending");
        }
    }
    to
}

pub(crate) async fn receive_ours<T: RecvHalf>(
    mut from: T,
    mut consumer: Consumer,
    count: usize,
) -> (T, Consumer) {
    for _ in 0..count {
        consumer.take(&from.recv().await.expect("receiving").expect("a message"));
    }
    (from, consumer)
}

/// Ours over a unix stream, fed, each message dropped at once.
pub(crate) fn ours(name: &'static str, runtime: &Rc<Runtime>, message: &'static [u8]) -> Contender {
    let open = || {
        let (near, far) = StreamSocket::pair().expect("a socket pair");
        (framed(near), framed(far))
    };
    two_tasks(name, runtime, message, open, feed_ours, receive_ours)
}

/// The peer with our watermark, fed, each message dropped at once.
pub(crate) fn tuned<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    name: &'static str,
    runtime: &Rc<Runtime>,
    message: &'static [u8],
    open: impl Fn() -> (T, T) + 'static,
    read: usize,
) -> Contender {
    let open = move || {
        let (near, far) = open();
        (tune(near, read), tune(far, read))
    };
    two_tasks(name, runtime, message, open, feed, receive)
}

pub(crate) fn tune<T: AsyncRead + AsyncWrite>(io: T, read: usize) -> Peer<T> {
    let mut peer = Peers::with_capacity(io, LengthDelimitedCodec::new(), read);
    peer.set_backpressure_boundary(WATERMARK);
    peer
}

/// The peer's, over whichever stream.
pub(crate) type Peer<T> = Peers<T, LengthDelimitedCodec>;

fn by_default<T: AsyncRead + AsyncWrite>((near, far): (T, T)) -> (Peer<T>, Peer<T>) {
    let wrap = |io| Peers::new(io, LengthDelimitedCodec::new());
    (wrap(near), wrap(far))
}

pub(crate) async fn feed<T>(mut to: Peer<T>, message: &'static [u8], count: usize) -> Peer<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    for _ in 0..count {
        to.feed(message).await.expect("feeding");
    }
    SinkExt::<&[u8]>::flush(&mut to).await.expect("flushing");
    to
}

async fn send_each<T>(mut to: Peer<T>, message: &'static [u8], count: usize) -> Peer<T>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    for _ in 0..count {
        to.send(message).await.expect("sending");
    }
    to
}

async fn receive<T>(mut from: Peer<T>, mut consumer: Consumer, count: usize) -> (Peer<T>, Consumer)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    for _ in 0..count {
        consumer.take(&from.next().await.expect("a message").expect("receiving"));
    }
    (from, consumer)
}

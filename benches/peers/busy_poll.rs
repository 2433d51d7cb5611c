//! A small message there and back between two threads that poll busily, at the median.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::thread::{Scope, scope};
use std::time::{Duration, Instant};

use anysock::sockets::StreamSocket;
use tokio::runtime::Runtime;

use crate::ends::{Consumer, message, our_tcp_pair, runtime};
use crate::harness::{Contender, Measured};
use crate::report::{Bar, Claim, Report, Unit};
use crate::round_trips::{Ours, ask, echo};
use crate::streams::framed;

const SIZE: usize = 64;
const FRAME: usize = 4 + SIZE;
const UNIX: &str = "unix stream, busy round trip p50";
const TCP: &str = "tcp stream, busy round trip p50";
const SPINNING: &str = "spinning std";
const OURS: &str = "ours";
const AGAIN: &str = "ours again";

/// How long a receiver tries before it waits.
const LONGEST: Duration = Duration::from_micros(50);

/// Two who spin take a few microseconds, unless one of them had to wait for the processor.
const DISTURBED: Duration = Duration::from_micros(30);

pub(crate) fn measure(report: &mut Report) {
    let unix = || UnixStream::pair().expect("a socket pair");
    let our_unix = |runtime: &Runtime| {
        let _entered = runtime.enter();
        StreamSocket::pair().expect("a socket pair")
    };
    let our_tcp = |runtime: &Runtime| runtime.block_on(our_tcp_pair()).expect("a connection");
    measure_cell(report, UNIX, spinning(unix, UnixStream::set_nonblocking), our_unix);
    measure_cell(report, TCP, spinning(tcp_pair, TcpStream::set_nonblocking), our_tcp);
}

fn measure_cell(
    report: &mut Report,
    what: &str,
    spinning: Contender,
    open: fn(&Runtime) -> (StreamSocket, StreamSocket),
) {
    if !report.wants(what) {
        return;
    }
    let contenders = [spinning, ours(OURS, open), ours(AGAIN, open)];
    let measured = Measured::times(&contenders, 1, report.rounds());
    if measured.cost(SPINNING) > DISTURBED.as_secs_f64() {
        report.skip(what, "somebody else had one of the two processors that it takes");
        return;
    }
    let spread = measured.spread(OURS, AGAIN);
    let (unit, bar) = (Unit::Microseconds, Bar::goal(1.1));
    let claim = Claim { what, size: SIZE, ours: OURS, against: SPINNING, unit, bar };
    report.compare(&measured, spread, claim);
}

fn ours(name: &'static str, open: fn(&Runtime) -> (StreamSocket, StreamSocket)) -> Contender {
    let message = message(SIZE);
    Contender::new(name, move || {
        let near_runtime = runtime();
        let far_runtime = Rc::into_inner(runtime()).expect("nobody else has it yet");
        let (near, far) = open(&near_runtime);
        for end in [&near, &far] {
            end.set_busy_poll(LONGEST).expect("it is short enough");
        }
        let consumer = || Consumer::new(message);
        let mut idle = Some((Ours(framed(near)), Ours(framed(far)), consumer(), consumer()));
        Box::new(move |count| {
            let (near, far, asking, echoing) = idle.take().expect("the last slice has ended");
            let far_runtime = &far_runtime;
            scope(|scope| {
                let echo = echo(far, message, echoing, count);
                let back = beside(scope, move || {
                    far_runtime.block_on(async { tokio::spawn(echo).await.expect("no panic") })
                });
                let there = near_runtime
                    .block_on(async { tokio::spawn(ask(near, message, asking, count)).await });
                let (near, mut asking, times) = there.expect("no panic");
                let (far, mut echoing) = back();
                asking.settle(count);
                echoing.settle(count);
                idle = Some((near, far, asking, echoing));
                median(times) * count as f64
            })
        })
    })
}

fn spinning<S: Read + Write + Send + 'static>(
    open: fn() -> (S, S),
    set_nonblocking: fn(&S, bool) -> std::io::Result<()>,
) -> Contender {
    Contender::new(SPINNING, move || {
        let (mut near, mut far) = open();
        for end in [&near, &far] {
            set_nonblocking(end, true).expect("a socket");
        }
        let message = message(SIZE);
        let frame = [&(SIZE as u32).to_be_bytes(), message].concat();
        let mut consumer = Consumer::new(message);
        Box::new(move |count| {
            let (near, far, frame) = (&mut near, &mut far, &frame[..]);
            scope(|scope| {
                let back = beside(scope, move || {
                    for _ in 0..count {
                        let received = receive(far);
                        far.write_all(&received).expect("there is room");
                    }
                });
                let mut times = Vec::with_capacity(count);
                for _ in 0..count {
                    let start = Instant::now();
                    near.write_all(frame).expect("there is room");
                    let received = receive(near);
                    times.push(start.elapsed());
                    consumer.take(&received[FRAME - SIZE..]);
                }
                back();
                consumer.settle(count);
                median(times) * count as f64
            })
        })
    })
}

/// Runs `work` on another thread; what is returned waits for it.
fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> impl FnOnce() -> T {
    let thread = scope.spawn(work);
    move || thread.join().expect("no panic")
}

/// Reads a whole frame, trying until it is there.
fn receive(from: &mut impl Read) -> [u8; FRAME] {
    let mut frame = [0; FRAME];
    let mut filled = 0;
    while filled < FRAME {
        match from.read(&mut frame[filled..]) {
            Ok(read) => filled += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
            Err(error) => panic!("{error}"),
        }
    }
    frame
}

fn median(mut times: Vec<Duration>) -> f64 {
    let middle = times.len() / 2;
    let (_, median, _) = times.select_nth_unstable(middle);
    median.as_secs_f64()
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("listening");
    let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("connecting");
    let (far, _) = listener.accept().expect("accepting");
    for end in [&near, &far] {
        end.set_nodelay(true).expect("a TCP socket");
    }
    (near, far)
}

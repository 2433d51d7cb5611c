//! Connect, accept, one message, close; over and over on one thread.

use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net as blocking;
use std::rc::Rc;
use std::time::Instant;

use anysock::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Runtime;

use crate::ends::{Consumer, message, runtime};
use crate::harness::{Contender, Measured};
use crate::report::{Bar, Claim, Report, Unit};

const SIZE: usize = 64;
const FRAME: usize = 4 + SIZE;
const WHAT: &str = "unix stream, connections";
const LIMIT: &str = "blocking std";
const BY_TOKIO: &str = "tokio by hand";
const OURS: &str = "ours";
const AGAIN: &str = "ours again";

pub(crate) fn measure(report: &mut Report) {
    if !report.wants(WHAT) {
        return;
    }
    let runtime = runtime();
    let message = message(SIZE);
    let contenders = [
        limit(message),
        ours(OURS, &runtime, message),
        by_tokio(&runtime, message),
        ours(AGAIN, &runtime, message),
    ];
    let measured = Measured::times(&contenders, 1, report.rounds());
    let spread = measured.spread(OURS, AGAIN);
    for (against, bar) in [(LIMIT, Bar::new(0.9, 0.6)), (BY_TOKIO, Bar::none())] {
        let unit = Unit::ThousandsPerSecond;
        let claim = Claim { what: WHAT, size: SIZE, ours: OURS, against, unit, bar };
        report.compare(&measured, spread, claim);
    }
}

fn ours(name: &'static str, runtime: &Rc<Runtime>, message: &'static [u8]) -> Contender {
    let runtime = Rc::clone(runtime);
    Contender::new(name, move || {
        let runtime = Rc::clone(&runtime);
        let mut listener = runtime.block_on(async { anysock::bind("unix:").await.expect("bind") });
        let endpoint = listener.endpoint().clone();
        let mut consumer = Consumer::new(message);
        Box::new(move |count| {
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..count {
                    let mut near = anysock::connect(&endpoint).await.expect("connecting");
                    let mut far = listener.accept().await.expect("accepting");
                    near.send(message).await.expect("sending");
                    consumer.take(&far.recv().await.expect("receiving").expect("a message"));
                }
            });
            let elapsed = start.elapsed();
            consumer.settle(count);
            elapsed.as_secs_f64()
        })
    })
}

fn by_tokio(runtime: &Rc<Runtime>, message: &'static [u8]) -> Contender {
    let runtime = Rc::clone(runtime);
    Contender::new(BY_TOKIO, move || {
        let runtime = Rc::clone(&runtime);
        let name = abstract_name("tokio");
        let path = format!("\0{name}");
        let bound = runtime.block_on(async { UnixListener::bind(&path) });
        let listener = bound.expect("listening");
        let mut consumer = Consumer::new(message);
        let frame = frame(message);
        Box::new(move |count| {
            let start = Instant::now();
            runtime.block_on(async {
                for _ in 0..count {
                    let mut near = UnixStream::connect(&path).await.expect("connecting");
                    let (mut far, _) = listener.accept().await.expect("accepting");
                    near.write_all(&frame).await.expect("writing");
                    let mut received = [0; FRAME];
                    far.read_exact(&mut received).await.expect("reading");
                    take(&mut consumer, &received);
                }
            });
            let elapsed = start.elapsed();
            consumer.settle(count);
            elapsed.as_secs_f64()
        })
    })
}

fn limit(message: &'static [u8]) -> Contender {
    Contender::new(LIMIT, move || {
        let addr = blocking::SocketAddr::from_abstract_name(abstract_name("std")).expect("a name");
        let listener = blocking::UnixListener::bind_addr(&addr).expect("listening");
        let mut consumer = Consumer::new(message);
        let frame = frame(message);
        Box::new(move |count| {
            let start = Instant::now();
            for _ in 0..count {
                let mut near = blocking::UnixStream::connect_addr(&addr).expect("connecting");
                let (mut far, _) = listener.accept().expect("accepting");
                near.write_all(&frame).expect("writing");
                let mut received = [0; FRAME];
                far.read_exact(&mut received).expect("reading");
                take(&mut consumer, &received);
            }
            let elapsed = start.elapsed();
            consumer.settle(count);
            elapsed.as_secs_f64()
        })
    })
}

/// The kernel frees it with its socket.
fn abstract_name(which: &str) -> String {
    format!("anysock-bench-churn-{which}-{}", std::process::id())
}

fn frame(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

fn take(consumer: &mut Consumer, frame: &[u8; FRAME]) {
    let (header, payload) = frame.split_first_chunk().expect("a header");
    assert_eq!(u32::from_be_bytes(*header) as usize, payload.len());
    consumer.take(payload);
}

//! Servers that are observed: one task per connection, which waits for a message.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind};
use std::pin::pin;

use anysock::prelude::*;
use anysock::sockets::Accepted;
use anysock::{Connection, Endpoint, Options, PeerLimits, Transport};
use anysock_core::Type;
use futures_util::StreamExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::ends::runtime;
use crate::streams::framed;
use crate::usage::{descriptors, processor_time, resident};

/// What every connection receives at last.
pub(crate) const MESSAGE: usize = 64 << 10;

/// Messages that come together where there are many connections.
pub(crate) const BURST: usize = 16;

/// So many messages come in a pass at least, or it would be too short to be measured.
const PASS: usize = 16_000;

/// What the first connections receive, and each in a burst.
pub(crate) const FIRST_MESSAGE: usize = 64;

/// Connections before those that count.
pub(crate) const FIRST: usize = 32;

pub(crate) const RAW: &str = "raw task";
pub(crate) const BY_FRAMED: &str = "Framed default";
pub(crate) const OURS: &str = "ours";
pub(crate) const AGAIN: &str = "ours again";
pub(crate) const CONNECTION: &str = "ours, facade";

const HEADER: usize = 4;

/// As many messages have come as are awaited.
static COMPLETE: Notify = Notify::const_new();

thread_local! {
    /// Tasks that have begun to wait, and messages that have come; all on this thread.
    static WAITING: Cell<usize> = const { Cell::new(0) };
    static RECEIVED: Cell<usize> = const { Cell::new(0) };
    /// How many messages are awaited.
    static AWAITED: Cell<usize> = const { Cell::new(0) };
    /// Into which all raw tasks read.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; MESSAGE]);
}

/// What a server tells, after its name.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    /// Its memory: early, with idle connections, and after a message each.
    Memory,
    /// Its processor time in seconds: for accepting all, and for each pass over all.
    Bursts,
}

/// Listens, and tells its name and whatever its part is to tell.
pub(crate) fn play(part: Part, connections: usize, name: &str) {
    descriptors();
    // Else each connection of the raw task would seem to need a part of it.
    SCRATCH.with_borrow_mut(|scratch| scratch.fill(1));
    let told =
        Told { part, path: format!("anysock-bench-server-{}", std::process::id()), connections };
    runtime().block_on(async {
        match name {
            RAW => by_tokio(told, |io| tokio::spawn(raw(io))).await,
            BY_FRAMED => by_tokio(told, |io| tokio::spawn(by_framed(io))).await,
            CONNECTION => facade(told).await,
            _ => sockets(told).await,
        }
    });
}

async fn by_tokio<T>(told: Told, serve: impl Fn(UnixStream) -> T) {
    let listener = UnixListener::bind(format!("\0{}", told.path)).expect("listening");
    told.tell(async || {
        let (io, _) = listener.accept().await.expect("accepting");
        drop(serve(io));
    })
    .await;
}

async fn facade(told: Told) {
    let mut listener = anysock::bind(told.endpoint()).await.expect("listening");
    told.tell(async || {
        let peer: Connection = listener.accept().await.expect("accepting");
        tokio::spawn(ours(peer));
    })
    .await;
}

async fn sockets(told: Told) {
    let addr = told.endpoint().addr().expect("an address");
    let (options, limits) = (Options::default(), PeerLimits::default());
    let listening = anysock::sockets::bind(&addr, Type::Stream, &options, &limits);
    let mut listener = listening.await.expect("listening");
    told.tell(async || match listener.accept().await.expect("accepting") {
        Accepted::Stream(peer) => drop(tokio::spawn(ours(framed(peer)))),
        _ => unreachable!("a stream was asked for"),
    })
    .await;
}

struct Told {
    part: Part,
    path: String,
    connections: usize,
}

impl Told {
    fn endpoint(&self) -> Endpoint {
        format!("unix:@{}", self.path).parse().expect("an endpoint")
    }

    async fn tell(self, accept: impl AsyncFnMut()) {
        println!("{}", self.path);
        match self.part {
            Part::Memory => self.tell_memory(accept).await,
            Part::Bursts => self.tell_bursts(accept).await,
        }
    }

    async fn tell_memory(self, mut accept: impl AsyncFnMut()) {
        for _ in 0..FIRST {
            accept().await;
        }
        until_received(FIRST).await;
        println!("{}", resident());
        for _ in 0..self.connections {
            accept().await;
        }
        until_waiting(FIRST + self.connections).await;
        println!("{}", resident());
        until_received(FIRST + self.connections).await;
        println!("{}", resident());
    }

    async fn tell_bursts(self, mut accept: impl AsyncFnMut()) {
        let mut before = processor_time();
        for _ in 0..self.connections {
            accept().await;
        }
        until_waiting(self.connections).await;
        let mut lap = || {
            let now = processor_time();
            println!("{}", (now - before).as_secs_f64());
            before = now;
        };
        lap();
        for pass in 1.. {
            until_received(pass * bursts(self.connections) * BURST * self.connections).await;
            lap();
        }
    }
}

/// How many bursts every connection gets in a pass.
pub(crate) fn bursts(connections: usize) -> usize {
    (PASS / (BURST * connections)).max(1)
}

async fn until_waiting(count: usize) {
    while WAITING.get() < count {
        yield_now().await;
    }
    // What is runnable by now runs.
    yield_now().await;
}

/// Costs no processor time, since that may be what is counted.
pub(crate) async fn until_received(count: usize) {
    while RECEIVED.get() < count {
        AWAITED.set(count);
        COMPLETE.notified().await;
    }
    // What is runnable by now runs.
    yield_now().await;
}

pub(crate) fn received() {
    RECEIVED.set(RECEIVED.get() + 1);
    if RECEIVED.get() == AWAITED.get() {
        COMPLETE.notify_one();
    }
}

fn waiting() {
    WAITING.set(WAITING.get() + 1);
}

/// A block, for it holds what it takes once; an `async fn` holds its arguments twice.
#[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice")]
pub(crate) fn ours(mut peer: impl Transport) -> impl Future<Output = ()> {
    async move {
        waiting();
        while let Some(message) = peer.recv().await.expect("receiving") {
            assert!([FIRST_MESSAGE, MESSAGE].contains(&message.len()));
            drop(message);
            received();
        }
    }
}

async fn by_framed(io: UnixStream) {
    waiting();
    let mut peer = pin!(Framed::new(io, LengthDelimitedCodec::new()));
    while let Some(message) = peer.next().await {
        let message = message.expect("receiving");
        assert!([FIRST_MESSAGE, MESSAGE].contains(&message.len()));
        drop(message);
        received();
    }
}

/// Waits on `readable()`, and has no buffer of its own.
#[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice")]
fn raw(io: UnixStream) -> impl Future<Output = ()> {
    async move {
        waiting();
        let mut missing = 0;
        loop {
            io.readable().await.expect("waiting");
            match SCRATCH.with_borrow_mut(|scratch| read(&io, scratch, &mut missing)) {
                Ok(true) => received(),
                Ok(false) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// Reads once; whether a message is complete by that.
fn read(io: &UnixStream, scratch: &mut [u8], missing: &mut usize) -> io::Result<bool> {
    if *missing == 0 {
        // The peer writes it at once, so it comes at once.
        let mut header = [0; HEADER];
        match io.try_read(&mut header)? {
            HEADER => *missing = u32::from_be_bytes(header) as usize,
            _ => return Err(ErrorKind::UnexpectedEof.into()),
        }
        return Ok(false);
    }
    let room = scratch.len().min(*missing);
    let read = io.try_read(&mut scratch[..room])?;
    if read == 0 {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    *missing -= read;
    Ok(*missing == 0)
}

//! Servers with a task per connection that waits, and what they hold for each.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream as Client};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anysock::prelude::*;
use anysock::sockets::{Accepted, Listener};
use anysock::{Endpoint, Framed, LengthDelimited, Options, PeerLimits, Transport, Type};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::yield_now;

use crate::work::{runtime, within_reason};

/// Connections before those that count, with which comes what is needed once.
const FIRST: usize = 8;

/// Whose connections they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Server {
    /// tokio's socket in a task that waits until it is readable, and has no buffer.
    Raw,
    /// The library's socket with a codec.
    Framed,
    /// The library's face, whose connections may be of any cell.
    Facade,
}

/// What connections hold, in whatever was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    pub(crate) idle: f64,
    /// Idle again, after one message of so many bytes as were asked for.
    pub(crate) after_message: f64,
}

enum Listening {
    Raw(UnixListener),
    Framed(Listener),
    Facade(anysock::Listener),
}

impl Server {
    /// What each of so many connections adds to a count.
    pub(crate) fn each(self, connections: usize, size: usize, count: impl Fn() -> i64) -> Held {
        let name = format!("anysock-test-counts-{self:?}-{}", std::process::id());
        let frame = [&(size as u32).to_be_bytes(), &vec![7; size][..]].concat();
        runtime().block_on(within_reason(async {
            let mut listening = self.listen(&name).await;
            let seen = Arc::new(Seen::default());
            let addr = SocketAddr::from_abstract_name(&name).unwrap();
            let mut clients = Vec::with_capacity(FIRST + connections);
            let mut open = async |clients: &mut Vec<Client>, more| {
                for _ in 0..more {
                    clients.push(Client::connect_addr(&addr).unwrap());
                    listening.accept(&seen).await;
                    // Before the next is accepted, so that the runtime's queue stays short.
                    until(&seen.waiting, clients.len()).await;
                }
            };
            open(&mut clients, FIRST).await;
            write(&mut clients, &frame, &seen, 0).await;
            let before = count();
            open(&mut clients, connections).await;
            let idle = count() - before;
            write(&mut clients[FIRST..], &frame, &seen, FIRST).await;
            let after_message = count() - before;
            let each = |all| all as f64 / connections as f64;
            Held { idle: each(idle), after_message: each(after_message) }
        }))
    }

    async fn listen(self, name: &str) -> Listening {
        let endpoint: Endpoint = format!("unix:@{name}").parse().unwrap();
        match self {
            Self::Raw => Listening::Raw(UnixListener::bind(format!("\0{name}")).unwrap()),
            Self::Framed => {
                let (options, limits) = (Options::default(), PeerLimits::default());
                let addr = endpoint.addr().unwrap();
                let bound = anysock::sockets::bind(&addr, Type::Stream, &options, &limits).await;
                Listening::Framed(bound.unwrap())
            }
            Self::Facade => Listening::Facade(anysock::bind(endpoint).await.unwrap()),
        }
    }
}

impl Listening {
    async fn accept(&mut self, seen: &Arc<Seen>) {
        let seen = Arc::clone(seen);
        match self {
            Self::Raw(listener) => {
                let (peer, _) = listener.accept().await.unwrap();
                tokio::spawn(raw(peer, seen));
            }
            Self::Framed(listener) => {
                let Accepted::Stream(peer) = listener.accept().await.unwrap() else {
                    unreachable!("a stream was asked for")
                };
                tokio::spawn(ours(Framed::new(peer, LengthDelimited::u32()), seen));
            }
            Self::Facade(listener) => {
                tokio::spawn(ours(listener.accept().await.unwrap(), seen));
            }
        }
    }
}

/// What the tasks have got to.
#[derive(Debug, Default)]
struct Seen {
    waiting: AtomicUsize,
    received: AtomicUsize,
}

/// Writes a frame to each, one after the other, and waits until it was received.
async fn write(clients: &mut [Client], frame: &[u8], seen: &Seen, before: usize) {
    for (place, client) in clients.iter_mut().enumerate() {
        std::io::Write::write_all(client, frame).unwrap();
        until(&seen.received, before + place + 1).await;
    }
}

async fn until(count: &AtomicUsize, reached: usize) {
    while count.load(Ordering::Relaxed) < reached {
        yield_now().await;
    }
    // Who has just counted goes on to wait.
    yield_now().await;
}

/// A block, for it holds what it takes once; an `async fn` holds its arguments twice.
#[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice")]
fn ours(mut peer: impl Transport, seen: Arc<Seen>) -> impl Future<Output = ()> {
    async move {
        seen.waiting.fetch_add(1, Ordering::Relaxed);
        while let Some(message) = peer.recv().await.unwrap() {
            drop(message);
            seen.received.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Waits on `readable()`, and reads what is there into a buffer that is gone when it waits.
#[expect(clippy::manual_async_fn, reason = "an async fn holds its arguments twice")]
fn raw(peer: UnixStream, seen: Arc<Seen>) -> impl Future<Output = ()> {
    async move {
        seen.waiting.fetch_add(1, Ordering::Relaxed);
        loop {
            peer.readable().await.unwrap();
            match drain(&peer) {
                Ok(0) => return,
                Ok(_) => seen.received.fetch_add(1, Ordering::Relaxed),
                Err(_) => continue,
            };
        }
    }
}

/// Reads until there is nothing more, or to the end: how many bytes.
fn drain(peer: &UnixStream) -> std::io::Result<usize> {
    let mut buffer = [0; 4096];
    let mut drained = 0;
    loop {
        match peer.try_read(&mut buffer) {
            Err(_) if drained > 0 => return Ok(drained),
            Ok(0) => return Ok(0),
            read => drained += read?,
        }
    }
}

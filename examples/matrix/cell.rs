//! Both ends of one cell, opened as any service would, and observed.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Cell, Domain, Endpoint, Error, ErrorKind, Listener, Type, UnsupportedCell};
use tokio::time::timeout;

use crate::observe::{self, Failure, Link, Open};
use crate::report::Row;
use crate::speed;

/// How long anything may take that is bound to happen.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a peer may take to be accepted before its first message, until there is none.
const FIRST: Duration = Duration::from_millis(100);

/// Observes one cell.
pub(crate) fn row(cell: Cell, max: usize, messages: usize) -> Row {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(observed(cell, max, messages)),
        Err(error) => Row::failed(cell, error),
    }
}

async fn observed(cell: Cell, max: usize, messages: usize) -> Row {
    let asked = endpoint(cell);
    let mut sockets = match Sockets::bind(asked, max).await {
        Ok(sockets) => sockets,
        Err(error) => {
            return match unsupported(&error) {
                Some(why) => Row::unsupported(cell, asked, why),
                None => Row::failed(cell, error),
            };
        }
    };
    let at = sockets.endpoint.to_string();
    let observing = async {
        let speed = speed::measure(sockets.open().await?, messages).await?;
        Ok::<_, Failure>((observe::observe(&mut sockets).await?, speed))
    };
    match observing.await {
        Ok((observed, speed)) => Row::observed(cell, at, &observed, speed),
        Err(error) => Row::failed(cell, error),
    }
}

/// Where to bind: a free port, or an automatic name.
fn endpoint(cell: Cell) -> &'static str {
    match (cell.domain, cell.kind) {
        (Domain::Unix, Type::Stream) => "unix:",
        (Domain::Unix, Type::Datagram) => "unix-dgram:",
        (Domain::Unix, Type::SeqPacket) => "unix-seqpacket:",
        (Domain::Ipv4, Type::Stream) => "tcp://127.0.0.1:0",
        (Domain::Ipv4, Type::Datagram) => "udp://127.0.0.1:0",
        (Domain::Ipv4, Type::SeqPacket) => "sctp://127.0.0.1:0",
        (Domain::Ipv6, Type::Stream) => "tcp://[::1]:0",
        (Domain::Ipv6, Type::Datagram) => "udp://[::1]:0",
        (Domain::Ipv6, Type::SeqPacket) => "sctp://[::1]:0",
    }
}

/// Why this machine has no such cell, if that is what the error says. A host without an IPv6
/// loopback address opens IPv6 sockets and can bind none.
fn unsupported(error: &Error) -> Option<String> {
    let ErrorKind::Io(error) = error.kind() else { return None };
    if error.kind() == std::io::ErrorKind::AddrNotAvailable {
        return Some(error.to_string());
    }
    error.get_ref()?.downcast_ref::<UnsupportedCell>().map(|cell| cell.why().to_string())
}

/// A listener, and what it takes to connect to it.
struct Sockets {
    listener: Option<Listener>,
    endpoint: Endpoint,
    max: usize,
    opened: u32,
    /// Whether a peer was accepted before its first message; known after the first.
    made_first: Option<bool>,
}

impl Sockets {
    async fn bind(endpoint: &str, max: usize) -> Result<Self, Error> {
        let listener = anysock::bind(endpoint).max(max).await?;
        let endpoint = listener.endpoint().clone();
        Ok(Self { listener: Some(listener), endpoint, max, opened: 0, made_first: None })
    }
}

impl Open for Sockets {
    async fn open(&mut self) -> Result<Link, Failure> {
        let listener = self.listener.as_mut().ok_or("nobody listens any more")?;
        self.opened += 1;
        let hello = format!("hello {}", self.opened);
        let connect = anysock::connect(&self.endpoint).max(self.max).deadline(PATIENCE);
        let mut client = connect.await?;
        let early = match self.made_first {
            Some(false) => None,
            _ => timeout(FIRST, listener.accept()).await.ok().transpose()?,
        };
        let made_first = *self.made_first.get_or_insert(early.is_some());
        timeout(PATIENCE, client.send(&hello)).await??;
        let greeted = async {
            let mut next = early;
            loop {
                let mut peer = match next.take() {
                    Some(peer) => peer,
                    None => listener.accept().await?,
                };
                // A datagram that a former client left behind makes a peer of its own.
                if peer.recv().await?.is_some_and(|first| first == *hello) {
                    peer.send("welcome").await?;
                    return Ok::<_, Error>(peer);
                }
            }
        };
        let peer = timeout(PATIENCE, greeted).await.map_err(|_| "no peer said hello")??;
        match timeout(PATIENCE, client.recv()).await.map_err(|_| "hello is not answered")?? {
            Some(answer) if answer == "welcome" => {}
            other => return Err(format!("hello is answered by {other:?}").into()),
        }
        Ok(Link { client: Box::new(client), peer: Box::new(peer), made_first })
    }

    fn stop(&mut self) {
        self.listener = None;
    }
}

//! Datagrams taken apart by their source: one conversation per peer, on one socket.
//!
//! ```text
//!            one task                       one mailbox per (source, local address)
//!  socket ──> reader ──┬─ known peer ────────> queue ──> DatagramPeer
//!                      ├─ stranger ──> arrivals ──> DatagramListener::accept
//!                      └─ too many, too much, nobody listening ──> dropped and counted
//! ```
//!
//! The reader lives while the listener or a peer lives. It holds the socket only while it runs,
//! so that the address is free as soon as the last of them is dropped.

mod mailbox;
mod peer;
mod peers;
mod reader;
mod sorting;

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Addr, OwnedPath, Socket, Type};

use self::reader::Shared;
use crate::calls::{Calls, Direction};
use crate::gate::Gate;
use crate::listener_stats::ListenerStats;

pub use self::peer::{DatagramPeer, PeerRecv, PeerSend};

/// The bounds of a [`DatagramListener`].
///
/// What is held for unaccepted and accepted peers together is at most `peers` × (`queue_bytes`
/// plus one message, and 256 bytes for each of `queue_messages`), and 1 KiB for each peer.
///
/// ```
/// use anysock_async::PeerLimits;
/// let limits = PeerLimits { peers: 100, ..PeerLimits::default() };
/// assert_eq!(limits.queue_messages, 128);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Most peers at a time, accepted or waiting; datagrams of others are dropped. 10,000.
    pub peers: usize,
    /// Most messages that wait for one peer; the newest is dropped beyond. 128.
    pub queue_messages: usize,
    /// Most bytes that wait for one peer. 256 KiB.
    pub queue_bytes: usize,
    /// Most descriptors that wait here, those of all peers together; a message that brings more is
    /// dropped, and they are closed. Of one peer 253 may wait. 512, and none comes unless that was
    /// [asked for](anysock_core::Socket::ask).
    pub descriptors: usize,
    /// Longest message received, in bytes; longer ones are truncated and counted. 64 KiB.
    pub max_message: usize,
    /// A peer of whom nothing was heard, and to whom nothing was sent, for so long is gone.
    /// 60 seconds.
    pub idle: Duration,
    /// How long a reply may wait for room before it is dropped and counted. 100 ms.
    pub patience: Duration,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            peers: 10_000,
            queue_messages: 128,
            queue_bytes: 256 * 1024,
            descriptors: 512,
            max_message: 64 * 1024,
            idle: Duration::from_secs(60),
            patience: Duration::from_millis(100),
        }
    }
}

/// Accepts the senders of datagrams as peers.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Accepted, DatagramSocket, PeerLimits, bind};
/// use anysock_core::{Options, Type};
///
/// let any = "127.0.0.1:0".parse::<std::net::SocketAddr>()?.into();
/// let mut listener = bind(&any, Type::Datagram, &Options::default(), &PeerLimits::default()).await?;
/// let client = DatagramSocket::bind(&any, &Options::default())?;
/// client.send_to(b"hello", &listener.local_addr()?).await?;
/// let Accepted::Peer(peer) = listener.accept().await? else { unreachable!() };
/// assert_eq!(peer.peer_addr(), &client.local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DatagramListener {
    shared: Arc<Shared>,
    accepted: u64,
}

impl DatagramListener {
    pub(crate) fn new(
        socket: Socket,
        limits: PeerLimits,
        path: Option<OwnedPath>,
        gate: Option<Gate>,
    ) -> io::Result<Self> {
        crate::expect_type(&socket, Type::Datagram)?;
        let shared = Shared::start(socket, limits, path, gate)?;
        Ok(Self { shared, accepted: 0 })
    }

    /// As [`Listener::allow`](crate::Listener::allow), once it is known that there is such a
    /// thing here.
    pub(crate) fn allow(&mut self, gate: Gate) -> io::Result<()> {
        self.shared.allow(gate)
    }

    pub(crate) fn has_gate(&self) -> bool {
        self.shared.gate().is_some()
    }

    /// As [`Listener::stats`](crate::Listener::stats).
    pub fn stats(&self) -> ListenerStats {
        ListenerStats {
            accepted: self.accepted,
            refused: self.shared.refused.load(Ordering::Relaxed),
            dropped: self.dropped(),
            replies_dropped: self.shared.replies_dropped.load(Ordering::Relaxed),
            ..ListenerStats::default()
        }
    }

    /// Where the socket is.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.shared.io.socket().local_addr()
    }

    /// The socket itself. Reading from it takes datagrams away from peers. What is
    /// [asked for](Socket::ask) here comes along with the messages of all of them; destinations,
    /// where it is bound to all addresses, must not be turned off, for peers are told apart by them.
    pub fn socket(&self) -> &Socket {
        self.shared.io.socket()
    }

    /// Puts another socket file, or none, in the place of the one that is owned.
    pub(crate) fn replace_path(&self, path: Option<OwnedPath>) -> Option<OwnedPath> {
        std::mem::replace(&mut *self.shared.path(), path)
    }

    /// What was counted of the system calls that receive, for all peers together.
    pub fn receive_calls(&self) -> Calls {
        self.shared.io.calls(Direction::Receive)
    }

    /// Datagrams that were dropped: of strangers beyond the bound, and for full queues.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Peers that are known now, accepted or waiting.
    pub fn peers(&self) -> usize {
        self.shared.table().peers.len()
    }

    /// Waits for a peer that was not known before.
    ///
    /// # Errors
    ///
    /// Final: receiving on this socket was shut down.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<DatagramPeer>> {
        ready!(crate::poll_budget(cx));
        let mut table = self.shared.table();
        if let Some(mailbox) = table.arrivals.pop_front() {
            drop(table);
            self.accepted += 1;
            return Poll::Ready(Ok(DatagramPeer::new(Arc::clone(&self.shared), mailbox)));
        }
        if table.closed {
            return Poll::Ready(Err(crate::listener::shut_down()));
        }
        table.acceptor = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for DatagramListener {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        table.listening = false;
        for stranger in std::mem::take(&mut table.arrivals) {
            table.peers.remove(&stranger.key);
        }
    }
}

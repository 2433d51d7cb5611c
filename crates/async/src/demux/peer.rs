//! One sender of datagrams as a peer: what it sends, and what it is answered.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Addr, Cell, Outbox, Outgoing, Socket, UnixAddr};
use tokio::task::coop;
use tokio::time::Instant;

use super::mailbox::Mailbox;
use super::reader::Shared;
use crate::Inbox;
use crate::calls::Calls;
use crate::nap::Nap;
use crate::offload::Segmentation;
use crate::packet::{self, Packet};
use crate::socket_ref::SocketRef;

/// One sender of datagrams: receives what it sends, and answers it from the address that it
/// asked.
///
/// ```no_run
/// # async fn answer(mut peer: anysock_async::DatagramPeer) -> std::io::Result<()> {
/// std::future::poll_fn(|cx| peer.poll_send(cx, b"hello")).await
/// # }
/// ```
#[derive(Debug)]
pub struct DatagramPeer {
    receiving: PeerRecv,
    sending: PeerSend,
}

/// The receiving half of a [`DatagramPeer`].
///
/// ```
/// # fn split(peer: anysock_async::DatagramPeer) {
/// let (receiving, sending): (anysock_async::PeerRecv, anysock_async::PeerSend) =
///     peer.into_split();
/// # }
/// ```
#[derive(Debug)]
pub struct PeerRecv {
    peer: Arc<Peer>,
    /// Taken out of the mailbox, and not handed out yet.
    inbox: Inbox,
}

/// The sending half of a [`DatagramPeer`].
///
/// ```
/// # fn split(peer: anysock_async::DatagramPeer) {
/// let (_, sending) = peer.into_split();
/// println!("{}", sending.peer_addr());
/// # }
/// ```
#[derive(Debug)]
pub struct PeerSend {
    peer: Arc<Peer>,
    nap: Nap,
    blocked: Option<Instant>,
    segmentation: Segmentation,
    calls: Calls,
}

/// Some so many datagrams are taken out of the mailbox together.
const TOGETHER: usize = 32;

/// An accepted peer; dropping it forgets it.
#[derive(Debug)]
struct Peer {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
}

impl DatagramPeer {
    pub(super) fn new(shared: Arc<Shared>, mailbox: Arc<Mailbox>) -> Self {
        let nap = Nap::new(Duration::from_micros(500), Duration::from_millis(20));
        let peer = Arc::new(Peer { shared, mailbox });
        let receiving = PeerRecv { peer: Arc::clone(&peer), inbox: Inbox::new() };
        let segmentation = Segmentation::default();
        let calls = Calls::default();
        Self { receiving, sending: PeerSend { peer, nap, blocked: None, segmentation, calls } }
    }

    /// Takes the peer apart into halves that never wait for each other.
    pub fn into_split(self) -> (PeerRecv, PeerSend) {
        (self.receiving, self.sending)
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.sending.cell()
    }

    /// The socket itself: the listener's, which all of its peers share. Reading from it takes
    /// datagrams away from them.
    pub fn socket(&self) -> &Socket {
        self.sending.peer.socket()
    }

    /// That, and whose of all its peers this is.
    pub fn socket_ref(&self) -> SocketRef<'_> {
        self.sending.socket_ref()
    }

    /// Whose datagrams these are.
    pub fn peer_addr(&self) -> &Addr {
        self.sending.peer_addr()
    }

    /// Where the listener is; with the address that this peer asked, where that is known.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.socket_ref().local_addr()
    }

    /// Bytes that wait here.
    pub fn held(&self) -> usize {
        self.receiving.held()
    }

    /// As [`PeerSend::send_calls`].
    pub fn send_calls(&self) -> Calls {
        self.sending.send_calls()
    }

    /// As [`PeerRecv::dropped`].
    pub fn dropped(&self) -> u64 {
        self.receiving.dropped()
    }

    /// As [`PeerRecv::poll_recv_packet`].
    ///
    /// # Errors
    ///
    /// As [`PeerRecv::poll_recv_packet`].
    pub fn poll_recv_packet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        self.receiving.poll_recv_packet(cx)
    }

    /// As [`PeerRecv::poll_recv_packets`].
    ///
    /// # Errors
    ///
    /// As [`PeerRecv::poll_recv_packet`].
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        self.receiving.poll_recv_packets(cx, count, inbox)
    }

    /// As [`PeerSend::poll_send`].
    ///
    /// # Errors
    ///
    /// As [`PeerSend::poll_send`].
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        self.sending.poll_send(cx, message)
    }

    /// As [`PeerSend::poll_send_packets`].
    ///
    /// # Errors
    ///
    /// As [`PeerSend::poll_send_packets`].
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        self.sending.poll_send_packets(cx, outbox)
    }

    /// As [`PeerSend::max_message`].
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        self.sending.max_message()
    }
}

impl PeerRecv {
    /// As [`DatagramPeer::socket_ref`].
    pub fn socket_ref(&self) -> SocketRef<'_> {
        self.peer.socket_ref()
    }

    /// The next datagram of this peer; `None` once it has been silent for too long, or
    /// receiving was shut down.
    ///
    /// # Errors
    ///
    /// An ICMP answer to what was sent to this peer; the peer lives on.
    pub fn poll_recv_packet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        let spent = ready!(coop::poll_proceed(cx));
        if self.inbox.is_empty() {
            let Self { peer, inbox } = self;
            if !ready!(peer.poll_take(cx, TOGETHER, inbox))? {
                spent.made_progress();
                return Poll::Ready(Ok(None));
            }
        }
        spent.made_progress();
        Poll::Ready(Ok(self.inbox.pop()))
    }

    /// Puts what is there into `inbox`, which is empty: some `count` datagrams, taken together.
    /// False once the peer has been silent for too long, or receiving was shut down.
    ///
    /// # Errors
    ///
    /// As [`poll_recv_packet`](Self::poll_recv_packet).
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        if self.inbox.is_empty() {
            return self.peer.poll_take(cx, count, inbox);
        }
        *inbox = std::mem::take(&mut self.inbox);
        Poll::Ready(Ok(true))
    }

    /// Datagrams of this peer that were dropped for a full queue.
    pub fn dropped(&self) -> u64 {
        self.peer.mailbox.content().dropped
    }

    /// Bytes that wait here.
    pub fn held(&self) -> usize {
        self.peer.mailbox.content().bytes() + self.inbox.held()
    }
}

impl PeerSend {
    /// As [`DatagramPeer::socket_ref`].
    pub fn socket_ref(&self) -> SocketRef<'_> {
        self.peer.socket_ref()
    }

    /// What was counted of the system calls that send. Those that receive are the listener's, for
    /// all peers together.
    pub fn send_calls(&self) -> Calls {
        self.calls
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.peer.socket().cell()
    }

    /// To whom this sends.
    pub fn peer_addr(&self) -> &Addr {
        &self.peer.mailbox.key.source
    }

    /// The longest message that can be sent, in bytes.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        crate::datagram::max_message(self.peer.socket())
    }

    /// Sends one message to this peer, from the address that it asked.
    ///
    /// # Errors
    ///
    /// As [`poll_send_packets`](Self::poll_send_packets).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        self.poll_send_with(cx, |socket, with, _| {
            socket.send_batch(std::iter::once(message), with).map(drop)
        })
    }

    /// Sends messages from the front of `outbox`, which has some, to this peer, from the address
    /// that it asked, by one system call; how many were sent, at least one. They stay in it.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) if there was no room for the first message within
    /// the listener's patience: it is to be dropped.
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) towards an unnamed unix socket,
    /// which cannot be answered. As sendmsg(2), of the first message.
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        self.poll_send_with(cx, |socket, with, segmentation| {
            packet::send_run(socket, outbox, with, segmentation)
        })
    }

    fn poll_send_with<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut call: impl FnMut(&Socket, &Outgoing<'_>, &mut Segmentation) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let Self { peer, nap, blocked, segmentation, calls } = self;
        let shared = &peer.shared;
        let key = &peer.mailbox.key;
        if key.source == Addr::Unix(UnixAddr::Unnamed) {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "the sender has no name and cannot be answered; it must bind first",
            )));
        }
        ready!(crate::poll_budget(cx));
        let mut with = Outgoing::to(&key.source);
        with.source = key.local;
        let done = loop {
            let sent = shared.send(|socket| {
                let done = call(socket, &with, segmentation);
                calls.count(would_block(&done));
                done
            });
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let since = *blocked.get_or_insert_with(Instant::now);
                    if since.elapsed() >= shared.limits.patience {
                        shared.replies_dropped.fetch_add(1, Ordering::Relaxed);
                        tracing::debug!(peer = %key.source, "a reply found no room and is dropped");
                        break Err(io::Error::new(
                            io::ErrorKind::TimedOut,
                            "the peer does not read, or the send buffer is full",
                        ));
                    }
                    ready!(nap.poll(cx));
                }
                done => break done,
            }
        };
        *blocked = None;
        nap.reset();
        peer.mailbox.content().active = Instant::now();
        Poll::Ready(done)
    }
}

fn would_block<R>(done: &io::Result<R>) -> bool {
    done.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

impl Peer {
    fn socket(&self) -> &Socket {
        self.shared.io.socket()
    }

    fn socket_ref(&self) -> SocketRef<'_> {
        let key = &self.mailbox.key;
        SocketRef::shared(self.socket(), &key.source, key.local.map(|local| local.address))
    }

    /// Takes some `count` datagrams out of the mailbox; false at the end.
    fn poll_take(
        &self,
        cx: &mut Context<'_>,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        let mut content = self.mailbox.content();
        content.take(count, inbox)?;
        if !inbox.is_empty() {
            return Poll::Ready(Ok(true));
        }
        if content.ended {
            return Poll::Ready(Ok(false));
        }
        content.waker.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        Poll::Pending
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        let known = table.peers.get(&self.mailbox.key);
        if known.is_some_and(|known| Arc::ptr_eq(known, &self.mailbox)) {
            table.peers.remove(&self.mailbox.key);
            // Nothing more is put in: that needs the table.
            let left = self.mailbox.content().datagrams();
            self.shared.dropped.fetch_add(left as u64, Ordering::Relaxed);
        }
    }
}

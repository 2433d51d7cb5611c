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

use std::collections::{HashMap, VecDeque};
use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use anysock_core::{
    Addr, Cell, LocalAddress, Outgoing, OwnedPath, Received, Socket, Type, UnixAddr,
};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::nap::Nap;
use crate::packet::{self, Packet};
use crate::registered::Registered;

/// The bounds of a [`DatagramListener`].
///
/// What is held for unaccepted and accepted peers together is at most `peers` × (`queue_bytes`
/// plus one message).
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
}

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
}

/// The socket and everybody who was heard on it. Alive while the listener or a peer is.
#[derive(Debug)]
struct Shared {
    /// The path goes first: while the socket lives, nobody else can claim it.
    _path: Option<OwnedPath>,
    io: Registered,
    limits: PeerLimits,
    table: Mutex<Table>,
    reader: OnceLock<AbortHandle>,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct Table {
    mailboxes: HashMap<Key, Arc<Mailbox>>,
    arrivals: VecDeque<Arc<Mailbox>>,
    acceptor: Option<Waker>,
    listening: bool,
    /// Receiving was shut down: nobody will be heard again.
    closed: bool,
}

/// What tells peers apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: Addr,
    local: Option<LocalAddress>,
}

/// Where one peer's datagrams wait.
#[derive(Debug)]
struct Mailbox {
    key: Key,
    content: Mutex<Content>,
}

#[derive(Debug)]
struct Content {
    queue: VecDeque<io::Result<Packet>>,
    bytes: usize,
    dropped: u64,
    active: Instant,
    ended: bool,
    waker: Option<Waker>,
}

/// An accepted peer; dropping it forgets it.
#[derive(Debug)]
struct Peer {
    shared: Arc<Shared>,
    mailbox: Arc<Mailbox>,
}

impl DatagramListener {
    pub(crate) fn new(
        socket: Socket,
        limits: PeerLimits,
        path: Option<OwnedPath>,
    ) -> io::Result<Self> {
        crate::expect_type(&socket, Type::Datagram)?;
        if let Addr::Ip(local) = socket.local_addr()? {
            socket.set_receive_errors(true)?;
            // A socket of one address is always asked at that one.
            if local.ip().is_unspecified() {
                socket.set_receive_destination(true)?;
            }
        }
        let shared = Arc::new(Shared {
            _path: path,
            io: Registered::new(socket)?,
            limits,
            table: Mutex::new(Table {
                mailboxes: HashMap::new(),
                arrivals: VecDeque::new(),
                acceptor: None,
                listening: true,
                closed: false,
            }),
            reader: OnceLock::new(),
            dropped: AtomicU64::new(0),
        });
        let reader = tokio::spawn(read(Arc::downgrade(&shared), shared.limits.idle));
        let _ = shared.reader.set(reader.abort_handle());
        Ok(Self { shared })
    }

    /// Where the socket is.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.shared.io.socket().local_addr()
    }

    /// The socket itself. Reading from it takes datagrams away from peers.
    pub fn socket(&self) -> &Socket {
        self.shared.io.socket()
    }

    /// Datagrams that were dropped: of strangers beyond the bound, and for full queues.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Peers that are known now, accepted or waiting.
    pub fn peers(&self) -> usize {
        self.shared.table().mailboxes.len()
    }

    /// Waits for a peer that was not known before.
    ///
    /// # Errors
    ///
    /// Final: receiving on this socket was shut down.
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<DatagramPeer>> {
        let mut table = self.shared.table();
        if let Some(mailbox) = table.arrivals.pop_front() {
            drop(table);
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
            table.mailboxes.remove(&stranger.key);
        }
    }
}

impl DatagramPeer {
    fn new(shared: Arc<Shared>, mailbox: Arc<Mailbox>) -> Self {
        let nap = Nap::new(Duration::from_micros(500), Duration::from_millis(20));
        let peer = Arc::new(Peer { shared, mailbox });
        let receiving = PeerRecv { peer: Arc::clone(&peer) };
        Self { receiving, sending: PeerSend { peer, nap, blocked: None } }
    }

    /// Takes the peer apart into halves that never wait for each other.
    pub fn into_split(self) -> (PeerRecv, PeerSend) {
        (self.receiving, self.sending)
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.sending.cell()
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
        let bound = self.sending.peer.shared.io.socket().local_addr()?;
        Ok(match (bound, self.sending.peer.mailbox.key.local) {
            (Addr::Ip(mut bound), Some(local)) => {
                bound.set_ip(local.address);
                Addr::Ip(bound)
            }
            (bound, _) => bound,
        })
    }

    /// Bytes that wait here.
    pub fn held(&self) -> usize {
        self.receiving.held()
    }

    /// As [`PeerRecv::poll_recv_packet`].
    ///
    /// # Errors
    ///
    /// As [`PeerRecv::poll_recv_packet`].
    pub fn poll_recv_packet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        self.receiving.poll_recv_packet(cx)
    }

    /// As [`PeerSend::poll_send`].
    ///
    /// # Errors
    ///
    /// As [`PeerSend::poll_send`].
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        self.sending.poll_send(cx, message)
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
    /// The next datagram of this peer; `None` once it has been silent for too long, or
    /// receiving was shut down.
    ///
    /// # Errors
    ///
    /// An ICMP answer to what was sent to this peer; the peer lives on.
    pub fn poll_recv_packet(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        ready!(crate::poll_budget(cx));
        let mut content = self.peer.mailbox.content();
        if let Some(next) = content.queue.pop_front() {
            content.bytes -= length(&next);
            return Poll::Ready(next.map(Some));
        }
        // The queue's own memory goes with its last message.
        content.queue = VecDeque::new();
        if content.ended {
            return Poll::Ready(Ok(None));
        }
        content.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Datagrams of this peer that were dropped for a full queue.
    pub fn dropped(&self) -> u64 {
        self.peer.mailbox.content().dropped
    }

    /// Bytes that wait here.
    pub fn held(&self) -> usize {
        self.peer.mailbox.content().bytes
    }
}

impl PeerSend {
    /// The cell.
    pub fn cell(&self) -> Cell {
        self.peer.shared.io.socket().cell()
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
        crate::datagram::max_message(self.peer.shared.io.socket())
    }

    /// Sends one message to this peer, from the address that it asked.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](io::ErrorKind::TimedOut) if there was no room within the listener's
    /// patience: the message is to be dropped.
    /// [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) towards an unnamed unix socket,
    /// which cannot be answered. As sendmsg(2).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        let Self { peer, nap, blocked } = self;
        let shared = &peer.shared;
        let key = &peer.mailbox.key;
        if key.source == Addr::Unix(UnixAddr::Unnamed) {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::AddrNotAvailable,
                "the sender has no name and cannot be answered; it must bind first",
            )));
        }
        ready!(crate::poll_budget(cx));
        let done = loop {
            match shared.send(key, message) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let since = *blocked.get_or_insert_with(Instant::now);
                    if since.elapsed() >= shared.limits.patience {
                        shared.dropped.fetch_add(1, Ordering::Relaxed);
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

impl Drop for Peer {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        let known = table.mailboxes.get(&self.mailbox.key);
        if known.is_some_and(|known| Arc::ptr_eq(known, &self.mailbox)) {
            table.mailboxes.remove(&self.mailbox.key);
        }
    }
}

/// Reads for everybody, until nobody is left.
async fn read(shared: Weak<Shared>, idle: Duration) {
    let period = (idle / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut nap = Nap::new(Duration::from_millis(1), Duration::from_millis(100));
    std::future::poll_fn(|cx| match shared.upgrade() {
        Some(shared) => shared.poll_read(cx, &mut ticks, &mut nap),
        None => Poll::Ready(()),
    })
    .await;
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One turn of the reader: what is there, in batches, each peer woken once a batch.
    fn poll_read(&self, cx: &mut Context<'_>, ticks: &mut Interval, nap: &mut Nap) -> Poll<()> {
        while ticks.poll_tick(cx).is_ready() {
            self.route_errors();
            self.forget_idle();
        }
        loop {
            let mut wakers = Vec::new();
            let turn = self.poll_batch(cx, &mut wakers);
            wakers.into_iter().for_each(Waker::wake);
            match ready!(turn) {
                Ok(true) => nap.reset(),
                Ok(false) => {
                    self.close();
                    return Poll::Ready(());
                }
                // The answer to something that was sent: it is on the error queue as well, and
                // routed from there. Anything else may last, and must not spin.
                Err(error) => {
                    if self.route_errors() == 0 {
                        tracing::warn!(%error, "receiving failed");
                        ready!(nap.poll(cx));
                    }
                }
            }
        }
    }

    /// Up to 32 datagrams; false if receiving was shut down.
    fn poll_batch(&self, cx: &mut Context<'_>, wakers: &mut Vec<Waker>) -> Poll<io::Result<bool>> {
        let most = self.limits.max_message;
        let mut count = 0;
        let done = ready!(self.io.poll_read_with(cx, |socket| {
            while count < 32 {
                match packet::receive(socket, most) {
                    Ok((packet, received)) => wakers.extend(self.deliver(packet, received)),
                    Err(_) if count > 0 => break,
                    Err(error) => return Err(error),
                }
                count += 1;
            }
            Ok(())
        }))?;
        Poll::Ready(Ok(done.is_some()))
    }

    /// Puts one datagram where it belongs; whom to wake.
    fn deliver(&self, packet: Packet, received: Received) -> Option<Waker> {
        let source = received.source.unwrap_or(Addr::Unix(UnixAddr::Unnamed));
        let local = received.destination.filter(|local| !local.address.is_multicast());
        let key = Key { source, local };
        let mut table = self.table();
        if let Some(mailbox) = table.mailboxes.get(&key) {
            return self.queue(mailbox, Ok(packet));
        }
        if !table.listening || table.mailboxes.len() >= self.limits.peers {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(peer = %key.source, "datagram of a stranger dropped");
            return None;
        }
        let mailbox = Arc::new(Mailbox::new(key.clone()));
        self.queue(&mailbox, Ok(packet));
        table.mailboxes.insert(key, Arc::clone(&mailbox));
        table.arrivals.push_back(mailbox);
        table.acceptor.take()
    }

    fn queue(&self, mailbox: &Mailbox, next: io::Result<Packet>) -> Option<Waker> {
        let mut content = mailbox.content();
        content.active = Instant::now();
        let full = content.queue.len() >= self.limits.queue_messages
            || content.bytes >= self.limits.queue_bytes;
        if full {
            content.dropped += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::debug!(peer = %mailbox.key.source, "datagram dropped: the queue is full");
            return None;
        }
        content.bytes += length(&next);
        content.queue.push_back(next);
        content.waker.take()
    }

    /// Takes what the error queue holds to the peers it concerns; how many there were.
    fn route_errors(&self) -> usize {
        if !self.io.socket().cell().domain.is_inet() {
            return 0;
        }
        let mut count = 0;
        while let (Ok(Some((destination, error))), true) =
            (self.io.socket().recv_error(), count < 1_000)
        {
            count += 1;
            let table = self.table();
            let concerned: Vec<_> = table
                .mailboxes
                .values()
                .filter(|mailbox| Some(&mailbox.key.source) == destination.as_ref())
                .cloned()
                .collect();
            drop(table);
            for mailbox in concerned {
                let copy = io::Error::from(error.kind());
                let copy = error.raw_os_error().map_or(copy, io::Error::from_raw_os_error);
                if let Some(waker) = self.queue(&mailbox, Err(copy)) {
                    waker.wake();
                }
            }
        }
        count
    }

    fn forget_idle(&self) {
        let now = Instant::now();
        let mut wakers = Vec::new();
        let mut table = self.table();
        table.mailboxes.retain(|_, mailbox| {
            let mut content = mailbox.content();
            let keep = now.duration_since(content.active) < self.limits.idle;
            if !keep {
                wakers.extend(content.end());
            }
            keep
        });
        table.arrivals.retain(|mailbox| !mailbox.content().ended);
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Receiving was shut down: the end for everybody.
    fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        let mut wakers: Vec<_> = table.acceptor.take().into_iter().collect();
        for mailbox in table.mailboxes.values() {
            let mut content = mailbox.content();
            content.ended = true;
            wakers.extend(content.waker.take());
        }
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Sends to one peer. An error that an earlier message to another peer caused is pending on
    /// the socket, and fails the innocent one: it is routed, and this one sent again.
    fn send(&self, key: &Key, message: &[u8]) -> io::Result<()> {
        let mut with = Outgoing::to(&key.source);
        with.source = key.local;
        let slice = [IoSlice::new(message)];
        let mut attempts = 0;
        loop {
            match self.io.socket().send_message(&slice, &with) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) if attempts < 3 && self.route_errors() > 0 => attempts += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Its registration is gone, and with it whatever would have woken the reader.
        if let Some(reader) = self.reader.get() {
            reader.abort();
        }
    }
}

impl Mailbox {
    fn new(key: Key) -> Self {
        let content = Content {
            queue: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            active: Instant::now(),
            ended: false,
            waker: None,
        };
        Self { key, content: Mutex::new(content) }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    /// Ends the conversation, and discards what waits.
    fn end(&mut self) -> Option<Waker> {
        self.ended = true;
        self.queue = VecDeque::new();
        self.bytes = 0;
        self.waker.take()
    }
}

fn length(packet: &io::Result<Packet>) -> usize {
    match packet {
        Ok(Packet::Message(message)) => message.len(),
        _ => 0,
    }
}

//! The one task that reads, and where it puts what it reads.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use anysock_core::{Addr, Credentials, OwnedPath, Received, RecvBatch, Socket};
use tokio::task::AbortHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::PeerLimits;
use super::mailbox::{Key, Mailbox};
use super::peers::Peers;
use super::sorting::Sorted;
use crate::addressed::is_answer;
use crate::gate::Gate;
use crate::nap::Nap;
use crate::packet::{self, Drained, Wanted};
use crate::registered::Registered;

/// The socket and everybody who was heard on it. Alive while the listener or a peer is.
#[derive(Debug)]
pub(super) struct Shared {
    /// The path goes first: while the socket lives, nobody else can claim it.
    path: Mutex<Option<OwnedPath>>,
    pub(super) io: Registered,
    /// Whether the kernel puts datagrams together.
    pub(super) offload: bool,
    pub(super) limits: PeerLimits,
    pub(super) table: Mutex<Table>,
    pub(super) reader: OnceLock<AbortHandle>,
    pub(super) dropped: AtomicU64,
    pub(super) replies_dropped: AtomicU64,
    pub(super) refused: AtomicU64,
    /// Held by the reader from before it receives until all is delivered.
    gate: Mutex<Option<Gate>>,
    /// Descriptors that wait, of all peers.
    descriptors: Arc<AtomicUsize>,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) peers: Peers,
    pub(super) arrivals: VecDeque<Arc<Mailbox>>,
    pub(super) acceptor: Option<Waker>,
    pub(super) listening: bool,
    /// Receiving was shut down: nobody will be heard again.
    pub(super) closed: bool,
}

/// Reads for everybody, until nobody is left.
async fn read(shared: Weak<Shared>, idle: Duration) {
    let period = (idle / 4).clamp(Duration::from_millis(10), Duration::from_secs(1));
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut nap = Nap::new(Duration::from_millis(1), Duration::from_millis(100));
    let mut sorted = Sorted::default();
    std::future::poll_fn(|cx| match shared.upgrade() {
        Some(shared) => shared.poll_read(cx, &mut ticks, &mut nap, &mut sorted),
        None => Poll::Ready(()),
    })
    .await;
}

impl Shared {
    /// Registers the socket and begins to read.
    pub(super) fn start(
        socket: Socket,
        limits: PeerLimits,
        path: Option<OwnedPath>,
        gate: Option<Gate>,
    ) -> io::Result<Arc<Self>> {
        let mut offload = false;
        if let Addr::Ip(local) = socket.local_addr()? {
            offload = socket.set_receive_offload(true).is_ok();
            socket.set_receive_errors(true)?;
            // A socket of one address is always asked at that one.
            if local.ip().is_unspecified() {
                socket.set_receive_destination(true)?;
            }
        }
        let shared = Arc::new(Shared {
            path: Mutex::new(path),
            io: Registered::new(socket)?,
            offload,
            limits,
            table: Mutex::new(Table {
                peers: Peers::default(),
                arrivals: VecDeque::new(),
                acceptor: None,
                listening: true,
                closed: false,
            }),
            reader: OnceLock::new(),
            dropped: AtomicU64::new(0),
            replies_dropped: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            gate: Mutex::new(gate),
            descriptors: Arc::default(),
        });
        let reader = tokio::spawn(read(Arc::downgrade(&shared), shared.limits.idle));
        let _ = shared.reader.set(reader.abort_handle());
        Ok(shared)
    }

    pub(super) fn path(&self) -> MutexGuard<'_, Option<OwnedPath>> {
        self.path.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gate(&self) -> MutexGuard<'_, Option<Gate>> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives only who is admitted, from here on. What was sent before the kernel tells by whom
    /// is discarded; so is who was heard and not accepted yet.
    pub(super) fn allow(&self, gate: Gate) -> io::Result<()> {
        let mut current = self.gate();
        Gate::prepare(self.io.socket())?;
        *current = Some(gate);
        let mut refused = crate::datagram::discard_queued(self.io.socket());
        let mut table = self.table();
        for stranger in std::mem::take(&mut table.arrivals) {
            table.peers.remove(&stranger.key);
            refused += stranger.content().messages();
        }
        self.refused.fetch_add(refused as u64, Ordering::Relaxed);
        Ok(())
    }

    /// One turn of the reader: what is there, in batches, each peer woken once a batch.
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        ticks: &mut Interval,
        nap: &mut Nap,
        sorted: &mut Sorted,
    ) -> Poll<()> {
        while ticks.poll_tick(cx).is_ready() {
            self.route_errors();
            self.forget_idle();
        }
        loop {
            let gate = self.gate();
            let turn = self.poll_batch(cx, sorted, gate.as_ref());
            self.deliver(sorted);
            drop(gate);
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

    /// One batch of datagrams; false if receiving was shut down.
    fn poll_batch(
        &self,
        cx: &mut Context<'_>,
        sorted: &mut Sorted,
        gate: Option<&Gate>,
    ) -> Poll<io::Result<bool>> {
        let inet = self.io.socket().cell().domain.is_inet();
        let asked = self.io.socket().asked();
        let wanted = Wanted {
            most: self.limits.max_message,
            count: RecvBatch::MOST,
            offload: self.offload,
            sources: true,
            control: inet || gate.is_some() || !asked.is_empty(),
            asked,
        };
        let mut refused = Refused::default();
        let done = ready!(self.io.poll_read_batch(cx, |socket| {
            let mut is_refused = |received: &Received| {
                let sender = received.credentials;
                let is_refused = gate.is_some_and(|gate| !gate.admits_datagram(sender.as_ref()));
                if is_refused {
                    refused.note(sender);
                }
                is_refused
            };
            if wanted.is_single() {
                let (packet, received) = packet::receive_one(socket, wanted.most)?;
                if !is_refused(&received) {
                    sorted.put_one(packet, received, asked);
                }
                return Ok(((), false));
            }
            let drained = packet::receive_each(socket, wanted, |mut one, size| {
                let mut along = if wanted.control { one.along() } else { Received::default() };
                if !is_refused(&along) {
                    along.source = one.source();
                    sorted.put(&one, along, size, wanted);
                }
                true
            })?;
            Ok(((), drained == Drained::Yes))
        }))?;
        self.refused.fetch_add(refused.tell(), Ordering::Relaxed);
        Poll::Ready(Ok(done.is_some()))
    }

    /// Puts a batch where it belongs, and wakes each peer once.
    fn deliver(&self, sorted: &mut Sorted) {
        if sorted.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut wakers = Vec::new();
        let mut table = self.table();
        for (key, packets) in sorted.drain() {
            let dropped = match self.mailbox(&mut table, key, &mut wakers) {
                Some(mailbox) => {
                    let mut content = mailbox.content();
                    let dropped = content.put(packets, now, &self.limits);
                    wakers.extend(content.waker.take());
                    dropped
                }
                None => packets.map(|entry| entry.len()).sum(),
            };
            if dropped > 0 {
                self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
                tracing::debug!(dropped, "datagrams of a stranger or for a full queue dropped");
            }
        }
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The mailbox of a peer, who may have been unknown until now; `None` if there is none for
    /// him.
    fn mailbox(
        &self,
        table: &mut Table,
        key: Key,
        wakers: &mut Vec<Waker>,
    ) -> Option<Arc<Mailbox>> {
        if let Some(mailbox) = table.peers.get(&key) {
            return Some(Arc::clone(mailbox));
        }
        if !table.listening || table.peers.len() >= self.limits.peers {
            return None;
        }
        let mailbox = Arc::new(Mailbox::new(key, Arc::clone(&self.descriptors)));
        table.peers.insert(Arc::clone(&mailbox));
        table.arrivals.push_back(Arc::clone(&mailbox));
        wakers.extend(table.acceptor.take());
        Some(mailbox)
    }

    /// Takes what the error queue holds to the peers it concerns; how many there were.
    fn route_errors(&self) -> usize {
        if !self.io.socket().cell().domain.is_inet() {
            return 0;
        }
        let mut count = 0;
        while let (Ok(Some(error)), true) = (self.io.socket().recv_error(), count < 1_000) {
            count += 1;
            let Some(destination) = &error.destination else { continue };
            let concerned = self.table().peers.of(destination);
            for mailbox in concerned {
                let waker = mailbox.content().put_error(error.clone().into(), &self.limits);
                waker.into_iter().for_each(Waker::wake);
            }
        }
        count
    }

    fn forget_idle(&self) {
        let now = Instant::now();
        let (mut wakers, mut dropped) = (Vec::new(), 0);
        let mut table = self.table();
        table.peers.retain(|mailbox| {
            let mut content = mailbox.content();
            let keep = now.duration_since(content.active) < self.limits.idle;
            if !keep {
                dropped += content.datagrams();
                wakers.extend(content.end());
            }
            keep
        });
        self.dropped.fetch_add(dropped as u64, Ordering::Relaxed);
        table.arrivals.retain(|mailbox| !mailbox.content().ended);
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Receiving was shut down: the end for everybody.
    fn close(&self) {
        let mut table = self.table();
        table.closed = true;
        let mut wakers: Vec<_> = table.acceptor.take().into_iter().collect();
        for mailbox in table.peers.all() {
            let mut content = mailbox.content();
            content.ended = true;
            wakers.extend(content.waker.take());
        }
        drop(table);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Sends to one peer. An error that an earlier message to another peer caused is pending on
    /// the socket, and fails the innocent one: it is routed, and this one sent again.
    pub(super) fn send<R>(&self, mut call: impl FnMut(&Socket) -> io::Result<R>) -> io::Result<R> {
        let mut attempts = 0;
        loop {
            match call(self.io.socket()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                // The reader may have routed it a moment ago: what speaks of an earlier message
                // is worth another attempt even then.
                Err(error) if attempts < 3 && (self.route_errors() > 0 || is_answer(&error)) => {
                    attempts += 1;
                }
                done => return done,
            }
        }
    }
}

/// What of one batch the gate has refused.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    last: Option<Credentials>,
}

impl Refused {
    fn note(&mut self, sender: Option<Credentials>) {
        self.count += 1;
        self.last = sender;
    }

    /// Logs it, once for all, so that who floods does not fill a disk; how many there were.
    fn tell(&self) -> u64 {
        if self.count > 0 {
            let [uid, gid] = [self.last.map(|last| last.uid), self.last.map(|last| last.gid)];
            let pid = self.last.and_then(|last| last.pid);
            tracing::info!(count = self.count, uid, gid, pid, "datagrams refused by the gate");
        }
        self.count
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

//! The peers of a datagram socket, driven by a script of bytes over real sockets.
//!
//! An input is the domain, the limits, and then what happens: senders come and go, send one, many,
//! empty and too long messages, each with a number in it; peers are accepted, received from,
//! answered and dropped.

use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::Poll;
use std::time::{Duration, Instant};

use anysock_async::{Accepted, DatagramListener, Listener, PeerLimits, bind};
use anysock_core::{Addr, Cell, Domain, Options, Outgoing, Socket, Type, UnixAddr};
use tokio::runtime::{Builder, Runtime};

use self::accept::Accept;
use super::Tried;
use super::script::Script;

mod accept;

/// So many senders at a time, who have a name.
const SENDERS: usize = 8;

/// So many strangers in one script.
const STRANGERS: usize = 200;

/// Longer scripts are cut off.
const LONGEST: usize = 400;

/// How long anything may take that is under way.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who has sent, and to which address of ours.
type Key = (Addr, Addr);

/// All that is known.
struct World {
    listener: Listener,
    limits: PeerLimits,
    /// Where it is reached: at two addresses if it is bound to all, else twice the same.
    at: [Addr; 2],
    domain: Domain,
    senders: [Option<Sender>; SENDERS],
    /// Addresses that senders have had, which none gets again.
    used: HashSet<Addr>,
    strangers: usize,
    peers: HashMap<Key, Accept>,
    sent_by: HashMap<Key, u64>,
    sent: u64,
    received: u64,
    /// Messages that were perhaps in the queue of a peer that was dropped.
    discarded: u64,
    tried: Tried,
}

struct Sender {
    socket: Socket,
    addr: Addr,
}

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
}

/// The script.
pub(super) fn run(input: &[u8]) -> Tried {
    let input = &input[..input.len().min(LONGEST)];
    RUNTIME.with(|runtime| runtime.block_on(play(Script(input))))
}

async fn play(mut script: Script<'_>) -> Tried {
    let mut world = World::new(&mut script).await;
    while let Some(event) = script.next() {
        world.happen(event, &mut script).await;
        world.check();
    }
    world.settle().await;
    world.tried
}

/// The address that asks the kernel to choose.
fn anywhere(domain: Domain) -> Addr {
    match domain {
        Domain::Unix => Addr::Unix(UnixAddr::Unnamed),
        Domain::Ipv4 => Addr::Ip(([127, 0, 0, 1], 0).into()),
        Domain::Ipv6 => Addr::Ip((std::net::Ipv6Addr::LOCALHOST, 0).into()),
    }
}

impl World {
    async fn new(script: &mut Script<'_>) -> Self {
        let (domain, is_unspecified) = match script.below(4) {
            0 => (Domain::Unix, false),
            1 => (Domain::Ipv4, false),
            2 => (Domain::Ipv4, true),
            _ => (Domain::Ipv6, false),
        };
        let limits = PeerLimits {
            peers: script.below(6) + 1,
            queue_messages: script.below(40) + 1,
            queue_bytes: (script.below(64) + 1) * 32,
            max_message: script.below(64) * 8 + 16,
            idle: Duration::from_secs(3600),
            ..PeerLimits::default()
        };
        let mut bound = anywhere(domain);
        if is_unspecified {
            bound = Addr::Ip(([0, 0, 0, 0], 0).into());
        }
        let listener = bind(&bound, Type::Datagram, &Options::default(), &limits).await.unwrap();
        let mut at = [1, 2].map(|_| listener.local_addr().unwrap());
        if is_unspecified {
            for (at, last) in at.iter_mut().zip(1..) {
                let Addr::Ip(at) = at else { unreachable!() };
                at.set_ip([127, 0, 0, last].into());
            }
        }
        Self {
            listener,
            limits,
            at,
            domain,
            senders: [const { None }; SENDERS],
            used: HashSet::new(),
            strangers: 0,
            peers: HashMap::new(),
            sent_by: HashMap::new(),
            sent: 0,
            received: 0,
            discarded: 0,
            tried: Tried::ways(1),
        }
    }

    async fn happen(&mut self, event: u8, script: &mut Script<'_>) {
        let (who, what) = (usize::from(event >> 4) % SENDERS, event % 16);
        match what {
            0..=2 => self.send(who, script.below(255), 1).await,
            3 | 4 => self.send(who, script.below(32) + 1, 12).await,
            5 => self.send(who, script.below(32) + 1, 70).await,
            6 | 7 => self.flood(script.below(12)).await,
            8 | 9 => self.accept().await,
            10 | 11 => self.receive(who, script.below(50)).await,
            12 | 13 => self.answer(who, script.below(4)).await,
            14 => self.drop_peer(who),
            _ => self.senders[who] = None,
        }
    }

    /// So many messages of a sender who may be new, of so many words; of none they are empty.
    async fn send(&mut self, who: usize, words: usize, count: usize) {
        let sender = match self.senders[who].take() {
            Some(sender) => sender,
            None => self.fresh_sender(who),
        };
        for _ in 0..count {
            self.send_one(&sender, who as u8, words).await;
        }
        self.senders[who] = Some(sender);
        self.read().await;
    }

    /// Strangers who say something and are gone; on unix every other has no name.
    async fn flood(&mut self, count: usize) {
        for n in 0..count {
            self.strangers += 1;
            if self.strangers > STRANGERS {
                break;
            }
            let stranger = match self.domain {
                Domain::Unix if n % 2 == 1 => Sender::unnamed(),
                _ => self.fresh_sender(n),
            };
            self.send_one(&stranger, 0, 1).await;
        }
        self.read().await;
    }

    /// One whose address nobody has had before.
    fn fresh_sender(&mut self, who: usize) -> Sender {
        let mut others = Vec::new();
        loop {
            let sender = Sender::new(self.domain, who);
            if self.used.insert(sender.addr.clone()) {
                return sender;
            }
            // Kept until another is found, or it would be found again.
            others.push(sender);
        }
    }

    /// The reader makes room, where the socket has none.
    async fn send_one(&mut self, sender: &Sender, who: u8, words: usize) {
        let mut message = vec![who; words * 4];
        if let Some(number) = message.first_chunk_mut() {
            *number = (self.sent as u32).to_ne_bytes();
        }
        let at = self.at[self.sent as usize % 2].clone();
        let until = Instant::now() + PATIENCE;
        loop {
            match sender.socket.send_message(&[IoSlice::new(&message)], &Outgoing::to(&at)) {
                Ok(length) => assert_eq!(length, message.len()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    assert!(Instant::now() < until, "the reader does not read");
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(error) => panic!("{error}"),
            }
            self.sent += 1;
            *self.sent_by.entry((sender.addr.clone(), at)).or_default() += 1;
            return;
        }
    }

    /// Lets the reader read all that the socket has.
    async fn read(&self) {
        let until = Instant::now() + PATIENCE;
        let socket = socket2::SockRef::from(self.listener.socket());
        // An error of the network comes before what is there.
        let is_empty = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
        while !socket.peek(&mut []).is_err_and(is_empty) {
            assert!(Instant::now() < until, "the reader does not read");
            tokio::task::yield_now().await;
        }
    }

    async fn accept(&mut self) {
        let all = poll_fn(|cx| {
            let mut all = Vec::new();
            while let Poll::Ready(accepted) = self.listener.poll_accept(cx) {
                all.push(accepted);
            }
            Poll::Ready(all)
        });
        for accepted in all.await {
            let Ok(Accepted::Peer(peer)) = accepted else { panic!("{accepted:?}") };
            let key = (peer.peer_addr().clone(), peer.local_addr().unwrap());
            assert!(self.sent_by.contains_key(&key), "nobody sent {key:?}");
            let accepted = Accept::new(peer);
            assert!(self.peers.insert(key, accepted).is_none(), "one peer came twice");
        }
    }

    /// The peer that a sender is, if it was accepted: one of two where there are two.
    fn key(&self, who: usize) -> Option<Key> {
        let key = (self.senders[who].as_ref()?.addr.clone(), self.at[who % 2].clone());
        self.peers.contains_key(&key).then_some(key)
    }

    /// Up to so many messages of a peer, which come in the order in which they were sent.
    async fn receive(&mut self, who: usize, count: usize) {
        let Some(key) = self.key(who) else { return };
        let accepted = self.peers.get_mut(&key).unwrap();
        self.received += accepted.receive(count, &self.limits, Some(who as u8)).await;
    }

    /// Answers all peers, of whom some are not there any more.
    async fn answer(&mut self, who: usize, count: usize) {
        for ((source, _), accepted) in &mut self.peers {
            if count > 0 || self.senders[who].as_ref().is_some_and(|one| one.addr == *source) {
                accepted.answer().await;
            }
        }
    }

    fn drop_peer(&mut self, who: usize) {
        let Some(key) = self.key(who) else { return };
        let accepted = self.peers.remove(&key).unwrap();
        // All that was sent until now was read.
        self.discarded += self.sent_by.remove(&key).unwrap_or(0) - accepted.received();
    }

    fn datagrams(&self) -> &DatagramListener {
        self.listener.as_datagrams().unwrap()
    }

    /// What holds at any time.
    fn check(&mut self) {
        let known = self.datagrams().peers();
        assert!(known <= self.limits.peers, "{known} peers");
        assert!(self.peers.len() <= known, "{} of {known} peers", self.peers.len());
        // What waits and what was taken out of the queue count together.
        let allowed = self.limits.queue_bytes + self.limits.max_message;
        for accepted in self.peers.values() {
            let held = accepted.held();
            assert!(held <= allowed, "{held} bytes are held, {allowed} may be");
            self.tried = self.tried.holding(held, allowed);
        }
        let (dropped, received, sent) = (self.datagrams().dropped(), self.received, self.sent);
        assert!(received + dropped <= sent, "{received} and {dropped} of {sent}");
    }

    /// In the end every message was received, or dropped and counted.
    async fn settle(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            self.read().await;
            self.accept().await;
            for accepted in self.peers.values_mut() {
                self.received += accepted.receive(usize::MAX, &self.limits, None).await;
            }
            self.check();
            let dropped = self.datagrams().dropped();
            if self.sent - self.received - dropped <= self.discarded {
                return;
            }
            assert!(
                Instant::now() < until,
                "of {} messages {} were received, {dropped} dropped, and at most {} discarded",
                self.sent,
                self.received,
                self.discarded
            );
            tokio::task::yield_now().await;
        }
    }
}

impl Sender {
    /// On IPv4 each has an address of its own: the whole network is this host's.
    fn new(domain: Domain, who: usize) -> Self {
        let socket = Socket::open(Cell::new(domain, Type::Datagram)).unwrap();
        let at = match domain {
            Domain::Ipv4 => Addr::Ip(([127, 0, 1, who as u8 + 1], 0).into()),
            domain => anywhere(domain),
        };
        // The kernel gives an abstract name to a unix socket that is bound to none.
        socket.bind(&at).unwrap();
        let addr = socket.local_addr().unwrap();
        Self { socket, addr }
    }

    fn unnamed() -> Self {
        let socket = Socket::open(Cell::UNIX_DATAGRAM).unwrap();
        Self { socket, addr: Addr::Unix(UnixAddr::Unnamed) }
    }
}

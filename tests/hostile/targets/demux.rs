//! The peers of a datagram socket, driven by a script of bytes over real sockets.
//!
//! An input is the domain, the limits, and then what happens: senders come and go, send one, many,
//! empty and too long messages, each with their own number in it; peers are accepted, received
//! from and dropped.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::Poll;
use std::time::{Duration, Instant};

use anysock_async::{Accepted, DatagramPeer, Listener, Packet, PeerLimits, bind};
use anysock_core::{Addr, Cell, Domain, Options, Outgoing, Socket, Type, UnixAddr};
use tokio::runtime::{Builder, Runtime};

use super::Tried;
use super::script::Script;

/// So many senders at a time, who have a name.
const SENDERS: usize = 8;

/// Longer scripts are cut off.
const LONGEST: usize = 400;

/// All that is known.
struct World {
    listener: Listener,
    limits: PeerLimits,
    at: Addr,
    domain: Domain,
    senders: [Option<Sender>; SENDERS],
    peers: HashMap<Addr, Accept>,
    sent: u64,
    received: u64,
    /// Messages that were perhaps in the queue of a peer that was dropped.
    discarded: u64,
    tried: Tried,
}

struct Sender {
    socket: Socket,
    addr: Addr,
    next: u32,
}

struct Accept {
    peer: DatagramPeer,
    /// The number of the last message.
    last: Option<u32>,
    received: u64,
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

/// The local part of an address that asks the kernel to choose.
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
        let mut at = anywhere(domain);
        if is_unspecified {
            at = Addr::Ip(([0, 0, 0, 0], 0).into());
        }
        let listener = bind(&at, Type::Datagram, &Options::default(), &limits).await.unwrap();
        let mut at = listener.local_addr().unwrap();
        if let (true, Addr::Ip(at)) = (is_unspecified, &mut at) {
            at.set_ip([127, 0, 0, 1].into());
        }
        Self {
            listener,
            limits,
            at,
            domain,
            senders: [const { None }; SENDERS],
            peers: HashMap::new(),
            sent: 0,
            received: 0,
            discarded: 0,
            tried: Tried::ways(1),
        }
    }

    async fn happen(&mut self, event: u8, script: &mut Script<'_>) {
        let who = usize::from(event >> 4) % SENDERS;
        match event % 8 {
            0 => self.send(who, script.below(255), 1).await,
            1 => self.send(who, script.below(32) + 12, 12).await,
            2 => self.send(who, script.below(32) + 12, 70).await,
            3 => self.flood(script.below(12)).await,
            4 => self.accept().await,
            5 => self.receive(who, script.below(50)).await,
            6 => self.drop_peer(who),
            _ => self.senders[who] = None,
        }
    }

    /// So many messages of a sender who may be new: shorter than a number they are empty.
    async fn send(&mut self, who: usize, length: usize, count: usize) {
        let domain = self.domain;
        let mut sender = self.senders[who].take().unwrap_or_else(|| Sender::new(domain, who));
        let length = length * 4;
        for _ in 0..count {
            let mut message = vec![who as u8; length];
            match message.first_chunk_mut() {
                Some(number) => *number = sender.next.to_ne_bytes(),
                None => message.clear(),
            }
            sender.next += 1;
            self.send_one(&sender.socket, &message).await;
        }
        self.senders[who] = Some(sender);
        self.read().await;
    }

    /// Strangers who say something and are gone.
    async fn flood(&mut self, count: usize) {
        for n in 0..count {
            let stranger = Sender::new(self.domain, n);
            self.send_one(&stranger.socket, &[0; 4]).await;
        }
        self.read().await;
    }

    /// The reader makes room, where the socket has none.
    async fn send_one(&mut self, socket: &Socket, message: &[u8]) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            match socket.send_message(&[IoSlice::new(message)], &Outgoing::to(&self.at)) {
                Ok(length) => assert_eq!(length, message.len()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    assert!(Instant::now() < until, "the reader does not read");
                    tokio::task::yield_now().await;
                    continue;
                }
                Err(error) => panic!("{error}"),
            }
            self.sent += 1;
            return;
        }
    }

    /// Lets the reader read all that the socket has.
    async fn read(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        let socket = socket2::SockRef::from(self.listener.socket());
        while socket.peek(&mut []).is_ok() {
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
            let addr = peer.peer_addr().clone();
            let accepted = Accept { peer, last: None, received: 0 };
            assert!(self.peers.insert(addr, accepted).is_none(), "one peer came twice");
        }
    }

    /// Up to so many messages of a peer, which come in the order in which they were sent.
    async fn receive(&mut self, who: usize, count: usize) {
        let Some(sender) = &self.senders[who] else { return };
        let Some(accepted) = self.peers.get_mut(&sender.addr) else { return };
        let limits = &self.limits;
        self.received += accepted.receive(count, limits, Some(who as u8)).await;
    }

    fn drop_peer(&mut self, who: usize) {
        let Some(sender) = &self.senders[who] else { return };
        let Some(accepted) = self.peers.remove(&sender.addr) else { return };
        self.discarded += u64::from(sender.next) - accepted.received;
    }

    /// What holds at any time.
    fn check(&mut self) {
        let datagrams = self.listener.as_datagrams().unwrap();
        assert!(datagrams.peers() <= self.limits.peers);
        assert!(self.peers.len() <= datagrams.peers());
        // What waits and what was taken out of the queue count together.
        let allowed = self.limits.queue_bytes + self.limits.max_message;
        for accepted in self.peers.values() {
            let held = accepted.peer.held();
            assert!(held <= allowed, "{held} bytes are held, {allowed} may be");
            self.tried = self.tried.holding(held, allowed);
        }
        let dropped = datagrams.dropped();
        let (sent, received) = (self.sent, self.received);
        assert!(received + dropped <= sent, "{received} and {dropped} of {sent}");
    }

    /// In the end every message was received, or dropped and counted.
    async fn settle(&mut self) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            self.read().await;
            self.accept().await;
            for accepted in self.peers.values_mut() {
                self.received += accepted.receive(usize::MAX, &self.limits, None).await;
            }
            self.check();
            let dropped = self.listener.as_datagrams().unwrap().dropped();
            let missing = self.sent - self.received - dropped;
            if missing <= self.discarded {
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
    fn new(domain: Domain, who: usize) -> Self {
        let cell = Cell::new(domain, Type::Datagram);
        let socket = Socket::open(cell).unwrap();
        let at = match domain {
            // The whole network is this host's.
            Domain::Ipv4 => Addr::Ip(([127, 0, 1, who as u8 + 1], 0).into()),
            domain => anywhere(domain),
        };
        // The kernel gives an abstract name to a unix socket that is bound to none.
        socket.bind(&at).unwrap();
        let addr = socket.local_addr().unwrap();
        Self { socket, addr, next: 0 }
    }
}

impl Accept {
    /// Receives what is there, and checks that it is this peer's; how much it was.
    async fn receive(&mut self, count: usize, limits: &PeerLimits, who: Option<u8>) -> u64 {
        let before = self.received;
        for _ in 0..count {
            let next = poll_fn(|cx| match self.peer.poll_recv_packet(cx) {
                Poll::Ready(packet) => Poll::Ready(Some(packet)),
                Poll::Pending => Poll::Ready(None),
            });
            let Some(packet) = next.await else { break };
            let Some(packet) = packet.unwrap() else { panic!("the peer has ended") };
            self.received += 1;
            self.check(packet, limits, who);
        }
        self.received - before
    }

    fn check(&mut self, packet: Packet, limits: &PeerLimits, who: Option<u8>) {
        match packet {
            Packet::Message(message) => {
                assert!(message.len() <= limits.max_message);
                let Some((number, rest)) = message.split_first_chunk() else {
                    return assert!(message.is_empty());
                };
                let number = u32::from_ne_bytes(*number);
                assert!(self.last.is_none_or(|last| last < number), "{number} was late");
                self.last = Some(number);
                let who = who.or(rest.first().copied());
                assert!(rest.iter().all(|byte| Some(*byte) == who), "another's message");
            }
            Packet::Truncated { length } => assert!(length > limits.max_message),
            other => panic!("{other:?}"),
        }
    }
}

//! The sockets underneath, whose promise is stricter: what does not resolve has sent nothing.

use std::io;

use anysock::core::{Outgoing, RecvBatch};
use anysock::sockets::{DatagramSocket, SeqPacketSocket};
use anysock::{Addr, Ancillary, Options};
use fastrand::Rng;

use crate::ledger::{Ledger, SHORTEST, Sent};
use crate::probe::{MOST_POLLS, Probe, World, once, within};
use crate::prove::{Case, Trying};
use crate::stop::{Stop, Verdict, ensure};

/// Each operation, on the sockets that have it.
pub(crate) fn cases() -> Vec<Case> {
    let datagrams = ["unix-datagram", "ipv4-datagram", "ipv6-datagram"];
    let mut cases = crate::over(&["send", "send_with", "recv"], &["unix-seqpacket"]);
    let operations =
        ["send", "send_to", "send_with", "send_batch", "recv", "recv_from", "recv_batch"];
    cases.extend(crate::over(&operations, &datagrams));
    cases.extend(crate::over(&["recv_error"], &datagrams[1..]));
    cases
}

/// A socket that keeps boundaries.
enum Raw {
    SeqPacket(SeqPacketSocket),
    Datagram(DatagramSocket),
}

/// Two of them, and the messages from the near one, or to it.
struct Pair {
    near: Raw,
    far: Raw,
    near_addr: Addr,
    far_addr: Addr,
    out: Ledger,
    back: Ledger,
    descriptors: bool,
}

/// The far one reads and sends a little.
struct Far<'a> {
    socket: &'a Raw,
    to: &'a Addr,
    incoming: &'a mut Ledger,
    outgoing: &'a mut Ledger,
    reads: u8,
}

pub(crate) fn at_every_poll(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let mut pair = Pair::open(probe.operation, probe.transport)?;
        for _ in 0..4 {
            for polls in 0..MOST_POLLS {
                if probe.is_over(polls) {
                    return Ok(());
                }
                let done = pair.drop_at(probe, polls).await?;
                if done || probe.rng.u8(0..4) == 0 {
                    pair.settle().await?;
                }
                if done {
                    break;
                }
            }
        }
        pair.settle().await?;
        let Pair { near, far, out, back, .. } = pair;
        drop((near, far));
        out.all_are_closed().await?;
        back.all_are_closed().await
    })
}

impl Pair {
    fn open(operation: &str, transport: &str) -> Verdict<Self> {
        let small = Options::default().send_buffer(8192);
        let any = match transport {
            "ipv4-datagram" => Some("127.0.0.1:0"),
            "ipv6-datagram" => Some("[::1]:0"),
            _ => None,
        };
        let descriptors = transport.starts_with("unix");
        let (near, far) = if transport == "unix-seqpacket" {
            let (near, far) = SeqPacketSocket::pair()?;
            small.apply(near.socket())?;
            (Raw::SeqPacket(near), Raw::SeqPacket(far))
        } else {
            let addr = match any {
                Some(any) => Addr::Ip(any.parse()?),
                None => Addr::Unix(anysock::UnixAddr::Unnamed),
            };
            let near = DatagramSocket::bind(&addr, &small)?;
            let far = DatagramSocket::bind(&addr, &Options::default())?;
            // The answer to what a connected socket sends to others comes to nobody.
            if operation != "recv_error" {
                near.connect(&far.local_addr()?)?;
            }
            (Raw::Datagram(near), Raw::Datagram(far))
        };
        let addr = |raw: &Raw| match raw {
            Raw::SeqPacket(socket) => socket.local_addr(),
            Raw::Datagram(socket) => socket.local_addr(),
        };
        let (near_addr, far_addr) = (addr(&near)?, addr(&far)?);
        for raw in [&near, &far] {
            let socket = match raw {
                Raw::SeqPacket(socket) => socket.socket(),
                Raw::Datagram(socket) => socket.socket(),
            };
            if descriptors {
                socket.ask(Ancillary::DESCRIPTORS, true)?;
            } else {
                socket.set_receive_errors(true)?;
            }
        }
        let (out, back) = (Ledger::new('>'), Ledger::new('<'));
        Ok(Self { near, far, near_addr, far_addr, out, back, descriptors })
    }

    async fn drop_at(&mut self, probe: &mut Probe, polls: u32) -> Verdict<bool> {
        let Self { near, far, near_addr, far_addr, out, back, descriptors } = self;
        let reads = probe.rng.u8(1..6);
        let length = probe.rng.usize(SHORTEST..4000);
        // On the internet nothing waits for a reader, and what is too much is lost.
        let is_lossy = !*descriptors;
        if is_lossy && (out.in_flight().0 > 12 || back.in_flight().0 > 12) {
            self.settle().await?;
            return Ok(false);
        }
        if probe.operation.starts_with("send") {
            // As much as fits, so that it has to wait.
            for _ in 0..probe.rng.usize(0..if is_lossy { 2 } else { 14 }) {
                let (message, _) = out.make(length, 0);
                let sent = once(near.send(&message)).await.transpose()?;
                out.last_is(if sent.is_some() { Sent::Surely } else { Sent::Never })?;
                probe.note(("filled", length, sent.is_some()));
            }
            let with = probe.operation == "send_with" && *descriptors;
            let count = if with { probe.rng.usize(1..4) } else { 0 };
            let mut world =
                Far { socket: far, to: near_addr, incoming: out, outgoing: back, reads };
            return send(probe, polls, near, far_addr, (length, count), &mut world).await;
        }
        let mut world = Far { socket: far, to: near_addr, incoming: out, outgoing: back, reads };
        if probe.operation == "recv_error" {
            return recv_error(probe, polls, near, &mut world).await;
        }
        receive(probe, polls, near, &mut world).await
    }

    /// An ordinary exchange: all that has to arrive does.
    async fn settle(&mut self) -> Verdict {
        let Self { near, far, near_addr, far_addr, out, back, .. } = self;
        within("an exchange after a drop", async {
            while !out.is_settled() {
                far.receive(out).await?;
            }
            while !back.is_settled() {
                near.receive(back).await?;
            }
            for (from, to, addr, ledger) in
                [(&*near, &*far, &*far_addr, &mut *out), (&*far, &*near, &*near_addr, &mut *back)]
            {
                let (message, _) = ledger.make(100, 0);
                match from {
                    Raw::Datagram(socket) => socket.send_to(&message, addr).await?,
                    Raw::SeqPacket(socket) => socket.send(&message).await?,
                }
                ledger.last_is(Sent::Surely)?;
                while !ledger.is_settled() {
                    to.receive(ledger).await?;
                }
            }
            Ok(())
        })
        .await?
    }
}

async fn send(
    probe: &mut Probe,
    polls: u32,
    near: &Raw,
    to: &Addr,
    (length, count): (usize, usize),
    world: &mut Far<'_>,
) -> Verdict<bool> {
    let (message, attached) = world.incoming.make(length, count);
    let number = world.incoming.len() - 1;
    world.incoming.is(number, Sent::Perhaps)?;
    probe.note((length, count));
    let operation = probe.operation;
    if operation == "send_batch" {
        return send_batch(probe, polls, near, to, &message, world).await;
    }
    let sending = async {
        let with = Outgoing::default().with_attached(&attached);
        match (near, operation) {
            (Raw::SeqPacket(socket), "send") => socket.send(&message).await,
            (Raw::SeqPacket(socket), _) => socket.send_with(&message, &with).await,
            (Raw::Datagram(socket), "send") => socket.send(&message).await,
            (Raw::Datagram(socket), "send_to") => socket.send_to(&message, to).await,
            (Raw::Datagram(socket), _) => socket.send_with(&message, &with).await,
        }
    };
    let sent = probe.drop_at(operation, polls, sending, world).await?.transpose()?;
    world.incoming.is(number, if sent.is_some() { Sent::Surely } else { Sent::Never })?;
    Ok(sent.is_some())
}

/// Three at once, of which at least one is sent.
async fn send_batch(
    probe: &mut Probe,
    polls: u32,
    near: &Raw,
    to: &Addr,
    first: &[u8],
    world: &mut Far<'_>,
) -> Verdict<bool> {
    let Raw::Datagram(socket) = near else { return Err(Stop::new("it has no send_batch")) };
    let number = world.incoming.len() - 1;
    let mut rest = Vec::new();
    for _ in 0..2 {
        rest.push(world.incoming.make(probe.rng.usize(SHORTEST..900), 0).0);
        world.incoming.last_is(Sent::Perhaps)?;
    }
    let all = [first, &rest[0], &rest[1]];
    let with = if probe.rng.bool() { Outgoing::to(to) } else { Outgoing::default() };
    let sending = socket.send_batch(all.into_iter(), &with);
    let sent = probe.drop_at("send_batch", polls, sending, world).await?.transpose()?;
    for index in 0..3 {
        let is_sent = index < sent.unwrap_or(0);
        world.incoming.is(number + index, if is_sent { Sent::Surely } else { Sent::Never })?;
    }
    Ok(sent.is_some())
}

async fn receive(probe: &mut Probe, polls: u32, near: &Raw, world: &mut Far<'_>) -> Verdict<bool> {
    let mut buffer = vec![0; 5000];
    let operation = probe.operation;
    if operation == "recv_batch" {
        let Raw::Datagram(socket) = near else { return Err(Stop::new("it has no recv_batch")) };
        let mut batch = RecvBatch::new();
        let most = probe.rng.usize(1..5);
        let receiving = socket.recv_batch(&mut batch, 5000, most);
        let count = probe.drop_at(operation, polls, receiving, world).await?.transpose()?;
        ensure!(batch.left() == count.unwrap_or(0), "{count:?} came, {} are there", batch.left());
        while let Some(packet) = batch.next() {
            world.outgoing.arrived_bytes(packet.bytes())?;
        }
        return Ok(count.is_some());
    }
    let receiving = async {
        match (near, operation) {
            (Raw::SeqPacket(socket), _) => socket.recv(&mut buffer).await,
            (Raw::Datagram(socket), "recv") => socket.recv(&mut buffer).await,
            (Raw::Datagram(socket), _) => {
                socket.recv_from(&mut buffer).await.map(|got| got.map(|(received, _)| received))
            }
        }
    };
    let received = probe.drop_at(operation, polls, receiving, world).await?.transpose()?;
    let Some(received) = received else { return Ok(false) };
    let Some(received) = received else { return Err(Stop::new("the end came")) };
    world.outgoing.arrived_bytes(&buffer[..received.copied])?;
    Ok(true)
}

/// An answer of the network waits for who asks for it, however often he has given up before.
async fn recv_error(
    probe: &mut Probe,
    polls: u32,
    near: &Raw,
    world: &mut Far<'_>,
) -> Verdict<bool> {
    let Raw::Datagram(socket) = near else { return Err(Stop::new("it has no recv_error")) };
    // A port where nobody is.
    let nobody = {
        let gone = DatagramSocket::bind(&with_port(&socket.local_addr()?), &Options::default())?;
        gone.local_addr()?
    };
    let mut refused = Refusing { world, socket, nobody, sent: false, turns: probe.rng.u32(0..6) };
    let error = probe.drop_at("recv_error", polls, socket.recv_error(), &mut refused).await?;
    let done = error.transpose()?.is_some();
    let (sent, nobody) = (refused.sent, refused.nobody);
    if !done {
        if !sent {
            socket.send_to(b"to nobody", &nobody).await?;
        }
        let error = within("the answer after a drop", socket.recv_error()).await??;
        ensure!(error.destination.as_ref() == Some(&nobody), "an answer of another one: {error:?}");
    }
    ensure!(once(socket.recv_error()).await.is_none(), "the answer came twice");
    Ok(done)
}

fn with_port(addr: &Addr) -> Addr {
    let mut addr = addr.as_ip().unwrap();
    addr.set_port(0);
    Addr::Ip(addr)
}

/// The far end, and a datagram to nobody after some turns.
struct Refusing<'a, 'b> {
    world: &'a mut Far<'b>,
    socket: &'a DatagramSocket,
    nobody: Addr,
    sent: bool,
    turns: u32,
}

impl World for Refusing<'_, '_> {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        if self.turns > 0 {
            self.turns -= 1;
            return self.world.turn(rng).await;
        }
        tokio::task::yield_now().await;
        if std::mem::replace(&mut self.sent, true) {
            return Ok(0);
        }
        self.socket.send_to(b"to nobody", &self.nobody).await?;
        Ok(1 << 32)
    }
}

impl Raw {
    async fn send(&self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::SeqPacket(socket) => socket.send(message).await,
            Self::Datagram(socket) => socket.send(message).await,
        }
    }

    async fn receive(&self, ledger: &mut Ledger) -> Verdict<usize> {
        let mut buffer = vec![0; 5000];
        let received = match self {
            Self::SeqPacket(socket) => socket.recv(&mut buffer).await?,
            Self::Datagram(socket) => socket.recv(&mut buffer).await?,
        };
        let received = received.ok_or_else(|| Stop::new("the end came"))?;
        ledger.arrived_with(&buffer[..received.copied], &received.descriptors)
    }
}

impl World for Far<'_> {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        let step = rng.u8(0..10);
        if step < self.reads {
            let Some(number) = once(self.socket.receive(self.incoming)).await.transpose()? else {
                return Ok(0);
            };
            return Ok(1 + number as u64);
        }
        if step < self.reads + 2 && self.outgoing.in_flight().0 < 8 {
            let length = rng.usize(SHORTEST..2000);
            let (message, _) = self.outgoing.make(length, 0);
            let sent = match self.socket {
                Raw::SeqPacket(socket) => once(socket.send(&message)).await,
                Raw::Datagram(socket) => once(socket.send_to(&message, self.to)).await,
            };
            let is_sent = sent.transpose()?.is_some();
            self.outgoing.last_is(if is_sent { Sent::Surely } else { Sent::Never })?;
            return Ok((length as u64) << 8 | u64::from(is_sent));
        }
        tokio::task::yield_now().await;
        Ok(0)
    }
}

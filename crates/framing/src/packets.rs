//! Packet socket → messages: boundaries are the kernel's, limits and batches ours.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_async::{Closed, DatagramSocket, Inbox, Packet, SocketRef};
use anysock_core::{Attached, Guarantees, Message};
use tokio::task::coop;

use crate::fate::Fate;
use crate::packet_queue::PacketQueue;
use crate::packet_socket::paired;
use crate::sending::{Queue, Sending};
use crate::{
    Error, ErrorKind, Guaranteed, Halves, PacketRecv, PacketSend, PacketSocket, Payload, RecvHalf,
    SendHalf, Stats, Transport,
};

/// A transport over a socket that keeps message boundaries: seqpacket, connected datagrams, a
/// peer of a datagram listener.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::SeqPacketSocket;
/// use anysock_framing::{Packets, RecvExt, SendExt};
///
/// let (a, b) = SeqPacketSocket::pair()?;
/// let (mut a, mut b) = (Packets::new(a), Packets::new(b));
/// a.send("").await?;
/// assert_eq!(b.recv().await?.unwrap(), "");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Packets<P> {
    io: P,
    outgoing: Sending<PacketQueue>,
    incoming: Incoming,
    fate: Fate,
    guarantees: Guarantees,
}

/// The sending half of a [`Packets`].
///
/// ```
/// # fn split<P: anysock_framing::PacketSocket>(packets: anysock_framing::Packets<P>) {
/// let (sending, receiving): (anysock_framing::PacketsSend<_>, anysock_framing::PacketsRecv<_>) =
///     packets.split();
/// # }
/// ```
#[derive(Debug)]
pub struct PacketsSend<W> {
    io: W,
    outgoing: Sending<PacketQueue>,
    fate: Arc<Fate>,
    guarantees: Guarantees,
}

/// The receiving half of a [`Packets`].
///
/// ```
/// # fn split<P: anysock_framing::PacketSocket>(packets: anysock_framing::Packets<P>) {
/// let (_, receiving) = packets.split();
/// # }
/// ```
#[derive(Debug)]
pub struct PacketsRecv<R> {
    io: R,
    incoming: Incoming,
    fate: Arc<Fate>,
    guarantees: Guarantees,
}

#[derive(Debug)]
struct Incoming {
    most: usize,
    /// Received by the last batch, and not handed out yet.
    packets: Inbox,
    ended: Option<Result<(), Error>>,
    received: u64,
    received_bytes: u64,
    truncated: u64,
    closed_descriptors: u64,
}

impl<P: PacketSocket> Packets<P> {
    /// The longest message that is sent and received unless [said otherwise](Self::max), in
    /// bytes: 64 KiB.
    pub const DEFAULT_MAX: usize = 64 * 1024;

    /// Makes a transport of `socket`.
    pub fn new(socket: P) -> Self {
        let guarantees = socket.guarantees();
        let most = Self::DEFAULT_MAX;
        let outgoing =
            Sending::new(PacketQueue::new(most.min(socket.max_packet()), socket.attaches()));
        let incoming = Incoming::new(most);
        Self { io: socket, outgoing, incoming, fate: Fate::default(), guarantees }
    }

    /// Sends and receives messages of at most `most` bytes. What is sent is bounded by the
    /// kernel as well: see [`max_message`](SendHalf::max_message).
    #[must_use]
    pub fn max(mut self, most: usize) -> Self {
        self.outgoing.queue.set_max(most.min(self.io.max_packet()));
        self.incoming.most = most;
        self
    }

    /// Takes the transport apart into halves that never wait for each other.
    pub fn split(self) -> (PacketsSend<P::Send>, PacketsRecv<P::Recv>) {
        let (receiving, sending) = self.io.split();
        let fate = Arc::new(self.fate);
        let guarantees = self.guarantees;
        let sending = PacketsSend {
            io: sending,
            outgoing: self.outgoing,
            fate: Arc::clone(&fate),
            guarantees,
        };
        (sending, PacketsRecv { io: receiving, incoming: self.incoming, fate, guarantees })
    }

    /// The socket underneath. Receiving from it takes messages away from the transport.
    pub fn socket(&self) -> &P {
        &self.io
    }
}

impl Packets<DatagramSocket> {
    /// Makes a transport of a datagram socket whose peer is connected to it in turn, and to
    /// nobody else. On unix that is reliable; the caller must know that it is so.
    pub fn paired(socket: DatagramSocket) -> Self {
        let guarantees = paired(&socket);
        Self { guarantees, ..Self::new(socket) }
    }
}

/// A batch may bring so many packets; more measured no faster.
const TOGETHER: usize = 32;

impl Incoming {
    fn new(most: usize) -> Self {
        Self {
            most,
            packets: Inbox::new(),
            ended: None,
            received: 0,
            received_bytes: 0,
            truncated: 0,
            closed_descriptors: 0,
        }
    }

    /// The next message, if it lies right behind the one before: the common case of a batch. A
    /// message costs a unit of the budget, and without one there is none.
    #[inline]
    fn next_of_run(&mut self, cx: &mut Context<'_>) -> Option<Message> {
        if !self.packets.is_in_run() {
            return None;
        }
        let Poll::Ready(spent) = coop::poll_proceed(cx) else { return None };
        let message = self.packets.next_of_run()?;
        spent.made_progress();
        self.received += 1;
        self.received_bytes += message.len() as u64;
        Some(message)
    }

    fn poll_recv<R: PacketRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        let spent = ready!(coop::poll_proceed(cx));
        loop {
            if let Some(packet) = self.packets.pop() {
                spent.made_progress();
                return Poll::Ready(self.hand_out(packet).map(Some));
            }
            match &self.ended {
                Some(ended) => {
                    spent.made_progress();
                    return Poll::Ready(match ended {
                        Ok(()) => Ok(None),
                        Err(error) => Err(error.duplicate()),
                    });
                }
                None => ready!(self.poll_fill(io, fate, cx))?,
            }
        }
    }

    /// Receives a batch, or finds the end.
    fn poll_fill<R: PacketRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        match ready!(io.poll_recv_batch(cx, self.most, TOGETHER, &mut self.packets)) {
            Ok(true) => {}
            Ok(false) => self.ended = Some(Ok(())),
            Err(error) if io.survives(&error) => {
                return Poll::Ready(Err(ErrorKind::Refused(error).into()));
            }
            Err(error) => {
                let error = Error::from(error);
                fate.record(&error);
                self.ended = Some(Err(error));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn hand_out(&mut self, packet: Packet) -> Result<Message, Error> {
        match packet {
            Packet::Message(message) => {
                self.received += 1;
                self.received_bytes += message.len() as u64;
                Ok(message)
            }
            Packet::Truncated { length } => {
                self.truncated += 1;
                tracing::debug!(length, limit = self.most, "a message was truncated");
                Err(ErrorKind::Truncated { length, limit: self.most }.into())
            }
            Packet::DescriptorsLost { length, taken } => {
                self.truncated += 1;
                self.closed_descriptors += taken as u64;
                tracing::debug!(
                    length,
                    taken,
                    "a message came with more descriptors than could be taken"
                );
                Err(ErrorKind::DescriptorsLost { length, taken }.into())
            }
            lost => {
                Err(std::io::Error::other(format!("a packet of an unknown kind: {lost:?}")).into())
            }
        }
    }

    /// As [`RecvHalf::poll_recv_many`]: `first`, and what else is already here.
    fn gather(
        &mut self,
        first: Poll<Result<Option<Message>, Error>>,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        let Some(first) = ready!(first)? else { return Poll::Ready(Ok(0)) };
        messages.push(first);
        let mut count = 1;
        while count < most && self.packets.has_message() {
            let Poll::Ready(spent) = coop::poll_proceed(cx) else { break };
            spent.made_progress();
            let Some(packet) = self.packets.pop() else { break };
            messages.push(self.hand_out(packet)?);
            count += 1;
        }
        Poll::Ready(Ok(count))
    }

    /// Receives no more, for what still comes is discarded; whether more may come.
    fn end(&mut self) -> bool {
        let is_open = self.ended.is_none();
        self.packets = Inbox::new();
        self.ended.get_or_insert(Ok(()));
        is_open
    }

    fn stats<R: PacketRecv>(&self, io: &R) -> Stats {
        Stats {
            received: self.received,
            received_bytes: self.received_bytes,
            truncated: self.truncated,
            closed_descriptors: self.closed_descriptors,
            dropped: io.dropped(),
            held: self.packets.held() + io.held(),
            ..Stats::default()
        }
        .with_receive_calls(io.receive_calls())
    }
}

/// A socket without an end-of-file never tells that its peer is gone; sending may have.
fn poll_gone(
    received: Poll<Result<Option<Message>, Error>>,
    guarantees: Guarantees,
    fate: &Fate,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Message>, Error>> {
    match received.is_pending() && !guarantees.end_of_file() {
        true => fate.poll_gone(cx),
        false => received,
    }
}

impl<P: PacketSocket> Guaranteed for Packets<P> {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        let sending = self.outgoing.stats().with_send_calls(self.io.send_calls());
        sending.merge(self.incoming.stats(&self.io))
    }

    fn closed(&self) -> io::Result<Closed> {
        PacketRecv::closed(&self.io)
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        PacketRecv::socket_ref(&self.io)
    }
}

impl<P: PacketSocket> SendHalf for Packets<P> {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    #[inline]
    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    #[inline(always)]
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.outgoing.poll_feed(payload, attached, &mut self.io, &self.fate, cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { io, outgoing, incoming, fate, .. } = self;
        outgoing.poll_close(io, fate, cx, || incoming.end())
    }

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<P: PacketSocket> RecvHalf for Packets<P> {
    #[inline]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        if let Some(message) = self.incoming.next_of_run(cx) {
            return Poll::Ready(Ok(Some(message)));
        }
        self.poll_recv_or_drive(cx)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let first = self.poll_recv(cx);
        self.incoming.gather(first, cx, messages, most)
    }
}

impl<P: PacketSocket> Packets<P> {
    /// As [`RecvHalf::poll_recv`], also where there is nothing to receive.
    fn poll_recv_or_drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Self { io, outgoing, incoming, fate, guarantees } = self;
        let received = match incoming.poll_recv(io, fate, cx) {
            Poll::Ready(Ok(Some(message))) => Poll::Ready(Ok(Some(message))),
            ended => outgoing.poll_before(ended.map_ok(drop), io, fate, cx).map_ok(|()| None),
        };
        poll_gone(received, *guarantees, fate, cx)
    }
}

impl<P: PacketSocket> Transport for Packets<P> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (sending, receiving) = self.split();
        (Box::new(sending), Box::new(receiving))
    }
}

impl<W: PacketSend> Guaranteed for PacketsSend<W> {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats().with_send_calls(self.io.send_calls())
    }

    fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.io.socket_ref()
    }
}

impl<W: PacketSend> SendHalf for PacketsSend<W> {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    #[inline]
    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    #[inline(always)]
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.outgoing.poll_feed(payload, attached, &mut self.io, &self.fate, cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, || true)
    }

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<R: PacketRecv> Guaranteed for PacketsRecv<R> {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        self.incoming.stats(&self.io)
    }

    fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.io.socket_ref()
    }
}

impl<R: PacketRecv> RecvHalf for PacketsRecv<R> {
    #[inline]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        if let Some(message) = self.incoming.next_of_run(cx) {
            return Poll::Ready(Ok(Some(message)));
        }
        let Self { io, incoming, fate, guarantees } = self;
        let received = incoming.poll_recv(io, fate, cx);
        match ready!(poll_gone(received, *guarantees, fate, cx))? {
            Some(message) => Poll::Ready(Ok(Some(message))),
            None => Poll::Ready(fate.at_end().map(|()| None)),
        }
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let first = self.poll_recv(cx);
        self.incoming.gather(first, cx, messages, most)
    }
}

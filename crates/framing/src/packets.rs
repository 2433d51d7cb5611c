//! Packet socket → messages: boundaries are the kernel's, limits and batches ours.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_async::{DatagramSocket, Packet, poll_budget};
use anysock_core::{Attached, Guarantees, Message};
use bytes::Bytes;

use crate::fate::Fate;
use crate::packet_socket::{Fault, paired};
use crate::sending::{HIGH_WATERMARK, State, flush_before};
use crate::{
    Error, ErrorKind, Guaranteed, Halves, PacketRecv, PacketSend, PacketSocket, Payload, RecvHalf,
    SendHalf, Stats, Transport,
};

/// What a message costs in the queue beside its bytes, so that empty ones are bounded too.
const OVERHEAD: usize = 64;

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
    outgoing: Outgoing,
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
    outgoing: Outgoing,
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
struct Outgoing {
    queue: VecDeque<Bytes>,
    unsent: usize,
    most: usize,
    state: State,
    /// The answer to an earlier packet, to be reported once the flush is done.
    refused: Option<io::Error>,
    /// An error that a flush inside of receiving met, for the next call that sends.
    kept: Option<Error>,
    stats: Stats,
}

#[derive(Debug)]
struct Incoming {
    most: usize,
    ended: Option<Result<(), Error>>,
    stats: Stats,
}

impl<P: PacketSocket> Packets<P> {
    /// The longest message that is sent and received unless [said otherwise](Self::max), in
    /// bytes: 64 KiB.
    pub const DEFAULT_MAX: usize = 64 * 1024;

    /// Makes a transport of `socket`.
    pub fn new(socket: P) -> Self {
        let guarantees = socket.guarantees();
        let outgoing = Outgoing {
            queue: VecDeque::new(),
            unsent: 0,
            most: Self::DEFAULT_MAX.min(socket.max_packet()),
            state: State::Open,
            refused: None,
            kept: None,
            stats: Stats::default(),
        };
        let incoming =
            Incoming { most: Self::DEFAULT_MAX, ended: None, stats: Stats::default() };
        Self { io: socket, outgoing, incoming, fate: Fate::default(), guarantees }
    }

    /// Sends and receives messages of at most `most` bytes. What is sent is bounded by the
    /// kernel as well: see [`max_message`](SendHalf::max_message).
    #[must_use]
    pub fn max(mut self, most: usize) -> Self {
        self.outgoing.most = most.min(self.io.max_packet());
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

impl Outgoing {
    fn poll_ready<W: PacketSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.take_kept()?;
        self.state.check()?;
        if self.unsent < HIGH_WATERMARK {
            return Poll::Ready(Ok(()));
        }
        match self.poll_write(io, fate, cx) {
            Poll::Pending if self.unsent < HIGH_WATERMARK => Poll::Ready(Ok(())),
            done => done,
        }
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &Attached) -> Result<(), Error> {
        self.state.admit(&payload, attached, self.unsent, self.most)?;
        let packet = payload.into_bytes();
        self.stats.sent += 1;
        self.stats.sent_bytes += packet.len() as u64;
        self.unsent += packet.len() + OVERHEAD;
        self.queue.push_back(packet);
        Ok(())
    }

    fn poll_flush<W: PacketSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.take_kept()?;
        self.poll_write(io, fate, cx)
    }

    /// Flushes within receiving: the first error is kept for the next call that sends, and a
    /// survivable one does not stop the others.
    fn poll_flush_aside<W: PacketSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        while !self.queue.is_empty() {
            if let Err(error) = ready!(self.poll_write(io, fate, cx)) {
                self.kept.get_or_insert(error);
            }
        }
        Poll::Ready(())
    }

    fn poll_write<W: PacketSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.state.check()?;
        while let Some(packet) = self.queue.front() {
            let Err(error) = ready!(io.poll_send(cx, packet)) else {
                self.pop();
                continue;
            };
            match io.fault(&error) {
                // Sent again at once; what is refused again was refused for itself.
                Fault::Earlier if self.refused.is_none() => self.refused = Some(error),
                Fault::Earlier | Fault::Packet => {
                    let length = packet.len();
                    tracing::debug!(%error, length, "a queued message was dropped");
                    self.pop();
                    self.refused = None;
                    self.stats.dropped += 1;
                    let dropped = ErrorKind::Dropped { length, source: error };
                    return Poll::Ready(Err(dropped.into()));
                }
                Fault::Connection => return Poll::Ready(Err(self.fail(fate, error))),
            }
        }
        self.queue = VecDeque::new();
        match self.refused.take() {
            Some(error) => Poll::Ready(Err(ErrorKind::Refused(error).into())),
            None => Poll::Ready(Ok(())),
        }
    }

    fn pop(&mut self) {
        if let Some(packet) = self.queue.pop_front() {
            self.unsent -= packet.len() + OVERHEAD;
        }
    }

    fn fail(&mut self, fate: &Fate, error: io::Error) -> Error {
        tracing::debug!(%error, unsent = self.unsent, "sending failed");
        let error = Error::from(error);
        fate.record(&error);
        self.queue = VecDeque::new();
        self.unsent = 0;
        self.state = State::Failed(error.duplicate());
        error
    }

    fn poll_close<W: PacketSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
        drained: bool,
    ) -> Poll<Result<(), Error>> {
        self.take_kept()?;
        loop {
            match &mut self.state {
                State::Open => {
                    ready!(self.poll_write(io, fate, cx))?;
                    self.state = State::Flushed;
                }
                State::Flushed => match io.shutdown() {
                    Ok(true) if !drained => self.state = State::draining(),
                    Ok(_) => self.state = State::Closed,
                    Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                        self.state = State::Closed;
                    }
                    Err(error) => return Poll::Ready(Err(self.fail(fate, error))),
                },
                State::Draining(_) => {
                    let drained = poll_discard(io, cx).is_ready();
                    if !drained {
                        ready!(self.state.poll_deadline(cx));
                        tracing::debug!("the peer did not end before the deadline of closing");
                    }
                    self.state = State::Closed;
                }
                State::Closed => return Poll::Ready(Ok(())),
                State::Failed(error) => return Poll::Ready(Err(error.duplicate())),
            }
        }
    }

    fn take_kept(&mut self) -> Result<(), Error> {
        self.kept.take().map_or(Ok(()), Err)
    }

    fn stats(&self) -> Stats {
        Stats { unsent: self.unsent, ..self.stats }
    }
}

/// Receives and discards until the end.
fn poll_discard<W: PacketSend>(io: &mut W, cx: &mut Context<'_>) -> Poll<()> {
    loop {
        ready!(poll_budget(cx));
        match ready!(io.poll_drain(cx)) {
            Ok(None) | Err(_) => return Poll::Ready(()),
            Ok(Some(_)) => {}
        }
    }
}

impl Incoming {
    fn poll_recv<R: PacketRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        ready!(poll_budget(cx));
        match &self.ended {
            Some(Ok(())) => return Poll::Ready(fate.at_end()),
            Some(Err(error)) => return Poll::Ready(Err(error.duplicate())),
            None => {}
        }
        Poll::Ready(match ready!(io.poll_recv(cx, self.most)) {
            Ok(Some(Packet::Message(message))) => {
                self.stats.received += 1;
                self.stats.received_bytes += message.len() as u64;
                Ok(Some(message))
            }
            Ok(Some(Packet::Truncated { length })) => {
                self.stats.truncated += 1;
                tracing::debug!(length, limit = self.most, "a message was truncated");
                Err(ErrorKind::Truncated { length, limit: self.most }.into())
            }
            Ok(None) => {
                self.ended = Some(Ok(()));
                fate.at_end()
            }
            Err(error) if io.survives(&error) => Err(ErrorKind::Refused(error).into()),
            Err(error) => {
                let error = Error::from(error);
                fate.record(&error);
                self.ended = Some(Err(error.duplicate()));
                Err(error)
            }
        })
    }

    fn stats(&self, held: usize) -> Stats {
        Stats { held, ..self.stats }
    }
}

impl<P: PacketSocket> Guaranteed for Packets<P> {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats().merge(self.incoming.stats(self.io.held()))
    }
}

impl<P: PacketSocket> SendHalf for Packets<P> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let drained = self.incoming.ended.is_some();
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, drained)
    }

    fn max_message(&self) -> usize {
        self.outgoing.most
    }
}

impl<P: PacketSocket> RecvHalf for Packets<P> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Self { io, outgoing, incoming, fate, .. } = self;
        let received = incoming.poll_recv(io, fate, cx);
        flush_before(received, || outgoing.poll_flush_aside(io, fate, cx), || fate.at_end())
    }
}

impl<P: PacketSocket> Transport for Packets<P> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let (sending, receiving) = self.split();
        (Box::new(sending), Box::new(receiving))
    }
}

impl<W> Guaranteed for PacketsSend<W> {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats()
    }
}

impl<W: PacketSend> SendHalf for PacketsSend<W> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, false)
    }

    fn max_message(&self) -> usize {
        self.outgoing.most
    }
}

impl<R: PacketRecv> Guaranteed for PacketsRecv<R> {
    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn stats(&self) -> Stats {
        self.incoming.stats(self.io.held())
    }
}

impl<R: PacketRecv> RecvHalf for PacketsRecv<R> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.incoming.poll_recv(&mut self.io, &self.fate, cx)
    }
}

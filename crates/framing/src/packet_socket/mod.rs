//! What a socket that keeps message boundaries must offer to be a transport.

mod datagram;
mod peer;
mod seqpacket;

use std::io;
use std::task::{Context, Poll};

use anysock_async::{Calls, Closed, Inbox, Packet, SocketRef};
use anysock_core::{Cell, Guarantees, Outbox};

pub(crate) use self::datagram::paired;
use crate::transport::not_told;

/// What an error of sending one packet says.
///
/// ```
/// use anysock_framing::Fault;
/// assert_ne!(Fault::Earlier, Fault::Connection);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An earlier packet was refused at the other end; this one was not sent, and can be.
    Earlier,
    /// This packet cannot be sent; others can.
    Packet,
    /// Nothing can be sent any more.
    Connection,
}

/// The receiving side of a packet socket.
///
/// As tokio's own sockets do, it spends the task's cooperative budget whenever it is ready, so
/// that a peer that floods it does not starve other tasks.
///
/// ```
/// use anysock_framing::PacketRecv;
/// fn _takes(_: &mut dyn PacketRecv) {}
/// ```
pub trait PacketRecv {
    /// Receives one packet of at most `most` bytes; `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of the socket; whether it survives, [`survives`](Self::survives) tells.
    fn poll_recv(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Option<Packet>>>;

    /// Puts what is there into `inbox`, which is empty: up to `count` packets of at most `most`
    /// bytes, by one system call where the socket can; false at the end.
    ///
    /// # Errors
    ///
    /// As [`poll_recv`](Self::poll_recv), and only if nothing was put in.
    fn poll_recv_batch(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        let _ = count;
        self.poll_recv(cx, most).map_ok(|packet| {
            let is_open = packet.is_some();
            packet.into_iter().for_each(|packet| inbox.push(packet));
            is_open
        })
    }

    /// Whether the socket can be received from after this error.
    fn survives(&self, error: &io::Error) -> bool;

    /// Bytes that wait in this process to be received.
    fn held(&self) -> usize {
        0
    }

    /// Packets that were dropped, because too many waited.
    fn dropped(&self) -> u64 {
        0
    }

    /// Resolves when the peer is gone, without receiving; see [`Closed`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) where nothing tells, and unless it is
    /// implemented.
    fn closed(&self) -> io::Result<Closed> {
        Err(not_told())
    }

    /// What was counted of the system calls that receive; none, unless it is implemented.
    fn receive_calls(&self) -> Calls {
        Calls::default()
    }

    /// The socket underneath, if it is one of ours; none, unless it is implemented.
    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        None
    }
}

/// The sending side of a packet socket. It too spends the budget.
///
/// ```
/// use anysock_framing::PacketSend;
/// fn _takes(_: &mut dyn PacketSend) {}
/// ```
pub trait PacketSend {
    /// Sends one packet.
    ///
    /// # Errors
    ///
    /// Those of the socket; what they say, [`fault`](Self::fault) tells.
    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>>;

    /// Sends packets from the front of `outbox`, which has some, by one system call where the
    /// socket can; how many were sent, at least one. They stay in it.
    ///
    /// # Errors
    ///
    /// As [`poll_send`](Self::poll_send), of the first packet.
    fn poll_send_batch(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        match outbox.front() {
            Some(packet) => self.poll_send(cx, packet).map_ok(|()| 1),
            None => Poll::Ready(Ok(0)),
        }
    }

    /// The cell whose socket passes on, with each packet, what is
    /// [attached](Outbox::attached) to it; `None`, unless said otherwise, if nothing can be
    /// attached.
    fn attaches(&self) -> Option<Cell> {
        None
    }

    /// What an error of sending says.
    fn fault(&self, error: &io::Error) -> Fault;

    /// The longest packet that the socket takes, in bytes; `usize::MAX` where it does not tell, and
    /// refuses what is too long when it is flushed.
    fn max_packet(&self) -> usize;

    /// Sends end-of-file; whether the socket has one.
    ///
    /// # Errors
    ///
    /// Those of the socket; fatal.
    fn shutdown(&mut self) -> io::Result<bool>;

    /// Once the receiving side is gone, receives in its stead, to discard; `None` if it is not,
    /// or at the end.
    ///
    /// # Errors
    ///
    /// Those of the socket; fatal.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>>;

    /// Resolves when the peer is gone, without receiving; see [`Closed`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) where nothing tells, and unless it is
    /// implemented.
    fn closed(&self) -> io::Result<Closed> {
        Err(not_told())
    }

    /// What was counted of the system calls that send; none, unless it is implemented.
    fn send_calls(&self) -> Calls {
        Calls::default()
    }

    /// The socket underneath, if it is one of ours; none, unless it is implemented.
    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        None
    }
}

/// A packet socket that can be split.
///
/// ```
/// use anysock_framing::{PacketSocket, Packets};
/// fn transport<P: PacketSocket>(socket: P) -> Packets<P> {
///     Packets::new(socket)
/// }
/// ```
pub trait PacketSocket: PacketRecv + PacketSend {
    /// The receiving half.
    type Recv: PacketRecv + Send + 'static;
    /// The sending half.
    type Send: PacketSend + Send + 'static;

    /// What the socket promises.
    fn guarantees(&self) -> Guarantees;

    /// Takes the socket apart into halves that never wait for each other.
    fn split(self) -> (Self::Recv, Self::Send);
}

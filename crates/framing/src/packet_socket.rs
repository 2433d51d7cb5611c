//! What a socket that keeps message boundaries must offer to be a transport.

use std::io;
use std::task::{Context, Poll};

use anysock_async::{
    DatagramPeer, DatagramRecv, DatagramSend, DatagramSocket, Packet, PeerRecv, PeerSend,
    SeqPacketRecv, SeqPacketSend, SeqPacketSocket,
};
use anysock_core::{Cell, Domain, Guarantees, Role, Type};

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
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>>;

    /// Whether the socket can be received from after this error.
    fn survives(&self, error: &io::Error) -> bool;

    /// Bytes that wait in this process to be received.
    fn held(&self) -> usize {
        0
    }
}

/// The sending side of a packet socket.
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

    /// What an error of sending says.
    fn fault(&self, error: &io::Error) -> Fault;

    /// The longest packet that the socket takes, in bytes.
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

/// Errors that a UDP socket passes on from the network, about what was sent before.
fn is_answer(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionRefused | K::HostUnreachable | K::NetworkUnreachable | K::PermissionDenied
    ) || matches!(error.raw_os_error(), Some(libc::EPROTO | libc::ENOPROTOOPT | libc::EHOSTDOWN))
}

fn datagram_fault(cell: Cell, error: &io::Error) -> Fault {
    use io::ErrorKind as K;
    match (cell.domain, error.kind()) {
        (_, K::BrokenPipe) => Fault::Connection,
        (Domain::Unix, K::ConnectionRefused | K::ConnectionReset | K::NotConnected) => {
            Fault::Connection
        }
        (Domain::Ipv4 | Domain::Ipv6, _) if is_answer(error) => Fault::Earlier,
        _ => Fault::Packet,
    }
}

fn seqpacket_fault(error: &io::Error) -> Fault {
    match error.raw_os_error() {
        Some(libc::EMSGSIZE | libc::ENOBUFS) => Fault::Packet,
        _ => Fault::Connection,
    }
}

fn datagram_survives(cell: Cell, error: &io::Error) -> bool {
    cell.domain.is_inet() && error.raw_os_error().is_some()
}

macro_rules! packet_recv {
    ($type:ty, $self:ident, $cx:ident, $most:ident => $recv:expr, $error:ident => $survives:expr) => {
        impl PacketRecv for $type {
            fn poll_recv(
                &mut $self,
                $cx: &mut Context<'_>,
                $most: usize,
            ) -> Poll<io::Result<Option<Packet>>> {
                $recv
            }
            fn survives(&$self, $error: &io::Error) -> bool {
                $survives
            }
        }
    };
}

macro_rules! packet_send {
    (
        $type:ty, $self:ident, $error:ident => $fault:expr,
        $shutdown:expr, $cx:ident => $drain:expr
    ) => {
        impl PacketSend for $type {
            fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>> {
                <$type>::poll_send(self, cx, packet)
            }
            fn fault(&$self, $error: &io::Error) -> Fault {
                $fault
            }
            fn max_packet(&self) -> usize {
                self.max_message().unwrap_or(0)
            }
            fn shutdown(&mut $self) -> io::Result<bool> {
                $shutdown
            }
            fn poll_drain(&mut $self, $cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
                $drain
            }
        }
    };
}

macro_rules! packet_socket {
    ($type:ty, $recv:ty, $send:ty, $role:expr) => {
        impl PacketSocket for $type {
            type Recv = $recv;
            type Send = $send;

            fn guarantees(&self) -> Guarantees {
                Guarantees::of(self.cell(), $role)
            }
            fn split(self) -> ($recv, $send) {
                self.into_split()
            }
        }
    };
}

packet_recv!(SeqPacketSocket, self, cx, most => self.poll_recv_packet(cx, most), _error => false);
packet_recv!(SeqPacketRecv, self, cx, most => self.poll_recv_packet(cx, most), _error => false);
packet_send!(
    SeqPacketSocket, self, error => seqpacket_fault(error),
    self.shutdown_now(anysock_core::Shutdown::Write).map(|()| true),
    cx => self.poll_recv_packet(cx, 0)
);
packet_send!(
    SeqPacketSend, self, error => seqpacket_fault(error),
    self.shutdown_write().map(|()| true),
    cx => match self.is_alone() {
        true => self.poll_drain(cx, 0),
        false => Poll::Ready(Ok(None)),
    }
);
packet_socket!(SeqPacketSocket, SeqPacketRecv, SeqPacketSend, Role::Paired);

packet_recv!(
    DatagramSocket, self, cx, most => self.poll_recv_packet(cx, most),
    error => datagram_survives(self.cell(), error)
);
packet_recv!(
    DatagramRecv, self, cx, most => self.poll_recv_packet(cx, most),
    error => datagram_survives(self.cell(), error)
);
packet_send!(
    DatagramSocket, self, error => datagram_fault(self.cell(), error),
    Ok(false), _cx => Poll::Ready(Ok(None))
);
packet_send!(
    DatagramSend, self, error => datagram_fault(self.cell(), error),
    Ok(false), _cx => Poll::Ready(Ok(None))
);
packet_socket!(DatagramSocket, DatagramRecv, DatagramSend, Role::Client);

fn peer_fault(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::BrokenPipe => Fault::Connection,
        _ => Fault::Packet,
    }
}

macro_rules! peer_recv {
    ($type:ty) => {
        impl PacketRecv for $type {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
                _most: usize,
            ) -> Poll<io::Result<Option<Packet>>> {
                // The listener's own limit was applied when the packet was read.
                self.poll_recv_packet(cx)
            }
            fn survives(&self, _: &io::Error) -> bool {
                true
            }
            fn held(&self) -> usize {
                <$type>::held(self)
            }
        }
    };
}

peer_recv!(DatagramPeer);
peer_recv!(PeerRecv);
packet_send!(
    DatagramPeer, self, error => peer_fault(error), Ok(false), _cx => Poll::Ready(Ok(None))
);
packet_send!(PeerSend, self, error => peer_fault(error), Ok(false), _cx => Poll::Ready(Ok(None)));
packet_socket!(DatagramPeer, PeerRecv, PeerSend, Role::Accepted);

/// Two datagram sockets that are connected to each other and to nobody else promise more than
/// a client of a socket that serves many.
pub(crate) fn paired(socket: &DatagramSocket) -> Guarantees {
    debug_assert_eq!(socket.cell().kind, Type::Datagram);
    Guarantees::of(socket.cell(), Role::Paired)
}

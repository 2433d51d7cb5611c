//! A connected datagram socket as a packet socket.

use std::io;
use std::task::{Context, Poll};

use anysock_async::{Calls, DatagramRecv, DatagramSend, DatagramSocket, Inbox, Packet, SocketRef};
use anysock_core::{Cell, Domain, Guarantees, Outbox, Role, Type};

use super::{Fault, PacketRecv, PacketSend, PacketSocket};

macro_rules! packet_recv {
    ($socket:ident) => {
        impl PacketRecv for $socket {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
                most: usize,
            ) -> Poll<io::Result<Option<Packet>>> {
                self.poll_recv_packet(cx, most)
            }

            fn poll_recv_batch(
                &mut self,
                cx: &mut Context<'_>,
                most: usize,
                count: usize,
                inbox: &mut Inbox,
            ) -> Poll<io::Result<bool>> {
                self.poll_recv_packets(cx, most, count, inbox)
            }

            fn survives(&self, error: &io::Error) -> bool {
                survives(self.cell(), error)
            }

            fn receive_calls(&self) -> Calls {
                $socket::receive_calls(self)
            }

            fn socket_ref(&self) -> Option<SocketRef<'_>> {
                Some(SocketRef::new(self.socket()))
            }
        }
    };
}

macro_rules! packet_send {
    ($socket:ident) => {
        impl PacketSend for $socket {
            fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>> {
                $socket::poll_send(self, cx, packet)
            }

            fn poll_send_batch(
                &mut self,
                cx: &mut Context<'_>,
                outbox: &Outbox,
            ) -> Poll<io::Result<usize>> {
                self.poll_send_packets(cx, outbox)
            }

            fn attaches(&self) -> Option<Cell> {
                Some(self.cell())
            }

            fn fault(&self, error: &io::Error) -> Fault {
                fault(self.cell(), error)
            }

            fn max_packet(&self) -> usize {
                self.max_message().unwrap_or(usize::MAX)
            }

            fn shutdown(&mut self) -> io::Result<bool> {
                Ok(false)
            }

            fn poll_drain(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
                Poll::Ready(Ok(None))
            }

            fn send_calls(&self) -> Calls {
                $socket::send_calls(self)
            }

            fn socket_ref(&self) -> Option<SocketRef<'_>> {
                Some(SocketRef::new(self.socket()))
            }
        }
    };
}

packet_recv!(DatagramSocket);
packet_recv!(DatagramRecv);
packet_send!(DatagramSocket);
packet_send!(DatagramSend);

impl PacketSocket for DatagramSocket {
    type Recv = DatagramRecv;
    type Send = DatagramSend;

    fn guarantees(&self) -> Guarantees {
        Guarantees::of(self.cell(), Role::Client)
    }

    fn split(self) -> (DatagramRecv, DatagramSend) {
        self.into_split()
    }
}

/// Two datagram sockets that are connected to each other and to nobody else promise more than
/// a client of a socket that serves many.
pub(crate) fn paired(socket: &DatagramSocket) -> Guarantees {
    debug_assert_eq!(socket.cell().kind, Type::Datagram);
    Guarantees::of(socket.cell(), Role::Paired)
}

fn survives(cell: Cell, error: &io::Error) -> bool {
    cell.domain.is_inet() && error.raw_os_error().is_some()
}

fn fault(cell: Cell, error: &io::Error) -> Fault {
    use io::ErrorKind as K;
    match (cell.domain, error.kind()) {
        (_, K::BrokenPipe) => Fault::Connection,
        // Not from the kernel: the runtime is gone.
        _ if error.raw_os_error().is_none() => Fault::Connection,
        (Domain::Unix, K::ConnectionRefused | K::ConnectionReset | K::NotConnected) => {
            Fault::Connection
        }
        (Domain::Ipv4 | Domain::Ipv6, _) if is_answer(error) => Fault::Earlier,
        _ => Fault::Packet,
    }
}

/// Errors that a UDP socket passes on from the network, about what was sent before.
fn is_answer(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionRefused | K::HostUnreachable | K::NetworkUnreachable | K::PermissionDenied
    ) || matches!(error.raw_os_error(), Some(libc::EPROTO | libc::ENOPROTOOPT | libc::EHOSTDOWN))
}

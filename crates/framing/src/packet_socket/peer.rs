//! A peer of a datagram listener as a packet socket.

use std::io;
use std::task::{Context, Poll};

use anysock_async::{Calls, DatagramPeer, Inbox, Packet, PeerRecv, PeerSend, SocketRef};
use anysock_core::{Cell, Guarantees, Outbox, Role};

use super::{Fault, PacketRecv, PacketSend, PacketSocket};

macro_rules! packet_recv {
    ($socket:ident) => {
        impl PacketRecv for $socket {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
                _: usize,
            ) -> Poll<io::Result<Option<Packet>>> {
                // The listener's own limit was applied when the packet was read.
                self.poll_recv_packet(cx)
            }

            fn poll_recv_batch(
                &mut self,
                cx: &mut Context<'_>,
                _: usize,
                count: usize,
                inbox: &mut Inbox,
            ) -> Poll<io::Result<bool>> {
                self.poll_recv_packets(cx, count, inbox)
            }

            fn survives(&self, _: &io::Error) -> bool {
                true
            }

            fn held(&self) -> usize {
                $socket::held(self)
            }

            fn dropped(&self) -> u64 {
                $socket::dropped(self)
            }

            fn socket_ref(&self) -> Option<SocketRef<'_>> {
                Some($socket::socket_ref(self))
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
                fault(error)
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
                Some($socket::socket_ref(self))
            }
        }
    };
}

packet_recv!(DatagramPeer);
packet_recv!(PeerRecv);
packet_send!(DatagramPeer);
packet_send!(PeerSend);

impl PacketSocket for DatagramPeer {
    type Recv = PeerRecv;
    type Send = PeerSend;

    fn guarantees(&self) -> Guarantees {
        Guarantees::of(self.cell(), Role::Accepted)
    }

    fn split(self) -> (PeerRecv, PeerSend) {
        self.into_split()
    }
}

fn fault(error: &io::Error) -> Fault {
    match error.kind() {
        // Of the kernel's it speaks of the address that one packet was to be sent from.
        io::ErrorKind::AddrNotAvailable if error.raw_os_error().is_some() => Fault::Packet,
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::BrokenPipe => Fault::Connection,
        _ => Fault::Packet,
    }
}

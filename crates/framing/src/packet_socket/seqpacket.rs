//! A seqpacket socket as a packet socket.

use std::io;
use std::task::{Context, Poll};

use anysock_async::{
    Calls, Closed, Inbox, Packet, SeqPacketRecv, SeqPacketSend, SeqPacketSocket, SocketRef,
};
use anysock_core::{Cell, Guarantees, Outbox, Role, Shutdown};

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

            fn survives(&self, _: &io::Error) -> bool {
                false
            }

            fn closed(&self) -> io::Result<Closed> {
                $socket::closed(self)
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

/// What whole and half do alike; they end by `$shutdown`, and drain by `$drain`.
macro_rules! packet_send {
    ($socket:ident, $shutdown:expr, $drain:expr) => {
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
                Some(Cell::UNIX_SEQPACKET)
            }

            fn fault(&self, error: &io::Error) -> Fault {
                fault(error)
            }

            fn max_packet(&self) -> usize {
                self.max_message().unwrap_or(usize::MAX)
            }

            fn shutdown(&mut self) -> io::Result<bool> {
                $shutdown(self).map(|()| true)
            }

            fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
                $drain(self, cx)
            }

            fn closed(&self) -> io::Result<Closed> {
                $socket::closed(self)
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

packet_recv!(SeqPacketSocket);
packet_recv!(SeqPacketRecv);
packet_send!(
    SeqPacketSocket,
    |socket: &SeqPacketSocket| socket.shutdown_now(Shutdown::Write),
    |socket: &mut SeqPacketSocket, cx| socket.poll_recv_packet(cx, 0)
);
packet_send!(SeqPacketSend, SeqPacketSend::shutdown_write, drain_alone);

/// A receiving half that is held elsewhere is not read from here.
fn drain_alone(
    sending: &mut SeqPacketSend,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Option<Packet>>> {
    match sending.is_alone() {
        true => sending.poll_drain(cx, 0),
        false => Poll::Ready(Ok(None)),
    }
}

impl PacketSocket for SeqPacketSocket {
    type Recv = SeqPacketRecv;
    type Send = SeqPacketSend;

    fn guarantees(&self) -> Guarantees {
        Guarantees::of(self.cell(), Role::Paired)
    }

    fn split(self) -> (SeqPacketRecv, SeqPacketSend) {
        self.into_split()
    }
}

/// Too long for the kernel as it is now, or for its memory; or with descriptors that the receiver
/// refuses, or of which too many are on their way: others may pass.
fn fault(error: &io::Error) -> Fault {
    match error.raw_os_error() {
        Some(libc::EMSGSIZE | libc::ENOBUFS | libc::ENOMEM) => Fault::Packet,
        Some(libc::EPERM | libc::ETOOMANYREFS) => Fault::Packet,
        _ => Fault::Connection,
    }
}

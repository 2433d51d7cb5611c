//! A seqpacket socket as a packet socket.

use std::io;
use std::task::{Context, Poll};

use anysock_async::{
    Calls, Closed, Inbox, Packet, SeqPacketRecv, SeqPacketSend, SeqPacketSocket, SocketRef,
};
use anysock_core::{Cell, Guarantees, Outbox, Role, Shutdown};

use super::{Fault, PacketRecv, PacketSend, PacketSocket};

impl PacketRecv for SeqPacketSocket {
    fn poll_recv(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Option<Packet>>> {
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
        SeqPacketSocket::closed(self)
    }

    fn receive_calls(&self) -> Calls {
        SeqPacketSocket::receive_calls(self)
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        Some(SocketRef::new(self.socket()))
    }
}

impl PacketRecv for SeqPacketRecv {
    fn poll_recv(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<Option<Packet>>> {
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
        SeqPacketRecv::closed(self)
    }

    fn receive_calls(&self) -> Calls {
        SeqPacketRecv::receive_calls(self)
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        Some(SocketRef::new(self.socket()))
    }
}

impl PacketSend for SeqPacketSocket {
    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>> {
        SeqPacketSocket::poll_send(self, cx, packet)
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
        self.shutdown_now(Shutdown::Write).map(|()| true)
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        self.poll_recv_packet(cx, 0)
    }

    fn closed(&self) -> io::Result<Closed> {
        SeqPacketSocket::closed(self)
    }

    fn send_calls(&self) -> Calls {
        SeqPacketSocket::send_calls(self)
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        Some(SocketRef::new(self.socket()))
    }
}

impl PacketSend for SeqPacketSend {
    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>> {
        SeqPacketSend::poll_send(self, cx, packet)
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
        self.shutdown_write().map(|()| true)
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        match self.is_alone() {
            true => SeqPacketSend::poll_drain(self, cx, 0),
            false => Poll::Ready(Ok(None)),
        }
    }

    fn closed(&self) -> io::Result<Closed> {
        SeqPacketSend::closed(self)
    }

    fn send_calls(&self) -> Calls {
        SeqPacketSend::send_calls(self)
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        Some(SocketRef::new(self.socket()))
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

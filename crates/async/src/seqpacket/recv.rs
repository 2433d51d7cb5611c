//! The receiving half of a seqpacket socket, and how messages are received.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_core::Socket;

use super::reset::{end, is_end, past_reset};
use crate::Inbox;
use crate::calls::{Calls, Direction};
use crate::closed::Closed;
use crate::packet::{self, Drained, Packet, Wanted};
use crate::registered::Registered;

/// The receiving half of a [`SeqPacketSocket`](crate::SeqPacketSocket).
///
/// ```
/// # fn split(socket: anysock_async::SeqPacketSocket) {
/// let (receiving, sending): (anysock_async::SeqPacketRecv, anysock_async::SeqPacketSend) =
///     socket.into_split();
/// # }
/// ```
#[derive(Debug)]
pub struct SeqPacketRecv {
    pub(super) io: Arc<Registered>,
}

impl SeqPacketRecv {
    /// As [`SeqPacketSocket::socket`](crate::SeqPacketSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`SeqPacketSocket::receive_calls`](crate::SeqPacketSocket::receive_calls).
    pub fn receive_calls(&self) -> Calls {
        self.io.calls(Direction::Receive)
    }

    /// As [`SeqPacketSocket::closed`](crate::SeqPacketSocket::closed).
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// Receives one message of at most `most` bytes, in an allocation of its size; `None` at
    /// the end. One task at a time.
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::recv`](crate::SeqPacketSocket::recv).
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        poll_recv_packet(&self.io, cx, most)
    }

    /// Puts what is there into `inbox`: up to `count` messages of at most `most` bytes, by
    /// one system call. False at the end. One task at a time.
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::recv`](crate::SeqPacketSocket::recv).
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        poll_recv_packets(&self.io, cx, most, count, inbox)
    }
}

pub(super) fn poll_recv_packet(
    io: &Registered,
    cx: &mut Context<'_>,
    most: usize,
) -> Poll<io::Result<Option<Packet>>> {
    let received = ready!(io.poll_read_with(cx, |socket| {
        past_reset(io, || packet::receive(socket, most, is_end))
    }))?;
    Poll::Ready(match received.flatten() {
        Some(packet) => Ok(Some(packet)),
        None => end(io),
    })
}

pub(super) fn poll_recv_packets(
    io: &Registered,
    cx: &mut Context<'_>,
    most: usize,
    count: usize,
    inbox: &mut Inbox,
) -> Poll<io::Result<bool>> {
    let before = inbox.len();
    let asked = io.socket().asked();
    let wanted = Wanted { most, count, offload: false, sources: false, control: true, asked };
    let received = ready!(io.poll_read_batch(cx, |socket| {
        let drained = past_reset(io, || packet::receive_batch(socket, wanted, inbox, is_end))?;
        Ok(((), drained == Drained::Yes))
    }))?;
    // The end comes again with the next call, after what was received before it.
    Poll::Ready(match received {
        Some(()) if inbox.len() > before => Ok(true),
        _ => end::<()>(io).map(|_| false),
    })
}

impl AsFd for SeqPacketRecv {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

//! The sending half of a seqpacket socket, and how messages are sent.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_core::{Outbox, Outgoing, Socket};

use super::recv::poll_recv_packet;
use super::reset::record;
use crate::calls::{Calls, Direction};
use crate::closed::Closed;
use crate::packet::{self, Packet};
use crate::registered::Registered;

/// The sending half of a [`SeqPacketSocket`](crate::SeqPacketSocket).
///
/// ```
/// # fn split(socket: anysock_async::SeqPacketSocket) {
/// let (_, sending) = socket.into_split();
/// assert!(!sending.is_alone());
/// # }
/// ```
#[derive(Debug)]
pub struct SeqPacketSend {
    pub(super) io: Arc<Registered>,
}

impl SeqPacketSend {
    /// As [`SeqPacketSocket::socket`](crate::SeqPacketSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`SeqPacketSocket::send_calls`](crate::SeqPacketSocket::send_calls).
    pub fn send_calls(&self) -> Calls {
        self.io.calls(Direction::Send)
    }

    /// As [`SeqPacketSocket::closed`](crate::SeqPacketSocket::closed).
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// Sends messages from the front of `outbox`, which has some, by one system call; how many
    /// were sent, at least one. They stay in it.
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::send`](crate::SeqPacketSocket::send), of the first message.
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        poll_send_packets(&self.io, cx, outbox)
    }

    /// As [`SeqPacketSocket::poll_send`](crate::SeqPacketSocket::poll_send).
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::send`](crate::SeqPacketSocket::send).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        poll_send(&self.io, cx, message)
    }

    /// As [`SeqPacketSocket::max_message`](crate::SeqPacketSocket::max_message).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        max_message(self.io.socket())
    }

    /// Ends this direction: the peer sees the end after the last message.
    ///
    /// # Errors
    ///
    /// Those of shutdown(2).
    pub fn shutdown_write(&self) -> io::Result<()> {
        crate::shutdown_write(&self.io)
    }

    /// Whether the other half is gone, so that nobody else will receive.
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.io) == 1
    }

    /// As [`SeqPacketRecv::poll_recv_packet`](crate::SeqPacketRecv::poll_recv_packet), once
    /// this half [is alone](Self::is_alone).
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::recv`](crate::SeqPacketSocket::recv).
    pub fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        poll_recv_packet(&self.io, cx, most)
    }
}

/// What unix(7) sockets that keep boundaries take: the buffer less the kernel's own account.
pub(crate) fn max_message(socket: &Socket) -> io::Result<usize> {
    Ok(socket.send_buffer_size()?.saturating_sub(32))
}

pub(super) fn send(socket: &Socket, message: &[u8]) -> io::Result<()> {
    socket.send_message(&[IoSlice::new(message)], &Outgoing::default()).map(drop)
}

pub(super) fn poll_send(
    io: &Registered,
    cx: &mut Context<'_>,
    message: &[u8],
) -> Poll<io::Result<()>> {
    let sent = ready!(io.poll_write_with(cx, |socket| send(socket, message)));
    Poll::Ready(sent.inspect_err(|error| record(io, error)))
}

pub(super) fn poll_send_packets(
    io: &Registered,
    cx: &mut Context<'_>,
    outbox: &Outbox,
) -> Poll<io::Result<usize>> {
    let sent = ready!(io.poll_write_with(cx, |socket| {
        packet::send_batch(socket, outbox, &Outgoing::default())
    }));
    Poll::Ready(sent.inspect_err(|error| record(io, error)))
}

impl AsFd for SeqPacketSend {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

//! The sending half of a datagram socket, and how messages are sent.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll};

use anysock_core::{Cell, Domain, Outbox, Outgoing, Socket};

use crate::calls::{Calls, Direction};
use crate::offload::Segmentation;
use crate::packet;
use crate::registered::Registered;

/// The sending half of a [`DatagramSocket`](crate::DatagramSocket).
///
/// ```
/// # fn split(socket: anysock_async::DatagramSocket) {
/// let (_, sending) = socket.into_split();
/// assert_eq!(sending.cell().kind, anysock_core::Type::Datagram);
/// # }
/// ```
#[derive(Debug)]
pub struct DatagramSend {
    pub(super) io: Arc<Registered>,
    pub(super) segmentation: Segmentation,
}

impl DatagramSend {
    /// As [`DatagramSocket::socket`](crate::DatagramSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`DatagramSocket::send_calls`](crate::DatagramSocket::send_calls).
    pub fn send_calls(&self) -> Calls {
        self.io.calls(Direction::Send)
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.io.socket().cell()
    }

    /// As [`DatagramSocket::max_message`](crate::DatagramSocket::max_message).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        max_message(self.io.socket())
    }

    /// As [`DatagramSocket::poll_send`](crate::DatagramSocket::poll_send).
    ///
    /// # Errors
    ///
    /// As [`DatagramSocket::send`](crate::DatagramSocket::send).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        self.io.poll_write_with(cx, |socket| send(socket, message))
    }

    /// Sends messages from the front of `outbox`, which has some, by one system call; how many
    /// were sent, at least one. They stay in it.
    ///
    /// # Errors
    ///
    /// As [`DatagramSocket::send`](crate::DatagramSocket::send), of the first message.
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        let Self { io, segmentation } = self;
        io.poll_write_with(cx, |socket| {
            packet::send_run(socket, outbox, &Outgoing::default(), segmentation)
        })
    }
}

/// The longest datagram of the cell: RFC 768 within RFC 791 or RFC 8200, or the send buffer.
pub(crate) fn max_message(socket: &Socket) -> io::Result<usize> {
    match socket.cell().domain {
        Domain::Ipv4 => Ok(65_507),
        Domain::Ipv6 => Ok(65_527),
        Domain::Unix => crate::seqpacket::max_message(socket),
    }
}

pub(super) fn send(socket: &Socket, message: &[u8]) -> io::Result<()> {
    send_with(socket, message, &Outgoing::default())
}

pub(crate) fn send_with(socket: &Socket, message: &[u8], with: &Outgoing<'_>) -> io::Result<()> {
    socket.send_message(&[IoSlice::new(message)], with).map(drop)
}

impl AsFd for DatagramSend {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

//! The halves of a stream socket.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll};

use anysock_core::{Cell, Passed, RecvBlock, Socket};

use super::handle::Io;
use super::transfer::{recv_block, recv_passed, send_passing};
use crate::calls::{Calls, Direction};
use crate::closed::Closed;

/// The receiving half of a [`StreamSocket`](crate::StreamSocket); no lock is shared with the other.
///
/// ```
/// # fn split(socket: anysock_async::StreamSocket) {
/// let (receiving, sending): (anysock_async::StreamRecv, anysock_async::StreamSend) =
///     socket.into_split();
/// # }
/// ```
#[derive(Debug)]
pub struct StreamRecv {
    pub(super) io: Arc<Io>,
}

/// The sending half of a [`StreamSocket`](crate::StreamSocket); dropping it does not end the direction, shutting it
/// down does.
///
/// ```
/// # fn split(socket: anysock_async::StreamSocket) {
/// let (_, sending) = socket.into_split();
/// assert!(!sending.is_alone());
/// # }
/// ```
#[derive(Debug)]
pub struct StreamSend {
    pub(super) io: Arc<Io>,
}

pub(super) fn split(io: Io) -> (StreamRecv, StreamSend) {
    let io = Arc::new(io);
    (StreamRecv { io: Arc::clone(&io) }, StreamSend { io })
}

impl StreamRecv {
    /// As [`StreamSocket::socket`](crate::StreamSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`StreamSocket::receive_calls`](crate::StreamSocket::receive_calls).
    pub fn receive_calls(&self) -> Calls {
        self.io.calls(Direction::Receive)
    }

    /// As [`StreamSocket::closed`](crate::StreamSocket::closed).
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// As [`StreamSocket::poll_recv_block`](crate::StreamSocket::poll_recv_block).
    ///
    /// # Errors
    ///
    /// Those of recv(2).
    pub fn poll_recv_block(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv_block(&self.io, cx, block, most)
    }

    /// As [`StreamSocket::poll_recv_passed`](crate::StreamSocket::poll_recv_passed).
    ///
    /// # Errors
    ///
    /// Those of recvmsg(2).
    pub fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<io::Result<usize>> {
        recv_passed(&self.io, cx, block, most, passed)
    }
}

impl StreamSend {
    /// As [`StreamSocket::socket`](crate::StreamSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`StreamSocket::abort`](crate::StreamSocket::abort).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on unix.
    pub fn abort(&self) -> io::Result<()> {
        self.io.abort()
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.io.socket().cell()
    }

    /// As [`StreamSocket::poll_send_passing`](crate::StreamSocket::poll_send_passing).
    ///
    /// # Errors
    ///
    /// Those of sendmsg(2).
    pub fn poll_send_passing(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        descriptors: &[OwnedFd],
    ) -> Poll<io::Result<usize>> {
        send_passing(&self.io, cx, slices, descriptors)
    }

    /// As [`StreamSocket::send_calls`](crate::StreamSocket::send_calls).
    pub fn send_calls(&self) -> Calls {
        self.io.calls(Direction::Send)
    }

    /// As [`StreamSocket::closed`](crate::StreamSocket::closed).
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// Whether the other half is gone, so that nobody else will read.
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.io) == 1
    }

    /// As [`StreamSocket::poll_recv_block`](crate::StreamSocket::poll_recv_block), once this half [is alone](Self::is_alone).
    ///
    /// # Errors
    ///
    /// Those of recv(2).
    pub fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv_block(&self.io, cx, block, most)
    }
}

impl AsFd for StreamRecv {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

impl AsFd for StreamSend {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

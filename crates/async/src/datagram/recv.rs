//! The receiving half of a datagram socket, and how messages are received.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_core::{Cell, Socket};

use crate::Inbox;
use crate::calls::{Calls, Direction};
use crate::error_watch::ErrorWatch;
use crate::packet::{self, Drained, Packet, Wanted};
use crate::registered::Registered;

/// The receiving half of a [`DatagramSocket`](crate::DatagramSocket).
///
/// ```
/// # fn split(socket: anysock_async::DatagramSocket) {
/// let (receiving, sending): (anysock_async::DatagramRecv, anysock_async::DatagramSend) =
///     socket.into_split();
/// # }
/// ```
#[derive(Debug)]
pub struct DatagramRecv {
    pub(super) io: Arc<Registered>,
    pub(super) errors: ErrorWatch,
    pub(super) offload: Option<bool>,
}

impl DatagramRecv {
    /// As [`DatagramSocket::socket`](crate::DatagramSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`DatagramSocket::receive_calls`](crate::DatagramSocket::receive_calls).
    pub fn receive_calls(&self) -> Calls {
        self.io.calls(Direction::Receive)
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.io.socket().cell()
    }

    /// Receives one message of at most `most` bytes, in an allocation of its size; `None` once
    /// receiving was shut down. One task at a time.
    ///
    /// # Errors
    ///
    /// As [`DatagramSocket::recv`](crate::DatagramSocket::recv).
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        loop {
            let received =
                self.io.poll_read_with(cx, |socket| packet::receive(socket, most, |_| false));
            if received.is_ready() {
                return received.map_ok(Option::flatten);
            }
            ready!(self.poll_error(cx))?;
        }
    }

    /// Puts what is there into `inbox`: up to `count` messages of at most `most` bytes, by
    /// one system call. False once receiving was shut down. One task at a time.
    ///
    /// On UDP the kernel is asked to put datagrams together (`UDP_GRO`), so that `count` counts
    /// those; from the first call on, the methods that receive single messages would see them
    /// together, and must not be used.
    ///
    /// # Errors
    ///
    /// As [`DatagramSocket::recv`](crate::DatagramSocket::recv).
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        loop {
            let (offload, asked) = (self.offload(), self.io.socket().asked());
            let (sources, control) = (!asked.is_empty(), offload || !asked.is_empty());
            let wanted = Wanted { most, count, offload, sources, control, asked };
            let received = self.io.poll_read_batch(cx, |socket| {
                let drained = packet::receive_batch(socket, wanted, inbox, |_| false)?;
                Ok(((), drained == Drained::Yes))
            });
            if received.is_ready() {
                return received.map_ok(|received| received.is_some());
            }
            ready!(self.poll_error(cx))?;
        }
    }

    /// Whether the kernel puts datagrams together; asks it to at first.
    fn offload(&mut self) -> bool {
        let socket = self.io.socket();
        *self.offload.get_or_insert_with(|| {
            socket.cell().domain.is_inet() && socket.set_receive_offload(true).is_ok()
        })
    }

    /// An ICMP answer, or a peer that connected elsewhere, is an error without data, which
    /// wakes no reader.
    fn poll_error(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.errors.poll(&self.io, cx));
        Poll::Ready(self.io.socket().take_error()?.map_or(Ok(()), Err))
    }
}

/// Discards what was queued before the socket was connected. The kernel lets strangers' messages
/// in no longer, so that this ends; the bound is for a peer that floods. How many there were.
pub(crate) fn discard_queued(socket: &Socket) -> usize {
    let mut discarded = 0;
    for _ in 0..10_000 {
        match socket.recv_message(&mut []) {
            Ok(_) => discarded += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            // The answer to an earlier message comes before what is queued.
            Err(_) => {}
        }
    }
    if discarded > 0 {
        tracing::debug!(cell = %socket.cell(), discarded, "datagrams from before dropped");
    }
    discarded
}

impl AsFd for DatagramRecv {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

//! Sending: one message or several, and how much goes in one piece.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};

use crate::sys::{self, Call};
use crate::{Domain, Outgoing, Socket};

impl Socket {
    /// Sends on a connected socket: send(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        sys::part(Call::Send, self.as_raw_fd(), bytes.len(), |most| {
            self.inner.send_with_flags(&bytes[..most], libc::MSG_NOSIGNAL)
        })
    }

    /// Sends several slices as one message, or as a run of stream bytes: sendmsg(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn send_message(&self, slices: &[IoSlice<'_>], with: &Outgoing<'_>) -> io::Result<usize> {
        sys::send_message(self.as_fd(), self.cell.domain, slices, with)
    }

    /// Sends each of `packets` as a message of its own, at most
    /// [`RecvBatch::MOST`](crate::RecvBatch::MOST) of them: sendmmsg(2). How many were sent, at
    /// least one.
    ///
    /// # Errors
    ///
    /// Those of the system call, which concern the first packet.
    pub fn send_batch<'a>(
        &self,
        packets: impl Iterator<Item = &'a [u8]>,
        with: &Outgoing<'_>,
    ) -> io::Result<usize> {
        sys::send_batch(self.as_fd(), self.cell.domain, packets, with)
    }

    /// Size of the send buffer, as the kernel accounts it: `SO_SNDBUF`, in bytes.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.settled(Call::GetOption, socket2::Socket::send_buffer_size)
    }

    /// What the path to the connected peer carries in one piece, in bytes, headers included:
    /// `IP_MTU` or `IPV6_MTU`.
    ///
    /// # Errors
    ///
    /// Those of the system call; [`NotConnected`](io::ErrorKind::NotConnected) above all.
    pub fn path_mtu(&self) -> io::Result<usize> {
        let mtu = match self.cell.domain {
            Domain::Ipv6 => sys::get_int(self.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MTU),
            _ => sys::get_int(self.as_fd(), libc::IPPROTO_IP, libc::IP_MTU),
        }?;
        Ok(usize::try_from(mtu).unwrap_or(0))
    }
}

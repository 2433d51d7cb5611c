//! What went wrong on its own: the error that is pending, and those in the queue.

use std::io;
use std::os::fd::AsFd;

use crate::sys::{self, Call};
use crate::{Domain, QueuedError, Socket};

impl Socket {
    /// Takes the pending error: `SO_ERROR`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.settled(Call::GetOption, socket2::Socket::take_error)
    }

    /// Takes the next error off the error queue, with the destination it concerns: recvmsg(2)
    /// with `MSG_ERRQUEUE`. None is queued unless that was [asked for](Self::set_receive_errors).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on unix sockets, which have no such queue;
    /// those of the system call.
    pub fn recv_error(&self) -> io::Result<Option<QueuedError>> {
        if self.cell.domain == Domain::Unix {
            let what = format!("{} sockets have no queue of errors", self.cell);
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        sys::recv_error(self.as_fd())
    }

    /// Queues the ICMP answers to what was sent: `IP_RECVERR` or `IPV6_RECVERR`.
    ///
    /// An IPv6 socket may have IPv4 peers, whose answers are asked for separately: two calls.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_errors(&self, on: bool) -> io::Result<()> {
        self.set_both(libc::IP_RECVERR, libc::IPV6_RECVERR, on)
    }
}

//! Receiving: bytes, chunks of a stream with what was passed beside them, or one message.

use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};

use bytes::BufMut;

use crate::sys::{self, Call};
use crate::{Ancillary, Chunk, Domain, Passed, Received, Socket};

impl Socket {
    /// Receives into `buffer`: recv(2). Descriptors that were passed are closed by the kernel.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        sys::part(Call::Recv, self.as_raw_fd(), buffer.len(), |most| {
            (&self.inner).read(&mut buffer[..most])
        })
    }

    /// Receives into the spare capacity of `buffer`: recv(2). Descriptors that were passed are
    /// closed by the kernel.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv_buffer(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        sys::recv_buffer(self.as_fd(), buffer)
    }

    /// As [`recv_buffer`](Self::recv_buffer) from a stream, and whether more may be there: on unix
    /// by recvmsg(2), which costs more and tells that the kernel stopped at what came along, unless
    /// nothing can.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv_chunk(&self, buffer: &mut impl BufMut) -> io::Result<Chunk> {
        let room = buffer.chunk_mut().len();
        let (length, came_along) = match self.cell.domain {
            Domain::Unix if !(self.let_by() - Ancillary::TIMESTAMP).is_empty() => {
                sys::recv_buffer_beside(self.as_fd(), buffer)?
            }
            _ => (sys::recv_buffer(self.as_fd(), buffer)?, false),
        };
        Ok(Chunk::new(length, room, came_along))
    }

    /// As [`recv_chunk`](Self::recv_chunk), with what was passed beside the bytes: recvmsg(2), with
    /// room for as many descriptors as there can be.
    ///
    /// Descriptors were passed by the call that sent the last of the bytes, for a read never goes
    /// on behind them; bytes before those may be of earlier calls. All bytes are of the one sender
    /// whose credentials these are.
    ///
    /// # Errors
    ///
    /// Those of the system call; `passed` is then as it was.
    pub fn recv_chunk_passed(
        &self,
        buffer: &mut impl BufMut,
        passed: &mut Passed,
    ) -> io::Result<Chunk> {
        let room = buffer.chunk_mut().len();
        let (length, came_along) = sys::recv_buffer_passed(self.as_fd(), buffer, passed)?;
        Ok(Chunk::new(length, room, came_along))
    }

    /// Receives one message with its real length, its source and what came along: recvmsg(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv_message(&self, buffer: &mut [u8]) -> io::Result<Received> {
        sys::recv_message(self.as_fd(), buffer)
    }

    /// Lets the kernel put datagrams of one sender together: `UDP_GRO`. From then on only
    /// [`RecvBatch`](crate::RecvBatch) tells them apart.
    ///
    /// # Errors
    ///
    /// Those of the system call; `ENOPROTOOPT` where the kernel does not know it.
    pub fn set_receive_offload(&self, on: bool) -> io::Result<()> {
        sys::set_flag(self.as_fd(), libc::SOL_UDP, libc::UDP_GRO, on)
    }
}

//! A stream socket as a byte stream.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use anysock_async::{Calls, Closed, SocketRef, StreamRecv, StreamSend, StreamSocket};
use anysock_core::{Ancillary, Cell, Passed, RecvBlock};
use tokio::io::AsyncWrite;

use super::{ByteRecv, ByteSend, ByteStream};

macro_rules! byte_recv {
    ($socket:ident) => {
        impl ByteRecv for $socket {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
                block: &mut RecvBlock,
                most: usize,
            ) -> Poll<io::Result<usize>> {
                self.poll_recv_block(cx, block, most)
            }

            fn poll_recv_passed(
                &mut self,
                cx: &mut Context<'_>,
                block: &mut RecvBlock,
                most: usize,
                passed: &mut Passed,
            ) -> Poll<io::Result<usize>> {
                $socket::poll_recv_passed(self, cx, block, most, passed)
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

/// What whole and half do alike; they drain by `$drain`.
macro_rules! byte_send {
    ($socket:ident, $drain:expr) => {
        impl ByteSend for $socket {
            fn poll_send(
                &mut self,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(self).poll_write_vectored(cx, slices)
            }

            fn carries(&self) -> Ancillary {
                carries(self.cell())
            }

            fn poll_send_passing(
                &mut self,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
                descriptors: &[OwnedFd],
            ) -> Poll<io::Result<usize>> {
                $socket::poll_send_passing(self, cx, slices, descriptors)
            }

            fn refuses(&self, error: &io::Error) -> bool {
                concerns_descriptors(error)
            }

            fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                AsyncWrite::poll_shutdown(Pin::new(self), cx)
            }

            fn poll_drain(
                &mut self,
                cx: &mut Context<'_>,
                block: &mut RecvBlock,
                most: usize,
            ) -> Poll<io::Result<usize>> {
                $drain(self, cx, block, most)
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

            fn abort(&mut self) -> io::Result<()> {
                $socket::abort(self)
            }
        }
    };
}

byte_recv!(StreamSocket);
byte_recv!(StreamRecv);
byte_send!(StreamSocket, StreamSocket::poll_recv_block);
byte_send!(StreamSend, drain_alone);

/// A receiving half that is held elsewhere is not read from here.
fn drain_alone(
    sending: &mut StreamSend,
    cx: &mut Context<'_>,
    block: &mut RecvBlock,
    most: usize,
) -> Poll<io::Result<usize>> {
    match sending.is_alone() {
        true => sending.poll_drain(cx, block, most),
        false => Poll::Ready(Ok(0)),
    }
}

impl ByteStream for StreamSocket {
    type Recv = StreamRecv;
    type Send = StreamSend;

    fn split(self) -> (StreamRecv, StreamSend) {
        self.into_split()
    }
}

fn carries(cell: Cell) -> Ancillary {
    match cell {
        Cell::UNIX_STREAM => Ancillary::DESCRIPTORS,
        _ => Ancillary::NONE,
    }
}

/// The peer takes none (`SO_PASSRIGHTS`, or a security module), too many are in flight, or this is
/// one that cannot be passed (io_uring's): sendmsg(2), unix(7).
fn concerns_descriptors(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    matches!(number, Some(libc::EPERM | libc::EACCES | libc::ETOOMANYREFS | libc::EINVAL))
}

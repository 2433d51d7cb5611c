//! What a stream of bytes must offer to be framed.

mod io;
mod socket;

use std::io::{Error, IoSlice, Result};
use std::os::fd::OwnedFd;
use std::task::{Context, Poll};

use anysock_async::{Calls, Closed, SocketRef};
use anysock_core::{Ancillary, Passed, RecvBlock};

use crate::transport::{no_reset, not_told};

pub use self::io::{Io, IoHalf};

/// The receiving side of a byte stream, shaped like recvmsg(2).
///
/// As tokio's own sockets do, it spends the task's cooperative budget whenever it is ready, so
/// that a peer that floods it does not starve other tasks.
///
/// ```
/// use anysock_framing::ByteRecv;
/// fn _takes(_: &mut dyn ByteRecv) {}
/// ```
pub trait ByteRecv {
    /// Appends what is there to `block`; how much it was, 0 at the end.
    ///
    /// No more than `most` bytes, and no more than its spare room, of which there is some.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>>;

    /// As [`poll_recv`](Self::poll_recv), and puts into `passed`, which is empty, what was passed
    /// beside these bytes. Descriptors belong to the call that sent the last of them, as on unix
    /// sockets, where a read never goes on behind the bytes with which descriptors came; all bytes
    /// are of the sender whose credentials these are.
    ///
    /// # Errors
    ///
    /// As [`poll_recv`](Self::poll_recv), and then nothing was passed.
    fn poll_recv_passed(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
        passed: &mut Passed,
    ) -> Poll<Result<usize>> {
        let _ = passed;
        self.poll_recv(cx, block, most)
    }

    /// Resolves when the peer is gone, without receiving; see [`Closed`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) where nothing tells, and unless it is
    /// implemented.
    fn closed(&self) -> Result<Closed> {
        Err(not_told())
    }

    /// What was counted of the system calls that receive; none, unless it is implemented.
    fn receive_calls(&self) -> Calls {
        Calls::default()
    }

    /// The socket underneath, if it is one of ours; none, unless it is implemented.
    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        None
    }
}

/// The sending side of a byte stream, shaped like sendmsg(2). It too spends the budget.
///
/// ```
/// use anysock_framing::ByteSend;
/// fn _takes(_: &mut dyn ByteSend) {}
/// ```
pub trait ByteSend {
    /// Takes bytes from the front of `slices`, at most 64 of them, none empty; how many.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_send(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<Result<usize>>;

    /// What can be passed beside the bytes: [`DESCRIPTORS`](Ancillary::DESCRIPTORS), or nothing,
    /// unless said otherwise.
    fn carries(&self) -> Ancillary {
        Ancillary::NONE
    }

    /// As [`poll_send`](Self::poll_send), and passes `descriptors` with the first of the bytes, where
    /// the stream [carries](Self::carries) them: at most 253. If it waits or fails, none of these
    /// bytes was taken and nothing was passed.
    ///
    /// # Errors
    ///
    /// Those of the stream; [`refuses`](Self::refuses) tells which of them concern what was passed
    /// alone. [`Unsupported`](std::io::ErrorKind::Unsupported) where it carries none.
    fn poll_send_passing(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
        descriptors: &[OwnedFd],
    ) -> Poll<Result<usize>> {
        let _ = (cx, slices, descriptors);
        Poll::Ready(Err(std::io::ErrorKind::Unsupported.into()))
    }

    /// Whether an error of [`poll_send_passing`](Self::poll_send_passing) says that these
    /// descriptors cannot be passed, while the stream goes on.
    fn refuses(&self, error: &Error) -> bool {
        let _ = error;
        false
    }

    /// Gives everything that was taken to the kernel.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;

    /// Sends end-of-file.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>>;

    /// Once the receiving side is gone, reads in its stead, to discard; `Ok(0)` if it is not,
    /// or at the end.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<Result<usize>>;

    /// Resolves when the peer is gone, without receiving; see [`Closed`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) where nothing tells, and unless it is
    /// implemented.
    fn closed(&self) -> Result<Closed> {
        Err(not_told())
    }

    /// What was counted of the system calls that send; none, unless it is implemented.
    fn send_calls(&self) -> Calls {
        Calls::default()
    }

    /// The socket underneath, if it is one of ours; none, unless it is implemented.
    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        None
    }

    /// Breaks the connection off at once: see [`SendHalf::abort`](crate::SendHalf::abort).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](std::io::ErrorKind::Unsupported) where there is no reset, and unless it is
    /// implemented; then nothing was done.
    fn abort(&mut self) -> Result<()> {
        Err(no_reset())
    }
}

/// A byte stream that can be framed, and split.
///
/// ```
/// use anysock_framing::{ByteStream, Framed, LengthDelimited};
/// fn frame<S: ByteStream>(stream: S) -> Framed<S, LengthDelimited> {
///     Framed::new(stream, LengthDelimited::u32())
/// }
/// ```
pub trait ByteStream: ByteRecv + ByteSend {
    /// The receiving half.
    type Recv: ByteRecv + Send + 'static;
    /// The sending half.
    type Send: ByteSend + Send + 'static;

    /// Takes the stream apart into halves that never wait for each other.
    fn split(self) -> (Self::Recv, Self::Send);
}

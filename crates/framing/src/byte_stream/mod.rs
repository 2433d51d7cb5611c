//! What a stream of bytes must offer to be framed.

mod io;
mod socket;

use std::io::{IoSlice, Result};
use std::task::{Context, Poll};

use anysock_async::{Calls, Closed};
use anysock_core::RecvBlock;

use crate::transport::not_told;

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

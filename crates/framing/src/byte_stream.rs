//! What a stream of bytes must offer to be framed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use anysock_async::{StreamRecv, StreamSend, StreamSocket};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The receiving side of a byte stream, shaped like recvmsg(2).
///
/// ```
/// use anysock_framing::ByteRecv;
/// fn _takes(_: &mut dyn ByteRecv) {}
/// ```
pub trait ByteRecv {
    /// Appends what is there to `buffer`, for which at least `room` bytes are reserved once
    /// something is there; how much it was, 0 at the end.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
        room: usize,
    ) -> Poll<io::Result<usize>>;
}

/// The sending side of a byte stream, shaped like sendmsg(2).
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
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>>;

    /// Gives everything that was taken to the kernel.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Sends end-of-file.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Once the receiving side is gone, reads in its stead, to discard; `Ok(0)` if it is not,
    /// or at the end.
    ///
    /// # Errors
    ///
    /// Those of the stream; fatal.
    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut BytesMut,
        room: usize,
    ) -> Poll<io::Result<usize>>;
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

/// A byte stream of anything that is `AsyncRead + AsyncWrite`: TLS, an in-memory pipe, another
/// library's socket.
///
/// Its halves share a lock that is held for one call at a time, never while waiting.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{Framed, Io, LengthDelimited, RecvExt, SendExt};
///
/// let (a, b) = tokio::io::duplex(64);
/// let mut a = Framed::new(Io::new(a), LengthDelimited::u16());
/// let mut b = Framed::new(Io::new(b), LengthDelimited::u16());
/// a.send("hello").await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Io<T>(T);

/// A half of an [`Io`].
///
/// ```
/// use anysock_framing::{ByteStream, Io, IoHalf};
/// fn split(io: Io<tokio::io::DuplexStream>) -> (IoHalf<tokio::io::DuplexStream>, IoHalf<tokio::io::DuplexStream>) {
///     io.split()
/// }
/// ```
#[derive(Debug)]
pub struct IoHalf<T>(Arc<Mutex<T>>);

impl<T> Io<T> {
    /// Makes a byte stream of `io`.
    pub fn new(io: T) -> Self {
        Self(io)
    }

    /// What it was made of.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> IoHalf<T> {
    fn io(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads by way of the stack: what waits for data must not hold a buffer, and `AsyncRead` does
/// not tell before whether there is any.
fn recv<T: AsyncRead + Unpin>(
    io: &mut T,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
) -> Poll<io::Result<usize>> {
    let mut bytes = [std::mem::MaybeUninit::uninit(); 8 * 1024];
    let mut read = ReadBuf::uninit(&mut bytes);
    ready!(Pin::new(io).poll_read(cx, &mut read))?;
    buffer.extend_from_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

fn send<T: AsyncWrite + Unpin>(
    io: &mut T,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match slices {
        [first, _, ..] if !io.is_write_vectored() => Pin::new(io).poll_write(cx, first),
        [only] => Pin::new(io).poll_write(cx, only),
        _ => Pin::new(io).poll_write_vectored(cx, slices),
    }
}

macro_rules! byte_halves {
    ($type:ty, $self:ident => $io:expr, $alone:expr) => {
        impl<T: AsyncRead + Unpin> ByteRecv for $type {
            fn poll_recv(
                &mut $self,
                cx: &mut Context<'_>,
                buffer: &mut BytesMut,
                _room: usize,
            ) -> Poll<io::Result<usize>> {
                recv($io, cx, buffer)
            }
        }

        impl<T: AsyncRead + AsyncWrite + Unpin> ByteSend for $type {
            fn poll_send(
                &mut $self,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                send($io, cx, slices)
            }
            fn poll_flush(&mut $self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new($io).poll_flush(cx)
            }
            fn poll_shutdown(&mut $self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Pin::new($io).poll_shutdown(cx)
            }
            fn poll_drain(
                &mut $self,
                cx: &mut Context<'_>,
                buffer: &mut BytesMut,
                _room: usize,
            ) -> Poll<io::Result<usize>> {
                match $alone {
                    true => recv($io, cx, buffer),
                    false => Poll::Ready(Ok(0)),
                }
            }
        }
    };
}

byte_halves!(Io<T>, self => &mut self.0, true);
byte_halves!(IoHalf<T>, self => &mut *self.io(), Arc::strong_count(&self.0) == 1);

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for Io<T> {
    type Recv = IoHalf<T>;
    type Send = IoHalf<T>;

    fn split(self) -> (IoHalf<T>, IoHalf<T>) {
        let shared = Arc::new(Mutex::new(self.0));
        (IoHalf(Arc::clone(&shared)), IoHalf(shared))
    }
}

macro_rules! socket_recv {
    ($type:ty) => {
        impl ByteRecv for $type {
            fn poll_recv(
                &mut self,
                cx: &mut Context<'_>,
                buffer: &mut BytesMut,
                room: usize,
            ) -> Poll<io::Result<usize>> {
                self.poll_recv_buffer(cx, buffer, room)
            }
        }
    };
}

macro_rules! socket_send {
    ($type:ty, $drain:expr) => {
        impl ByteSend for $type {
            fn poll_send(
                &mut self,
                cx: &mut Context<'_>,
                slices: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(self).poll_write_vectored(cx, slices)
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
                buffer: &mut BytesMut,
                room: usize,
            ) -> Poll<io::Result<usize>> {
                $drain(self, cx, buffer, room)
            }
        }
    };
}

socket_recv!(StreamSocket);
socket_recv!(StreamRecv);
socket_send!(StreamSocket, StreamSocket::poll_recv_buffer);
socket_send!(StreamSend, drain_alone);

fn drain_alone(
    half: &mut StreamSend,
    cx: &mut Context<'_>,
    buffer: &mut BytesMut,
    room: usize,
) -> Poll<io::Result<usize>> {
    match half.is_alone() {
        true => half.poll_drain(cx, buffer, room),
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

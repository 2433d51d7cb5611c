//! A byte stream of anything that is `AsyncRead + AsyncWrite`.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use anysock_core::RecvBlock;
use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop;

use super::{ByteRecv, ByteSend, ByteStream};

/// The most that one read takes, in bytes.
const READ: usize = 8 * 1024;

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

    /// What it was made of: to ask a TLS stream for its peer's certificates. Reading from it, or
    /// writing to it, goes past what frames it.
    pub fn get_ref(&self) -> &T {
        &self.0
    }

    /// What it was made of, taken out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> IoHalf<T> {
    fn io(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_alone(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl<T: AsyncRead + Unpin> ByteRecv for Io<T> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv(&mut self.0, cx, block, most)
    }
}

impl<T: AsyncRead + Unpin> ByteRecv for IoHalf<T> {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv(&mut *self.io(), cx, block, most)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> ByteSend for Io<T> {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        send(&mut self.0, cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        recv(&mut self.0, cx, block, most)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> ByteSend for IoHalf<T> {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        send(&mut *self.io(), cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io()).poll_flush(cx)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.io()).poll_shutdown(cx)
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        match self.is_alone() {
            true => recv(&mut *self.io(), cx, block, most),
            false => Poll::Ready(Ok(0)),
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> ByteStream for Io<T> {
    type Recv = IoHalf<T>;
    type Send = IoHalf<T>;

    fn split(self) -> (IoHalf<T>, IoHalf<T>) {
        let shared = Arc::new(Mutex::new(self.0));
        (IoHalf(Arc::clone(&shared)), IoHalf(shared))
    }
}

/// Reads by way of the stack: `AsyncRead` writes to memory that only unsafe code could lend it.
fn recv<T: AsyncRead + Unpin>(
    io: &mut T,
    cx: &mut Context<'_>,
    block: &mut RecvBlock,
    most: usize,
) -> Poll<io::Result<usize>> {
    let spent = ready!(coop::poll_proceed(cx));
    let most = most.min(block.spare()).min(READ);
    let mut bytes = [MaybeUninit::uninit(); READ];
    let mut read = ReadBuf::uninit(&mut bytes[..most]);
    ready!(Pin::new(io).poll_read(cx, &mut read))?;
    spent.made_progress();
    block.put_slice(read.filled());
    Poll::Ready(Ok(read.filled().len()))
}

fn send<T: AsyncWrite + Unpin>(
    io: &mut T,
    cx: &mut Context<'_>,
    slices: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let spent = ready!(coop::poll_proceed(cx));
    let io = Pin::new(io);
    let sent = match slices {
        [only] => io.poll_write(cx, only),
        [first, ..] if !io.is_write_vectored() => io.poll_write(cx, first),
        _ => io.poll_write_vectored(cx, slices),
    };
    if sent.is_ready() {
        spent.made_progress();
    }
    sent
}

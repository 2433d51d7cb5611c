//! A connected stream socket: TCP or unix.

mod halves;
mod handle;
mod transfer;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_core::{
    Addr, Ancillary, Cell, Credentials, Domain, OwnedPath, Passed, RecvBlock, Shutdown, Socket,
    Type,
};

use self::handle::Io;
use self::transfer::{recv_block, recv_passed, send_passing};
use crate::calls::{Calls, Direction};
use crate::closed::Closed;
use crate::registered::Registered;

pub use self::halves::{StreamRecv, StreamSend};
pub use self::handle::StreamHandle;

/// A connected stream socket. Bytes, without message boundaries; see `Framed` for messages.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::StreamSocket;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (mut a, mut b) = StreamSocket::pair()?;
/// a.write_all(b"hello").await?;
/// a.shutdown().await?;
/// let mut read = String::new();
/// b.read_to_string(&mut read).await?;
/// assert_eq!(read, "hello");
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct StreamSocket {
    io: Io,
}

impl StreamSocket {
    /// A connected socket, which is registered when it first has to wait.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is not a stream socket;
    /// [`Other`](io::ErrorKind::Other) outside of a tokio runtime.
    pub fn new(socket: Socket) -> io::Result<Self> {
        crate::expect_type(&socket, Type::Stream)?;
        Ok(Self { io: Io::Own(Registered::new(socket)?) })
    }

    /// Two unnamed unix sockets, connected to each other.
    ///
    /// # Errors
    ///
    /// Those of socketpair(2), and of [`new`](Self::new).
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = Socket::pair(Type::Stream)?;
        prepare(&a)?;
        prepare(&b)?;
        Ok((Self::new(a)?, Self::new(b)?))
    }

    /// Takes the socket apart into halves that never wait for each other.
    pub fn into_split(self) -> (StreamRecv, StreamSend) {
        halves::split(self.io)
    }

    /// This socket, and a handle to ask it things once it is out of reach: within TLS, say, or within
    /// a server of somebody else's.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::StreamSocket;
    /// use tokio::io::BufStream; // or TLS
    ///
    /// let (near, mut far) = StreamSocket::pair()?;
    /// let (near, handle) = near.with_handle();
    /// let _within = BufStream::new(near);
    /// tokio::io::AsyncWriteExt::write_all(&mut far, b"hello").await?;
    /// assert_eq!(handle.socket().unread_bytes()?, 5);
    /// # Ok::<_, std::io::Error>(()) })?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn with_handle(self) -> (Self, StreamHandle) {
        let io = match self.io {
            Io::Own(io) => Arc::new(io),
            Io::Shared(io) => io,
        };
        (Self { io: Io::Shared(Arc::clone(&io)) }, StreamHandle::new(io))
    }

    /// The system call itself, at once: for batches, probes and everything that this type does
    /// not offer.
    ///
    /// Urgent bytes (`MSG_OOB`) are left where they are: one that is taken through this socket
    /// before the reactor has told of it may hide what stands behind it, until more comes.
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.socket().cell()
    }

    /// Where this socket is.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.socket().local_addr()
    }

    /// Where its peer is.
    ///
    /// # Errors
    ///
    /// Those of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<Addr> {
        self.socket().peer_addr()
    }

    /// Who created the other end of a unix connection.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on TCP.
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        self.socket().peer_credentials()
    }

    /// Whether this is multipath TCP: see [`Socket::is_multipath`].
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn is_multipath(&self) -> io::Result<bool> {
        self.socket().is_multipath()
    }

    /// Keeps the path to which a client was bound, until its last half is dropped.
    pub(crate) fn keep_path(&self, path: OwnedPath) {
        self.io.keep_path(path);
    }

    /// What was counted of the system calls that send.
    pub fn send_calls(&self) -> Calls {
        self.io.calls(Direction::Send)
    }

    /// What was counted of the system calls that receive.
    pub fn receive_calls(&self) -> Calls {
        self.io.calls(Direction::Receive)
    }

    /// Resolves when the peer is gone, without reading and beside whoever reads.
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// Ends one or both directions at once, whatever is still to be sent by others.
    ///
    /// # Errors
    ///
    /// Those of shutdown(2).
    pub fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {
        self.io.shutdown(how)
    }

    /// Resets the connection: see [`Socket::abort`]. A reader that waits is told of it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on unix.
    pub fn abort(&self) -> io::Result<()> {
        self.io.abort()
    }

    /// Lets a receiver try again for up to `longest` before it waits: shorter latency, bought
    /// with a processor that is busy all that time whenever nothing comes. Zero is off, as it is
    /// unless said otherwise.
    ///
    /// The time counts from when it first finds nothing, and begins anew with what comes. With
    /// each turn of the task there is one system call; other tasks have their turns in between,
    /// and the reactor is looked at. It pays in a task that is spawned, on a runtime whose
    /// threads have processors of their own; in the future of `block_on` each turn costs two
    /// system calls more.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) beyond
    /// [`LONGEST_BUSY_POLL`](crate::LONGEST_BUSY_POLL).
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {
        self.io.set_busy_poll(longest)
    }

    /// Appends what is there to `block`, at most so many bytes and no more than its spare room, of
    /// which there must be some: 0 at the end.
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

    /// As [`poll_recv_block`](Self::poll_recv_block), with what was passed beside the bytes, where
    /// the socket [asked](Socket::ask) for it: see [`Socket::recv_chunk_passed`]. Whoever reads in
    /// another way has descriptors closed.
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

    /// Sends bytes from the front of `slices`, and passes all `descriptors` with the first of
    /// them, at most 253, on unix; how many bytes were taken. If it waits or fails, nothing was
    /// sent or passed. The descriptors stay the caller's.
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
}

impl AsFd for StreamSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

/// A unix socket that nobody asked to take descriptors has the kernel refuse them, where it can. Of
/// a stream a plain recv(2) that falls short has then drained the socket, and need not look for
/// what came along.
pub(crate) fn prepare(socket: &Socket) -> io::Result<()> {
    if socket.cell().domain == Domain::Unix && !socket.asked().contains(Ancillary::DESCRIPTORS) {
        socket.set_pass_descriptors(false)?;
    }
    Ok(())
}

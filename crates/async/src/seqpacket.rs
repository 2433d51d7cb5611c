//! A connected seqpacket socket: messages, in order, with an end.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{
    Addr, Cell, Credentials, Outbox, Outgoing, OwnedPath, Received, Shutdown, Socket, Type,
};

use crate::Inbox;
use crate::calls::{Calls, Direction};
use crate::closed::Closed;
use crate::packet::{self, Drained, Packet, Wanted};
use crate::registered::Registered;

/// A connected seqpacket socket.
///
/// An empty message and the end both read as 0 bytes. They are told apart by the sender's
/// credentials, which come with every message and not with the end; so `SO_PASSCRED` is set.
/// A reset comes before the messages that the kernel still holds; it is kept back until they
/// were received.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::SeqPacketSocket;
///
/// let (a, b) = SeqPacketSocket::pair()?;
/// a.send(b"").await?;
/// drop(a);
/// let mut buffer = [0; 64];
/// assert_eq!(b.recv(&mut buffer).await?.unwrap().length, 0); // an empty message
/// assert!(b.recv(&mut buffer).await?.is_none()); // the end
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct SeqPacketSocket {
    io: Registered,
}

/// The receiving half of a [`SeqPacketSocket`].
///
/// ```
/// # fn split(socket: anysock_async::SeqPacketSocket) {
/// let (receiving, sending): (anysock_async::SeqPacketRecv, anysock_async::SeqPacketSend) =
///     socket.into_split();
/// # }
/// ```
#[derive(Debug)]
pub struct SeqPacketRecv {
    io: Arc<Registered>,
}

/// The sending half of a [`SeqPacketSocket`].
///
/// ```
/// # fn split(socket: anysock_async::SeqPacketSocket) {
/// let (_, sending) = socket.into_split();
/// assert!(!sending.is_alone());
/// # }
/// ```
#[derive(Debug)]
pub struct SeqPacketSend {
    io: Arc<Registered>,
}

impl SeqPacketSocket {
    /// A connected socket, which is registered when it first has to wait.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is not a seqpacket socket;
    /// [`Other`](io::ErrorKind::Other) outside of a tokio runtime; those of setsockopt(2).
    pub fn new(socket: Socket) -> io::Result<Self> {
        crate::expect_type(&socket, Type::SeqPacket)?;
        // Only now: on an unconnected socket it would cause an automatic name.
        socket.set_pass_credentials(true)?;
        Ok(Self { io: Registered::new(socket)? })
    }

    /// Two unnamed unix sockets, connected to each other.
    ///
    /// # Errors
    ///
    /// Those of socketpair(2), and of [`new`](Self::new).
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = Socket::pair(Type::SeqPacket)?;
        [&a, &b].into_iter().try_for_each(crate::stream::prepare)?;
        Ok((Self::new(a)?, Self::new(b)?))
    }

    /// Takes the socket apart into halves that never wait for each other.
    pub fn into_split(self) -> (SeqPacketRecv, SeqPacketSend) {
        let io = Arc::new(self.io);
        (SeqPacketRecv { io: Arc::clone(&io) }, SeqPacketSend { io })
    }

    /// The socket itself.
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// The reset that was met, and is kept back until everything was received.
    pub(crate) fn kept_reset(&self) -> Option<io::Error> {
        self.io.reset()
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

    /// Who created the other end.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        self.socket().peer_credentials()
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

    /// Ends one or both directions.
    ///
    /// # Errors
    ///
    /// Those of shutdown(2).
    pub fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }

    /// Keeps the path to which a client was bound, until its last half is dropped.
    pub(crate) fn keep_path(&self, path: OwnedPath) {
        self.io.keep_path(path);
    }

    /// As [`StreamSocket::set_busy_poll`](crate::StreamSocket::set_busy_poll).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {
        self.io.set_busy_poll(longest)
    }

    /// The longest message that the kernel takes, in bytes: the send buffer, less 32.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        max_message(self.socket())
    }

    /// Sends one message. Any number of tasks.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` for more than [`max_message`](Self::max_message), `EPIPE` and `ECONNRESET`
    /// once the peer is gone; as sendmsg(2).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, nothing was sent.
    pub async fn send(&self, message: &[u8]) -> io::Result<()> {
        let sent = self.io.write_with(|socket| send(socket, message)).await;
        sent.inspect_err(|error| record(&self.io, error))
    }

    /// As [`send`](Self::send), with descriptors.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::SeqPacketSocket;
    /// use anysock_core::{Ancillary, Outgoing};
    ///
    /// let (a, b) = SeqPacketSocket::pair()?;
    /// b.socket().ask(Ancillary::DESCRIPTORS, true)?;
    /// let files = [std::fs::File::open("/dev/null")?.into()];
    /// let mut with = Outgoing::default();
    /// with.descriptors = &files;
    /// a.send_with(b"a file", &with).await?;
    /// assert_eq!(b.recv(&mut [0; 64]).await?.unwrap().descriptors.len(), 1);
    /// # Ok::<_, std::io::Error>(()) })?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send). `EINVAL` for more than 253 descriptors, `EPERM` where the peer
    /// refuses them.
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, nothing was sent.
    pub async fn send_with(&self, message: &[u8], with: &Outgoing<'_>) -> io::Result<()> {
        let sent = self
            .io
            .write_with(|socket| socket.send_message(&[IoSlice::new(message)], with).map(drop));
        sent.await.inspect_err(|error| record(&self.io, error))
    }

    /// Receives one message; `None` at the end. Any number of tasks.
    ///
    /// # Errors
    ///
    /// The reset that ended the connection, after the last message; as recvmsg(2).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no message was taken.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let received = self
            .io
            .read_with(|socket| past_reset(&self.io, || socket.recv_message(buffer)))
            .await?;
        match received {
            Some(received) if !is_end(&received) => Ok(Some(received)),
            _ => end(&self.io),
        }
    }

    /// As [`send`](Self::send), for one task at a time.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        poll_send(&self.io, cx, message)
    }

    /// As [`SeqPacketRecv::poll_recv_packet`].
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        poll_recv_packet(&self.io, cx, most)
    }

    /// As [`SeqPacketRecv::poll_recv_packets`].
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        poll_recv_packets(&self.io, cx, most, count, inbox)
    }

    /// As [`SeqPacketSend::poll_send_packets`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), of the first message.
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        poll_send_packets(&self.io, cx, outbox)
    }
}

impl SeqPacketRecv {
    /// As [`SeqPacketSocket::receive_calls`].
    pub fn receive_calls(&self) -> Calls {
        self.io.calls(Direction::Receive)
    }

    /// As [`SeqPacketSocket::closed`].
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// Receives one message of at most `most` bytes, in an allocation of its size; `None` at
    /// the end. One task at a time.
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::recv`].
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        poll_recv_packet(&self.io, cx, most)
    }

    /// Puts what is there into `inbox`: up to `count` messages of at most `most` bytes, by
    /// one system call. False at the end. One task at a time.
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::recv`].
    pub fn poll_recv_packets(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
        count: usize,
        inbox: &mut Inbox,
    ) -> Poll<io::Result<bool>> {
        poll_recv_packets(&self.io, cx, most, count, inbox)
    }
}

impl SeqPacketSend {
    /// As [`SeqPacketSocket::send_calls`].
    pub fn send_calls(&self) -> Calls {
        self.io.calls(Direction::Send)
    }

    /// As [`SeqPacketSocket::closed`].
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// Sends messages from the front of `outbox`, which has some, by one system call; how many
    /// were sent, at least one. They stay in it.
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::send`], of the first message.
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        poll_send_packets(&self.io, cx, outbox)
    }

    /// As [`SeqPacketSocket::poll_send`].
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::send`].
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        poll_send(&self.io, cx, message)
    }

    /// As [`SeqPacketSocket::max_message`].
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        max_message(self.io.socket())
    }

    /// Ends this direction: the peer sees the end after the last message.
    ///
    /// # Errors
    ///
    /// Those of shutdown(2).
    pub fn shutdown_write(&self) -> io::Result<()> {
        crate::shutdown_write(&self.io)
    }

    /// Whether the other half is gone, so that nobody else will receive.
    pub fn is_alone(&self) -> bool {
        Arc::strong_count(&self.io) == 1
    }

    /// As [`SeqPacketRecv::poll_recv_packet`], once this half [is alone](Self::is_alone).
    ///
    /// # Errors
    ///
    /// As [`SeqPacketSocket::recv`].
    pub fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        poll_recv_packet(&self.io, cx, most)
    }
}

/// What unix(7) sockets that keep boundaries take: the buffer less the kernel's own account.
pub(crate) fn max_message(socket: &Socket) -> io::Result<usize> {
    Ok(socket.send_buffer_size()?.saturating_sub(32))
}

fn send(socket: &Socket, message: &[u8]) -> io::Result<()> {
    socket.send_message(&[IoSlice::new(message)], &Outgoing::default()).map(drop)
}

fn poll_send(io: &Registered, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
    let sent = ready!(io.poll_write_with(cx, |socket| send(socket, message)));
    Poll::Ready(sent.inspect_err(|error| record(io, error)))
}

fn poll_send_packets(
    io: &Registered,
    cx: &mut Context<'_>,
    outbox: &Outbox,
) -> Poll<io::Result<usize>> {
    let sent = ready!(io.poll_write_with(cx, |socket| {
        packet::send_batch(socket, outbox, &Outgoing::default())
    }));
    Poll::Ready(sent.inspect_err(|error| record(io, error)))
}

fn poll_recv_packet(
    io: &Registered,
    cx: &mut Context<'_>,
    most: usize,
) -> Poll<io::Result<Option<Packet>>> {
    let received = ready!(io.poll_read_with(cx, |socket| {
        past_reset(io, || packet::receive(socket, most, is_end))
    }))?;
    Poll::Ready(match received.flatten() {
        Some(packet) => Ok(Some(packet)),
        None => end(io),
    })
}

fn poll_recv_packets(
    io: &Registered,
    cx: &mut Context<'_>,
    most: usize,
    count: usize,
    inbox: &mut Inbox,
) -> Poll<io::Result<bool>> {
    let before = inbox.len();
    let asked = io.socket().asked();
    let wanted = Wanted { most, count, offload: false, sources: false, control: true, asked };
    let received = ready!(io.poll_read_batch(cx, |socket| {
        let drained = past_reset(io, || packet::receive_batch(socket, wanted, inbox, is_end))?;
        Ok(((), drained == Drained::Yes))
    }))?;
    // The end comes again with the next call, after what was received before it.
    Poll::Ready(match received {
        Some(()) if inbox.len() > before => Ok(true),
        _ => end::<()>(io).map(|_| false),
    })
}

/// Receives. A reset is recorded, and what is queued behind it received.
fn past_reset<R>(io: &Registered, mut receive: impl FnMut() -> io::Result<R>) -> io::Result<R> {
    match receive() {
        Err(error) if is_reset(&error) => {
            io.record_reset(&error);
            receive()
        }
        received => received,
    }
}

/// Tells the end from an empty message: only a message comes with its sender's credentials, or with
/// more than there was room for.
fn is_end(received: &Received) -> bool {
    received.length == 0 && received.credentials.is_none() && !received.control_truncated
}

/// The end: an orderly one, or that of a reset.
fn end<R>(io: &Registered) -> io::Result<Option<R>> {
    io.reset().map_or(Ok(None), Err)
}

fn record(io: &Registered, error: &io::Error) {
    if is_reset(error) {
        io.record_reset(error);
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

impl AsFd for SeqPacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

impl AsFd for SeqPacketRecv {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

impl AsFd for SeqPacketSend {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.socket().as_fd()
    }
}

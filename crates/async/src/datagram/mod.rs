//! A datagram socket: UDP or unix, connected to one peer or to none.

mod recv;
mod send;

pub use recv::DatagramRecv;
pub(crate) use recv::discard_queued;
pub use send::DatagramSend;
pub(crate) use send::{max_message, send_with};

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_core::{Addr, Cell, Group, Outbox, OwnedPath, Received, Shutdown, Socket, Type};

use self::send::send;
use crate::Inbox;
use crate::calls::{Calls, Direction};
use crate::closed::Closed;
use crate::error_watch::ErrorWatch;
use crate::offload::Segmentation;
use crate::packet::Packet;
use crate::registered::Registered;

/// A datagram socket.
///
/// [Connected](crate::connect) it has one peer; bound only, it sends to and receives from
/// anybody. For one conversation per sender see [`Listener`](crate::Listener).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::DatagramSocket;
/// use anysock_core::Options;
///
/// let any = "127.0.0.1:0".parse::<std::net::SocketAddr>()?.into();
/// let a = DatagramSocket::bind(&any, &Options::default())?;
/// let b = DatagramSocket::bind(&any, &Options::default())?;
/// a.send_to(b"hello", &b.local_addr()?).await?;
/// let mut buffer = [0; 64];
/// let received = b.recv(&mut buffer).await?.unwrap();
/// assert_eq!(&buffer[..received.length], b"hello");
/// assert_eq!(received.source, Some(a.local_addr()?));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct DatagramSocket {
    receiving: DatagramRecv,
    sending: DatagramSend,
}

impl DatagramSocket {
    /// A datagram socket, which is registered when it first has to wait.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if it is of another type;
    /// [`Other`](io::ErrorKind::Other) outside of a tokio runtime.
    pub fn new(socket: Socket) -> io::Result<Self> {
        crate::expect_type(&socket, Type::Datagram)?;
        let io = Arc::new(Registered::new(socket)?);
        let receiving =
            DatagramRecv { io: Arc::clone(&io), errors: ErrorWatch::default(), offload: None };
        let sending = DatagramSend { io, segmentation: Segmentation::default() };
        Ok(Self { receiving, sending })
    }

    /// A socket bound to `addr`. A unix path is the caller's to unlink; [`bind`](crate::bind)
    /// owns it.
    ///
    /// # Errors
    ///
    /// Those of the options, of bind(2), and of [`new`](Self::new).
    pub fn bind(addr: &Addr, options: &anysock_core::Options) -> io::Result<Self> {
        let socket = Socket::open(Cell::new(addr.domain(), Type::Datagram))?;
        options.apply(&socket)?;
        crate::stream::prepare(&socket)?;
        socket.bind(addr)?;
        Self::new(socket)
    }

    /// Two unnamed unix sockets, connected to each other.
    ///
    /// # Errors
    ///
    /// Those of socketpair(2), and of [`new`](Self::new).
    pub fn pair() -> io::Result<(Self, Self)> {
        let (a, b) = Socket::pair(Type::Datagram)?;
        [&a, &b].into_iter().try_for_each(crate::stream::prepare)?;
        Ok((Self::new(a)?, Self::new(b)?))
    }

    /// Sets the one peer. What was queued before is discarded, whoever sent it, so that what is
    /// received from here on is the peer's.
    ///
    /// # Errors
    ///
    /// Those of connect(2).
    pub fn connect(&self, addr: &Addr) -> io::Result<()> {
        self.socket().connect(addr)?;
        discard_queued(self.socket());
        Ok(())
    }

    /// Takes the socket apart into halves that never wait for each other.
    pub fn into_split(self) -> (DatagramRecv, DatagramSend) {
        (self.receiving, self.sending)
    }

    /// The socket itself.
    pub fn socket(&self) -> &Socket {
        self.sending.io.socket()
    }

    /// Whether the kernel was asked to put datagrams together.
    pub(crate) fn is_put_together(&self) -> bool {
        self.receiving.offload == Some(true)
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.socket().cell()
    }

    pub(crate) fn io(&self) -> &Registered {
        &self.sending.io
    }

    /// Where this socket is.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(&self) -> io::Result<Addr> {
        self.socket().local_addr()
    }

    /// Where its peer is, if it is connected.
    ///
    /// # Errors
    ///
    /// Those of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<Addr> {
        self.socket().peer_addr()
    }

    /// What was counted of the system calls that send.
    pub fn send_calls(&self) -> Calls {
        self.sending.io.calls(Direction::Send)
    }

    /// What was counted of the system calls that receive.
    pub fn receive_calls(&self) -> Calls {
        self.sending.io.calls(Direction::Receive)
    }

    /// There is no such thing: on UDP nothing tells that a peer is gone, and on unix only sending
    /// does, by `ECONNREFUSED`.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported), always.
    pub fn closed(&self) -> io::Result<Closed> {
        self.sending.io.closed()
    }

    /// Ends one or both directions, for every holder of this socket.
    ///
    /// # Errors
    ///
    /// Those of shutdown(2).
    pub fn shutdown_now(&self, how: Shutdown) -> io::Result<()> {
        self.socket().shutdown(how)
    }

    /// Keeps the path to which a client was bound, until its last half is dropped.
    pub(crate) fn keep_path(&self, path: OwnedPath) {
        self.sending.io.keep_path(path);
    }

    /// As [`Socket::join_group`]; [`Options::join`](anysock_core::Options::join) beforehand.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn join_group(&self, group: &Group) -> io::Result<()> {
        self.socket().join_group(group)
    }

    /// As [`Socket::leave_group`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn leave_group(&self, group: &Group) -> io::Result<()> {
        self.socket().leave_group(group)
    }

    /// As [`StreamSocket::set_busy_poll`](crate::StreamSocket::set_busy_poll).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn set_busy_poll(&self, longest: Duration) -> io::Result<()> {
        self.sending.io.set_busy_poll(longest)
    }

    /// The longest message that can be sent, in bytes: 65,507 over IPv4, 65,527 over IPv6, the
    /// send buffer less 32 on unix.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn max_message(&self) -> io::Result<usize> {
        self.sending.max_message()
    }

    /// Sends one message to the connected peer. Any number of tasks.
    ///
    /// # Errors
    ///
    /// `ECONNREFUSED` on UDP speaks of an *earlier* message: this one was not sent, and may be
    /// sent again. As send(2).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, nothing was sent.
    pub async fn send(&self, message: &[u8]) -> io::Result<()> {
        self.sending.io.write_with(|socket| send(socket, message)).await
    }

    /// Receives one message; `None` once receiving was shut down, by whatever process holds
    /// this socket. Any number of tasks.
    ///
    /// What does not fit into `buffer` is lost, and [reported](Received::is_truncated).
    ///
    /// # Errors
    ///
    /// `ECONNREFUSED` and its like on connected UDP: the answer to an earlier message; the
    /// socket goes on. As recvmsg(2).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no message was taken.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        self.sending.io.read_with(|socket| socket.recv_message(buffer)).await
    }

    /// As [`send`](Self::send), for one task at a time.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, message: &[u8]) -> Poll<io::Result<()>> {
        self.sending.poll_send(cx, message)
    }

    /// As [`DatagramRecv::poll_recv_packets`].
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
        self.receiving.poll_recv_packets(cx, most, count, inbox)
    }

    /// As [`DatagramSend::poll_send_packets`].
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), of the first message.
    pub fn poll_send_packets(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &Outbox,
    ) -> Poll<io::Result<usize>> {
        self.sending.poll_send_packets(cx, outbox)
    }

    /// As [`DatagramRecv::poll_recv_packet`].
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv_packet(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<io::Result<Option<Packet>>> {
        self.receiving.poll_recv_packet(cx, most)
    }
}

impl AsFd for DatagramSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket().as_fd()
    }
}

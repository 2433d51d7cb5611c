//! A datagram socket before many peers: whom each message goes to, and what goes beside it.

use std::io;

use anysock_core::{Addr, Domain, Outgoing, QueuedError, Received, RecvBatch, Socket, UnixAddr};

use crate::DatagramSocket;
use crate::datagram::send_with;

impl DatagramSocket {
    /// Sends one message to `addr`. Any number of tasks.
    ///
    /// On unix it waits with growing pauses, at most 20 ms each, while the receiver's queue is
    /// full: no event tells when that drains.
    ///
    /// # Errors
    ///
    /// Those of sendto(2).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, nothing was sent.
    pub async fn send_to(&self, message: &[u8], addr: &Addr) -> io::Result<()> {
        self.send_with(message, &Outgoing::to(addr)).await
    }

    /// Sends one message with all that `with` says: the receiver, the address to send from, the
    /// traffic class, descriptors. Any number of tasks. Towards others than the connected peer as
    /// [`send_to`](Self::send_to).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::DatagramSocket;
    /// use anysock_core::{Ancillary, Options, Outgoing};
    ///
    /// let any = "127.0.0.1:0".parse::<std::net::SocketAddr>()?.into();
    /// let a = DatagramSocket::bind(&any, &Options::default())?;
    /// let b = DatagramSocket::bind(&any, &Options::default())?;
    /// b.socket().ask(Ancillary::TRAFFIC_CLASS, true)?;
    ///
    /// let to = b.local_addr()?;
    /// let mut with = Outgoing::to(&to);
    /// with.traffic_class = Some(0b01); // ECT(1), RFC 3168
    /// a.send_with(b"hello", &with).await?;
    /// assert_eq!(b.recv(&mut [0; 64]).await?.unwrap().traffic_class, Some(0b01));
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of sendmsg(2). `EINVAL` for more than 253 descriptors, and for a source that is no
    /// address of this host; `EPERM` where the receiver refuses descriptors.
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, nothing was sent.
    pub async fn send_with(&self, message: &[u8], with: &Outgoing<'_>) -> io::Result<()> {
        self.write(with, |socket| send_with(socket, message, with)).await
    }

    /// Sends each of `packets` as a message of its own, by one system call, at most
    /// [`RecvBatch::MOST`] of them; how many were sent, at least one. Of `with` all but
    /// descriptors. Any number of tasks.
    ///
    /// # Errors
    ///
    /// Those of sendmsg(2), of the first message.
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, nothing was sent.
    pub async fn send_batch<'a>(
        &self,
        packets: impl Iterator<Item = &'a [u8]> + Clone,
        with: &Outgoing<'_>,
    ) -> io::Result<usize> {
        self.write(with, |socket| socket.send_batch(packets.clone(), with)).await
    }

    /// As [`recv`](Self::recv), with the sender's address beside.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no message was taken.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<Option<(Received, Addr)>> {
        Ok(self.recv(buffer).await?.map(|mut received| {
            let unnamed = Addr::Unix(UnixAddr::Unnamed);
            let source = received.source.take().unwrap_or(unnamed);
            (received, source)
        }))
    }

    /// Puts what is there into `batch`, by one system call: up to `count` messages of at least
    /// `size` bytes, of which longer ones are cut. How many there are; 0 once receiving was shut
    /// down. Any number of tasks.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::DatagramSocket;
    /// use anysock_core::{Outgoing, RecvBatch};
    ///
    /// let (a, b) = DatagramSocket::pair()?;
    /// a.send_batch([&b"one"[..], b"two"].into_iter(), &Outgoing::default()).await?;
    /// let mut batch = RecvBatch::new();
    /// assert_eq!(b.recv_batch(&mut batch, 1500, 32).await?, 2);
    /// assert_eq!(batch.next().unwrap().bytes(), b"one");
    /// # Ok::<_, std::io::Error>(()) })?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no message was taken.
    pub async fn recv_batch(
        &self,
        batch: &mut RecvBatch,
        size: usize,
        count: usize,
    ) -> io::Result<usize> {
        let received = self.io().read_with(|socket| batch.recv(socket, size, count)).await?;
        Ok(received.unwrap_or(0))
    }

    /// Waits for the answer of the network to a datagram that was sent before: to whom, and what
    /// it says. They are queued from when that was [asked for](Socket::set_receive_errors), for
    /// unconnected sockets too. Any number of tasks, beside one that receives.
    ///
    /// ```no_run
    /// # async fn watch(socket: anysock_async::DatagramSocket) -> std::io::Result<()> {
    /// socket.socket().set_receive_errors(true)?;
    /// loop {
    ///     let error = socket.recv_error().await?;
    ///     println!("{:?} cannot be reached: {error}", error.destination);
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on unix sockets; as recvmsg(2).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no error was taken.
    pub async fn recv_error(&self) -> io::Result<QueuedError> {
        self.io().error_with(Socket::recv_error).await
    }

    /// Sends, to the connected peer or to another.
    ///
    /// The answer to what was sent to one peer fails the next message to another, which is
    /// innocent, and tried again. It is told by [`recv_error`](Self::recv_error).
    async fn write<R>(
        &self,
        with: &Outgoing<'_>,
        mut call: impl FnMut(&Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        let io = self.io();
        match (with.to, self.cell().domain) {
            (None, _) => io.write_with(call).await,
            (Some(_), Domain::Unix) => io.write_napping(call).await,
            (Some(_), _) => {
                let innocent = |socket: &Socket| {
                    for attempt in 0..STALE {
                        match call(socket) {
                            Err(error) if is_answer(&error) => {}
                            // Or of this one, of which the queue need not tell over and over.
                            Err(error) if attempt == 0 && is_too_long(&error) => {}
                            done => return done,
                        }
                    }
                    call(socket)
                };
                io.write_with(innocent).await
            }
        }
    }
}

/// How often a message is tried again that an answer to an earlier one has failed.
const STALE: usize = 3;

/// Errors by which the network answers an earlier message.
pub(crate) fn is_answer(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(error.kind(), K::ConnectionRefused | K::HostUnreachable | K::NetworkUnreachable)
}

/// Too long for the path, of which a router may have told.
fn is_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EMSGSIZE)
}

//! The socket underneath, and whose of its peers asks.

use std::io;
use std::net::IpAddr;

use anysock_core::{Addr, Cell, Credentials, Socket, TcpInfo};

/// The socket underneath a transport or a half of one, to be asked. Each question is a system call at
/// most, and changes nothing.
///
/// A connection has a socket of its own. A peer of a datagram listener shares one with all others: its
/// addresses are its own nevertheless, and what speaks of the whole socket is refused.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{SocketRef, StreamSocket};
///
/// let (a, mut b) = StreamSocket::pair()?;
/// tokio::io::AsyncWriteExt::write_all(&mut b, b"hello").await?;
/// let (receiving, _sending) = a.into_split();
/// let asked = SocketRef::new(receiving.socket());
/// assert_eq!(asked.unread_bytes()?, 5);
/// assert_eq!(asked.peer_credentials()?.pid, Some(std::process::id()));
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SocketRef<'a> {
    socket: &'a Socket,
    shared: Option<Shared<'a>>,
}

/// Of one of those who share a socket.
#[derive(Clone, Copy, Debug)]
struct Shared<'a> {
    peer: &'a Addr,
    /// The address that it has asked.
    local: Option<IpAddr>,
}

impl<'a> SocketRef<'a> {
    /// Of a socket that is the transport's alone.
    pub const fn new(socket: &'a Socket) -> Self {
        Self { socket, shared: None }
    }

    pub(crate) const fn shared(socket: &'a Socket, peer: &'a Addr, local: Option<IpAddr>) -> Self {
        Self { socket, shared: Some(Shared { peer, local }) }
    }

    /// The socket. Sending and receiving through it goes past what is buffered above it.
    pub const fn socket(self) -> &'a Socket {
        self.socket
    }

    /// Whether it is a datagram listener's, which all of its peers share.
    pub const fn is_shared(self) -> bool {
        self.shared.is_some()
    }

    /// The cell.
    pub fn cell(self) -> Cell {
        self.socket.cell()
    }

    /// Where this end is; for a peer of a datagram listener, at the address that was asked.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2).
    pub fn local_addr(self) -> io::Result<Addr> {
        let mut bound = self.socket.local_addr()?;
        if let (Addr::Ip(bound), Some(Shared { local: Some(local), .. })) =
            (&mut bound, self.shared)
        {
            bound.set_ip(local);
        }
        Ok(bound)
    }

    /// Where the other end is.
    ///
    /// # Errors
    ///
    /// Those of getpeername(2).
    pub fn peer_addr(self) -> io::Result<Addr> {
        match self.shared {
            Some(shared) => Ok(shared.peer.clone()),
            None => self.socket.peer_addr(),
        }
    }

    /// Who created the other end.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on unix streams and
    /// seqpacket, which alone have a creator of the other end; those of getsockopt(2).
    pub fn peer_credentials(self) -> io::Result<Credentials> {
        match self.cell().kind.is_connection_oriented() {
            true => self.socket.peer_credentials(),
            false => Err(self.refused("credentials of the peer")),
        }
    }

    /// Whether this is multipath TCP, and not TCP into which it has fallen back: see
    /// [`Socket::is_multipath`].
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn is_multipath(self) -> io::Result<bool> {
        self.socket.is_multipath()
    }

    /// What TCP knows of the connection: see [`Socket::tcp_info`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on TCP; those of getsockopt(2).
    pub fn tcp_info(self) -> io::Result<TcpInfo> {
        self.socket.tcp_info()
    }

    /// Bytes that were given to the kernel and that it still keeps: see [`Socket::unsent_bytes`].
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) where the socket [is shared](Self::is_shared);
    /// those of ioctl(2).
    pub fn unsent_bytes(self) -> io::Result<usize> {
        self.alone()?.unsent_bytes()
    }

    /// Bytes that have come and that the kernel still keeps: see [`Socket::unread_bytes`].
    ///
    /// # Errors
    ///
    /// As [`unsent_bytes`](Self::unsent_bytes).
    pub fn unread_bytes(self) -> io::Result<usize> {
        self.alone()?.unread_bytes()
    }

    /// The socket, if what it tells is of this transport alone.
    fn alone(self) -> io::Result<&'a Socket> {
        match self.shared {
            None => Ok(self.socket),
            Some(_) => Err(self.refused("bytes in the kernel of this peer alone")),
        }
    }

    fn refused(self, what: &str) -> io::Error {
        let what = format!("a {} socket has no {what} to tell", self.cell());
        io::Error::new(io::ErrorKind::Unsupported, what)
    }
}

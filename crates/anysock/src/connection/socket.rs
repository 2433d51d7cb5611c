//! What a connection, or a half of one, tells of its socket.

use std::io;

use anysock_async::SocketRef;
use anysock_core::{Addr, Cell, Credentials, Socket, TcpInfo};
use anysock_framing::Guaranteed;
use tracing::Span;

use super::{Connection, ConnectionRecv, ConnectionSend, Receiving, Sending};

/// What is asked of the kernel is one system call, and changes nothing.
impl Connection {
    /// The cell; `None` in memory and over other transports.
    pub fn cell(&self) -> Option<Cell> {
        self.socket_ref().map(SocketRef::cell)
    }

    /// The socket underneath, to ask it for what comes [along](crate::Ancillary) with messages, and
    /// for what this type does not offer; of a peer of a datagram listener the listener's, which all
    /// of its peers share, once it was [upgraded](Self::upgrade) that beneath. `None` in memory, and
    /// over other transports unless they [tell](Guaranteed::socket_ref).
    ///
    /// Sending and receiving through it goes past what is buffered here.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::{Ancillary, prelude::*};
    ///
    /// let mut listener = anysock::bind("unix-seqpacket:").await?;
    /// let mut client = anysock::connect(listener.endpoint()).await?;
    /// let mut peer = listener.accept().await?;
    /// let socket = peer.as_socket().expect("it is no transport in memory");
    /// println!("{} sends through {} bytes", socket.cell(), socket.send_buffer_size()?);
    ///
    /// socket.ask(Ancillary::CREDENTIALS, true)?;
    /// client.send("hello").await?;
    /// let message = peer.recv().await?.unwrap();
    /// assert_eq!(message.credentials().unwrap().pid, Some(std::process::id()));
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn as_socket(&self) -> Option<&Socket> {
        self.socket_ref().map(SocketRef::socket)
    }

    /// Where this end is; for a peer of a datagram listener, at the address that was asked.
    ///
    /// # Errors
    ///
    /// Those of getsockname(2); [`Unsupported`](io::ErrorKind::Unsupported) in memory and over
    /// other transports.
    pub fn local_addr(&self) -> io::Result<Addr> {
        socket_of(self, "address")?.local_addr()
    }

    /// Where the other end is.
    ///
    /// # Errors
    ///
    /// As [`local_addr`](Self::local_addr), of getpeername(2).
    pub fn peer_addr(&self) -> io::Result<Addr> {
        socket_of(self, "address")?.peer_addr()
    }

    /// Who created the other end.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on unix streams and
    /// seqpacket, which alone have a creator of the other end.
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        socket_of(self, "credentials")?.peer_credentials()
    }

    /// Whether this is multipath TCP, and not TCP into which it has fallen back: see
    /// [`Socket::is_multipath`](crate::core::Socket::is_multipath). Whatever is no internet stream
    /// is not.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn is_multipath(&self) -> io::Result<bool> {
        self.socket_ref().map_or(Ok(false), SocketRef::is_multipath)
    }

    /// What TCP knows of the connection: round-trip time, windows, losses, rates, and what limits
    /// them.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::{TcpState, prelude::*};
    ///
    /// let mut listener = anysock::bind("tcp://127.0.0.1:0").await?;
    /// let client = anysock::connect(listener.endpoint()).await?;
    /// let info = client.tcp_info()?;
    /// assert_eq!(info.state, TcpState::Established);
    /// println!("{:?} there and back", info.rtt);
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on TCP; those of getsockopt(2).
    pub fn tcp_info(&self) -> io::Result<TcpInfo> {
        socket_of(self, "TCP")?.tcp_info()
    }

    /// Bytes that were given to the kernel and that it still keeps: on TCP those that the peer has
    /// not acknowledged, elsewhere the memory of messages that were not received; see
    /// [`Socket::unsent_bytes`]. What was not given to it yet, [`Stats::unsent`](crate::Stats)
    /// tells.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for a peer of a datagram listener, which shares
    /// its socket with all others, in memory and over other transports; those of ioctl(2).
    pub fn unsent_bytes(&self) -> io::Result<usize> {
        socket_of(self, "bytes in the kernel")?.unsent_bytes()
    }

    /// Bytes that have come and that the kernel still keeps: all of them, on datagrams the length
    /// of the next message; see [`Socket::unread_bytes`]. What was taken from it already,
    /// [`Stats::held`](crate::Stats) tells.
    ///
    /// # Errors
    ///
    /// As [`unsent_bytes`](Self::unsent_bytes).
    pub fn unread_bytes(&self) -> io::Result<usize> {
        socket_of(self, "bytes in the kernel")?.unread_bytes()
    }
}

macro_rules! half {
    ($half:ident, $arms:ident) => {
        /// What the whole [`Connection`] tells.
        impl $half {
            /// See [`Connection::cell`].
            pub fn cell(&self) -> Option<Cell> {
                self.socket_ref().map(SocketRef::cell)
            }

            /// See [`Connection::as_socket`].
            pub fn as_socket(&self) -> Option<&Socket> {
                self.socket_ref().map(SocketRef::socket)
            }

            /// See [`Connection::local_addr`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::local_addr`].
            pub fn local_addr(&self) -> io::Result<Addr> {
                socket_of(self, "address")?.local_addr()
            }

            /// See [`Connection::peer_addr`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::peer_addr`].
            pub fn peer_addr(&self) -> io::Result<Addr> {
                socket_of(self, "address")?.peer_addr()
            }

            /// See [`Connection::peer_credentials`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::peer_credentials`].
            pub fn peer_credentials(&self) -> io::Result<Credentials> {
                socket_of(self, "credentials")?.peer_credentials()
            }

            /// See [`Connection::is_multipath`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::is_multipath`].
            pub fn is_multipath(&self) -> io::Result<bool> {
                self.socket_ref().map_or(Ok(false), SocketRef::is_multipath)
            }

            /// See [`Connection::tcp_info`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::tcp_info`].
            pub fn tcp_info(&self) -> io::Result<TcpInfo> {
                socket_of(self, "TCP")?.tcp_info()
            }

            /// See [`Connection::unsent_bytes`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::unsent_bytes`].
            pub fn unsent_bytes(&self) -> io::Result<usize> {
                socket_of(self, "bytes in the kernel")?.unsent_bytes()
            }

            /// See [`Connection::unread_bytes`].
            ///
            /// # Errors
            ///
            /// Those of [`Connection::unread_bytes`].
            pub fn unread_bytes(&self) -> io::Result<usize> {
                socket_of(self, "bytes in the kernel")?.unread_bytes()
            }

            /// See [`Connection::span`].
            pub fn span(&self) -> Span {
                match &self.0 {
                    $arms::Other(_, span) => span.clone(),
                    _ => Span::none(),
                }
            }
        }
    };
}

half!(ConnectionSend, Sending);
half!(ConnectionRecv, Receiving);

/// The socket, or that there is none to tell of this.
fn socket_of<'a>(of: &'a impl Guaranteed, what: &str) -> io::Result<SocketRef<'a>> {
    of.socket_ref().ok_or_else(|| no_socket(what))
}

pub(super) fn no_socket(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("this transport has no {what} to tell"))
}

//! To and from the socket types of std and tokio, and to plain descriptors.
//!
//! What is converted goes on as a duplicate of its descriptor, with the options that it has; the
//! other descriptor is closed, and its registration ended, once that has worked. So whatever is
//! refused is given back whole.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net as unix;
use std::{fmt, net};

use anysock_core::{Cell, ConvertError, Socket, Type};

use crate::sys::expect_runtime;
use crate::{DatagramSocket, Listener, SeqPacketSocket, StreamSocket};

/// What can be taken apart into its socket.
trait Whole: Sized {
    fn socket(&self) -> &Socket;

    /// Whether nothing would be lost.
    fn expect_nothing_held(&self) -> io::Result<()> {
        Ok(())
    }

    /// Ends it, now that its socket goes on elsewhere.
    fn end(self) {}
}

impl Whole for StreamSocket {
    fn socket(&self) -> &Socket {
        self.socket()
    }
}

impl Whole for DatagramSocket {
    fn socket(&self) -> &Socket {
        self.socket()
    }

    fn expect_nothing_held(&self) -> io::Result<()> {
        if self.is_put_together() {
            let what = "datagrams were received in batches, and the kernel may have put some \
                        together (UDP_GRO) that only batches take apart; convert it before that";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        Ok(())
    }
}

impl Whole for SeqPacketSocket {
    fn socket(&self) -> &Socket {
        self.socket()
    }

    fn expect_nothing_held(&self) -> io::Result<()> {
        self.kept_reset().map_or(Ok(()), Err)
    }
}

impl Whole for Listener {
    fn socket(&self) -> &Socket {
        self.socket()
    }

    fn expect_nothing_held(&self) -> io::Result<()> {
        if self.as_datagrams().is_some() {
            let what = "datagrams were taken off the socket for peers that are not accepted yet; \
                        convert a DatagramSocket instead";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        Ok(())
    }

    fn end(mut self) {
        if let Some(path) = self.take_path() {
            path.leave();
        }
    }
}

fn convert<S: Whole, T>(
    from: S,
    make: impl FnOnce(Socket) -> io::Result<T>,
) -> Result<T, ConvertError<S>> {
    let made = from.expect_nothing_held().and_then(|()| from.socket().try_clone()).and_then(make);
    match made {
        Ok(made) => {
            from.end();
            Ok(made)
        }
        Err(error) => Err(ConvertError::new(from, error)),
    }
}

/// As [`convert`], for a type that knows one domain, or two.
fn convert_cell<S: Whole, T>(
    from: S,
    wanted: Wanted,
    make: impl FnOnce(Socket) -> io::Result<T>,
) -> Result<T, ConvertError<S>> {
    let cell = from.socket().cell();
    if wanted.contains(cell) {
        return convert(from, make);
    }
    let what = format!("this socket is {cell}, and no {wanted}; convert it to a type of its own");
    Err(ConvertError::new(from, io::Error::new(io::ErrorKind::InvalidInput, what)))
}

/// The cells of a type of std or tokio.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Tcp,
    Udp,
    UnixStream,
    UnixDatagram,
}

impl Wanted {
    fn contains(self, cell: Cell) -> bool {
        match self {
            Self::Tcp => cell.domain.is_inet() && cell.kind == Type::Stream,
            Self::Udp => cell.domain.is_inet() && cell.kind == Type::Datagram,
            Self::UnixStream => cell == Cell::UNIX_STREAM,
            Self::UnixDatagram => cell == Cell::UNIX_DATAGRAM,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP socket",
            Self::Udp => "UDP socket",
            Self::UnixStream => "unix stream socket",
            Self::UnixDatagram => "unix datagram socket",
        })
    }
}

/// A socket of ours from one of std's or tokio's.
fn adopt<T: AsFd, S>(
    from: T,
    make: impl FnOnce(Socket) -> io::Result<S>,
) -> Result<S, ConvertError<T>> {
    let made = expect_runtime()
        .and_then(|()| from.as_fd().try_clone_to_owned())
        .and_then(|descriptor| Ok(Socket::adopt(descriptor)?))
        .and_then(make);
    made.map_err(|error| ConvertError::new(from, error))
}

macro_rules! to_and_from {
    ($($ours:ident <=> $std:ty, $tokio:ty: $cells:ident, $make:expr;)*) => {$(
        impl TryFrom<$ours> for $std {
            type Error = ConvertError<$ours>;

            fn try_from(socket: $ours) -> Result<Self, Self::Error> {
                convert_cell(socket, Wanted::$cells, |socket| Ok(OwnedFd::from(socket).into()))
            }
        }

        impl TryFrom<$ours> for $tokio {
            type Error = ConvertError<$ours>;

            fn try_from(socket: $ours) -> Result<Self, Self::Error> {
                convert_cell(socket, Wanted::$cells, |socket| {
                    expect_runtime()?;
                    Self::from_std(OwnedFd::from(socket).into())
                })
            }
        }

        impl TryFrom<$std> for $ours {
            type Error = ConvertError<$std>;

            fn try_from(socket: $std) -> Result<Self, Self::Error> {
                adopt(socket, $make)
            }
        }

        impl TryFrom<$tokio> for $ours {
            type Error = ConvertError<$tokio>;

            fn try_from(socket: $tokio) -> Result<Self, Self::Error> {
                adopt(socket, $make)
            }
        }
    )*};
}

to_and_from! {
    StreamSocket <=> net::TcpStream, tokio::net::TcpStream: Tcp, StreamSocket::new;
    StreamSocket <=> unix::UnixStream, tokio::net::UnixStream: UnixStream, StreamSocket::new;
    DatagramSocket <=> net::UdpSocket, tokio::net::UdpSocket: Udp, DatagramSocket::new;
    DatagramSocket <=> unix::UnixDatagram, tokio::net::UnixDatagram: UnixDatagram, DatagramSocket::new;
    Listener <=> net::TcpListener, tokio::net::TcpListener: Tcp, Listener::of;
    Listener <=> unix::UnixListener, tokio::net::UnixListener: UnixStream, Listener::of;
}

impl Listener {
    fn of(socket: Socket) -> io::Result<Self> {
        Self::new(socket, crate::PeerLimits::default(), None, None)
    }
}

macro_rules! into_socket {
    ($($ours:ident: $(#[$about:meta])*;)*) => {$(
        impl $ours {
            $(#[$about])*
            pub fn into_socket(self) -> Result<Socket, ConvertError<Self>> {
                convert(self, Ok)
            }
        }

        impl TryFrom<$ours> for OwnedFd {
            type Error = ConvertError<$ours>;

            fn try_from(socket: $ours) -> Result<Self, Self::Error> {
                socket.into_socket().map(Self::from)
            }
        }
    )*};
}

into_socket! {
    StreamSocket:
        /// The socket alone, which is no longer registered. `OwnedFd`, and the types of std and
        /// tokio, are had by `try_from`.
        ///
        /// # Errors
        ///
        /// Gives this back where there is no descriptor for a duplicate.
        ///
        /// ```
        /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        /// use anysock_async::StreamSocket;
        /// use std::os::unix::net::UnixStream;
        ///
        /// let (near, far) = StreamSocket::pair()?;
        /// let near = UnixStream::try_from(near)?;
        /// // This one is no TCP socket, and comes back.
        /// let refused = std::net::TcpStream::try_from(far).unwrap_err();
        /// let far = tokio::net::UnixStream::try_from(refused.into_inner())?;
        /// let far = StreamSocket::try_from(far)?;
        /// # Ok::<_, std::io::Error>(()) })?;
        /// # Ok::<_, std::io::Error>(())
        /// ```
    ;
    SeqPacketSocket:
        /// The socket alone, which is no longer registered. `SO_PASSCRED` stays set.
        ///
        /// # Errors
        ///
        /// Gives this back where there is no descriptor for a duplicate, and with the reset of the
        /// connection, if one was met that was not reported yet.
    ;
    DatagramSocket:
        /// The socket alone, which is no longer registered. `OwnedFd`, and the types of std and
        /// tokio, are had by `try_from`.
        ///
        /// # Errors
        ///
        /// Gives this back where there is no descriptor for a duplicate;
        /// [`Unsupported`](io::ErrorKind::Unsupported) on UDP once batches were received.
    ;
    Listener:
        /// The socket alone, which goes on listening and is no longer registered. `OwnedFd`, and
        /// the types of std and tokio, are had by `try_from`.
        ///
        /// A socket file is left where it is: [`take_path`](Self::take_path) comes before this
        /// where it is to be unlinked one day.
        ///
        /// # Errors
        ///
        /// Gives this back where there is no descriptor for a duplicate;
        /// [`Unsupported`](io::ErrorKind::Unsupported) for a datagram listener, which may hold
        /// datagrams already.
    ;
}

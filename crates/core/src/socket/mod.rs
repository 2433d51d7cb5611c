//! A socket of any cell: non-blocking, close-on-exec, and never a source of SIGPIPE.

mod ask;
mod errors;
mod receive;
mod send;

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::{
    Addr, Ancillary, Cell, Credentials, Domain, Protocol, Shutdown, Type, UnixAddr,
    UnsupportedCell,
    sys::{self, Call, NONE},
};

/// A socket of one of the nine cells. Each method is one system call.
///
/// Non-blocking and close-on-exec from the first moment; sending to a closed peer gives
/// `EPIPE`, never SIGPIPE.
///
/// ```
/// use anysock_core::{Cell, Socket, UnixAddr};
///
/// let name = UnixAddr::abstract_name(format!("doc-socket-{}", std::process::id()))?.into();
/// let server = Socket::open(Cell::UNIX_SEQPACKET)?;
/// server.bind(&name)?;
/// server.listen(16)?;
///
/// let client = Socket::open(Cell::UNIX_SEQPACKET)?;
/// client.connect(&name)?;
/// client.send(b"hello")?;
///
/// let (peer, _) = server.accept()?;
/// let mut buffer = [0; 64];
/// assert_eq!(peer.recv_message(&mut buffer)?.length, 5);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Socket {
    inner: socket2::Socket,
    cell: Cell,
    /// What the kernel may let come beside bytes, for all that is known: an [`Ancillary`].
    let_by: AtomicU8,
    /// What its owner wants to come along with messages: an [`Ancillary`].
    asked: AtomicU8,
}

impl Socket {
    /// Opens a socket: socket(2).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported), wrapping an [`UnsupportedCell`], where this
    /// machine has no such sockets. Inet seqpacket is asked for as SCTP; where the kernel has
    /// it the answer is the same, since its one-to-many sockets know no accept(2).
    pub fn open(cell: Cell) -> io::Result<Self> {
        Self::open_as(cell.domain, cell.kind)
    }

    /// Opens a socket of a domain and a protocol: socket(2). A [`Type`] is the domain's default.
    ///
    /// Where the kernel has no multipath TCP (before Linux 5.6, not built, or `net.mptcp.enabled`
    /// is 0) this is a TCP socket, by a second call: as the kernel itself falls back towards a
    /// peer that has none. [`is_multipath`](Self::is_multipath) tells.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open); a unix domain has no multipath TCP.
    pub fn open_as(domain: Domain, protocol: impl Into<Protocol>) -> io::Result<Self> {
        let protocol = protocol.into();
        let cell = Cell::new(domain, protocol.kind());
        if protocol == Protocol::Multipath && !domain.is_inet() {
            let why = "multipath TCP is a protocol of internet domains; ask for a plain stream";
            return Err(UnsupportedCell::new(cell, why).into());
        }
        let open = |protocol| {
            let kind = cell.kind.to_os().nonblocking().cloexec();
            sys::settled(Call::Socket, NONE, || {
                socket2::Socket::new_raw(cell.domain.to_os(), kind, protocol)
            })
        };
        let opened = match open(protocol.to_os(cell)) {
            Err(error) if protocol.falls_back(&error) => {
                tracing::debug!(%cell, %error, "no multipath TCP here, TCP takes its place");
                open(cell.protocol())
            }
            opened => opened,
        };
        match opened {
            Ok(_) if cell.domain.is_inet() && cell.kind == Type::SeqPacket => {
                let why = "the kernel has SCTP, but its one-to-many sockets have no accept(2)";
                Err(UnsupportedCell::new(cell, why).into())
            }
            Ok(inner) => Ok(Self::new(inner, cell, Ancillary::DESCRIPTORS)),
            Err(error) => Err(match error.raw_os_error() {
                Some(libc::ESOCKTNOSUPPORT | libc::EPROTONOSUPPORT | libc::EAFNOSUPPORT) => {
                    UnsupportedCell::new(cell, format!("the kernel says \"{error}\"")).into()
                }
                _ => error,
            }),
        }
    }

    fn new(inner: socket2::Socket, cell: Cell, let_by: Ancillary) -> Self {
        let (let_by, asked) = (AtomicU8::new(let_by.bits()), AtomicU8::new(0));
        Self { inner, cell, let_by, asked }
    }

    /// One that somebody else has made, with whom descriptors may be on their way, and who may have
    /// asked for credentials and times.
    pub(crate) fn adopted(inner: socket2::Socket, cell: Cell) -> Self {
        let let_by = Ancillary::DESCRIPTORS | Ancillary::CREDENTIALS | Ancillary::TIMESTAMP;
        Self::new(inner, cell, let_by)
    }

    /// Two unnamed unix sockets, connected to each other: socketpair(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn pair(kind: Type) -> io::Result<(Self, Self)> {
        let cell = Cell::new(Domain::Unix, kind);
        let os = kind.to_os().nonblocking().cloexec();
        let (a, b) = sys::settled(Call::SocketPair, NONE, || {
            socket2::Socket::pair_raw(socket2::Domain::UNIX, os, None)
        })?;
        let new = |inner| Self::new(inner, cell, Ancillary::DESCRIPTORS);
        Ok((new(a), new(b)))
    }

    /// The cell.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Gives the socket a name: bind(2). The [unnamed](UnixAddr::Unnamed) unix address asks for
    /// an automatic abstract name.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn bind(&self, addr: &Addr) -> io::Result<()> {
        let addr = sys::to_os(addr);
        self.settled(Call::Bind, |socket| socket.bind(&addr))
    }

    /// Lets peers connect: listen(2). The kernel cuts `backlog` to `net.core.somaxconn`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        self.settled(Call::Listen, |socket| socket.listen(backlog))
    }

    /// Connects, or begins to: connect(2).
    ///
    /// # Errors
    ///
    /// Those of the system call. `EINPROGRESS` says that the socket becomes writable once it is
    /// connected or has failed, which [`take_error`](Self::take_error) then tells.
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), on unix, says that the backlog is full and
    /// *nothing* is in progress.
    pub fn connect(&self, addr: &Addr) -> io::Result<()> {
        let addr = sys::to_os(addr);
        let mut interrupted = false;
        loop {
            let connected =
                sys::call(Call::Connect, self.as_raw_fd(), || self.inner.connect(&addr));
            let number = connected.as_ref().err().and_then(io::Error::raw_os_error);
            match number {
                // What was interrupted may go on all the same: then the next call says so.
                Some(libc::EINTR) => interrupted = true,
                Some(libc::EISCONN) if interrupted => return Ok(()),
                Some(libc::EALREADY) if interrupted => {
                    return Err(io::Error::from_raw_os_error(libc::EINPROGRESS));
                }
                _ => return connected,
            }
        }
    }

    /// Takes a connection off the backlog: accept4(2). It asks for what this socket does, which
    /// takes another call for times: these alone the kernel does not hand on.
    ///
    /// # Errors
    ///
    /// Those of the system call. [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) also where
    /// the other call failed: the connection is lost then, and the listener is well.
    pub fn accept(&self) -> io::Result<(Self, Addr)> {
        let (descriptor, peer) = sys::accept(self.as_fd())?;
        let peer = peer.unwrap_or(Addr::Unix(UnixAddr::Unnamed));
        // The kernel hands on to it what its listener refuses and asks for.
        let accepted = Self::new(descriptor.into(), self.cell, self.let_by());
        accepted.asked.store(self.asked().bits(), Ordering::Relaxed);
        if self.asked().contains(Ancillary::TIMESTAMP) {
            let asked = accepted.set_receive_timestamp(true);
            asked.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
        }
        Ok((accepted, peer))
    }

    /// Where this socket is: getsockname(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn local_addr(&self) -> io::Result<Addr> {
        let name = self.settled(Call::LocalName, socket2::Socket::local_addr)?;
        sys::from_os(&name).ok_or_else(foreign_family)
    }

    /// Where its peer is: getpeername(2).
    ///
    /// # Errors
    ///
    /// Those of the system call; [`NotConnected`](io::ErrorKind::NotConnected) above all.
    pub fn peer_addr(&self) -> io::Result<Addr> {
        let name = self.settled(Call::PeerName, socket2::Socket::peer_addr)?;
        sys::from_os(&name).ok_or_else(foreign_family)
    }

    /// Ends one or both directions: shutdown(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => std::net::Shutdown::Read,
            Shutdown::Write => std::net::Shutdown::Write,
            Shutdown::Both => std::net::Shutdown::Both,
        };
        self.settled(Call::Shutdown, |socket| socket.shutdown(how))
    }

    /// Breaks a connection off at once: the ABORT call of RFC 9293. What was not sent is gone, and the
    /// peer, once it has received what had arrived, is told of a reset. By connect(2) to `AF_UNSPEC`,
    /// which needs not have the descriptor closed, so that whoever else holds one learns of it too.
    ///
    /// If this side has ended its direction before and the peer has received that end, the peer's
    /// sending alone fails.
    ///
    /// ```
    /// use anysock_core::{Cell, Socket, Type};
    /// # use std::io::ErrorKind;
    /// let listener = Socket::open(Cell::IPV4_STREAM)?;
    /// listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into())?;
    /// listener.listen(1)?;
    /// let client = Socket::open(Cell::IPV4_STREAM)?;
    /// let _ = client.connect(&listener.local_addr()?); // in progress
    /// # let accepted = loop { match listener.accept() { Ok((socket, _)) => break socket, Err(e) => assert_eq!(e.kind(), ErrorKind::WouldBlock) } };
    /// client.abort()?;
    /// # while accepted.recv(&mut [0]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock) {}
    ///
    /// let (unix, _peer) = Socket::pair(Type::Stream)?;
    /// assert_eq!(unix.abort().unwrap_err().kind(), ErrorKind::Unsupported);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) everywhere but on TCP: nothing else has a reset that
    /// one side could ask for. Those of the system call.
    pub fn abort(&self) -> io::Result<()> {
        if !matches!(self.cell, Cell::IPV4_STREAM | Cell::IPV6_STREAM) {
            let what = format!(
                "{} sockets cannot reset their connection, only TCP can: close it, or shut it down",
                self.cell
            );
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        sys::dissolve(self.as_raw_fd())
    }

    /// Who created the other end of a unix connection: `SO_PEERCRED`.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on internet sockets, which have no such
    /// thing.
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        if self.cell.domain.is_inet() {
            let what = format!("{} sockets know no credentials of the peer", self.cell);
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        sys::get_credentials(self.as_fd())
    }

    /// A second descriptor of the same socket: `F_DUPFD_CLOEXEC`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn try_clone(&self) -> io::Result<Self> {
        let inner = self.settled(Call::Duplicate, socket2::Socket::try_clone)?;
        let clone = Self::new(inner, self.cell, self.let_by());
        clone.asked.store(self.asked().bits(), Ordering::Relaxed);
        Ok(clone)
    }

    /// A call that socket2 has a method for, and that is no transfer.
    pub(crate) fn settled<T>(
        &self,
        call: Call,
        run: impl Fn(&socket2::Socket) -> io::Result<T>,
    ) -> io::Result<T> {
        sys::settled(call, self.as_raw_fd(), || run(&self.inner))
    }
}

fn foreign_family() -> io::Error {
    io::Error::other("the kernel gave an address of a family that is neither inet nor unix")
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

impl From<Socket> for OwnedFd {
    fn from(socket: Socket) -> Self {
        socket.inner.into()
    }
}

//! A socket of any cell: non-blocking, close-on-exec, and never a source of SIGPIPE.

use std::io::{self, IoSlice, Read};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;

use bytes::BufMut;

use crate::{
    Addr, Ancillary, Arrival, Attached, Cell, Credentials, Domain, Passed, Protocol, QueuedError,
    Type, UnixAddr, UnsupportedCell, sys,
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

/// Which direction of a connection is shut down.
///
/// ```
/// use anysock_core::{Shutdown, Socket, Type};
/// let (a, b) = Socket::pair(Type::Stream)?;
/// a.shutdown(Shutdown::Write)?;
/// assert_eq!(b.recv(&mut [0; 8])?, 0);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// Nothing more is received.
    Read,
    /// Nothing more is sent: the peer sees the end.
    Write,
    /// Neither.
    Both,
}

/// An address of this host, and the interface it was reached by.
///
/// ```
/// use anysock_core::LocalAddress;
/// let local = LocalAddress { address: [127, 0, 0, 1].into(), interface: 1 };
/// assert!(local.address.is_loopback());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress {
    /// The address.
    pub address: IpAddr,
    /// Index of the interface, from 1; 0 if unknown.
    pub interface: u32,
}

/// What one receive call brought.
///
/// ```
/// use anysock_core::{Socket, Type};
/// let (a, b) = Socket::pair(Type::Datagram)?;
/// a.send(b"too long")?;
/// let received = b.recv_message(&mut [0; 3])?;
/// assert_eq!((received.length, received.copied), (8, 3));
/// assert!(received.is_truncated());
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Received {
    /// Real length of the message in bytes, also if the buffer was shorter.
    pub length: usize,
    /// Bytes that were written to the buffer.
    pub copied: usize,
    /// Who sent it; `None` on a connected stream or seqpacket socket.
    pub source: Option<Addr>,
    /// To which address of this host it was sent, where that was asked for.
    pub destination: Option<LocalAddress>,
    /// The sender's credentials, where `SO_PASSCRED` is set.
    pub credentials: Option<Credentials>,
    /// Descriptors that were passed, close-on-exec. Dropping them closes them.
    pub descriptors: Vec<OwnedFd>,
    /// More was passed beside the bytes than could be taken.
    pub control_truncated: bool,
    /// The traffic class of the IP header, where that was asked for: six bits of DSCP (RFC 2474)
    /// and two of ECN (RFC 3168).
    pub traffic_class: Option<u8>,
    /// The TTL or hop limit with which it arrived, where that was asked for.
    pub hop_limit: Option<u8>,
    /// When the kernel received it, where that was asked for.
    pub timestamp: Option<SystemTime>,
    /// How many messages the socket has dropped for a full receive buffer so far, where that was
    /// asked for and some were.
    pub dropped: Option<u32>,
    /// The size of the datagrams that the kernel put together (`UDP_GRO`), if it did; the last
    /// one may be shorter.
    pub segment: Option<u16>,
}

/// What one read of a byte stream brought.
///
/// ```
/// use anysock_core::{Socket, Type};
/// let (a, b) = Socket::pair(Type::Stream)?;
/// a.send(b"hello")?;
/// let mut buffer = Vec::with_capacity(64);
/// let chunk = b.recv_chunk(&mut buffer)?;
/// assert_eq!((chunk.length, chunk.fell_short), (5, true));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// Bytes that were read; 0 at the end.
    pub length: usize,
    /// The buffer was not filled, and nothing came along at which the kernel would have stopped.
    /// There was no more then, unless an urgent byte (`MSG_OOB`, tcp(7)) stands before it.
    pub fell_short: bool,
}

impl Chunk {
    fn new(length: usize, room: usize, came_along: bool) -> Self {
        Self { length, fell_short: 0 < length && length < room && !came_along }
    }
}

/// What goes with the bytes of one send call.
///
/// ```
/// use anysock_core::Outgoing;
/// assert!(Outgoing::default().to.is_none());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The receiver; `None` on a connected socket.
    pub to: Option<&'a Addr>,
    /// The address of this host to send from.
    pub source: Option<LocalAddress>,
    /// Descriptors to pass; at most 253.
    pub descriptors: &'a [OwnedFd],
    /// Cut the bytes into datagrams of this size, the last one may be shorter: UDP only, at
    /// most 64 of them, none larger than the path takes without fragments (udp(7),
    /// `UDP_SEGMENT`).
    pub segment: Option<u16>,
    /// The traffic class of the IP header, UDP only: six bits of DSCP and two of ECN. It takes the
    /// place of the socket's own.
    pub traffic_class: Option<u8>,
    /// The TTL or hop limit, UDP only, 1 to 255, in place of the socket's own.
    pub hop_limit: Option<u8>,
}

impl<'a> Outgoing<'a> {
    /// To `to`, on an unconnected socket.
    pub fn to(to: &'a Addr) -> Self {
        Self { to: Some(to), ..Self::default() }
    }

    /// Also with what is attached to a message.
    #[must_use]
    pub fn with_attached(mut self, attached: &'a Attached) -> Self {
        let source = attached.source_addr().map(|address| LocalAddress { address, interface: 0 });
        self.source = source.or(self.source);
        self.descriptors = attached.descriptors();
        self.traffic_class = attached.traffic_class_value().or(self.traffic_class);
        self.hop_limit = attached.hop_limit_value().or(self.hop_limit);
        self
    }

    /// Refuses, as the kernel would, what there is no room for, or what it would pass over.
    pub(crate) fn check(&self, domain: Domain) -> io::Result<()> {
        let is_foreign = |source: LocalAddress| {
            domain == Domain::Ipv4 && source.address.to_canonical().is_ipv6()
        };
        match self.descriptors.len() > Attached::MAX_DESCRIPTORS
            || self.source.is_some_and(is_foreign)
        {
            true => Err(io::Error::from_raw_os_error(libc::EINVAL)),
            false => Ok(()),
        }
    }
}

impl Received {
    /// Whether the buffer was too short, so that the rest is lost.
    pub fn is_truncated(&self) -> bool {
        self.copied < self.length
    }

    /// What came along of all that was `asked` for, and then also who sent it and the size of the
    /// datagrams that were put together; `None` if it is nothing. Dropped, descriptors are closed.
    pub fn into_arrival(self, asked: Ancillary) -> Option<Box<Arrival>> {
        if asked.is_empty() {
            return None;
        }
        let Self { source, destination, credentials, descriptors, .. } = self;
        let keeps = |one| asked.contains(one);
        let arrival = Arrival {
            source,
            destination: destination.filter(|_| keeps(Ancillary::DESTINATION)),
            descriptors: if keeps(Ancillary::DESCRIPTORS) { descriptors } else { Vec::new() },
            credentials: credentials.filter(|_| keeps(Ancillary::CREDENTIALS)),
            traffic_class: self.traffic_class,
            hop_limit: self.hop_limit,
            timestamp: self.timestamp,
            dropped: self.dropped,
            segment: self.segment,
        };
        (!arrival.is_empty()).then(|| Box::new(arrival))
    }

    /// Whether descriptors were lost that were `asked` for: there was too little room, or this
    /// process has as many open as it may.
    pub fn has_lost(&self, asked: Ancillary) -> bool {
        self.control_truncated && asked.contains(Ancillary::DESCRIPTORS)
    }
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
            socket2::Socket::new_raw(cell.domain.to_os(), kind, protocol)
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

    /// Whether times may come along, asked for or not.
    pub(crate) fn lets_times_by(&self) -> bool {
        self.let_by().contains(Ancillary::TIMESTAMP)
    }

    fn let_by(&self) -> Ancillary {
        Ancillary::from_bits(self.let_by.load(Ordering::Relaxed))
    }

    /// What its owner wants to come along with messages: see [`ask`](Self::ask).
    pub fn asked(&self) -> Ancillary {
        Ancillary::from_bits(self.asked.load(Ordering::Relaxed))
    }

    /// Asks for `what` to come along with messages, or no longer, and remembers it: one system
    /// call for each, two on IPv6 sockets, which may have IPv4 peers.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for what does not exist on this cell, before
    /// any system call; those of setsockopt(2).
    pub fn ask(&self, what: Ancillary, on: bool) -> io::Result<()> {
        if let Some((_, name)) = (what - Ancillary::of(self.cell)).iter().next() {
            let text = format!("{name} do not come along on {} sockets", self.cell);
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        for (one, _) in what.iter() {
            match one {
                Ancillary::DESCRIPTORS => {
                    self.set_pass_descriptors(on)?;
                    // Those that are no longer asked for may be on their way.
                    note(&self.let_by, one, true);
                }
                // They tell empty messages from the end there, and stay.
                Ancillary::CREDENTIALS if !on && self.cell.kind == Type::SeqPacket => {}
                Ancillary::CREDENTIALS => self.set_pass_credentials(on)?,
                Ancillary::DESTINATION => self.set_receive_destination(on)?,
                Ancillary::TRAFFIC_CLASS => self.set_receive_traffic_class(on)?,
                Ancillary::HOP_LIMIT => self.set_receive_hop_limit(on)?,
                Ancillary::TIMESTAMP => self.set_receive_timestamp(on)?,
                Ancillary::DROPS => self.set_receive_drops(on)?,
                _ => {}
            }
            note(&self.asked, one, on);
        }
        Ok(())
    }

    /// Whether the kernel takes descriptors that are passed to this socket, or to those that it
    /// accepts: `SO_PASSRIGHTS`. Who passes some where they are refused gets `EPERM`. Whether the
    /// kernel knows the option: unix sockets do since Linux 6.16. To be refused before anybody can
    /// have passed one.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2), but for an option that is not known.
    pub fn set_pass_descriptors(&self, on: bool) -> io::Result<bool> {
        if self.cell.domain.is_inet() {
            return Ok(false);
        }
        match sys::set_flag(self.as_fd(), libc::SOL_SOCKET, sys::SO_PASSRIGHTS, on) {
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => return Ok(false),
            done => done?,
        }
        note(&self.let_by, Ancillary::DESCRIPTORS, on);
        Ok(true)
    }

    /// Two unnamed unix sockets, connected to each other: socketpair(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn pair(kind: Type) -> io::Result<(Self, Self)> {
        let cell = Cell::new(Domain::Unix, kind);
        let os = kind.to_os().nonblocking().cloexec();
        let (a, b) = socket2::Socket::pair_raw(socket2::Domain::UNIX, os, None)?;
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
        self.inner.bind(&sys::to_os(addr))
    }

    /// Lets peers connect: listen(2). The kernel cuts `backlog` to `net.core.somaxconn`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn listen(&self, backlog: i32) -> io::Result<()> {
        self.inner.listen(backlog)
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
        self.inner.connect(&sys::to_os(addr))
    }

    /// Takes a connection off the backlog: accept4(2). It asks for what this socket does, which
    /// takes another call for times: these alone the kernel does not hand on.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn accept(&self) -> io::Result<(Self, Addr)> {
        let (descriptor, peer) = sys::accept(self.as_fd())?;
        let peer = peer.unwrap_or(Addr::Unix(UnixAddr::Unnamed));
        // The kernel hands on to it what its listener refuses and asks for.
        let accepted = Self::new(descriptor.into(), self.cell, self.let_by());
        accepted.asked.store(self.asked().bits(), Ordering::Relaxed);
        if self.asked().contains(Ancillary::TIMESTAMP) {
            accepted.set_receive_timestamp(true)?;
        }
        Ok((accepted, peer))
    }

    /// Where this socket is: getsockname(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn local_addr(&self) -> io::Result<Addr> {
        sys::from_os(&self.inner.local_addr()?).ok_or_else(foreign_family)
    }

    /// Where its peer is: getpeername(2).
    ///
    /// # Errors
    ///
    /// Those of the system call; [`NotConnected`](io::ErrorKind::NotConnected) above all.
    pub fn peer_addr(&self) -> io::Result<Addr> {
        sys::from_os(&self.inner.peer_addr()?).ok_or_else(foreign_family)
    }

    /// Takes the pending error: `SO_ERROR`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.inner.take_error()
    }

    /// Ends one or both directions: shutdown(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.shutdown(match how {
            Shutdown::Read => std::net::Shutdown::Read,
            Shutdown::Write => std::net::Shutdown::Write,
            Shutdown::Both => std::net::Shutdown::Both,
        })
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
        let clone = Self::new(self.inner.try_clone()?, self.cell, self.let_by());
        clone.asked.store(self.asked().bits(), Ordering::Relaxed);
        Ok(clone)
    }

    /// Sends on a connected socket: send(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.send_with_flags(bytes, libc::MSG_NOSIGNAL)
    }

    /// Sends several slices as one message, or as a run of stream bytes: sendmsg(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn send_message(&self, slices: &[IoSlice<'_>], with: &Outgoing<'_>) -> io::Result<usize> {
        sys::send_message(self.as_fd(), self.cell.domain, slices, with)
    }

    /// Receives into `buffer`: recv(2). Descriptors that were passed are closed by the kernel.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.inner).read(buffer)
    }

    /// Receives into the spare capacity of `buffer`: recv(2). Descriptors that were passed are
    /// closed by the kernel.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv_buffer(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        sys::recv_buffer(self.as_fd(), buffer)
    }

    /// As [`recv_buffer`](Self::recv_buffer) from a stream, and whether more may be there: on unix
    /// by recvmsg(2), which costs more and tells that the kernel stopped at what came along, unless
    /// nothing can.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv_chunk(&self, buffer: &mut impl BufMut) -> io::Result<Chunk> {
        let room = buffer.chunk_mut().len();
        let (length, came_along) = match self.cell.domain {
            Domain::Unix if !(self.let_by() - Ancillary::TIMESTAMP).is_empty() => {
                sys::recv_buffer_beside(self.as_fd(), buffer)?
            }
            _ => (sys::recv_buffer(self.as_fd(), buffer)?, false),
        };
        Ok(Chunk::new(length, room, came_along))
    }

    /// As [`recv_chunk`](Self::recv_chunk), with what was passed beside the bytes: recvmsg(2), with
    /// room for as many descriptors as there can be.
    ///
    /// Descriptors were passed by the call that sent the last of the bytes, for a read never goes
    /// on behind them; bytes before those may be of earlier calls. All bytes are of the one sender
    /// whose credentials these are.
    ///
    /// # Errors
    ///
    /// Those of the system call; `passed` is then as it was.
    pub fn recv_chunk_passed(
        &self,
        buffer: &mut impl BufMut,
        passed: &mut Passed,
    ) -> io::Result<Chunk> {
        let room = buffer.chunk_mut().len();
        let (length, came_along) = sys::recv_buffer_passed(self.as_fd(), buffer, passed)?;
        Ok(Chunk::new(length, room, came_along))
    }

    /// Receives one message with its real length, its source and what came along: recvmsg(2).
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn recv_message(&self, buffer: &mut [u8]) -> io::Result<Received> {
        sys::recv_message(self.as_fd(), buffer)
    }

    /// Sends each of `packets` as a message of its own, at most
    /// [`RecvBatch::MOST`](crate::RecvBatch::MOST) of them: sendmmsg(2). How many were sent, at
    /// least one.
    ///
    /// # Errors
    ///
    /// Those of the system call, which concern the first packet.
    pub fn send_batch<'a>(
        &self,
        packets: impl Iterator<Item = &'a [u8]>,
        with: &Outgoing<'_>,
    ) -> io::Result<usize> {
        sys::send_batch(self.as_fd(), self.cell.domain, packets, with)
    }

    /// Lets the kernel put datagrams of one sender together: `UDP_GRO`. From then on only
    /// [`RecvBatch`](crate::RecvBatch) tells them apart.
    ///
    /// # Errors
    ///
    /// Those of the system call; `ENOPROTOOPT` where the kernel does not know it.
    pub fn set_receive_offload(&self, on: bool) -> io::Result<()> {
        sys::set_flag(self.as_fd(), libc::SOL_UDP, libc::UDP_GRO, on)
    }

    /// What the path to the connected peer carries in one piece, in bytes, headers included:
    /// `IP_MTU` or `IPV6_MTU`.
    ///
    /// # Errors
    ///
    /// Those of the system call; [`NotConnected`](io::ErrorKind::NotConnected) above all.
    pub fn path_mtu(&self) -> io::Result<usize> {
        let mtu = match self.cell.domain {
            Domain::Ipv6 => sys::get_int(self.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_MTU),
            _ => sys::get_int(self.as_fd(), libc::IPPROTO_IP, libc::IP_MTU),
        }?;
        Ok(usize::try_from(mtu).unwrap_or(0))
    }

    /// Takes the next error off the error queue, with the destination it concerns: recvmsg(2)
    /// with `MSG_ERRQUEUE`. None is queued unless that was [asked for](Self::set_receive_errors).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on unix sockets, which have no such queue;
    /// those of the system call.
    pub fn recv_error(&self) -> io::Result<Option<QueuedError>> {
        if self.cell.domain == Domain::Unix {
            let what = format!("{} sockets have no queue of errors", self.cell);
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        sys::recv_error(self.as_fd())
    }

    /// Asks for the sender's credentials with each message: `SO_PASSCRED`, unix only.
    ///
    /// On a socket without a name, a later connect(2) then gives it an automatic one.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_pass_credentials(&self, on: bool) -> io::Result<()> {
        if on {
            note(&self.let_by, Ancillary::CREDENTIALS, true);
        }
        sys::set_flag(self.as_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED, on)?;
        note(&self.let_by, Ancillary::CREDENTIALS, on);
        Ok(())
    }

    /// Asks for the destination of each datagram: `IP_PKTINFO` or `IPV6_RECVPKTINFO`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_destination(&self, on: bool) -> io::Result<()> {
        match self.cell.domain {
            Domain::Ipv6 => {
                sys::set_flag(self.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, on)
            }
            _ => sys::set_flag(self.as_fd(), libc::IPPROTO_IP, libc::IP_PKTINFO, on),
        }
    }

    /// Asks for the traffic class of each datagram: `IP_RECVTOS`, `IPV6_RECVTCLASS`.
    ///
    /// An IPv6 socket may have IPv4 peers, of whom it is asked for separately: two calls.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_traffic_class(&self, on: bool) -> io::Result<()> {
        self.set_both(libc::IP_RECVTOS, libc::IPV6_RECVTCLASS, on)
    }

    /// Asks for the TTL or hop limit of each datagram: `IP_RECVTTL`, `IPV6_RECVHOPLIMIT`. Two
    /// calls on IPv6.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_hop_limit(&self, on: bool) -> io::Result<()> {
        self.set_both(libc::IP_RECVTTL, libc::IPV6_RECVHOPLIMIT, on)
    }

    /// Asks for the time at which the kernel received each message: `SO_TIMESTAMPNS`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_timestamp(&self, on: bool) -> io::Result<()> {
        sys::set_flag(self.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, on)?;
        note(&self.let_by, Ancillary::TIMESTAMP, on);
        Ok(())
    }

    /// Asks how many messages were dropped for a full receive buffer: `SO_RXQ_OVFL`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_drops(&self, on: bool) -> io::Result<()> {
        sys::set_flag(self.as_fd(), libc::SOL_SOCKET, libc::SO_RXQ_OVFL, on)
    }

    /// Queues the ICMP answers to what was sent: `IP_RECVERR` or `IPV6_RECVERR`.
    ///
    /// An IPv6 socket may have IPv4 peers, whose answers are asked for separately: two calls.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_errors(&self, on: bool) -> io::Result<()> {
        self.set_both(libc::IP_RECVERR, libc::IPV6_RECVERR, on)
    }

    /// Size of the send buffer, as the kernel accounts it: `SO_SNDBUF`, in bytes.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn send_buffer_size(&self) -> io::Result<usize> {
        self.inner.send_buffer_size()
    }

    /// An option of IP, which an IPv6 socket also has for its IPv4 peers.
    fn set_both(&self, v4: libc::c_int, v6: libc::c_int, on: bool) -> io::Result<()> {
        if self.cell.domain == Domain::Ipv6 {
            sys::set_flag(self.as_fd(), libc::IPPROTO_IPV6, v6, on)?;
        }
        sys::set_flag(self.as_fd(), libc::IPPROTO_IP, v4, on)
    }

    pub(crate) fn inner(&self) -> &socket2::Socket {
        &self.inner
    }
}

/// Adds `one` to a set, or takes it away.
fn note(set: &AtomicU8, one: Ancillary, on: bool) {
    match on {
        true => set.fetch_or(one.bits(), Ordering::Relaxed),
        false => set.fetch_and(!one.bits(), Ordering::Relaxed),
    };
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

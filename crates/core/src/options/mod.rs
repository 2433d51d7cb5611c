//! Socket options: declared before bind or connect, checked against the cell, then set.

mod error;
mod keepalive;
mod table;
#[cfg(test)]
mod tests;

pub use error::OptionError;
pub use keepalive::Keepalive;

use std::time::Duration;

use crate::{Addr, Cell, Domain, Socket, Type, UnixAddr};

/// Socket options. Each is unset at first, and then keeps the system's default.
///
/// An option that means nothing on a cell is refused there, before any system call; so is a
/// value that the kernel would refuse or replace. One value serves both ends of a conversation:
/// what only concerns the passive end (`backlog`, `file_mode`) is accepted and without effect
/// on a client.
///
/// | option | cells | value | default | source |
/// |---|---|---|---|---|
/// | [`reuse_address`](Self::reuse_address) | inet | on or off | off | socket(7) |
/// | [`reuse_port`](Self::reuse_port) | inet | on or off | off | socket(7) |
/// | [`v6only`](Self::v6only) | IPv6 | on or off | `net.ipv6.bindv6only` | ipv6(7) |
/// | [`send_buffer`](Self::send_buffer) | all | bytes, 1 to 2,147,483,647 | `net.core.wmem_default`, `net.ipv4.tcp_wmem` | socket(7) |
/// | [`receive_buffer`](Self::receive_buffer) | inet | bytes, 1 to 2,147,483,647 | `net.core.rmem_default`, `net.ipv4.tcp_rmem` | socket(7) |
/// | [`nodelay`](Self::nodelay) | TCP | on or off | off | tcp(7) |
/// | [`keepalive`](Self::keepalive) | TCP | times of 1 to 32,767 whole seconds, a count of 1 to 127 | off | tcp(7) |
/// | [`linger`](Self::linger) | TCP, SCTP | 0 to 2,147,483,647 whole seconds | off | socket(7) |
/// | [`backlog`](Self::backlog) | stream, seqpacket | connections, 0 to 2,147,483,647 | 1,024 | listen(2) |
/// | [`file_mode`](Self::file_mode) | unix | permission bits, 0 to 0o777 | 0o777 less the umask | unix(7) |
///
/// ```
/// use anysock_core::{Cell, Options, Socket};
///
/// let options = Options::new().nodelay(true).send_buffer(65_536);
/// let socket = Socket::open(Cell::IPV4_STREAM)?;
/// options.apply(&socket)?;
/// assert_eq!(Options::read(&socket)?.nodelay, Some(true));
///
/// assert!(options.check(Cell::UNIX_STREAM).is_err());
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// See [`reuse_address`](Self::reuse_address).
    pub reuse_address: Option<bool>,
    /// See [`reuse_port`](Self::reuse_port).
    pub reuse_port: Option<bool>,
    /// See [`v6only`](Self::v6only).
    pub v6only: Option<bool>,
    /// See [`send_buffer`](Self::send_buffer).
    pub send_buffer: Option<usize>,
    /// See [`receive_buffer`](Self::receive_buffer).
    pub receive_buffer: Option<usize>,
    /// See [`nodelay`](Self::nodelay).
    pub nodelay: Option<bool>,
    /// See [`keepalive`](Self::keepalive).
    pub keepalive: Option<Keepalive>,
    /// See [`linger`](Self::linger).
    pub linger: Option<Duration>,
    /// See [`backlog`](Self::backlog).
    pub backlog: Option<u32>,
    /// See [`file_mode`](Self::file_mode).
    pub file_mode: Option<u32>,
}

impl Options {
    /// The backlog of a listener for which none was asked.
    pub const DEFAULT_BACKLOG: u32 = 1_024;

    /// Nothing set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds to an address that connections of an earlier socket still keep in `TIME_WAIT`
    /// (`SO_REUSEADDR`).
    ///
    /// A TCP listener wants it, and [`for_listener`](Self::for_listener) sets it there.
    pub fn reuse_address(self, on: bool) -> Self {
        Self { reuse_address: Some(on), ..self }
    }

    /// Lets several sockets of one user bind to the same address, and spreads what comes in
    /// over them (`SO_REUSEPORT`).
    pub fn reuse_port(self, on: bool) -> Self {
        Self { reuse_port: Some(on), ..self }
    }

    /// Keeps an IPv6 socket to IPv6: bound to `[::]` it then leaves IPv4 alone (`IPV6_V6ONLY`).
    pub fn v6only(self, on: bool) -> Self {
        Self { v6only: Some(on), ..self }
    }

    /// Room for what was sent and not yet taken away, in bytes (`SO_SNDBUF`).
    ///
    /// Linux doubles the number to account for its own use, and cuts it to
    /// `net.core.wmem_max` and raises it to a minimum, both in silence. It bounds the largest
    /// message on unix datagram and seqpacket sockets.
    pub fn send_buffer(self, bytes: usize) -> Self {
        Self { send_buffer: Some(bytes), ..self }
    }

    /// Room for what has come and is not yet received, in bytes (`SO_RCVBUF`).
    ///
    /// As for [`send_buffer`](Self::send_buffer), but cut to `net.core.rmem_max`. Unix sockets
    /// have none: what is under way counts against the sender.
    pub fn receive_buffer(self, bytes: usize) -> Self {
        Self { receive_buffer: Some(bytes), ..self }
    }

    /// Sends small segments at once, instead of waiting for an answer to earlier ones
    /// (`TCP_NODELAY`).
    pub fn nodelay(self, on: bool) -> Self {
        Self { nodelay: Some(on), ..self }
    }

    /// Probes a peer that has been silent (`SO_KEEPALIVE`).
    pub fn keepalive(self, keepalive: Keepalive) -> Self {
        Self { keepalive: Some(keepalive), ..self }
    }

    /// What close(2) does with bytes that are not yet sent (`SO_LINGER`).
    ///
    /// Zero throws them away and resets the connection. Longer, close(2) waits for them, **and
    /// blocks the thread that drops the socket**, non-blocking or not.
    pub fn linger(self, time: Duration) -> Self {
        Self { linger: Some(time), ..self }
    }

    /// How many connections wait to be accepted, see listen(2).
    ///
    /// The kernel cuts it to `net.core.somaxconn` in silence.
    pub fn backlog(self, connections: u32) -> Self {
        Self { backlog: Some(connections), ..self }
    }

    /// Permission bits of the file that binding to a unix path makes; connecting needs write
    /// permission.
    ///
    /// The file has exactly this mode, whatever the umask, and at no time a wider one.
    pub fn file_mode(self, mode: u32) -> Self {
        Self { file_mode: Some(mode), ..self }
    }

    /// These options, with what every listener of `cell` wants where it is unset:
    /// [`reuse_address`](Self::reuse_address) and [`nodelay`](Self::nodelay) on TCP, which hands
    /// the latter on to what it accepts.
    #[must_use]
    pub fn for_listener(&self, cell: Cell) -> Self {
        let mut options = self.for_client(cell);
        if is_tcp(cell) {
            options.reuse_address.get_or_insert(true);
        }
        options
    }

    /// These options, with what every client of `cell` wants where it is unset:
    /// [`nodelay`](Self::nodelay) on TCP. Messages are batched here, by feeding and flushing;
    /// the kernel's waiting for more would only delay the last one.
    #[must_use]
    pub fn for_client(&self, cell: Cell) -> Self {
        let mut options = self.clone();
        if is_tcp(cell) {
            options.nodelay.get_or_insert(true);
        }
        options
    }

    /// The backlog to give to [`Socket::listen`], [`DEFAULT_BACKLOG`](Self::DEFAULT_BACKLOG)
    /// if unset.
    pub fn backlog_or_default(&self) -> i32 {
        let backlog = self.backlog.unwrap_or(Self::DEFAULT_BACKLOG);
        i32::try_from(backlog).unwrap_or(i32::MAX)
    }

    /// Checks every option that is set against `cell`, without a system call.
    ///
    /// # Errors
    ///
    /// [`OptionError::Meaningless`] or [`OptionError::OutOfRange`], for the first option that
    /// is not for this cell.
    pub fn check(&self, cell: Cell) -> Result<(), OptionError> {
        table::TABLE.iter().try_for_each(|row| row.check(self, cell))
    }

    /// As [`check`](Self::check), for a socket of type `kind` that is to be bound to `addr`: a
    /// file mode is refused where binding makes no file.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    pub fn check_bind(&self, addr: &Addr, kind: Type) -> Result<(), OptionError> {
        let cell = Cell::new(addr.domain(), kind);
        self.check(cell)?;
        let why = match addr {
            Addr::Unix(UnixAddr::Abstract(_)) => "an abstract name has no file, and no permissions",
            Addr::Unix(UnixAddr::Unnamed) => "an unnamed socket has no file",
            Addr::Unix(UnixAddr::Path(_)) | Addr::Ip(_) => return Ok(()),
        };
        match self.file_mode {
            Some(_) => Err(OptionError::Meaningless { option: "file_mode", cell, why }),
            None => Ok(()),
        }
    }

    /// Checks all options, then sets those that belong before bind and connect: all but
    /// `backlog` and `file_mode`. One system call or more per option that is set.
    ///
    /// # Errors
    ///
    /// Wraps an [`OptionError`]. Nothing was set if its kind is
    /// [`InvalidInput`](std::io::ErrorKind::InvalidInput) by [`check`](Self::check).
    pub fn apply(&self, socket: &Socket) -> std::io::Result<()> {
        if *self == Self::default() {
            return Ok(());
        }
        self.check(socket.cell())?;
        for row in table::TABLE {
            row.apply(self, socket)?;
        }
        Ok(())
    }

    /// As [`apply`](Self::apply), for a socket that is bound already, by whoever made it: what
    /// only has an effect before bind(2) is refused, and a [`backlog`](Self::backlog) is set by
    /// listening once more, if the socket listens.
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply); an [`OptionError::TooLate`] too, before anything was set.
    pub fn apply_bound(&self, socket: &Socket) -> std::io::Result<()> {
        let cell = socket.cell();
        let late = [
            ("reuse_address", self.reuse_address.is_some()),
            ("v6only", self.v6only.is_some()),
            ("file_mode", self.file_mode.is_some()),
        ];
        self.check(cell)?;
        if let Some((option, _)) = late.into_iter().find(|(_, is_set)| *is_set) {
            return Err(OptionError::TooLate { option, cell }.into());
        }
        self.apply(socket)?;
        match self.backlog {
            Some(_) if socket.is_listening()? => socket.listen(self.backlog_or_default()),
            _ => Ok(()),
        }
    }

    /// Reads back what is set on a live socket: every option of its cell but `backlog` and
    /// `file_mode`, which cannot be read. `keepalive` and `linger` are unset where they are off.
    ///
    /// Buffer sizes are halved on Linux, to undo its doubling, so that applying what was read
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// Wraps an [`OptionError`] that names the option which the system refused to tell.
    pub fn read(socket: &Socket) -> std::io::Result<Self> {
        let mut options = Self::new();
        for row in table::TABLE {
            row.read(&mut options, socket)?;
        }
        Ok(options)
    }
}

fn is_tcp(cell: Cell) -> bool {
    cell.domain.is_inet() && cell.kind == Type::Stream
}

/// `SO_LINGER` and the keepalive times count in seconds, and would cut the rest in silence.
fn is_whole_seconds(time: Duration) -> bool {
    time.subsec_nanos() == 0
}

/// Which cells an option has a meaning on.
#[derive(Clone, Copy, Debug)]
enum Cells {
    All,
    Inet,
    Ipv6,
    Tcp,
    TcpAndSctp,
    ConnectionOriented,
    Unix,
}

impl Cells {
    fn contain(self, cell: Cell) -> bool {
        let inet = cell.domain.is_inet();
        match self {
            Self::All => true,
            Self::Inet => inet,
            Self::Ipv6 => cell.domain == Domain::Ipv6,
            Self::Tcp => inet && cell.kind == Type::Stream,
            Self::TcpAndSctp => inet && cell.kind != Type::Datagram,
            Self::ConnectionOriented => cell.kind.is_connection_oriented(),
            Self::Unix => !inet,
        }
    }
}

//! Sockets that somebody else has made: taken over as they are, their cell read from the kernel.
//!
//! ```text
//!  fd:N ────────── duplicate ──┐
//!  systemd:NAME ── take once ──┼──> OwnedFd ── what is it? ──> Socket ── what is it for?
//!  handed over ────────────────┘       │ refused: given back      │ refused: given back
//! ```

mod error;
mod inherited;

pub use error::{AdoptError, AdoptFault};
pub use inherited::inherited_names;

use std::fs::{File, FileType};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileTypeExt;

use crate::sys::{self, Call};
use crate::{Addr, Cell, ConvertError, Domain, Options, Socket, Type, UnixAddr, UnsupportedCell};

/// MPTCP, which a TCP socket can be in disguise.
const MPTCP: i32 = 262;

impl Socket {
    /// Takes over a socket that somebody else has made: its domain, type and protocol are read
    /// from the kernel (`SO_DOMAIN`, `SO_TYPE`, `SO_PROTOCOL`, socket(7)); it is made
    /// non-blocking and close-on-exec. Whether it listens, is connected or neither, does not
    /// matter. Several system calls.
    ///
    /// Non-blocking is an attribute of the open file (fcntl(2)), which whoever holds a duplicate
    /// shares. Other options are left as they are.
    ///
    /// # Errors
    ///
    /// Gives the descriptor back, untouched, with an [`AdoptError`]:
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for what is no socket,
    /// [`Unsupported`](io::ErrorKind::Unsupported) for one that is in no cell of the table.
    ///
    /// ```
    /// use anysock_core::{Cell, Socket};
    /// use std::os::fd::OwnedFd;
    ///
    /// let tcp = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let socket = Socket::adopt(OwnedFd::from(tcp))?;
    /// assert_eq!(socket.cell(), Cell::IPV4_STREAM);
    /// assert!(socket.is_listening()?);
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn adopt(descriptor: OwnedFd) -> Result<Self, ConvertError<OwnedFd>> {
        let named = format!("descriptor {}", descriptor.as_raw_fd());
        adopt(descriptor, Wanted::Any).map_err(|refused| refused.named(named))
    }

    /// As [`adopt`](Self::adopt), for a socket that peers come to: it listens, or, of the
    /// datagram type, is bound and has no peer. Sets `options`, as
    /// [`apply_bound`](Options::apply_bound) does, and [`nodelay`](Options::nodelay) on TCP unless
    /// they say otherwise.
    ///
    /// # Errors
    ///
    /// As [`adopt`](Self::adopt); [`InvalidInput`](io::ErrorKind::InvalidInput) for a socket that
    /// does not listen, is not bound, or is connected, and for an option that means nothing or
    /// comes too late. Where the system refused one of several options, those before it are set.
    ///
    /// ```
    /// use anysock_core::{AdoptError, Options, Socket};
    ///
    /// let tcp = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let socket = Socket::adopt_listener(tcp.into(), &Options::new().backlog(64))?;
    /// let client = std::net::TcpStream::connect(socket.local_addr()?.as_ip().unwrap())?;
    ///
    /// let refused = Socket::adopt_listener(client.into(), &Options::new()).unwrap_err();
    /// assert!(refused.to_string().contains("connected to"));
    /// let client = std::net::TcpStream::from(refused.into_inner());
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn adopt_listener(
        descriptor: OwnedFd,
        options: &Options,
    ) -> Result<Self, ConvertError<OwnedFd>> {
        let named = format!("descriptor {}", descriptor.as_raw_fd());
        adopt(descriptor, Wanted::Listener(options)).map_err(|refused| refused.named(named))
    }

    /// As [`adopt_listener`](Self::adopt_listener), for a socket that is connected, which a
    /// [`file_mode`](Options::file_mode) and a [`backlog`](Options::backlog) do not concern.
    ///
    /// # Errors
    ///
    /// As there; [`NotConnected`](io::ErrorKind::NotConnected) for a socket that has no peer, and
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for one that listens.
    pub fn adopt_connected(
        descriptor: OwnedFd,
        options: &Options,
    ) -> Result<Self, ConvertError<OwnedFd>> {
        let named = format!("descriptor {}", descriptor.as_raw_fd());
        adopt(descriptor, Wanted::Connected(options)).map_err(|refused| refused.named(named))
    }

    /// Whether it was told to listen: `SO_ACCEPTCONN`, socket(7).
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn is_listening(&self) -> io::Result<bool> {
        self.settled(Call::GetOption, socket2::Socket::is_listener)
    }
}

/// What a socket is taken over for.
#[derive(Clone, Copy, Debug)]
enum Wanted<'a> {
    Any,
    Listener(&'a Options),
    Connected(&'a Options),
}

/// Not adopted: the descriptor, and why.
struct Refused {
    descriptor: OwnedFd,
    fault: AdoptFault,
}

impl Refused {
    fn named(self, named: impl Into<String>) -> ConvertError<OwnedFd> {
        ConvertError::new(self.descriptor, AdoptError::new(named, self.fault))
    }
}

fn adopt(descriptor: OwnedFd, wanted: Wanted<'_>) -> Result<Socket, Refused> {
    let found = File::from(descriptor);
    let kind = sys::settled(Call::Look, found.as_raw_fd(), || found.metadata())
        .map(|metadata| metadata.file_type());
    let descriptor = OwnedFd::from(found);
    let fault = match kind {
        Ok(kind) if kind.is_socket() => {
            let socket = socket2::Socket::from(descriptor);
            return match identify(&socket) {
                Ok(cell) => finish(Socket::adopted(socket, cell), wanted),
                Err(fault) => Err(Refused { descriptor: socket.into(), fault }),
            };
        }
        Ok(kind) => AdoptFault::NotASocket { found: name_of(kind) },
        Err(source) => AdoptFault::System { action: "ask what it is", source },
    };
    Err(Refused { descriptor, fault })
}

/// Looks at what the socket is for, before anything is set.
fn finish(socket: Socket, wanted: Wanted<'_>) -> Result<Socket, Refused> {
    let done = match wanted {
        Wanted::Any => Ok(()),
        Wanted::Listener(options) => {
            expect_listener(&socket).and_then(|()| set(&socket, options.clone()))
        }
        Wanted::Connected(options) => {
            // What concerns the passive end alone has no effect on a client.
            let options = Options { file_mode: None, fast_open: None, ..options.clone() };
            expect_connected(&socket).and_then(|()| set(&socket, options))
        }
    };
    let done = done.and_then(|()| {
        let set = socket
            .settled(Call::Flags, |inner| inner.set_nonblocking(true))
            .and_then(|()| socket.settled(Call::Flags, |inner| inner.set_cloexec(true)));
        set.map_err(AdoptFault::system("make it non-blocking and close-on-exec"))
    });
    match done {
        Ok(()) => Ok(socket),
        Err(fault) => Err(Refused { descriptor: socket.into(), fault }),
    }
}

fn set(socket: &Socket, options: Options) -> Result<(), AdoptFault> {
    let options = options.for_client(socket.cell());
    options.apply_bound(socket).map_err(AdoptFault::Option)
}

/// The cell of a socket, if it is in the table.
fn identify(socket: &socket2::Socket) -> Result<Cell, AdoptFault> {
    let failed = || AdoptFault::system("read its domain, type and protocol");
    let ask = |question: fn(&socket2::Socket) -> io::Result<i32>| {
        sys::settled(Call::GetOption, socket.as_raw_fd(), || question(socket)).map_err(failed())
    };
    let family = ask(|socket| socket.domain().map(i32::from))?;
    let domain = Domain::ALL.into_iter().find(|domain| i32::from(domain.to_os()) == family);
    let domain = domain.ok_or(AdoptFault::ForeignDomain { family })?;
    let number = ask(|socket| socket.r#type().map(i32::from))?;
    let kind = Type::ALL.into_iter().find(|kind| i32::from(kind.to_os()) == number);
    let kind = kind.ok_or(AdoptFault::ForeignType { domain, kind: number })?;
    let cell = Cell::new(domain, kind);
    if domain == Domain::Unix {
        return Ok(cell);
    }
    let protocol = ask(|socket| socket.protocol().map(|number| number.map_or(0, i32::from)))?;
    match (kind, protocol) {
        (Type::Stream, libc::IPPROTO_TCP | MPTCP) | (Type::Datagram, libc::IPPROTO_UDP) => Ok(cell),
        (Type::SeqPacket, _) => {
            let why = "SCTP's one-to-many sockets have no accept(2)";
            Err(AdoptFault::Unsupported(UnsupportedCell::new(cell, why)))
        }
        _ => Err(AdoptFault::ForeignProtocol { cell, protocol }),
    }
}

fn expect_listener(socket: &Socket) -> Result<(), AdoptFault> {
    let cell = socket.cell();
    if let Ok(peer) = socket.peer_addr() {
        return Err(AdoptFault::Connected { cell, peer: peer.to_string() });
    }
    let at = socket.local_addr().map_err(AdoptFault::system("ask where it is"))?;
    if cell.kind == Type::Datagram {
        return match is_somewhere(&at) {
            true => Ok(()),
            false => Err(AdoptFault::NotBound { cell }),
        };
    }
    match socket.is_listening().map_err(AdoptFault::system("ask whether it listens"))? {
        true => Ok(()),
        false => Err(AdoptFault::does_not_listen(cell, &at)),
    }
}

fn expect_connected(socket: &Socket) -> Result<(), AdoptFault> {
    let cell = socket.cell();
    if socket.is_listening().map_err(AdoptFault::system("ask whether it listens"))? {
        let at = socket.local_addr().map_err(AdoptFault::system("ask where it is"))?;
        return Err(AdoptFault::Listens { cell, at: at.to_string() });
    }
    match socket.peer_addr() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => {
            Err(AdoptFault::NotConnected { cell })
        }
        Err(source) => Err(AdoptFault::System { action: "ask for its peer", source }),
    }
}

/// Whether a peer can send there.
fn is_somewhere(at: &Addr) -> bool {
    match at {
        Addr::Ip(at) => at.port() != 0,
        Addr::Unix(at) => *at != UnixAddr::Unnamed,
    }
}

/// What stat(2) says that it is.
fn name_of(kind: FileType) -> &'static str {
    if kind.is_file() {
        "regular file"
    } else if kind.is_dir() {
        "directory"
    } else if kind.is_fifo() {
        "pipe"
    } else if kind.is_char_device() || kind.is_block_device() {
        "device"
    } else {
        // Event counters, timers and their like have no type at all.
        "anonymous file"
    }
}

#[cfg(test)]
mod tests;

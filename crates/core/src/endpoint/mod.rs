//! Endpoints: what a person names.

mod error;
mod host;
mod name;
mod parse;
#[cfg(test)]
mod tests;

pub use error::{EndpointError, EndpointFault};
pub use host::{Host, HostName, HostPort, Scope};
pub use name::EndpointName;

use std::fmt;
use std::str::FromStr;

use crate::{Addr, Cell, Domain, Protocol, Type, UnixAddr};

/// What a person names: where to connect or bind, and how to talk there.
///
/// | written | means |
/// |---|---|
/// | `tcp://HOST:PORT` | a stream over IPv4 or IPv6 |
/// | `mptcp://HOST:PORT` | the same by [multipath TCP](Protocol::Multipath), or TCP where it is not known |
/// | `udp://HOST:PORT` | datagrams over IPv4 or IPv6 |
/// | `sctp://HOST:PORT` | seqpacket over IPv4 or IPv6 |
/// | `unix:PATH` | a unix stream |
/// | `unix-dgram:PATH` | unix datagrams |
/// | `unix-seqpacket:PATH` | unix seqpacket |
/// | `fd:N` | an inherited, already bound socket: descriptor N |
/// | `systemd:NAME` | an inherited socket, by the name that systemd gave it |
/// | `mem:NAME` | a place inside this process, for tests |
///
/// HOST is an IPv4 address, an IPv6 address in brackets (`[::1]`, or `[fe80::1%eth0]` with its
/// scope) or a name. PORT is 0 to 65535, in decimal; it is never left out. Of a PATH, `@NAME`
/// is the abstract namespace and the empty path is the unnamed address; `%` and two
/// hexadecimal digits stand for any byte, so that `%40a` is a path that begins with `@`, and
/// `%25` a percent sign. There are no aliases, no defaults and no query: `unix://a` is the
/// path `//a`.
///
/// An endpoint is a pure value. Parsing resolves no name and opens nothing; printing gives the
/// one canonical text, which parses to an equal endpoint.
///
/// ```
/// use anysock_core::{Cell, Endpoint};
///
/// let endpoint: Endpoint = "tcp://[::1]:7000".parse()?;
/// assert_eq!(endpoint.cell(), Some(Cell::IPV6_STREAM));
///
/// // A name may turn out to be either domain, so its cell is not known yet.
/// let endpoint: Endpoint = "udp://localhost:53".parse()?;
/// assert_eq!(endpoint.cell(), None);
///
/// let endpoint: Endpoint = "unix-seqpacket:@app".parse()?;
/// assert_eq!(endpoint.to_string(), "unix-seqpacket:@app");
/// # Ok::<_, anysock_core::EndpointError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `tcp://HOST:PORT`.
    Tcp(HostPort),
    /// `mptcp://HOST:PORT`.
    Mptcp(HostPort),
    /// `udp://HOST:PORT`.
    Udp(HostPort),
    /// `sctp://HOST:PORT`.
    Sctp(HostPort),
    /// `unix:PATH`, `unix-dgram:PATH` or `unix-seqpacket:PATH`, by type.
    Unix(Type, UnixAddr),
    /// `fd:N`. Whether the descriptor is open, and a socket, is found when it is used.
    Fd(u32),
    /// `systemd:NAME`.
    Systemd(EndpointName),
    /// `mem:NAME`.
    Mem(EndpointName),
}

impl Endpoint {
    /// The endpoint at `addr`, talked to by `protocol`, of which the [`Type`] is enough where it is
    /// the default: how a bound address is printed.
    ///
    /// An IPv6 scope becomes its number; a flow label is left out. On unix, where there is only
    /// one, the protocol is its type.
    ///
    /// ```
    /// use anysock_core::{Addr, Endpoint, Type};
    ///
    /// let addr = Addr::Ip("127.0.0.1:43211".parse()?);
    /// assert_eq!(Endpoint::from_addr(addr, Type::Stream).to_string(), "tcp://127.0.0.1:43211");
    /// # Ok::<_, std::net::AddrParseError>(())
    /// ```
    pub fn from_addr(addr: Addr, protocol: impl Into<Protocol>) -> Self {
        let protocol = protocol.into();
        match (addr, protocol.kind()) {
            (Addr::Ip(addr), _) if protocol == Protocol::Multipath => Self::Mptcp(addr.into()),
            (Addr::Ip(addr), Type::Stream) => Self::Tcp(addr.into()),
            (Addr::Ip(addr), Type::Datagram) => Self::Udp(addr.into()),
            (Addr::Ip(addr), Type::SeqPacket) => Self::Sctp(addr.into()),
            (Addr::Unix(addr), kind) => Self::Unix(kind, addr),
        }
    }

    /// The socket type, unless only the inherited socket or the process knows it.
    pub fn kind(&self) -> Option<Type> {
        match self {
            Self::Tcp(_) | Self::Mptcp(_) => Some(Type::Stream),
            Self::Udp(_) => Some(Type::Datagram),
            Self::Sctp(_) => Some(Type::SeqPacket),
            Self::Unix(kind, _) => Some(*kind),
            Self::Fd(_) | Self::Systemd(_) | Self::Mem(_) => None,
        }
    }

    /// The protocol, unless only the inherited socket or the process knows it.
    ///
    /// ```
    /// use anysock_core::{Endpoint, Protocol};
    ///
    /// let endpoint: Endpoint = "mptcp://localhost:7000".parse()?;
    /// assert_eq!(endpoint.protocol(), Some(Protocol::Multipath));
    /// # Ok::<_, anysock_core::EndpointError>(())
    /// ```
    pub fn protocol(&self) -> Option<Protocol> {
        match self {
            Self::Mptcp(_) => Some(Protocol::Multipath),
            _ => self.kind().map(Protocol::Default),
        }
    }

    /// The domain, for literals and paths; `None` for names and what is inherited or in memory.
    pub fn domain(&self) -> Option<Domain> {
        match self {
            Self::Unix(..) => Some(Domain::Unix),
            _ => self.host_port()?.host.domain(),
        }
    }

    /// The cell, for literals and paths; `None` for names and what is inherited or in memory.
    pub fn cell(&self) -> Option<Cell> {
        Some(Cell::new(self.domain()?, self.kind()?))
    }

    /// The address, where no name must be resolved to have it.
    ///
    /// An IPv6 scope that is an interface's name counts as a name.
    pub fn addr(&self) -> Option<Addr> {
        match self {
            Self::Unix(_, addr) => Some(addr.clone().into()),
            _ => self.host_port()?.addr().map(Addr::Ip),
        }
    }

    /// Host and port, where the endpoint has them.
    pub fn host_port(&self) -> Option<&HostPort> {
        match self {
            Self::Tcp(at) | Self::Mptcp(at) | Self::Udp(at) | Self::Sctp(at) => Some(at),
            Self::Unix(..) | Self::Fd(_) | Self::Systemd(_) | Self::Mem(_) => None,
        }
    }
}

/// The canonical text, which parses to an equal endpoint.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(at) => write!(f, "tcp://{at}"),
            Self::Mptcp(at) => write!(f, "mptcp://{at}"),
            Self::Udp(at) => write!(f, "udp://{at}"),
            Self::Sctp(at) => write!(f, "sctp://{at}"),
            Self::Unix(Type::Stream, addr) => write!(f, "unix:{addr}"),
            Self::Unix(Type::Datagram, addr) => write!(f, "unix-dgram:{addr}"),
            Self::Unix(Type::SeqPacket, addr) => write!(f, "unix-seqpacket:{addr}"),
            Self::Fd(number) => write!(f, "fd:{number}"),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
            Self::Mem(name) => write!(f, "mem:{name}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        parse::endpoint(text).map_err(|fault| EndpointError::new(text, fault))
    }
}

impl TryFrom<&str> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: &str) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl TryFrom<&String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: &String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    fn try_from(text: String) -> Result<Self, EndpointError> {
        text.parse()
    }
}

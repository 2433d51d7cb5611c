//! One address type for every domain.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::{Domain, UnixAddr};

/// Where a socket is: an internet address with its port, or a unix address.
///
/// ```
/// use anysock_core::{Addr, Domain, UnixAddr};
///
/// let tcp: Addr = "127.0.0.1:80".parse::<std::net::SocketAddr>()?.into();
/// let unix: Addr = UnixAddr::path("/run/app.sock")?.into();
/// assert_eq!(tcp.domain(), Domain::Ipv4);
/// assert_eq!(unix.to_string(), "/run/app.sock");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Addr {
    /// IPv4 or IPv6 address and port.
    Ip(SocketAddr),
    /// Unix path, abstract name or no name.
    Unix(UnixAddr),
}

impl Addr {
    /// The domain in which this address names something.
    pub fn domain(&self) -> Domain {
        match self {
            Self::Ip(SocketAddr::V4(_)) => Domain::Ipv4,
            Self::Ip(SocketAddr::V6(_)) => Domain::Ipv6,
            Self::Unix(_) => Domain::Unix,
        }
    }

    /// The internet address, if it is one.
    pub fn as_ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(addr) => Some(*addr),
            Self::Unix(_) => None,
        }
    }

    /// The unix address, if it is one.
    pub fn as_unix(&self) -> Option<&UnixAddr> {
        match self {
            Self::Unix(addr) => Some(addr),
            Self::Ip(_) => None,
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Unix(addr) => addr.fmt(f),
        }
    }
}

impl From<SocketAddr> for Addr {
    fn from(addr: SocketAddr) -> Self {
        Self::Ip(addr)
    }
}

impl From<SocketAddrV4> for Addr {
    fn from(addr: SocketAddrV4) -> Self {
        Self::Ip(addr.into())
    }
}

impl From<SocketAddrV6> for Addr {
    fn from(addr: SocketAddrV6) -> Self {
        Self::Ip(addr.into())
    }
}

impl From<UnixAddr> for Addr {
    fn from(addr: UnixAddr) -> Self {
        Self::Unix(addr)
    }
}

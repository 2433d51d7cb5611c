//! Communication domains: how a socket is named, and how far it reaches.

use std::fmt;

/// A communication domain (address family).
///
/// | domain | reaches | named by | structure |
/// |---|---|---|---|
/// | [`Unix`](Domain::Unix) | this host, within the kernel | pathname, abstract name | `sockaddr_un` |
/// | [`Ipv4`](Domain::Ipv4) | hosts on an IPv4 network | 32-bit address + 16-bit port | `sockaddr_in` |
/// | [`Ipv6`](Domain::Ipv6) | hosts on an IPv6 network | 128-bit address + 16-bit port | `sockaddr_in6` |
///
/// Source: socket(2), unix(7), ip(7), ipv6(7).
///
/// ```
/// use anysock_core::Domain;
/// assert_eq!(Domain::Ipv6.to_string(), "ipv6");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// `AF_UNIX`.
    Unix,
    /// `AF_INET`.
    Ipv4,
    /// `AF_INET6`.
    Ipv6,
}

impl Domain {
    /// Every domain, in the order of the table above.
    pub const ALL: [Self; 3] = [Self::Unix, Self::Ipv4, Self::Ipv6];

    /// True for [`Ipv4`](Self::Ipv4) and [`Ipv6`](Self::Ipv6).
    pub const fn is_inet(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Unix => "unix",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    pub(crate) const fn to_os(self) -> socket2::Domain {
        match self {
            Self::Unix => socket2::Domain::UNIX,
            Self::Ipv4 => socket2::Domain::IPV4,
            Self::Ipv6 => socket2::Domain::IPV6,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

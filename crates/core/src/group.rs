//! Multicast groups: joined and left, from any source or from one, on one interface.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::{Addr, Cell, Domain, Interface, Socket, Type, sys};

/// A multicast group on one interface, from any source or from one alone.
///
/// A datagram socket receives what is sent to the groups that it has joined, at the port that it
/// is bound to. Source: ip(7), ipv6(7), RFC 3678.
///
/// ```
/// use anysock_core::Group;
///
/// let any: std::net::IpAddr = "239.1.2.3".parse()?;
/// assert_eq!(Group::new(any, "eth0").to_string(), "239.1.2.3 on eth0");
/// let one = Group::new("232.1.2.3".parse::<std::net::Ipv4Addr>()?, 2)
///     .from_source("192.0.2.1".parse::<std::net::Ipv4Addr>()?);
/// assert_eq!(one.to_string(), "232.1.2.3 from 192.0.2.1 on 2");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Group {
    /// The group: a multicast address.
    pub address: IpAddr,
    /// The one source to receive from; any, if none is said.
    pub source: Option<IpAddr>,
    /// Where it is joined.
    pub interface: Interface,
}

/// Why a group was not joined, or not left.
///
/// Comes wrapped in an [`io::Error`] of kind [`InvalidInput`](io::ErrorKind::InvalidInput), or of
/// the system's own kind where the system refused:
///
/// ```
/// use std::net::Ipv4Addr;
/// use anysock_core::{Cell, Group, GroupError, Socket};
///
/// let socket = Socket::open(Cell::IPV4_DATAGRAM)?;
/// let error = socket.join_group(&Group::new(Ipv4Addr::LOCALHOST, "lo")).unwrap_err();
/// let inner = error.get_ref().unwrap().downcast_ref::<GroupError>().unwrap();
/// assert!(matches!(inner, GroupError::NotMulticast { .. }));
/// assert_eq!(
///     error.to_string(),
///     "127.0.0.1 is no multicast address; those of IPv4 are 224.0.0.0 to 239.255.255.255, \
///      those of IPv6 begin with ff",
/// );
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupError {
    /// The address of the group is not one of a group.
    #[error(
        "{address} is no multicast address; those of IPv4 are 224.0.0.0 to 239.255.255.255, \
         those of IPv6 begin with ff"
    )]
    NotMulticast {
        /// What was given.
        address: IpAddr,
    },
    /// The source is a group itself, nobody, or of the other family.
    #[error("{group} cannot have the source: expected one host's address of the same family")]
    BadSource {
        /// What was given.
        group: Group,
    },
    /// No interface can have this name or index.
    #[error(
        "{group} is on no interface: a name has 1 to 15 bytes without '/', ':' and white space, \
         an index is 1 or more"
    )]
    BadInterface {
        /// What was given.
        group: Group,
    },
    /// Sockets of this cell have no groups, or those of the other family.
    #[error(
        "{cell} sockets cannot join {group}; an IPv4 group takes an IPv4 datagram socket, an IPv6 \
         group an IPv6 datagram socket"
    )]
    WrongCell {
        /// What was given.
        group: Group,
        /// Where it was to be joined.
        cell: Cell,
    },
    /// The system refused.
    #[error("the system refused {group}: {source}{}", hint(source))]
    Refused {
        /// What was given.
        group: Group,
        /// What the system said.
        source: io::Error,
    },
}

impl Group {
    /// What anybody sends to `address`, on `interface`.
    pub fn new(address: impl Into<IpAddr>, interface: impl Into<Interface>) -> Self {
        Self { address: address.into(), source: None, interface: interface.into() }
    }

    /// What `source` alone sends: source-specific multicast, RFC 4607. Join once for each source.
    #[must_use]
    pub fn from_source(self, source: impl Into<IpAddr>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// Whether sockets of `cell` can join it, as far as that can be told without a system call.
    ///
    /// # Errors
    ///
    /// All of [`GroupError`] but [`Refused`](GroupError::Refused).
    pub fn check(&self, cell: Cell) -> Result<(), GroupError> {
        let group = self.clone();
        if !self.address.is_multicast() {
            return Err(GroupError::NotMulticast { address: self.address });
        }
        if self.source.is_some_and(|source| {
            source.is_ipv4() != self.address.is_ipv4()
                || source.is_multicast()
                || source.is_unspecified()
        }) {
            return Err(GroupError::BadSource { group });
        }
        if !self.interface.is_valid() {
            return Err(GroupError::BadInterface { group });
        }
        let domain = if self.address.is_ipv4() { Domain::Ipv4 } else { Domain::Ipv6 };
        if cell != Cell::new(domain, Type::Datagram) {
            return Err(GroupError::WrongCell { group, cell });
        }
        Ok(())
    }
}

impl Socket {
    /// Receives what is sent to `group` from here on: `MCAST_JOIN_GROUP`,
    /// `MCAST_JOIN_SOURCE_GROUP`. Two system calls where the interface is given by name.
    ///
    /// Unless [`multicast_all`](crate::Options::multicast_all) is off, which
    /// [`Options::join`](crate::Options::join) sees to, the socket also receives what others of
    /// this host have joined.
    ///
    /// # Errors
    ///
    /// Wraps a [`GroupError`]. [`AddrInUse`](io::ErrorKind::AddrInUse) where it was joined before,
    /// [`NotFound`](io::ErrorKind::NotFound) for an unknown name of an interface, `ENODEV` for an
    /// unknown index, `ENOBUFS` beyond `net.ipv4.igmp_max_memberships` (20) groups of a socket.
    pub fn join_group(&self, group: &Group) -> io::Result<()> {
        self.change(group, libc::MCAST_JOIN_GROUP, libc::MCAST_JOIN_SOURCE_GROUP)
    }

    /// No longer receives what is sent to `group`: `MCAST_LEAVE_GROUP`,
    /// `MCAST_LEAVE_SOURCE_GROUP`. Closing the socket leaves all of its groups.
    ///
    /// # Errors
    ///
    /// Wraps a [`GroupError`]. [`AddrNotAvailable`](io::ErrorKind::AddrNotAvailable) where it was
    /// not joined.
    pub fn leave_group(&self, group: &Group) -> io::Result<()> {
        self.change(group, libc::MCAST_LEAVE_GROUP, libc::MCAST_LEAVE_SOURCE_GROUP)
    }

    fn change(&self, group: &Group, any: libc::c_int, one: libc::c_int) -> io::Result<()> {
        group.check(self.cell())?;
        let level = match self.cell().domain {
            Domain::Ipv6 => libc::IPPROTO_IPV6,
            _ => libc::IPPROTO_IP,
        };
        let name = if group.source.is_some() { one } else { any };
        let interface = group.interface.index();
        let changed = interface.and_then(|index| {
            let at = |address: IpAddr| Addr::Ip(SocketAddr::new(address, 0));
            let source = group.source.map(at);
            sys::change_group(self, level, name, index, &at(group.address), source.as_ref())
        });
        Ok(changed.map_err(|source| GroupError::Refused { group: group.clone(), source })?)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.address)?;
        if let Some(source) = self.source {
            write!(f, " from {source}")?;
        }
        write!(f, " on {}", self.interface)
    }
}

impl From<GroupError> for io::Error {
    fn from(error: GroupError) -> Self {
        let kind = match &error {
            GroupError::Refused { source, .. } => source.kind(),
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EADDRINUSE) => "; this socket has joined it already",
        Some(libc::EADDRNOTAVAIL) => "; this socket has not joined it",
        Some(libc::ENODEV) => {
            "; no interface has this index, ip-link(8) shows those that there are"
        }
        Some(libc::ENOBUFS) => {
            "; net.ipv4.igmp_max_memberships and net.ipv4.igmp_max_msf bound the groups and the \
             sources of a socket"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(address: &str) -> Group {
        Group::new(address.parse::<IpAddr>().unwrap(), "lo")
    }

    fn source(group: Group, source: &str) -> Group {
        group.from_source(source.parse::<IpAddr>().unwrap())
    }

    fn refusal(cell: Cell, group: &Group) -> (io::ErrorKind, GroupError) {
        let error = Socket::open(cell).unwrap().join_group(group).unwrap_err();
        (error.kind(), error.downcast().unwrap())
    }

    #[test]
    fn what_is_no_group_of_the_cell_is_refused_before_a_system_call() {
        let refused = [
            (Cell::IPV4_DATAGRAM, group("192.0.2.1")),
            (Cell::IPV6_DATAGRAM, group("fe80::1")),
            (Cell::IPV6_DATAGRAM, group("239.1.2.3")),
            (Cell::IPV4_DATAGRAM, group("ff15::1")),
            (Cell::IPV4_STREAM, group("239.1.2.3")),
            (Cell::UNIX_DATAGRAM, group("239.1.2.3")),
            (Cell::IPV4_DATAGRAM, source(group("232.1.2.3"), "fe80::1")),
            (Cell::IPV4_DATAGRAM, source(group("232.1.2.3"), "232.1.2.4")),
            (Cell::IPV6_DATAGRAM, source(group("ff35::1"), "::")),
            (Cell::IPV4_DATAGRAM, Group::new([239, 1, 2, 3], 0)),
            (Cell::IPV4_DATAGRAM, Group::new([239, 1, 2, 3], "white space")),
        ];
        for (cell, group) in refused {
            let (kind, error) = refusal(cell, &group);
            assert_eq!(kind, io::ErrorKind::InvalidInput, "{error}");
            assert!(!matches!(error, GroupError::Refused { .. }), "{error}");
        }
    }

    #[test]
    fn what_the_system_refuses_says_why_and_keeps_its_kind() {
        let unknown = Group::new([239, 1, 2, 3], "nosuch0");
        let (kind, error) = refusal(Cell::IPV4_DATAGRAM, &unknown);
        assert_eq!(kind, io::ErrorKind::NotFound);
        assert!(error.to_string().contains("no network interface \"nosuch0\""), "{error}");
        let unknown = Group::new([239, 1, 2, 3], i32::MAX as u32);
        let (_, error) = refusal(Cell::IPV4_DATAGRAM, &unknown);
        assert!(error.to_string().contains("no interface has this index"), "{error}");
    }

    #[test]
    fn a_group_is_joined_once_and_left_once_of_either_family_and_source() {
        for (cell, group) in [
            (Cell::IPV4_DATAGRAM, group("239.1.2.3")),
            (Cell::IPV4_DATAGRAM, source(group("232.1.2.3"), "192.0.2.1")),
            (Cell::IPV6_DATAGRAM, group("ff15::123")),
            (Cell::IPV6_DATAGRAM, source(group("ff35::123"), "2001:db8::1")),
        ] {
            let socket = Socket::open(cell).unwrap();
            socket.join_group(&group).unwrap_or_else(|error| panic!("{error}"));
            let again = socket.join_group(&group).unwrap_err();
            let taken = [io::ErrorKind::AddrInUse, io::ErrorKind::AddrNotAvailable];
            assert!(taken.contains(&again.kind()), "{again}");
            socket.leave_group(&group).unwrap();
            let again = socket.leave_group(&group).unwrap_err();
            let gone = [io::ErrorKind::AddrNotAvailable, io::ErrorKind::InvalidInput];
            assert!(gone.contains(&again.kind()), "{again}");
        }
    }
}

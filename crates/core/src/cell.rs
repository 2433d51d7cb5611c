//! A cell of the table: one domain with one type.

use std::{fmt, io};

use crate::{Domain, Type};

/// One domain with one type: what socket(2) is asked for.
///
/// ```
/// use anysock_core::{Cell, Domain, Type};
///
/// let cell = Cell::new(Domain::Unix, Type::SeqPacket);
/// assert_eq!(cell.to_string(), "unix-seqpacket");
/// assert_eq!(Cell::ALL.len(), 9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell {
    /// How the socket is named and how far it reaches.
    pub domain: Domain,
    /// What it promises.
    pub kind: Type,
}

impl Cell {
    /// Unix stream.
    pub const UNIX_STREAM: Self = Self::new(Domain::Unix, Type::Stream);
    /// Unix datagram.
    pub const UNIX_DATAGRAM: Self = Self::new(Domain::Unix, Type::Datagram);
    /// Unix seqpacket.
    pub const UNIX_SEQPACKET: Self = Self::new(Domain::Unix, Type::SeqPacket);
    /// TCP over IPv4.
    pub const IPV4_STREAM: Self = Self::new(Domain::Ipv4, Type::Stream);
    /// UDP over IPv4.
    pub const IPV4_DATAGRAM: Self = Self::new(Domain::Ipv4, Type::Datagram);
    /// SCTP over IPv4.
    pub const IPV4_SEQPACKET: Self = Self::new(Domain::Ipv4, Type::SeqPacket);
    /// TCP over IPv6.
    pub const IPV6_STREAM: Self = Self::new(Domain::Ipv6, Type::Stream);
    /// UDP over IPv6.
    pub const IPV6_DATAGRAM: Self = Self::new(Domain::Ipv6, Type::Datagram);
    /// SCTP over IPv6.
    pub const IPV6_SEQPACKET: Self = Self::new(Domain::Ipv6, Type::SeqPacket);

    /// All nine cells, domain by domain.
    pub const ALL: [Self; 9] = [
        Self::UNIX_STREAM,
        Self::UNIX_DATAGRAM,
        Self::UNIX_SEQPACKET,
        Self::IPV4_STREAM,
        Self::IPV4_DATAGRAM,
        Self::IPV4_SEQPACKET,
        Self::IPV6_STREAM,
        Self::IPV6_DATAGRAM,
        Self::IPV6_SEQPACKET,
    ];

    /// The cell of `domain` and `kind`.
    pub const fn new(domain: Domain, kind: Type) -> Self {
        Self { domain, kind }
    }

    /// The protocol that socket(2) is asked for: SCTP for an inet seqpacket socket, the
    /// domain's default otherwise.
    pub(crate) const fn protocol(self) -> Option<socket2::Protocol> {
        match (self.domain, self.kind) {
            (Domain::Ipv4 | Domain::Ipv6, Type::SeqPacket) => Some(socket2::Protocol::SCTP),
            _ => None,
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.domain, self.kind))
    }
}

/// This machine, or this library, has no sockets of the cell.
///
/// Comes wrapped in an [`io::Error`] of kind [`Unsupported`](io::ErrorKind::Unsupported):
///
/// ```
/// use anysock_core::{Cell, Socket, UnsupportedCell};
///
/// if let Err(error) = Socket::open(Cell::IPV4_SEQPACKET) {
///     let why = error.get_ref().and_then(|inner| inner.downcast_ref::<UnsupportedCell>());
///     assert_eq!(why.map(|why| why.cell()), Some(Cell::IPV4_SEQPACKET));
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{cell} sockets are not supported: {why}")]
pub struct UnsupportedCell {
    cell: Cell,
    why: String,
}

impl UnsupportedCell {
    /// The cell `cell` cannot be had, because of `why`.
    pub fn new(cell: Cell, why: impl Into<String>) -> Self {
        Self { cell, why: why.into() }
    }

    /// The cell that was asked for.
    pub fn cell(&self) -> Cell {
        self.cell
    }

    /// Why it cannot be had.
    pub fn why(&self) -> &str {
        &self.why
    }
}

impl From<UnsupportedCell> for io::Error {
    fn from(error: UnsupportedCell) -> Self {
        Self::new(io::ErrorKind::Unsupported, error)
    }
}

//! Socket types: what a socket promises.

use std::fmt;

/// A socket type.
///
/// | type | reliable delivery | message boundaries kept | connection-oriented |
/// |---|---|---|---|
/// | [`Stream`](Type::Stream) | yes | no | yes |
/// | [`Datagram`](Type::Datagram) | no | yes | no |
/// | [`SeqPacket`](Type::SeqPacket) | yes | yes | yes |
///
/// The table is the POSIX minimum; [`Guarantees`](crate::Guarantees) says what a cell really
/// gives on Linux. Source: socket(2).
///
/// ```
/// use anysock_core::Type;
/// assert!(Type::SeqPacket.keeps_boundaries());
/// assert!(!Type::Stream.keeps_boundaries());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`.
    Datagram,
    /// `SOCK_SEQPACKET`.
    SeqPacket,
}

impl Type {
    /// Every type, in the order of the table above.
    pub const ALL: [Self; 3] = [Self::Stream, Self::Datagram, Self::SeqPacket];

    /// Whether the kernel keeps message boundaries: a read gives one message, never two.
    pub const fn keeps_boundaries(self) -> bool {
        matches!(self, Self::Datagram | Self::SeqPacket)
    }

    /// Whether the type knows listen(2), accept(2) and end-of-file.
    pub const fn is_connection_oriented(self) -> bool {
        matches!(self, Self::Stream | Self::SeqPacket)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Datagram => "datagram",
            Self::SeqPacket => "seqpacket",
        }
    }

    pub(crate) const fn to_os(self) -> socket2::Type {
        match self {
            Self::Stream => socket2::Type::STREAM,
            Self::Datagram => socket2::Type::DGRAM,
            Self::SeqPacket => socket2::Type::SEQPACKET,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

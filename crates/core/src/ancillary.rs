//! What the kernel is asked to let come along with messages.

use crate::{Cell, Domain, Type};

/// A set of what may come along with messages beside their bytes and their source: ancillary
/// data, cmsg(3). Nothing of it comes unless it is [asked for](crate::Socket::ask).
///
/// ```
/// use anysock_core::{Ancillary, Cell};
///
/// let udp = Ancillary::of(Cell::IPV4_DATAGRAM);
/// assert!(udp.contains(Ancillary::TRAFFIC_CLASS | Ancillary::HOP_LIMIT));
/// assert!(!udp.contains(Ancillary::DESCRIPTORS));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Ancillary(u8);

crate::set::set!(Ancillary);

impl Ancillary {
    /// Descriptors that the peer passes (`SCM_RIGHTS`, unix(7)), on unix sockets.
    ///
    /// To be asked for before peers who are trusted. Closing what one has passed may block: a socket
    /// with unsent bytes and `SO_LINGER` (socket(7)) stops the thread that closes it last for as long
    /// as he has set, also where it is closed because its message was lost or dropped.
    pub const DESCRIPTORS: Self = Self(1);
    /// The sender's credentials (`SCM_CREDENTIALS`, unix(7)), on unix sockets.
    pub const CREDENTIALS: Self = Self(1 << 1);
    /// To which address a datagram was sent, and on which interface it came (`IP_PKTINFO`, ip(7)).
    pub const DESTINATION: Self = Self(1 << 2);
    /// DSCP and ECN of a datagram (`IP_RECVTOS`, ip(7)).
    pub const TRAFFIC_CLASS: Self = Self(1 << 3);
    /// TTL or hop limit of a datagram (`IP_RECVTTL`, ip(7)).
    pub const HOP_LIMIT: Self = Self(1 << 4);
    /// When the kernel received a message (`SO_TIMESTAMPNS`, socket(7)).
    pub const TIMESTAMP: Self = Self(1 << 5);
    /// How many messages were dropped for a full receive buffer (`SO_RXQ_OVFL`, socket(7)).
    pub const DROPS: Self = Self(1 << 6);

    const NAMES: [(Self, &'static str); 7] = [
        (Self::DESCRIPTORS, "descriptors"),
        (Self::CREDENTIALS, "credentials"),
        (Self::DESTINATION, "destinations"),
        (Self::TRAFFIC_CLASS, "traffic classes"),
        (Self::HOP_LIMIT, "hop limits"),
        (Self::TIMESTAMP, "timestamps"),
        (Self::DROPS, "counts of drops"),
    ];

    /// What exists on sockets of `cell`.
    pub const fn of(cell: Cell) -> Self {
        match (cell.domain, cell.kind) {
            (Domain::Unix, Type::Stream) => Self::DESCRIPTORS.with(Self::CREDENTIALS),
            (Domain::Unix, Type::Datagram | Type::SeqPacket) => {
                Self::DESCRIPTORS.with(Self::CREDENTIALS).with(Self::TIMESTAMP)
            }
            (Domain::Ipv4 | Domain::Ipv6, Type::Datagram) => Self::DESTINATION
                .with(Self::TRAFFIC_CLASS)
                .with(Self::HOP_LIMIT)
                .with(Self::TIMESTAMP)
                .with(Self::DROPS),
            (Domain::Ipv4 | Domain::Ipv6, Type::Stream | Type::SeqPacket) => Self::NONE,
        }
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }
}

//! What a transport promises, and only what it keeps.

use crate::{Cell, Domain, Type};

/// A set of promises about messages.
///
/// They belong to domain × type × [`Role`], and to what is built on top: a codec adds
/// [`BOUNDARIES`](Self::BOUNDARIES) to a stream, a lossy wrapper takes
/// [`RELIABLE`](Self::RELIABLE) away.
///
/// ```
/// use anysock_core::{Cell, Guarantees, Role};
///
/// let udp = Guarantees::of(Cell::IPV4_DATAGRAM, Role::Client);
/// assert!(!udp.contains(Guarantees::RELIABLE));
/// assert_eq!((Guarantees::RELIABLE | Guarantees::BOUNDARIES) - udp, Guarantees::RELIABLE);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guarantees(u8);

crate::set::set!(Guarantees);

/// Which end of a conversation a socket is: the same cell promises different things at each.
///
/// ```
/// use anysock_core::{Cell, Guarantees, Role};
///
/// let pair = Guarantees::of(Cell::UNIX_DATAGRAM, Role::Paired);
/// let client = Guarantees::of(Cell::UNIX_DATAGRAM, Role::Client);
/// assert_eq!(pair - client, Guarantees::RELIABLE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Both ends are connected to each other, and to nobody else: `socketpair(2)`, or two
    /// datagram sockets that connected to one another.
    Paired,
    /// This end connected to an address where one socket may serve many.
    Client,
    /// This end was accepted: by accept(2), or by taking datagrams apart by their source.
    Accepted,
}

impl Guarantees {
    /// A flushed message arrives while the connection lives; losing one is an error that a
    /// later operation reports, where the kernel tells.
    pub const RELIABLE: Self = Self(1);
    /// Messages arrive in the order in which they were sent, and none twice.
    pub const ORDERED: Self = Self(1 << 1);
    /// One message sent is one message received.
    pub const BOUNDARIES: Self = Self(1 << 2);
    /// There is a connection that is made before the first message, and a peer that is told
    /// when it breaks.
    pub const CONNECTION_ORIENTED: Self = Self(1 << 3);
    /// The peer's orderly close is seen as the end of its messages.
    pub const END_OF_FILE: Self = Self(1 << 4);

    const NAMES: [(Self, &'static str); 5] = [
        (Self::RELIABLE, "reliable"),
        (Self::ORDERED, "ordered"),
        (Self::BOUNDARIES, "boundaries"),
        (Self::CONNECTION_ORIENTED, "connection-oriented"),
        (Self::END_OF_FILE, "end-of-file"),
    ];

    /// What a bare socket of `cell` promises in `role` on Linux.
    ///
    /// Unix datagrams between two sockets connected to each other are reliable and ordered
    /// (unix(7)), without end-of-file. Towards a socket that serves many, order is kept, but
    /// replies and queued messages may be dropped there. Inet seqpacket is what SCTP promises.
    pub const fn of(cell: Cell, role: Role) -> Self {
        match (cell.kind, cell.domain, role) {
            (Type::Stream, _, _) => Self::RELIABLE
                .with(Self::ORDERED)
                .with(Self::CONNECTION_ORIENTED)
                .with(Self::END_OF_FILE),
            (Type::SeqPacket, _, _) => Self::RELIABLE
                .with(Self::ORDERED)
                .with(Self::BOUNDARIES)
                .with(Self::CONNECTION_ORIENTED)
                .with(Self::END_OF_FILE),
            (Type::Datagram, Domain::Unix, Role::Paired) => {
                Self::RELIABLE.with(Self::ORDERED).with(Self::BOUNDARIES)
            }
            (Type::Datagram, Domain::Unix, _) => Self::ORDERED.with(Self::BOUNDARIES),
            (Type::Datagram, _, _) => Self::BOUNDARIES,
        }
    }

    /// Whether flushed messages arrive.
    pub const fn reliable(self) -> bool {
        self.contains(Self::RELIABLE)
    }

    /// Whether messages arrive in order.
    pub const fn ordered(self) -> bool {
        self.contains(Self::ORDERED)
    }

    /// Whether message boundaries are kept.
    pub const fn boundaries(self) -> bool {
        self.contains(Self::BOUNDARIES)
    }

    /// Whether there is a connection.
    pub const fn connection_oriented(self) -> bool {
        self.contains(Self::CONNECTION_ORIENTED)
    }

    /// Whether the peer's close is seen.
    pub const fn end_of_file(self) -> bool {
        self.contains(Self::END_OF_FILE)
    }
}

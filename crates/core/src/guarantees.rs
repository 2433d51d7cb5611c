//! What a transport promises, and only what it keeps.

use std::fmt;
use std::ops::{BitOr, Sub};

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
    /// No promise at all.
    pub const NONE: Self = Self(0);
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

    /// Both sets together; the `const` form of `|`.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set less the other; the `const` form of `-`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every promise of `other` is given.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether nothing is promised.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
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

    /// The single promises of this set, with their names.
    pub fn iter(self) -> impl Iterator<Item = (Self, &'static str)> {
        Self::NAMES.into_iter().filter(move |(one, _)| self.contains(*one))
    }
}

impl BitOr for Guarantees {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl Sub for Guarantees {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.without(other)
    }
}

impl fmt::Display for Guarantees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.pad("none");
        }
        let names: Vec<_> = self.iter().map(|(_, name)| name).collect();
        f.pad(&names.join(", "))
    }
}

impl fmt::Debug for Guarantees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guarantees({self})")
    }
}

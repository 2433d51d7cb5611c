//! The attacks, and in which cells each exists.

use anysock::{Cell, Domain, Type};

/// What is done to a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attack {
    /// Connects, and says nothing or half a header.
    Opens,
    /// Announces a message of the maximum, or a longer one, and stops.
    Announces,
    /// Sends a byte at a time.
    Trickles,
    /// Sends empty messages without end.
    Empties,
    /// Sends messages of one byte without end.
    Crumbs,
    /// Connects and resets, again and again.
    Resets,
    /// Sends from a new address each time.
    Sources,
    /// Asks and never reads an answer.
    Deaf,
    /// Passes descriptors, 253 at a time.
    Passes,
}

impl Attack {
    pub(crate) const ALL: [Self; 9] = [
        Self::Opens,
        Self::Announces,
        Self::Trickles,
        Self::Empties,
        Self::Crumbs,
        Self::Resets,
        Self::Sources,
        Self::Deaf,
        Self::Passes,
    ];

    /// As the environment and the table name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Opens => "opens",
            Self::Announces => "announces",
            Self::Trickles => "trickles",
            Self::Empties => "empties",
            Self::Crumbs => "crumbs",
            Self::Resets => "resets",
            Self::Sources => "sources",
            Self::Deaf => "deaf",
            Self::Passes => "passes",
        }
    }

    /// What the promises rest on, beside the bounds that are there unless others are said.
    pub(crate) fn rests_on(self) -> &'static str {
        match self {
            Self::Opens => "nothing; a read deadline, where more come than max_connections",
            Self::Announces => "nothing",
            Self::Trickles => "nothing; a read deadline to be rid of them",
            Self::Empties | Self::Crumbs => "memory: nothing; throughput: a rate",
            Self::Resets => "max_connections; throughput: whoever routes",
            Self::Sources => "PeerLimits",
            Self::Deaf => "nothing",
            Self::Passes => "nothing; those who ask for descriptors: the bound of 253",
        }
    }

    /// Why there is no such attack in a cell, where there is none.
    pub(crate) fn missing(self, cell: Cell) -> Option<&'static str> {
        let is_datagram = cell.kind == Type::Datagram;
        match self {
            Self::Opens | Self::Resets if is_datagram => Some("no connections: see sources"),
            Self::Announces if cell.kind != Type::Stream => Some("no lengths are announced"),
            Self::Trickles if cell.kind != Type::Stream => Some("packets come whole"),
            Self::Sources if !is_datagram => Some("connections: see opens, resets"),
            Self::Passes if cell.domain != Domain::Unix => Some("no descriptors pass"),
            _ => None,
        }
    }
}

/// The cells that work.
pub(crate) const CELLS: [Cell; 7] = [
    Cell::UNIX_STREAM,
    Cell::UNIX_DATAGRAM,
    Cell::UNIX_SEQPACKET,
    Cell::IPV4_STREAM,
    Cell::IPV4_DATAGRAM,
    Cell::IPV6_STREAM,
    Cell::IPV6_DATAGRAM,
];

/// As the environment and the table name it: `unix-stream`.
pub(crate) fn cell_name(cell: Cell) -> String {
    cell.to_string().to_lowercase().replace(' ', "-")
}

#[test]
fn every_attack_is_tried_in_every_cell_or_there_is_a_reason() {
    for attack in Attack::ALL {
        println!("{:9} rests on {}", attack.name(), attack.rests_on());
        for cell in CELLS {
            let tried = attack.missing(cell).unwrap_or("tried");
            println!("{:9} {:14} {tried}", attack.name(), cell_name(cell));
        }
        // Where it exists at all it exists for whoever shares a reason: none is left out singly.
        assert!(CELLS.iter().any(|cell| attack.missing(*cell).is_none()));
    }
    let working = Cell::ALL.into_iter().filter(|cell| CELLS.contains(cell)).count();
    assert_eq!(working, CELLS.len());
}

//! What may wedge a runtime: the traps T1 to T8, and the states in which an operation blocks.

use std::fmt;
use std::time::Duration;

use anysock::{Cell, Domain};

use crate::stage::TICK;

/// The cells that there are here.
pub(crate) const CELLS: [Cell; 7] = [
    Cell::UNIX_STREAM,
    Cell::UNIX_DATAGRAM,
    Cell::UNIX_SEQPACKET,
    Cell::IPV4_STREAM,
    Cell::IPV4_DATAGRAM,
    Cell::IPV6_STREAM,
    Cell::IPV6_DATAGRAM,
];

macro_rules! traps {
    ($($(#[doc = $what:literal])* $trap:ident $name:literal)*) => {
        /// A trap, or a state in which an operation blocks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Trap {
            $($(#[doc = $what])* $trap,)*
        }

        impl Trap {
            pub(crate) const ALL: &[Self] = &[$(Self::$trap,)*];

            /// The name by which it is asked for.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$trap => $name,)*
                }
            }

            /// What is done to the operation.
            pub(crate) fn what(self) -> &'static str {
                match self {
                    $(Self::$trap => concat!($($what),*).trim_ascii(),)*
                }
            }
        }
    };
}

traps! {
    /// receiving, or accepting, was shut down through a duplicate
    T1 "T1"
    /// an error has set write-closed; then a send finds no room
    T2 "T2"
    /// a reply to a client whose queue is full of others' messages
    T3 "T3"
    /// what is complete lies behind a short read
    T4 "T4"
    /// connecting to a full backlog
    T5 "T5"
    /// the first send on a socket that the reactor has not looked at
    T6 "T6"
    /// a flood, and 20 us of work for each message
    T7 "T7"
    /// connections announce 8 MiB each and send nothing of it
    T8 "T8"
    /// a send finds no room, and nobody reads
    FullQueue "full-queue"
    /// receiving, and the peer says nothing
    SilentPeer "silent-peer"
    /// receiving, and the peer has vanished without a word
    HalfOpen "half-open"
    /// the peer has ended its sending and reads nothing; a send finds no room
    HalfClosed "half-closed"
    /// another process shuts a receiving socket down
    ShutDownElsewhere "shut-down-elsewhere"
    /// another process shuts an accepting socket down
    AcceptShutDownElsewhere "accept-shut-down-elsewhere"
    /// receiving, with an ICMP error pending
    IcmpError "icmp-error"
    /// accepting, with an ICMP error that concerns one of the peers
    IcmpErrorOfAPeer "icmp-error-of-a-peer"
    /// accepting, or sending after an error, without a descriptor left
    NoDescriptor "no-descriptor"
}

impl Trap {
    /// Whether the operation is blocked, so that the processor must be idle.
    pub(crate) fn is_blocked(self) -> bool {
        self != Self::T7
    }

    /// The fewest ticks of a timer that has not stopped: whoever is starved by other processes
    /// still gets a fifth of them. Under a flood one is enough: there it is counted what is handed
    /// out before others run.
    pub(crate) fn least_ticks(self, window: Duration) -> u64 {
        match self.is_blocked() {
            true => (window.as_micros() / TICK.as_micros() / 5) as u64,
            false => 1,
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One trap on one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) cell: Cell,
    pub(crate) trap: Trap,
}

impl Case {
    /// The one that is named as it is displayed.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (cell, trap) = name.split_once(' ')?;
        let cell = CELLS.into_iter().find(|known| known.to_string() == cell)?;
        let trap = *Trap::ALL.iter().find(|known| known.name() == trap)?;
        Some(Self { cell, trap })
    }

    /// Whether it takes a network that nobody else is on.
    pub(crate) fn needs_own_network(self) -> bool {
        let udp = self.cell == Cell::IPV4_DATAGRAM || self.cell == Cell::IPV6_DATAGRAM;
        match self.trap {
            Trap::T2 | Trap::FullQueue | Trap::NoDescriptor => udp,
            Trap::HalfOpen => self.cell.domain != Domain::Unix,
            _ => false,
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cell, self.trap)
    }
}

//! Every cell under every trap: how plain tokio fares, or why there is no such case.

use anysock::Cell;

use crate::trap::{CELLS, Case, Trap};
use crate::verdict::Verdict::{self, Aborts, Burns, Sleeps, Stops, Well, WouldBlock};

/// One field of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It is played; so plain tokio fares.
    Plain(Verdict),
    /// It cannot be, because of this.
    Never(&'static str),
}

use Entry::{Never, Plain};

const NOT_WOULD_BLOCK: Entry = Never(
    "an error that closes writing is the end of a connection: sending fails, and never blocks",
);
const OWN_QUEUE: Entry = Never("it answers on a connection, whose queue nobody else fills");
const NO_QUEUE: Entry = Never("a full queue drops, and blocks nobody");
const WHOLE: Entry = Never("a packet is read whole: no read is short");
const NO_BACKLOG: Entry = Never("nothing is accepted: connecting to it is immediate");
const IN_PROGRESS: Entry =
    Never("with a full backlog the connection is in progress, and an event tells when it is made");
const NOT_ANNOUNCED: Entry =
    Never("no peer announces a length: the kernel tells it with the packet");
const NOT_HALF_OPEN: Entry =
    Never("both ends are in one kernel, which tells at once of one that is gone");
const NO_CONNECTION: Entry = Never("there is no connection of which one end could know alone");
const NO_END: Entry = Never("no end travels to a datagram peer");
const NO_ICMP: Entry = Never("there is no ICMP between sockets of one kernel");
const SOFT: Entry =
    Never("ICMP errors are soft on an established connection: none pends, RFC 1122, 4.2.3.9");

/// Unix stream, datagram, seqpacket; TCP and UDP, each over both protocols.
const fn row(trap: Trap, unix: [Entry; 3], ip: [Entry; 2]) -> (Trap, [Entry; 7]) {
    (trap, [unix[0], unix[1], unix[2], ip[0], ip[1], ip[0], ip[1]])
}

const TABLE: [(Trap, [Entry; 7]); 17] = [
    row(Trap::T1, [Plain(Stops), Plain(Stops), Plain(Stops)], [Plain(Well), Plain(Stops)]),
    row(
        Trap::T2,
        [NOT_WOULD_BLOCK, Plain(Stops), NOT_WOULD_BLOCK],
        [NOT_WOULD_BLOCK, Plain(Stops)],
    ),
    row(Trap::T3, [OWN_QUEUE, Plain(Burns), OWN_QUEUE], [OWN_QUEUE, NO_QUEUE]),
    row(Trap::T4, [Plain(Sleeps), WHOLE, WHOLE], [Plain(Sleeps), WHOLE]),
    row(Trap::T5, [Plain(WouldBlock), NO_BACKLOG, Plain(WouldBlock)], [IN_PROGRESS, NO_BACKLOG]),
    row(
        Trap::T6,
        [Plain(Well), Plain(WouldBlock), Plain(WouldBlock)],
        [Plain(Well), Plain(WouldBlock)],
    ),
    row(Trap::T7, [Plain(Stops), Plain(Well), Plain(Stops)], [Plain(Stops), Plain(Well)]),
    row(Trap::T8, [Plain(Aborts), NOT_ANNOUNCED, NOT_ANNOUNCED], [Plain(Aborts), NOT_ANNOUNCED]),
    row(Trap::FullQueue, [Plain(Well), Plain(Well), Plain(Well)], [Plain(Well), Plain(Well)]),
    row(Trap::SilentPeer, [Plain(Well), Plain(Well), Plain(Well)], [Plain(Well), Plain(Well)]),
    row(
        Trap::HalfOpen,
        [NOT_HALF_OPEN, NO_CONNECTION, NOT_HALF_OPEN],
        [Plain(Well), NO_CONNECTION],
    ),
    row(Trap::HalfClosed, [Plain(Well), NO_END, Plain(Well)], [Plain(Well), NO_END]),
    row(
        Trap::ShutDownElsewhere,
        [Plain(Well), Plain(Stops), Plain(Well)],
        [Plain(Well), Plain(Stops)],
    ),
    row(
        Trap::AcceptShutDownElsewhere,
        [Plain(Stops), Plain(Stops), Plain(Stops)],
        [Plain(Well), Plain(Stops)],
    ),
    row(Trap::IcmpError, [NO_ICMP, NO_ICMP, NO_ICMP], [SOFT, Plain(Well)]),
    row(Trap::IcmpErrorOfAPeer, [NO_ICMP, NO_ICMP, NO_ICMP], [SOFT, Plain(Well)]),
    row(
        Trap::NoDescriptor,
        [Plain(Burns), Plain(Stops), Plain(Stops)],
        [Plain(Burns), Plain(Stops)],
    ),
];

/// The field of a case; `None` would be a blank.
pub(crate) fn entry(case: Case) -> Option<Entry> {
    let column = CELLS.iter().position(|cell| *cell == case.cell)?;
    let mut rows = TABLE.iter().filter(|(trap, _)| *trap == case.trap);
    let (_, row) = rows.next()?;
    // A second row of the same trap would be one that nobody reads.
    rows.next().is_none().then(|| row[column])
}

/// All that are played, with how plain tokio fares.
pub(crate) fn played() -> Vec<(Case, Verdict)> {
    let plain = |case| match entry(case) {
        Some(Plain(verdict)) => Some((case, verdict)),
        _ => None,
    };
    all().filter_map(plain).collect()
}

/// Every cell under every trap.
pub(crate) fn all() -> impl Iterator<Item = Case> {
    Trap::ALL.iter().flat_map(|trap| CELLS.map(|cell: Cell| Case { cell, trap: *trap }))
}

/// The table as text, one line for each trap: what `field` says of each cell.
pub(crate) fn text(mut field: impl FnMut(Case) -> String) -> String {
    let mut text = format!("{:28}", "");
    CELLS.iter().for_each(|cell| text += &format!("{cell:16}"));
    for trap in Trap::ALL {
        text += &format!("\n{trap:28}");
        for cell in CELLS {
            text += &format!("{:16}", field(Case { cell, trap: *trap }));
        }
    }
    text
}

//! Every bound, in one place: what is counted now and a little more.
//!
//! To be tightened when something gets better. Where one thread does everything counts are exact,
//! so a bound needs little room: for kernels whose buffers have other sizes, no more.

use crate::link::Link;
use crate::servers::Server;
use crate::work::Work;

/// What may be counted at most, per message or per round trip.
pub(crate) struct Bound {
    pub(crate) link: Link,
    pub(crate) work: Work,
    /// Bytes of a message.
    pub(crate) size: usize,
    pub(crate) most: f64,
}

/// System calls per message, fed: both ends, and the runtime's.
pub(crate) const CALLS_FED: [Bound; 2] = [
    // A write and a read per block, and one look for events each time that a budget is spent.
    Bound::new(Link::UnixStream, Work::Fed, 64, 0.012),
    // The large ones are not batched as well as they could be.
    Bound::new(Link::UnixStream, Work::Fed, 16 << 10, 1.0),
];

/// System calls per round trip: both ends, and the runtime's. Six are the least that a readiness
/// loop can do: there and back one write, one read and one look for events each. What goes through
/// the network may arrive later than it was sent.
pub(crate) const CALLS_THERE_AND_BACK: [Bound; 7] = [
    // Each end also reads once in vain, for a short read need not have emptied a stream.
    Bound::new(Link::UnixStream, Work::RoundTrip, 64, 8.0),
    Bound::new(Link::Tcp, Work::RoundTrip, 64, 8.05),
    Bound::new(Link::UnixSeqPacket, Work::RoundTrip, 64, 6.0),
    Bound::new(Link::UnixDatagram, Work::RoundTrip, 64, 6.0),
    Bound::new(Link::Udp, Work::RoundTrip, 64, 6.05),
    // Once a second the reader also looks for idle peers and errors. That much of a bound is
    // room for a traced process on a busy machine.
    Bound::new(Link::AcceptedUnixDatagram, Work::RoundTrip, 64, 6.5),
    Bound::new(Link::AcceptedUdp, Work::RoundTrip, 64, 6.5),
];

/// Of how many messages a receiver is held to keep references, before it drops them together.
const HELD: Work = Work::Held(64);

/// Allocations per message on a stream: of both ends. None is what a message should cost; what
/// there is are blocks of the reader, let go of with every burst and with every message held.
pub(crate) const ALLOCATIONS_ON_STREAMS: [Bound; 6] = [
    Bound::new(Link::UnixStream, Work::Fed, 64, 0.002),
    Bound::new(Link::UnixStream, HELD, 64, 0.004),
    Bound::new(Link::UnixStream, Work::Fed, 1 << 10, 0.06),
    Bound::new(Link::UnixStream, HELD, 1 << 10, 0.09),
    Bound::new(Link::UnixStream, Work::Fed, 4 << 10, 0.3),
    Bound::new(Link::UnixStream, HELD, 4 << 10, 0.45),
];

/// Allocations per packet: of both ends. Each is an allocation of its own until it is sent, and
/// the rest is shared by what is received together.
pub(crate) const ALLOCATIONS_OF_PACKETS: [Bound; 12] = [
    Bound::new(Link::UnixSeqPacket, Work::Fed, 64, 2.4),
    Bound::new(Link::UnixSeqPacket, HELD, 64, 2.4),
    Bound::new(Link::UnixSeqPacket, Work::Fed, 1200, 2.4),
    Bound::new(Link::UnixSeqPacket, HELD, 1200, 2.4),
    Bound::new(Link::UnixDatagram, Work::Fed, 64, 1.4),
    Bound::new(Link::UnixDatagram, HELD, 64, 1.4),
    Bound::new(Link::UnixDatagram, Work::Fed, 1200, 1.4),
    Bound::new(Link::UnixDatagram, HELD, 1200, 1.4),
    Bound::new(Link::Udp, Work::Fed, 64, 1.3),
    Bound::new(Link::Udp, HELD, 64, 1.3),
    Bound::new(Link::Udp, Work::Fed, 1200, 1.3),
    Bound::new(Link::Udp, HELD, 1200, 1.3),
];

/// What a connection that waits may hold at most, as a multiple of what [`Server::Raw`] does.
/// That is idle since it was accepted, and again after a large message, whose buffer must be gone.
pub(crate) struct PerConnection {
    pub(crate) server: Server,
    /// Of what was asked for: exact.
    pub(crate) live: f64,
    /// Of pages in memory, which is generous, since the allocator has its habits.
    pub(crate) resident: f64,
}

pub(crate) const PER_CONNECTION: [PerConnection; 2] = [
    // The state of both directions, which could be smaller: there is no buffer in it.
    PerConnection { server: Server::Framed, live: 1.85, resident: 2.0 },
    // The same, as large as that of the largest cell.
    PerConnection { server: Server::Facade, live: 2.05, resident: 2.0 },
];

impl Bound {
    const fn new(link: Link, work: Work, size: usize, most: f64) -> Self {
        Self { link, work, size, most }
    }

    /// Whether so many each are more than this allows; says so either way.
    pub(crate) fn is_broken_by(&self, each: f64, what: &str) -> bool {
        let Self { link, work, size, most } = self;
        let is_broken = each > *most;
        let verdict = if is_broken { "MORE THAN" } else { "at most" };
        println!("{link:?} {work:?} {size} B: {each:.5} {what}, {verdict} {most}");
        is_broken
    }
}

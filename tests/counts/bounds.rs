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
    // Two writes and a read per burst, a look for events for each end, and one every 4,096 messages.
    Bound::new(Link::UnixStream, Work::Fed, 64, 0.0016),
    Bound::new(Link::UnixStream, Work::Fed, 16 << 10, 0.45),
];

/// System calls per round trip: both ends, and the runtime's. Six are the least that a readiness
/// loop can do: there and back one write, one read and one look for events each. What goes through
/// the network may arrive later than it was sent.
pub(crate) const CALLS_THERE_AND_BACK: [Bound; 7] = [
    Bound::new(Link::UnixStream, Work::RoundTrip, 64, 6.0),
    Bound::new(Link::Tcp, Work::RoundTrip, 64, 6.05),
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

/// Allocations per message on a stream: of both ends. Blocks are those that the thread keeps.
pub(crate) const ALLOCATIONS_ON_STREAMS: [Bound; 6] = [
    Bound::new(Link::UnixStream, Work::Fed, 64, 0.001),
    Bound::new(Link::UnixStream, HELD, 64, 0.001),
    Bound::new(Link::UnixStream, Work::Fed, 1 << 10, 0.001),
    Bound::new(Link::UnixStream, HELD, 1 << 10, 0.001),
    Bound::new(Link::UnixStream, Work::Fed, 4 << 10, 0.001),
    Bound::new(Link::UnixStream, HELD, 4 << 10, 0.001),
];

/// Allocations per packet: of both ends. A list of what came together is made once a batch.
pub(crate) const ALLOCATIONS_OF_PACKETS: [Bound; 12] = [
    Bound::new(Link::UnixSeqPacket, Work::Fed, 64, 0.001),
    Bound::new(Link::UnixSeqPacket, HELD, 64, 0.001),
    Bound::new(Link::UnixSeqPacket, Work::Fed, 1200, 0.001),
    Bound::new(Link::UnixSeqPacket, HELD, 1200, 0.001),
    Bound::new(Link::UnixDatagram, Work::Fed, 64, 0.001),
    Bound::new(Link::UnixDatagram, HELD, 64, 0.001),
    Bound::new(Link::UnixDatagram, Work::Fed, 1200, 0.001),
    Bound::new(Link::UnixDatagram, HELD, 1200, 0.001),
    Bound::new(Link::Udp, Work::Fed, 64, 0.02),
    Bound::new(Link::Udp, HELD, 64, 0.02),
    Bound::new(Link::Udp, Work::Fed, 1200, 0.02),
    Bound::new(Link::Udp, HELD, 1200, 0.02),
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
    PerConnection { server: Server::Framed, live: 1.05, resident: 1.5 },
    // A codec of any kind takes two words more in each direction.
    PerConnection { server: Server::Facade, live: 1.25, resident: 1.5 },
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

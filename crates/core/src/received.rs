//! What one receive call brought.

use std::os::fd::OwnedFd;
use std::time::SystemTime;

use crate::{Addr, Ancillary, Arrival, Credentials, LocalAddress};

/// What one receive call brought.
///
/// ```
/// use anysock_core::{Socket, Type};
/// let (a, b) = Socket::pair(Type::Datagram)?;
/// a.send(b"too long")?;
/// let received = b.recv_message(&mut [0; 3])?;
/// assert_eq!((received.length, received.copied), (8, 3));
/// assert!(received.is_truncated());
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Received {
    /// Real length of the message in bytes, also if the buffer was shorter.
    pub length: usize,
    /// Bytes that were written to the buffer.
    pub copied: usize,
    /// Who sent it; `None` on a connected stream or seqpacket socket.
    pub source: Option<Addr>,
    /// To which address of this host it was sent, where that was asked for.
    pub destination: Option<LocalAddress>,
    /// The sender's credentials, where `SO_PASSCRED` is set.
    pub credentials: Option<Credentials>,
    /// Descriptors that were passed, close-on-exec. Dropping them closes them.
    pub descriptors: Vec<OwnedFd>,
    /// More was passed beside the bytes than could be taken.
    pub control_truncated: bool,
    /// The traffic class of the IP header, where that was asked for: six bits of DSCP (RFC 2474)
    /// and two of ECN (RFC 3168).
    pub traffic_class: Option<u8>,
    /// The TTL or hop limit with which it arrived, where that was asked for.
    pub hop_limit: Option<u8>,
    /// When the kernel received it, where that was asked for.
    pub timestamp: Option<SystemTime>,
    /// How many messages the socket has dropped for a full receive buffer so far, where that was
    /// asked for and some were.
    pub dropped: Option<u32>,
    /// The size of the datagrams that the kernel put together (`UDP_GRO`), if it did; the last
    /// one may be shorter.
    pub segment: Option<u16>,
}

impl Received {
    /// Whether the buffer was too short, so that the rest is lost.
    pub fn is_truncated(&self) -> bool {
        self.copied < self.length
    }

    /// What came along of all that was `asked` for, and then also who sent it and the size of the
    /// datagrams that were put together; `None` if it is nothing. Dropped, descriptors are closed.
    pub fn into_arrival(self, asked: Ancillary) -> Option<Box<Arrival>> {
        if asked.is_empty() {
            return None;
        }
        let Self { source, destination, credentials, descriptors, .. } = self;
        let keeps = |one| asked.contains(one);
        let arrival = Arrival {
            source,
            destination: destination.filter(|_| keeps(Ancillary::DESTINATION)),
            descriptors: if keeps(Ancillary::DESCRIPTORS) { descriptors } else { Vec::new() },
            credentials: credentials.filter(|_| keeps(Ancillary::CREDENTIALS)),
            traffic_class: self.traffic_class,
            hop_limit: self.hop_limit,
            timestamp: self.timestamp,
            dropped: self.dropped,
            segment: self.segment,
        };
        (!arrival.is_empty()).then(|| Box::new(arrival))
    }

    /// Whether descriptors were lost that were `asked` for: there was too little room, or this
    /// process has as many open as it may.
    pub fn has_lost(&self, asked: Ancillary) -> bool {
        self.control_truncated && asked.contains(Ancillary::DESCRIPTORS)
    }
}

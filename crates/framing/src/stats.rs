//! What a transport has counted.

/// Counters of one transport, or of one of its halves (which then leaves the others 0).
///
/// ```
/// use anysock_framing::Stats;
/// let both = Stats { sent: 1, ..Stats::default() }.merge(Stats { received: 2, ..Stats::default() });
/// assert_eq!((both.sent, both.received), (1, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Messages accepted for sending.
    pub sent: u64,
    /// Bytes of those messages, without framing.
    pub sent_bytes: u64,
    /// Messages handed out.
    pub received: u64,
    /// Bytes of those messages, without framing.
    pub received_bytes: u64,
    /// Messages that were lost because they were longer than the receiver's maximum, or because
    /// not all descriptors could be taken that came with them.
    pub truncated: u64,
    /// Descriptors that were received and closed again, because there was no message that they
    /// belonged to, or because it was lost.
    pub closed_descriptors: u64,
    /// Messages that were accepted and then dropped: refused by the kernel at a flush, or by a
    /// full queue.
    pub dropped: u64,
    /// Bytes accepted and not yet given to the kernel, framing included. Never more than the
    /// high watermark plus one message.
    pub unsent: usize,
    /// Bytes received and not yet handed out, by allocated size.
    pub held: usize,
}

impl Stats {
    /// The counters of two halves together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            sent_bytes: self.sent_bytes + other.sent_bytes,
            received: self.received + other.received,
            received_bytes: self.received_bytes + other.received_bytes,
            truncated: self.truncated + other.truncated,
            closed_descriptors: self.closed_descriptors + other.closed_descriptors,
            dropped: self.dropped + other.dropped,
            unsent: self.unsent + other.unsent,
            held: self.held + other.held,
        }
    }
}

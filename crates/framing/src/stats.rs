//! What a transport has counted.

use anysock_async::Calls;

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
    /// Frames of a stream that were given up, too long or malformed, because a
    /// [`Resync`](crate::Resync) codec went on behind them.
    pub discarded: u64,
    /// Bytes of those frames, their marks included.
    pub discarded_bytes: u64,
    /// Descriptors that were received and closed again, because there was no message that they
    /// belonged to, or because it was lost.
    pub closed_descriptors: u64,
    /// Messages that were accepted and then dropped: refused by the kernel at a flush, or by a
    /// full queue.
    pub dropped: u64,
    /// Bytes accepted and not yet given to the kernel, framing included. Never more than the
    /// high watermark plus one message.
    pub unsent: usize,
    /// The most that was ever unsent when it was written or had to wait, in the same bytes: how
    /// high the water has stood. Up to 4 GiB; 0 in memory, where nothing is unsent.
    pub most_unsent: usize,
    /// System calls that send. Below [`sent`](Self::sent) where many messages go by one call; 0
    /// where there are none, or the transport does not tell.
    pub send_calls: u64,
    /// Of these, calls that would have blocked.
    pub send_would_block: u64,
    /// System calls that receive. For a peer of a datagram listener 0: the listener receives for
    /// all, and counts itself.
    pub receive_calls: u64,
    /// Of these, calls that would have blocked.
    pub receive_would_block: u64,
    /// Bytes received and not yet handed out, by allocated size.
    pub held: usize,
}

impl Stats {
    /// With the calls of a sending side.
    pub(crate) fn with_send_calls(self, calls: Calls) -> Self {
        Self { send_calls: calls.made, send_would_block: calls.would_block, ..self }
    }

    /// With the calls of a receiving side.
    pub(crate) fn with_receive_calls(self, calls: Calls) -> Self {
        Self { receive_calls: calls.made, receive_would_block: calls.would_block, ..self }
    }

    /// The counters of two halves together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            sent_bytes: self.sent_bytes + other.sent_bytes,
            received: self.received + other.received,
            received_bytes: self.received_bytes + other.received_bytes,
            truncated: self.truncated + other.truncated,
            discarded: self.discarded + other.discarded,
            discarded_bytes: self.discarded_bytes + other.discarded_bytes,
            closed_descriptors: self.closed_descriptors + other.closed_descriptors,
            dropped: self.dropped + other.dropped,
            unsent: self.unsent + other.unsent,
            most_unsent: self.most_unsent.max(other.most_unsent),
            send_calls: self.send_calls + other.send_calls,
            send_would_block: self.send_would_block + other.send_would_block,
            receive_calls: self.receive_calls + other.receive_calls,
            receive_would_block: self.receive_would_block + other.receive_would_block,
            held: self.held + other.held,
        }
    }
}

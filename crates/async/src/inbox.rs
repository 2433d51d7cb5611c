//! Packets that were received together, until they are handed out one by one.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::Packet;

/// The most memory that a held message of a batch keeps alive beside its own, in bytes.
const SHARED: usize = 64 * 1024;

/// Packets that were received together and are handed out one by one, as slices of the blocks
/// in which they came or into which they were copied together.
///
/// Empty, it holds no memory.
///
/// ```
/// use anysock_async::{Inbox, Packet};
/// use anysock_core::Message;
///
/// let mut inbox = Inbox::new();
/// inbox.push(Packet::Message(Message::from("hello")));
/// inbox.push(Packet::Truncated { length: 70_000 });
/// assert_eq!((inbox.len(), inbox.held()), (2, 5));
/// assert!(matches!(inbox.pop(), Some(Packet::Message(message)) if message == "hello"));
/// ```
#[derive(Debug, Default)]
pub struct Inbox {
    /// What is handed out now.
    run: Run,
    /// Whether `run` still has its last packet, which may be an empty one.
    has_last: bool,
    rest: VecDeque<Entry>,
    held: usize,
}

/// Packets of one size, of which the last may be shorter, in one piece.
#[derive(Debug, Default)]
pub(crate) struct Run {
    bytes: Bytes,
    size: usize,
    /// How much memory they hold.
    memory: usize,
}

/// What lies together.
#[derive(Debug)]
pub(crate) enum Entry {
    Run(Run),
    /// One that is lost.
    Truncated {
        length: usize,
    },
}

impl Inbox {
    /// No packets.
    pub const fn new() -> Self {
        let run = Run { bytes: Bytes::new(), size: 0, memory: 0 };
        Self { run, has_last: false, rest: VecDeque::new(), held: 0 }
    }

    /// Puts one packet behind the others.
    pub fn push(&mut self, packet: Packet) {
        match packet {
            Packet::Message(message) => {
                let bytes = message.into_bytes();
                let (size, memory) = (bytes.len(), bytes.len());
                self.push_run(bytes, size, memory);
            }
            Packet::Truncated { length } => self.rest.push_back(Entry::Truncated { length }),
        }
    }

    /// Whether the next message lies right behind the one that was taken last, and is not the
    /// last one there.
    #[inline]
    pub fn is_in_run(&self) -> bool {
        self.run.bytes.len() > self.run.size
    }

    /// Takes the next message out, if it [`is_in_run`](Self::is_in_run).
    #[inline]
    pub fn next_of_run(&mut self) -> Option<Bytes> {
        self.is_in_run().then(|| self.run.bytes.split_to(self.run.size))
    }

    /// Takes the next packet out.
    #[inline]
    pub fn pop(&mut self) -> Option<Packet> {
        match self.next_of_run() {
            Some(bytes) => Some(Packet::Message(bytes.into())),
            None => self.pop_entry(),
        }
    }

    /// How many packets there are.
    pub fn len(&self) -> usize {
        self.rest.iter().map(Entry::len).sum::<usize>()
            + if self.has_last { self.run.count() } else { 0 }
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        !self.has_last && self.rest.is_empty()
    }

    /// Whether the next packet is a message, and not one that is lost.
    pub fn has_message(&self) -> bool {
        self.has_last || matches!(self.rest.front(), Some(Entry::Run(_)))
    }

    /// Bytes of memory that the packets hold; a block that is shared until its last one is
    /// handed out.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Puts packets of `size` bytes behind the others, of which the last may be shorter, and
    /// which hold so much memory.
    pub(crate) fn push_run(&mut self, bytes: Bytes, size: usize, memory: usize) {
        self.push_entry(Entry::Run(Run { bytes, size, memory }));
    }

    /// Puts what lies together behind the others.
    pub(crate) fn push_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Run(run) => {
                self.held += run.memory;
                if self.is_empty() {
                    (self.run, self.has_last) = (run, true);
                } else {
                    self.rest.push_back(Entry::Run(run));
                }
            }
            lost => self.rest.push_back(lost),
        }
    }

    /// The last packet of a run, or the first of the next entry.
    fn pop_entry(&mut self) -> Option<Packet> {
        if self.has_last {
            self.has_last = false;
            let run = std::mem::take(&mut self.run);
            self.held -= run.memory;
            return Some(Packet::Message(run.bytes.into()));
        }
        match self.rest.pop_front() {
            Some(Entry::Run(run)) => {
                self.run = run;
                self.has_last = true;
                self.pop()
            }
            Some(Entry::Truncated { length }) => Some(Packet::Truncated { length }),
            None => {
                self.rest = VecDeque::new();
                None
            }
        }
    }
}

impl Entry {
    /// Packets of `size` bytes, of which the last may be shorter, in memory of their size.
    pub(crate) fn run(bytes: Bytes, size: usize) -> Self {
        let memory = bytes.len();
        Self::Run(Run { bytes, size, memory })
    }

    /// How many packets.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Run(run) => run.count(),
            Self::Truncated { .. } => 1,
        }
    }

    /// The bytes of each but the last, as far as they were received.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Run(run) => run.size,
            Self::Truncated { .. } => 0,
        }
    }

    /// The bytes of all.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Run(run) => run.bytes.len(),
            Self::Truncated { .. } => 0,
        }
    }

    /// Keeps the first `count` packets, one at least.
    pub(crate) fn keep(&mut self, count: usize) {
        if let Self::Run(run) = self {
            run.bytes.truncate(count * run.size);
        }
    }
}

impl Run {
    /// One at least, since an empty packet is one.
    fn count(&self) -> usize {
        self.bytes.len().div_ceil(self.size.max(1)).max(1)
    }
}

/// Copies packets together into blocks of their size, and puts them into an inbox.
#[derive(Debug)]
pub(crate) struct Copier<'a> {
    inbox: &'a mut Inbox,
    block: BytesMut,
    /// The size of the packets in the block; the last of them may be shorter, and is if it ended.
    size: usize,
    ended: bool,
}

impl<'a> Copier<'a> {
    pub(crate) fn new(inbox: &'a mut Inbox) -> Self {
        Self { inbox, block: BytesMut::new(), size: 0, ended: false }
    }

    /// Copies packets of `size` bytes, of which the last may be shorter. Asked for `rest`, where
    /// a block is needed, it tells how many bytes may come behind these.
    #[inline]
    pub(crate) fn copy(&mut self, packets: &[u8], size: usize, rest: impl FnOnce() -> usize) {
        let continues = size == self.size && !self.ended && !self.block.is_empty();
        let fits = self.block.capacity() - self.block.len() >= packets.len();
        if !continues || !fits {
            self.end();
        }
        if self.block.capacity() < packets.len() {
            let expected = packets.len() + rest();
            self.block = BytesMut::with_capacity(expected.min(SHARED).max(packets.len()));
        }
        self.block.extend_from_slice(packets);
        self.size = size;
        self.ended = size == 0 || packets.len() % size != 0;
        if packets.is_empty() {
            self.inbox.push_run(Bytes::new(), 0, 0);
        }
    }

    /// One that is lost.
    pub(crate) fn truncated(&mut self, length: usize) {
        self.end();
        self.inbox.push(Packet::Truncated { length });
    }

    /// Packets that came with their own block of `memory` bytes.
    pub(crate) fn lent(&mut self, packets: Bytes, size: usize, memory: usize) {
        self.end();
        self.inbox.push_run(packets, size, memory);
    }

    fn end(&mut self) {
        if self.block.is_empty() {
            return;
        }
        // The last one takes what is left of the block.
        let packets = match self.block.capacity() == self.block.len() {
            true => std::mem::take(&mut self.block),
            false => self.block.split(),
        };
        let memory = packets.len();
        self.inbox.push_run(packets.freeze(), self.size, memory);
    }
}

impl Drop for Copier<'_> {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(inbox: &Inbox) -> usize {
        inbox.rest.len() + usize::from(inbox.has_last)
    }

    /// Copies packets of these lengths together.
    fn pass(lengths: &[usize]) -> Inbox {
        let mut inbox = Inbox::new();
        let mut copier = Copier::new(&mut inbox);
        for (n, length) in lengths.iter().enumerate() {
            let rest = || lengths[n + 1..].iter().sum();
            copier.copy(&vec![n as u8; *length], *length, rest);
        }
        drop(copier);
        inbox
    }

    #[test]
    fn packets_come_out_in_order_and_byte_for_byte() {
        let lengths = [3, 3, 3, 2, 2, 0, 0, 3, 5, 0, 70_000, 1, 40_000, 40_000];
        let mut inbox = pass(&lengths);
        for (n, length) in lengths.iter().enumerate() {
            assert_eq!(inbox.len(), lengths.len() - n);
            assert!(inbox.has_message());
            let Some(Packet::Message(message)) = inbox.pop() else { panic!("{n} is missing") };
            assert_eq!(message, vec![n as u8; *length]);
        }
        assert!(inbox.is_empty() && inbox.pop().is_none());
        assert_eq!((inbox.held(), inbox.rest.capacity()), (0, 0));
    }

    #[test]
    fn packets_of_one_size_are_one_run() {
        for (lengths, runs) in [(&[9; 32][..], 1), (&[9, 9, 4], 2), (&[9, 9, 4, 4, 9], 3)] {
            assert_eq!(self::runs(&pass(lengths)), runs, "{lengths:?}");
        }
    }

    #[test]
    fn a_short_packet_ends_a_run_that_the_kernel_made() {
        let mut inbox = Inbox::new();
        let mut copier = Copier::new(&mut inbox);
        for _ in 0..2 {
            copier.copy(b"aaabbbc", 3, || 7);
        }
        drop(copier);
        inbox.push_run(Bytes::from_static(b"dddeee"), 3, 100);
        let texts = ["aaa", "bbb", "c", "aaa", "bbb", "c", "ddd", "eee"];
        for (n, text) in texts.into_iter().enumerate() {
            assert_eq!(inbox.held() >= 100, n < texts.len());
            let Some(Packet::Message(message)) = inbox.pop() else { panic!("{text} is missing") };
            assert_eq!(message, text);
        }
        assert_eq!((inbox.len(), inbox.held()), (0, 0));
    }

    #[test]
    fn copies_hold_what_they_need_and_share_blocks_of_64_kib_at_most() {
        assert_eq!(pass(&[10, 0, 20, 20]).held(), 50);
        let mut inbox = pass(&[30_000; 5]);
        // Two, two and one.
        assert_eq!((inbox.held(), runs(&inbox)), (150_000, 3));
        assert_eq!((inbox.pop().is_some(), inbox.pop().is_some()), (true, true));
        assert_eq!((inbox.held(), runs(&inbox)), (90_000, 2));
    }
}

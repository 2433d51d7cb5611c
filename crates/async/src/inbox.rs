//! Packets that were received together, until they are handed out one by one.

use std::collections::VecDeque;

use anysock_core::{Arrival, Message, RecvBlock};
use bytes::BufMut;

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
    block: RecvBlock,
    /// How many of the block's bytes they are.
    length: usize,
    size: usize,
}

/// What lies together.
#[derive(Debug)]
pub(crate) enum Entry {
    Run(Run),
    /// A message that was received by itself.
    One(Message),
    /// A run, with what came along with each of its packets.
    Group(Run, Box<Arrival>),
    /// One that is lost.
    Truncated {
        length: usize,
    },
    /// One that is lost, for it came with descriptors that were.
    DescriptorsLost {
        length: usize,
        taken: usize,
    },
}

impl Inbox {
    /// No packets.
    pub const fn new() -> Self {
        let run = Run { block: RecvBlock::new(), length: 0, size: 0 };
        Self { run, has_last: false, rest: VecDeque::new(), held: 0 }
    }

    /// Puts one packet behind the others.
    pub fn push(&mut self, packet: Packet) {
        self.push_entry(packet.into());
    }

    /// Whether the next message lies right behind the one that was taken last, and is not the
    /// last one there.
    #[inline]
    pub fn is_in_run(&self) -> bool {
        self.run.length > self.run.size
    }

    /// Takes the next message out, if it [`is_in_run`](Self::is_in_run).
    #[inline]
    pub fn next_of_run(&mut self) -> Option<Message> {
        self.is_in_run().then(|| self.run.next(self.run.size))
    }

    /// Takes the next packet out.
    #[inline]
    pub fn pop(&mut self) -> Option<Packet> {
        match self.next_of_run() {
            Some(message) => Some(Packet::Message(message)),
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
        let is_message = |entry: &Entry| {
            !matches!(entry, Entry::Truncated { .. } | Entry::DescriptorsLost { .. })
        };
        self.has_last || self.rest.front().is_some_and(is_message)
    }

    /// Bytes of memory that the packets hold; a block that is shared until its last one is
    /// handed out.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Puts what lies together behind the others.
    pub(crate) fn push_entry(&mut self, entry: Entry) {
        match entry {
            Entry::Run(run) if self.is_empty() => {
                self.held += run.block.capacity();
                (self.run, self.has_last) = (run, true);
            }
            entry => {
                self.held += entry.memory();
                self.rest.push_back(entry);
            }
        }
    }

    /// The last packet of a run, or the first of the next entry.
    fn pop_entry(&mut self) -> Option<Packet> {
        if self.has_last {
            self.has_last = false;
            let mut run = std::mem::take(&mut self.run);
            self.held -= run.block.capacity();
            return Some(Packet::Message(run.next(run.length)));
        }
        match self.rest.pop_front() {
            Some(Entry::Run(run)) => {
                self.run = run;
                self.has_last = true;
                self.pop()
            }
            Some(Entry::One(message)) => {
                self.held -= message.len();
                Some(Packet::Message(message))
            }
            Some(Entry::Group(run, arrival)) => Some(self.pop_group(run, arrival)),
            Some(Entry::Truncated { length }) => Some(Packet::Truncated { length }),
            Some(Entry::DescriptorsLost { length, taken }) => {
                Some(Packet::DescriptorsLost { length, taken })
            }
            None => {
                self.rest = VecDeque::new();
                None
            }
        }
    }
}

impl From<Packet> for Entry {
    fn from(packet: Packet) -> Self {
        match packet {
            Packet::Message(message) => Self::One(message),
            Packet::Truncated { length } => Self::Truncated { length },
            Packet::DescriptorsLost { length, taken } => Self::DescriptorsLost { length, taken },
        }
    }
}

impl Inbox {
    /// The first packet of a group; the rest of it stays.
    fn pop_group(&mut self, mut run: Run, arrival: Box<Arrival>) -> Packet {
        let message = run.next(run.size.min(run.length));
        if run.length == 0 {
            self.held -= run.block.capacity();
            return Packet::Message(message.with_arrival(arrival));
        }
        let message = message.with_arrival(arrival.without_descriptors());
        self.rest.push_front(Entry::Group(run, arrival));
        Packet::Message(message)
    }
}

impl Entry {
    /// The same, with what came along.
    pub(crate) fn along(self, arrival: Option<Box<Arrival>>) -> Self {
        match (self, arrival) {
            (Self::One(message), Some(arrival)) => Self::One(message.with_arrival(arrival)),
            (Self::Run(run), Some(arrival)) => Self::Group(run, arrival),
            (entry, _) => entry,
        }
    }

    /// A copy of packets of `size` bytes, of which the last may be shorter.
    pub(crate) fn copied(packets: &[u8], size: usize) -> Self {
        if packets.len() <= size {
            return Self::One(Message::copied(packets));
        }
        let mut block = RecvBlock::new();
        match block.resize(packets.len()) {
            Ok(()) => block.put_slice(packets),
            // As everywhere else that copies.
            Err(_) => panic!("there is no memory for {} bytes", packets.len()),
        }
        Self::run(block, size)
    }

    /// All that is unread in `block`: packets of `size` bytes, of which the last may be shorter.
    pub(crate) fn run(block: RecvBlock, size: usize) -> Self {
        let length = block.len();
        Self::Run(Run { block, length, size })
    }

    /// How many packets.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Run(run) | Self::Group(run, _) => run.count(),
            _ => 1,
        }
    }

    /// The bytes of each but the last, as far as they were received.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Run(run) | Self::Group(run, _) => run.size,
            Self::One(message) => message.len(),
            Self::Truncated { .. } | Self::DescriptorsLost { .. } => 0,
        }
    }

    /// The bytes of all.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Run(run) | Self::Group(run, _) => run.length,
            Self::One(message) => message.len(),
            Self::Truncated { .. } | Self::DescriptorsLost { .. } => 0,
        }
    }

    /// How many descriptors came along.
    pub(crate) fn descriptors(&self) -> usize {
        match self {
            Self::One(message) => message.arrival().map_or(0, |along| along.descriptors.len()),
            _ => 0,
        }
    }

    /// The memory that they hold.
    fn memory(&self) -> usize {
        match self {
            Self::Run(run) | Self::Group(run, _) => run.block.capacity(),
            one => one.bytes(),
        }
    }

    /// Keeps the first `count` packets, one at least.
    pub(crate) fn keep(&mut self, count: usize) {
        if let Self::Run(run) | Self::Group(run, _) = self {
            run.length = run.length.min(count * run.size);
        }
    }
}

impl Run {
    /// One at least, since an empty packet is one.
    fn count(&self) -> usize {
        self.length.div_ceil(self.size.max(1)).max(1)
    }

    /// The first so many bytes.
    #[inline]
    fn next(&mut self, size: usize) -> Message {
        let message = self.block.take(0..size);
        self.block.consume(size);
        self.length -= size;
        message
    }
}

/// Copies packets together into blocks of their size, and puts them into an inbox.
#[derive(Debug)]
pub(crate) struct Copier<'a> {
    inbox: &'a mut Inbox,
    block: RecvBlock,
    /// The size of the packets in the block; the last of them may be shorter, and is if it ended.
    size: usize,
    ended: bool,
    /// What came along with the packets that are put in next.
    arrival: Option<Box<Arrival>>,
}

impl<'a> Copier<'a> {
    pub(crate) fn new(inbox: &'a mut Inbox) -> Self {
        Self { inbox, block: RecvBlock::new(), size: 0, ended: false, arrival: None }
    }

    /// What came along with the packets that are put in next, and with no others.
    pub(crate) fn along(&mut self, arrival: Option<Box<Arrival>>) {
        self.arrival = arrival;
    }

    /// Copies packets of `size` bytes, of which the last may be shorter. Asked for `rest`, where
    /// a block is needed, it tells how many bytes may come behind these. Short of memory they are
    /// lost, and said to be.
    #[inline]
    pub(crate) fn copy(&mut self, packets: &[u8], size: usize, rest: impl FnOnce() -> usize) {
        let continues = size == self.size && !self.ended && !self.block.is_empty();
        if !continues || self.block.spare() < packets.len() {
            self.end();
        }
        if packets.is_empty() {
            let empty = Entry::One(Message::default()).along(self.arrival.take());
            self.inbox.push_entry(empty);
            return;
        }
        if self.arrival.is_some() {
            self.end();
            let copied = Entry::copied(packets, size).along(self.arrival.take());
            self.inbox.push_entry(copied);
            return;
        }
        if self.block.spare() < packets.len() {
            let expected = packets.len() + rest();
            if self.block.resize(expected.min(SHARED).max(packets.len())).is_err() {
                return self.truncated(packets.len());
            }
        }
        self.block.put_slice(packets);
        self.size = size;
        self.ended = packets.len() % size != 0;
    }

    /// One that is lost.
    pub(crate) fn truncated(&mut self, length: usize) {
        self.end();
        self.inbox.push_entry(Entry::Truncated { length });
    }

    /// Packets that came with their own block.
    pub(crate) fn lent(&mut self, block: RecvBlock, size: usize) {
        self.end();
        self.inbox.push_entry(Entry::run(block, size).along(self.arrival.take()));
    }

    /// What was copied together goes into the inbox, in a block of its size.
    fn end(&mut self) {
        if self.block.is_empty() {
            return;
        }
        self.inbox.push_entry(match self.block.len() > self.block.capacity() / 2 {
            true => Entry::run(std::mem::take(&mut self.block), self.size),
            false => {
                let copied = Entry::copied(self.block.unread(), self.size);
                self.block.consume(self.block.len());
                self.block.rewind();
                copied
            }
        });
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
        let mut block = RecvBlock::new();
        block.resize(100).unwrap();
        block.put_slice(b"dddeee");
        inbox.push_entry(Entry::run(block, 3));
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
        assert_eq!(pass(&[10, 0, 20, 20]).held(), 10 + 50);
        let mut inbox = pass(&[30_000; 5]);
        // Two, two and one.
        assert_eq!((inbox.held(), runs(&inbox)), (2 * SHARED + 30_000, 3));
        assert_eq!((inbox.pop().is_some(), inbox.pop().is_some()), (true, true));
        assert_eq!((inbox.held(), runs(&inbox)), (SHARED + 30_000, 2));
    }
}

//! Many packets by one system call.

use std::io;
use std::os::fd::AsFd;

use crate::{Addr, Domain, Received, RecvBlock, Socket, sys};

/// Room for many packets, used again for each receive: recvmmsg(2).
///
/// Each packet has a block of its own, and is copied out of it, or goes with it if it fills a
/// fair part of it. Untouched pages of it are virtual, so that room for long packets filled with
/// short ones costs the pages of the short.
///
/// ```
/// use anysock_core::{Outgoing, RecvBatch, Socket, Type};
///
/// let (a, b) = Socket::pair(Type::Datagram)?;
/// let sent = a.send_batch([&b"one"[..], b"", b"three"].into_iter(), &Outgoing::default())?;
/// assert_eq!(sent, 3);
///
/// let mut batch = RecvBatch::new();
/// assert_eq!(batch.recv(&b, 64, 8)?, 3);
/// let lengths: Vec<_> = std::iter::from_fn(|| batch.next().map(|one| one.bytes().len())).collect();
/// assert_eq!(lengths, [3, 0, 5]);
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct RecvBatch {
    /// Blocks to receive into; those of packets that were received and not taken hold them.
    rooms: Vec<RecvBlock>,
    headers: sys::Headers,
    sources: bool,
    control: bool,
    asked: usize,
    received: usize,
    next: usize,
}

/// One packet of a [`RecvBatch`], or several of one size that the kernel put together.
///
/// ```
/// fn count(one: &anysock_core::Batched<'_>) -> usize {
///     one.segment().map_or(1, |size| one.bytes().len().div_ceil(size))
/// }
/// ```
#[derive(Debug)]
pub struct Batched<'a> {
    batch: &'a mut RecvBatch,
    n: usize,
}

impl RecvBatch {
    /// The most packets that one call takes or gives.
    pub const MOST: usize = sys::MOST;

    /// A block has this room, in bytes, unless longer packets are asked for: any datagram of
    /// UDP, and all that the kernel puts together.
    const ROOM: usize = 64 * 1024 + 64;

    /// No packets, and no room yet.
    pub const fn new() -> Self {
        Self {
            rooms: Vec::new(),
            headers: sys::Headers::new(),
            sources: true,
            control: true,
            asked: 0,
            received: 0,
            next: 0,
        }
    }

    /// Whether the [sources](Batched::source) of packets are asked for from here on, and
    /// whether what comes in [control messages](Batched::along): what is not asked for costs
    /// nothing. Both, unless said otherwise. Descriptors are closed, and
    /// [said to be](Received::control_truncated): they come with [`Socket::recv_message`] alone, so
    /// that a batch never brings thousands.
    pub fn ask(&mut self, sources: bool, control: bool) {
        (self.sources, self.control) = (sources, control);
    }

    /// Receives up to `count` packets of at least `size` bytes each: recvmmsg(2). How many there
    /// are; what was not taken of the batch before is dropped. Long packets are asked for fewer
    /// at a time; [`is_full`](Self::is_full) tells whether there may be more.
    ///
    /// # Errors
    ///
    /// Those of the system call; [`OutOfMemory`](io::ErrorKind::OutOfMemory).
    pub fn recv(&mut self, socket: &Socket, size: usize, count: usize) -> io::Result<usize> {
        let size = size.max(Self::ROOM);
        let count = count.clamp(1, (Self::MOST * Self::ROOM / size).clamp(1, Self::MOST));
        self.make_rooms(size, count)?;
        self.asked = count;
        let beside = sys::Beside {
            source: self.sources,
            control: self.control,
            is_unix: socket.cell().domain == Domain::Unix,
            time: socket.lets_times_by(),
        };
        self.received = self.headers.recv(socket.as_fd(), &mut self.rooms[..count], beside)?;
        Ok(self.received)
    }

    /// Whether the last call brought all that it had room for, so that there may be more; if
    /// not, it has taken all that was there.
    pub fn is_full(&self) -> bool {
        self.received == self.asked
    }

    /// Packets received and not taken yet.
    pub fn left(&self) -> usize {
        self.received - self.next
    }

    /// The next packet.
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows from the batch")]
    pub fn next(&mut self) -> Option<Batched<'_>> {
        if self.left() == 0 {
            self.headers.drop_surplus();
            return None;
        }
        let n = self.next;
        self.next += 1;
        Some(Batched { batch: self, n })
    }

    /// Empty blocks of `size` bytes at least.
    fn make_rooms(&mut self, size: usize, count: usize) -> io::Result<()> {
        (self.asked, self.received, self.next) = (0, 0, 0);
        self.rooms.resize_with(self.rooms.len().max(count), RecvBlock::new);
        for room in &mut self.rooms[..count] {
            room.consume(room.len());
            // Those that were given away are new ones.
            if room.capacity() < size || !room.rewind() {
                room.resize(size)?;
            }
        }
        Ok(())
    }
}

impl Batched<'_> {
    /// The bytes, as far as there was room.
    pub fn bytes(&self) -> &[u8] {
        self.batch.rooms[self.n].unread()
    }

    /// Bytes of those behind it in the batch, as far as there was room.
    pub fn left_bytes(&self) -> usize {
        self.batch.rooms[self.batch.next..self.batch.received].iter().map(RecvBlock::len).sum()
    }

    /// The real length, in bytes.
    pub fn length(&self) -> usize {
        self.batch.headers.length(self.n)
    }

    /// Whether there was too little room, so that the rest is lost.
    pub fn is_truncated(&self) -> bool {
        self.bytes().len() < self.length()
    }

    /// The size of each datagram but the last, if the kernel put several together; never 0.
    pub fn segment(&self) -> Option<usize> {
        self.batch.headers.segment(self.n).filter(|size| *size > 0)
    }

    /// Who sent it, where that was [asked for](RecvBatch::ask).
    pub fn source(&self) -> Option<Addr> {
        self.batch.headers.source(self.n)
    }

    /// What came along, its source not among it. To be taken once.
    pub fn along(&mut self) -> Received {
        let (length, copied) = (self.length(), self.bytes().len());
        let mut received = Received { length, copied, ..Received::default() };
        self.batch.headers.take(self.n, &mut received);
        // The room that credentials have left takes a few.
        let closed = std::mem::take(&mut received.descriptors);
        received.control_truncated |= !closed.is_empty();
        received
    }

    /// The block in which the bytes lie, and nothing else: at most four times as large as they
    /// are. `None` if they are too few for it and better copied.
    pub fn lend(&mut self) -> Option<RecvBlock> {
        let room = &mut self.batch.rooms[self.n];
        let is_fair = room.len() >= room.capacity().div_ceil(4);
        is_fair.then(|| std::mem::take(room))
    }
}

impl Default for RecvBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for RecvBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecvBatch").field("left", &self.left()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outgoing, Type};

    /// Sends `packets`, and receives them.
    fn pass(batch: &mut RecvBatch, packets: &[&[u8]]) {
        let (a, b) = Socket::pair(Type::SeqPacket).unwrap();
        let sent = a.send_batch(packets.iter().copied(), &Outgoing::default()).unwrap();
        assert_eq!(batch.recv(&b, 100, 8).unwrap(), sent);
    }

    #[test]
    fn a_block_is_lent_for_a_fair_part_of_it_and_not_for_less() {
        let mut batch = RecvBatch::new();
        let quarter = RecvBatch::ROOM.div_ceil(4);
        let long = vec![7; quarter];
        pass(&mut batch, &[&long[1..], &long]);
        assert!(batch.next().unwrap().lend().is_none());
        let block = batch.next().unwrap().lend().unwrap();
        assert_eq!((block.unread(), block.capacity()), (&long[..], RecvBatch::ROOM));
    }

    #[test]
    fn a_lent_block_is_not_written_to_while_it_is_held_and_used_again_afterwards() {
        let mut batch = RecvBatch::new();
        let [first, second] = [1, 2].map(|content| vec![content; 40_000]);
        pass(&mut batch, &[&first]);
        let mut held = batch.next().unwrap().lend().unwrap();
        let part = held.take(39_990..40_000);
        let place = held.unread().as_ptr();
        drop(held);
        pass(&mut batch, &[&second]);
        let other = batch.next().unwrap().lend().unwrap();
        assert_ne!(other.unread().as_ptr(), place);
        assert_eq!((&part[..], other.unread()), (&first[..10], &second[..]));
        let places = [place, other.unread().as_ptr()];
        drop((part, other));
        for _ in 0..3 {
            pass(&mut batch, &[&first]);
            let again = batch.next().unwrap().lend().unwrap();
            assert!(places.contains(&again.unread().as_ptr()));
            assert_eq!(again.unread(), &first[..]);
        }
    }

    #[test]
    fn what_is_asked_for_may_change_between_two_calls() {
        let mut batch = RecvBatch::new();
        let (a, b) = Socket::pair(Type::SeqPacket).unwrap();
        b.set_pass_credentials(true).unwrap();
        for control in [true, false, true, true] {
            batch.ask(false, control);
            a.send_batch([&b"one"[..], b""].into_iter(), &Outgoing::default()).unwrap();
            assert_eq!(batch.recv(&b, 100, 8).unwrap(), 2);
            while let Some(mut one) = batch.next() {
                assert!(one.source().is_none());
                assert_eq!(one.along().credentials.is_some(), control);
            }
        }
    }
}

//! Packets on their way out.

use std::cell::Cell;
use std::collections::VecDeque;

use bytes::Bytes;

use crate::Attached;

/// A block has so much room at first; it grows as it is needed.
const BLOCK: usize = 4 * 1024;

/// So many bytes that have gone are worth moving the others for; no more of them are kept.
const COMPACTED: usize = 64 * 1024;

/// A thread keeps no larger block than this.
const LARGEST: usize = 256 * 1024;

thread_local! {
    /// Memory that nobody uses at the moment. One for all queues of a thread, so that an idle
    /// one holds none and a busy one need not grow it anew after each flush.
    static SPARE: Cell<Outbox> = const { Cell::new(Outbox::new()) };
}

/// Packets that wait to be sent: copied together into one block, or referenced.
///
/// ```text
///  block   gone bytes | packet packet packet | packet packet |
///  runs                 3 of one size          2 of another, then one that is referenced
/// ```
///
/// Packets of one size that follow each other cost nothing beside their bytes, and lie in one
/// piece. What is attached to one is held with it. Empty, it holds no memory.
///
/// ```
/// use anysock_core::Outbox;
/// use bytes::Bytes;
///
/// let mut outbox = Outbox::new();
/// outbox.push_copy(b"one");
/// outbox.push_copy(b"two");
/// outbox.push(Bytes::from_static(b"three"));
/// assert_eq!(outbox.iter().collect::<Vec<_>>(), [&b"one"[..], b"two", b"three"]);
/// assert_eq!(outbox.pop(2), 6);
/// assert_eq!(outbox.front(), Some(&b"three"[..]));
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    block: Vec<u8>,
    gone: usize,
    runs: VecDeque<Run>,
    length: usize,
}

#[derive(Debug)]
enum Run {
    /// So many packets of this size, in the block, and what is attached to each of them.
    Copied { size: usize, count: usize, attached: Option<Box<Attached>> },
    /// One packet, elsewhere.
    Referenced(Bytes),
}

impl Run {
    fn attached(&self) -> Option<&Attached> {
        match self {
            Self::Copied { attached, .. } => attached.as_deref(),
            Self::Referenced(_) => None,
        }
    }

    /// Whether one call may send both: to neither is anything attached, or the same, and no
    /// descriptor, which are those of one message.
    #[inline]
    fn is_alike(&self, other: &Self) -> bool {
        match (self.attached(), other.attached()) {
            (None, None) => true,
            (Some(one), Some(other)) => std::ptr::eq(one, other) || one.is_alike(other),
            _ => false,
        }
    }
}

impl Outbox {
    /// No packets.
    pub const fn new() -> Self {
        Self { block: Vec::new(), gone: 0, runs: VecDeque::new(), length: 0 }
    }

    /// Copies `packet` behind the others.
    #[inline]
    pub fn push_copy(&mut self, packet: &[u8]) {
        if self.block.capacity() == 0 || self.gone >= COMPACTED {
            self.make_room();
        }
        self.block.extend_from_slice(packet);
        self.length += 1;
        match self.runs.back_mut() {
            Some(Run::Copied { size, count, attached: None }) if *size == packet.len() => {
                *count += 1;
            }
            _ => self.push_run(packet.len(), None),
        }
    }

    /// As [`push_copy`](Self::push_copy), with what is attached.
    pub fn push_attached(&mut self, packet: &[u8], attached: Attached) {
        if attached.is_empty() {
            return self.push_copy(packet);
        }
        if self.block.capacity() == 0 || self.gone >= COMPACTED {
            self.make_room();
        }
        self.block.extend_from_slice(packet);
        self.length += 1;
        match self.runs.back_mut() {
            Some(Run::Copied { size, count, attached: Some(last) })
                if *size == packet.len() && last.is_alike(&attached) =>
            {
                *count += 1;
            }
            _ => self.push_run(packet.len(), Some(Box::new(attached))),
        }
    }

    /// Puts `packet` behind the others, without a copy.
    pub fn push(&mut self, packet: Bytes) {
        self.length += 1;
        self.runs.push_back(Run::Referenced(packet));
    }

    /// What is attached to the first packet.
    #[inline]
    pub fn attached(&self) -> Option<&Attached> {
        self.runs.front()?.attached()
    }

    /// How many packets wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether none wait.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The first packet.
    pub fn front(&self) -> Option<&[u8]> {
        self.iter().next()
    }

    /// The packets, the first one first.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        singly(self.pieces())
    }

    /// The packets at the front that one call may send: to none of them something else is
    /// [attached](Self::attached) than to the first, and descriptors to none or one alone.
    pub fn alike(&self) -> impl Iterator<Item = &[u8]> {
        singly(self.pieces_alike())
    }

    /// How many packets at the front are [alike](Self::alike) and of one size, and which; the last
    /// of them may be shorter, but none is empty. At most `most` packets and `bytes` bytes
    /// together.
    pub fn equal(&self, most: usize, bytes: usize) -> (usize, usize) {
        let mut first = 0;
        let (mut total, mut together) = (0, 0);
        for (_, size, count) in self.pieces_alike() {
            if first == 0 {
                first = size;
            }
            if size == 0 || size > first {
                break;
            }
            let fitting = count.min(most - together).min((bytes - total) / size);
            let taken = if size < first { fitting.min(1) } else { fitting };
            together += taken;
            total += taken * size;
            if taken < count || size < first || together == most {
                break;
            }
        }
        (together, first)
    }

    /// The bytes of the first `count` packets, those of several that lie together as one.
    pub fn slices(&self, count: usize) -> impl Iterator<Item = &[u8]> {
        let mut left = count;
        let mut slices = self
            .pieces()
            .map_while(move |(bytes, size, count)| {
                let taken = count.min(left);
                left -= taken;
                (taken > 0).then(|| &bytes[..taken * size])
            })
            .peekable();
        std::iter::from_fn(move || {
            let mut slice = slices.next()?;
            while let Some(next) = slices.next_if(|next| self.follows(slice, next)) {
                let start = slice.as_ptr() as usize - self.block.as_ptr() as usize;
                slice = &self.block[start..start + slice.len() + next.len()];
            }
            Some(slice)
        })
    }

    /// Takes the first `count` packets out; how many bytes they had.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline]
    pub fn pop(&mut self, count: usize) -> usize {
        let (mut left, mut bytes) = (count, 0);
        while left > 0 {
            match self.runs.front_mut() {
                Some(Run::Copied { size, count, .. }) => {
                    let taken = left.min(*count);
                    bytes += taken * *size;
                    self.gone += taken * *size;
                    left -= taken;
                    *count -= taken;
                    if *count > 0 {
                        break;
                    }
                }
                Some(Run::Referenced(packet)) => {
                    bytes += packet.len();
                    left -= 1;
                }
                None => panic!("{count} packets were to be taken, {} waited", self.length),
            }
            self.runs.pop_front();
        }
        self.length -= count;
        if self.length == 0 {
            self.clear();
        }
        bytes
    }

    /// Lets go of everything.
    pub fn clear(&mut self) {
        let mut spare = std::mem::take(self);
        spare.block.clear();
        spare.runs.clear();
        (spare.gone, spare.length) = (0, 0);
        if (1..=LARGEST).contains(&spare.block.capacity()) {
            SPARE.set(spare);
        }
    }

    /// What lies together: the bytes, the size of each packet, and how many there are.
    fn pieces(&self) -> impl Iterator<Item = (&[u8], usize, usize)> {
        let mut at = self.gone;
        self.runs.iter().map(move |run| self.piece(run, &mut at))
    }

    /// As [`pieces`](Self::pieces), of what is alike at the front.
    fn pieces_alike(&self) -> impl Iterator<Item = (&[u8], usize, usize)> {
        let mut at = self.gone;
        let first = self.runs.front();
        let alike = self.runs.iter().take_while(move |run| first.is_some_and(|f| f.is_alike(run)));
        alike.map(move |run| self.piece(run, &mut at))
    }

    fn piece<'a>(&'a self, run: &'a Run, at: &mut usize) -> (&'a [u8], usize, usize) {
        match run {
            Run::Copied { size, count, .. } => {
                let start = *at;
                *at += size * count;
                (&self.block[start..*at], *size, *count)
            }
            Run::Referenced(packet) => (&packet[..], packet.len(), 1),
        }
    }

    /// A run of one packet.
    #[inline]
    fn push_run(&mut self, size: usize, attached: Option<Box<Attached>>) {
        self.runs.push_back(Run::Copied { size, count: 1, attached });
    }

    /// Whether both are of the block, one behind the other.
    fn follows(&self, slice: &[u8], next: &[u8]) -> bool {
        let block = self.block.as_ptr_range();
        block.contains(&slice.as_ptr())
            && block.contains(&next.as_ptr())
            && slice.as_ptr_range().end == next.as_ptr()
    }

    /// Takes a block, or moves what has not gone to the beginning of the one at hand.
    #[cold]
    fn make_room(&mut self) {
        if self.block.capacity() == 0 {
            let Outbox { block, mut runs, .. } = SPARE.take();
            self.block = block;
            self.block.reserve(BLOCK);
            runs.append(&mut self.runs);
            self.runs = runs;
        }
        self.block.drain(..self.gone);
        self.gone = 0;
    }
}

/// The packets of which the pieces are made.
fn singly<'a>(
    pieces: impl Iterator<Item = (&'a [u8], usize, usize)>,
) -> impl Iterator<Item = &'a [u8]> {
    pieces
        .flat_map(|(bytes, size, count)| (0..count).map(move |n| &bytes[n * size..(n + 1) * size]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of these lengths; 4 KiB and more referenced.
    fn outbox(lengths: &[usize]) -> Outbox {
        let mut outbox = Outbox::new();
        for (n, length) in lengths.iter().enumerate() {
            let packet = vec![n as u8; *length];
            match length {
                4096.. => outbox.push(packet.into()),
                _ => outbox.push_copy(&packet),
            }
        }
        outbox
    }

    fn lengths(outbox: &Outbox) -> Vec<usize> {
        outbox.iter().map(<[u8]>::len).collect()
    }

    #[test]
    fn packets_keep_their_order_and_their_bytes_wherever_they_lie() {
        let sizes = [3, 3, 0, 0, 7, 5000, 5000, 3, 0, 4096, 1];
        let mut outbox = outbox(&sizes);
        for taken in 0..sizes.len() {
            assert_eq!(lengths(&outbox), sizes[taken..]);
            for (n, packet) in outbox.iter().enumerate() {
                assert!(packet.iter().all(|byte| usize::from(*byte) == taken + n));
            }
            assert_eq!(outbox.len(), sizes.len() - taken);
            assert_eq!(outbox.pop(1), sizes[taken]);
        }
        assert!(outbox.is_empty() && outbox.front().is_none());
    }

    #[test]
    fn empty_it_holds_no_memory_even_after_packets_that_were_only_referenced() {
        for sizes in [&[3, 3][..], &[5000], &[0, 0], &[3, 5000]] {
            let mut outbox = outbox(sizes);
            outbox.pop(sizes.len());
            assert_eq!((outbox.block.capacity(), outbox.runs.capacity()), (0, 0));
        }
    }

    #[test]
    fn a_run_ends_with_the_first_shorter_packet_and_before_a_longer_or_empty_one() {
        let equal = |lengths: &[usize]| outbox(lengths).equal(64, 65_507);
        assert_eq!(equal(&[9, 9, 9, 4, 4]), (4, 9));
        assert_eq!(equal(&[9, 4, 3]), (2, 9));
        assert_eq!(equal(&[9, 9, 10]), (2, 9));
        assert_eq!(equal(&[9, 0, 9]), (1, 9));
        assert_eq!(equal(&[0, 9]), (0, 0));
        assert_eq!(equal(&[]), (0, 0));
        assert_eq!(equal(&[5000, 5000, 9, 9]), (3, 5000));
        assert_eq!(equal(&[1000; 100]), (64, 1000));
        assert_eq!(equal(&[10_000; 100]), (6, 10_000));
        assert_eq!(equal(&[70_000; 2]), (0, 70_000));
    }

    #[test]
    fn packets_that_lie_together_are_one_slice() {
        let slices = |lengths: &[usize], count| {
            outbox(lengths).slices(count).map(<[u8]>::len).collect::<Vec<_>>()
        };
        assert_eq!(slices(&[9; 50], 50), [450]);
        assert_eq!(slices(&[9, 9, 9, 4, 4], 4), [31]);
        assert_eq!(slices(&[5000, 5000, 9], 3), [5000, 5000, 9]);
        assert_eq!(slices(&[9, 5000, 9], 2), [9, 5000]);
    }

    #[test]
    fn packets_go_together_only_with_those_to_which_the_same_is_attached() {
        let class = |class| Attached::nothing().traffic_class(class);
        let file = || Attached::nothing().descriptor(std::fs::File::open("/dev/null").unwrap());
        let attached = [
            (Attached::nothing(), 2),
            (Attached::nothing(), 1),
            (class(1), 2),
            (class(1), 1),
            (class(2), 1),
            (file(), 1),
            (file(), 1),
            (class(1).hop_limit(9), 1),
            (Attached::nothing(), 1),
        ];
        let mut outbox = Outbox::new();
        let mut left = Vec::new();
        for (attached, alike) in attached {
            left.push((alike, !attached.is_empty()));
            outbox.push_attached(b"abc", attached);
        }
        for (alike, is_attached) in left {
            assert_eq!(outbox.alike().count(), alike);
            assert_eq!(outbox.equal(64, 65_507), (alike, 3));
            assert_eq!(outbox.attached().is_some(), is_attached);
            assert_eq!(outbox.pop(1), 3);
        }
        assert_eq!(size_of::<Run>(), size_of::<Bytes>());
    }

    #[test]
    fn what_is_attached_goes_with_its_packet() {
        let mut outbox = Outbox::new();
        for _ in 0..3 {
            outbox.push_attached(b"abc", Attached::nothing().traffic_class(1));
        }
        outbox.push_attached(b"abc", Attached::nothing());
        assert_eq!(outbox.runs.len(), 2);
        for left in [3, 2, 1] {
            assert_eq!(outbox.alike().count(), left);
            assert_eq!(outbox.attached().unwrap().traffic_class_value(), Some(1));
            outbox.pop(1);
        }
        assert!(outbox.attached().is_none());
        let (end, other) = std::os::unix::net::UnixStream::pair().unwrap();
        outbox.push_attached(b"abc", Attached::nothing().descriptor(other));
        outbox.pop(2);
        assert_eq!(std::io::Read::read(&mut &end, &mut [0]).unwrap(), 0);
    }

    #[test]
    fn a_queue_that_is_never_empty_does_not_grow() {
        let mut outbox = outbox(&[1000; 10]);
        for _ in 0..10_000 {
            outbox.push_copy(&[1; 1000]);
            outbox.pop(1);
        }
        assert_eq!(lengths(&outbox), [1000; 10]);
        assert!(outbox.block.capacity() <= 4 * COMPACTED, "{}", outbox.block.capacity());
    }
}

//! Memory into which bytes are received, and the messages that lie in it.
//!
//! ```text
//!  RecvBlock ──────────────┐
//!                          v
//!            header │ gone │ unread │ spare │
//!                      ^ ^
//!  Slice ──────────────┘ │          a message is a slice of what is gone,
//!  Slice ────────────────┘          and keeps the whole block
//! ```
//!
//! Bytes are written to `spare` alone, which no slice ever covers; `gone` is used again only
//! while nobody holds a slice. A block that nobody holds any more is kept by the thread that let
//! go of it last, within bounds, for whichever socket receives next.
//!
//! [`bytes::BytesMut`] does much the same. What it cannot: hand out a slice without an atomic
//! operation and an indirect call, and receive behind a message that is still held.
#![expect(unsafe_code, reason = "slices of memory that is still being written to")]

mod refs;
mod slice;
mod spares;

use std::alloc::{Layout, handle_alloc_error};
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::NonNull;

use bytes::BufMut;
use bytes::buf::UninitSlice;

use self::refs::Refs;
pub(crate) use self::slice::Slice;
use crate::Message;

/// Slices are handed out from so many references that are taken together.
const TAKEN_TOGETHER: usize = 1 << 16;

/// What stands before the bytes of a block.
struct Header {
    refs: Refs,
    /// How many bytes there are.
    capacity: usize,
}

/// A reference to an allocation: its header, and as many bytes behind it as that says.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Allocation(NonNull<Header>);

/// Memory into which bytes are received, and out of which messages are handed.
///
/// ```
/// use anysock_core::RecvBlock;
/// use bytes::BufMut;
///
/// let mut block = RecvBlock::new(); // no memory yet
/// block.reserve(11)?;
/// block.put_slice(b"hello world");
/// let hello = block.take(0..5);
/// block.consume(6);
/// assert_eq!(hello, "hello");
/// assert_eq!(block.unread(), b"world");
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct RecvBlock {
    allocation: Option<Allocation>,
    /// Where what is unread begins.
    start: usize,
    /// Where it ends, and what is spare begins.
    end: usize,
    /// References that are taken and not given to a slice yet.
    in_hand: usize,
}

// SAFETY: the block owns its references to the allocation, of which it writes only to bytes that
// no slice covers; the count of references is atomic.
unsafe impl Send for RecvBlock {}
// SAFETY: a shared block is only read.
unsafe impl Sync for RecvBlock {}

impl RecvBlock {
    /// Nothing, and no memory.
    #[inline]
    pub const fn new() -> Self {
        Self { allocation: None, start: 0, end: 0, in_hand: 0 }
    }

    /// What was received and not consumed.
    #[inline(always)]
    pub fn unread(&self) -> &[u8] {
        let Some(allocation) = self.allocation else { return &[] };
        // SAFETY: the bytes up to `end` were written, and are not again while this is borrowed.
        unsafe { std::slice::from_raw_parts(allocation.bytes().add(self.start), self.len()) }
    }

    /// How much that is, in bytes.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.end - self.start
    }

    /// Whether all was consumed.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The size of the memory that this holds, in bytes.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.allocation.map_or(0, Allocation::capacity)
    }

    /// How many bytes can be received behind those that are unread.
    #[inline]
    pub fn spare(&self) -> usize {
        self.capacity() - self.end
    }

    /// A message of these unread bytes, counted from the first of them. It keeps the block's
    /// memory, unless it is empty.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[inline(always)]
    pub fn take(&mut self, range: Range<usize>) -> Message {
        assert!(range.start <= range.end && range.end <= self.len(), "beyond what was received");
        let Some(allocation) = self.allocation.filter(|_| !range.is_empty()) else {
            return Message::default();
        };
        if self.in_hand == 0 {
            allocation.refs().add(TAKEN_TOGETHER);
            self.in_hand = TAKEN_TOGETHER;
        }
        self.in_hand -= 1;
        // SAFETY: the reference was just taken for it; the bytes are within what was written.
        unsafe { Slice::of(allocation, self.start + range.start, range.len()) }.into()
    }

    /// So many of the unread bytes are done with.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    #[inline(always)]
    pub fn consume(&mut self, bytes: usize) {
        assert!(bytes <= self.len(), "beyond what was received");
        self.start += bytes;
    }

    /// Moves what is unread to the front, so that all other room is spare, unless a message is
    /// held; whether none is.
    pub fn rewind(&mut self) -> bool {
        let is_alone = self.is_alone();
        match self.allocation {
            Some(allocation) if is_alone && self.start > 0 => {
                let length = self.len();
                // SAFETY: both ranges are within the allocation, and no slice covers either.
                unsafe {
                    let bytes = allocation.bytes();
                    std::ptr::copy(bytes.add(self.start), bytes, length);
                }
                (self.start, self.end) = (0, length);
            }
            _ => {}
        }
        is_alone
    }

    /// Moves what is unread to a block with room for so many bytes in all. Held messages stay where
    /// they are.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](io::ErrorKind::OutOfMemory); the block is as it was.
    ///
    /// # Panics
    ///
    /// If what is unread has no room in it.
    pub fn resize(&mut self, capacity: usize) -> io::Result<()> {
        self.move_to(Allocation::new(capacity)?);
        Ok(())
    }

    /// Makes room for so many more bytes at least, as cheaply as it can be had.
    ///
    /// # Errors
    ///
    /// As [`resize`](Self::resize).
    pub fn reserve(&mut self, room: usize) -> io::Result<()> {
        let needed = self.len().checked_add(room).ok_or(io::ErrorKind::OutOfMemory)?;
        if room <= self.spare() || (needed <= self.capacity() && self.rewind()) {
            return Ok(());
        }
        self.resize(needed)
    }

    /// The bytes of memory that the calling thread keeps for blocks to come: no more than 2 MiB.
    pub fn kept_by_thread() -> usize {
        spares::bytes()
    }

    /// Frees what the calling thread keeps.
    pub fn free_kept_by_thread() {
        spares::free();
    }

    fn move_to(&mut self, allocation: Allocation) {
        let mut other = Self { allocation: Some(allocation), ..Self::new() };
        other.put_slice(self.unread());
        *self = other;
    }

    /// Whether no message is held that lies in this block.
    pub fn is_alone(&self) -> bool {
        // One reference is that of the block itself.
        self.allocation.is_none_or(|allocation| allocation.refs().are(self.in_hand + 1))
    }

    /// Moves what is unread to memory of its size, or of the next power of two if it is longer than
    /// 256 bytes; to none, for nothing.
    ///
    /// # Errors
    ///
    /// As [`resize`](Self::resize).
    pub fn shrink(&mut self) -> io::Result<()> {
        match self.len() {
            0 => *self = Self::new(),
            length @ ..256 => self.move_to(Allocation::new(length)?),
            length => self.move_to(Allocation::new(length.next_power_of_two())?),
        }
        Ok(())
    }
}

impl Drop for RecvBlock {
    fn drop(&mut self) {
        if let Some(allocation) = self.allocation {
            // SAFETY: these references are this block's own, and are not used again.
            unsafe { allocation.release(self.in_hand + 1) };
        }
    }
}

impl Default for RecvBlock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RecvBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RecvBlock");
        shown.field("unread", &self.len()).field("spare", &self.spare()).finish_non_exhaustive()
    }
}

// SAFETY: the chunk is the spare memory, all of it and always the same until it is advanced.
unsafe impl BufMut for RecvBlock {
    fn remaining_mut(&self) -> usize {
        self.spare()
    }

    unsafe fn advance_mut(&mut self, count: usize) {
        assert!(count <= self.spare(), "beyond the room that there is");
        self.end += count;
    }

    fn chunk_mut(&mut self) -> &mut UninitSlice {
        let spare = self.spare();
        let Some(allocation) = self.allocation else { return UninitSlice::uninit(&mut []) };
        // SAFETY: the bytes behind `end` are within the allocation, no slice covers them, and the
        // block is borrowed for as long.
        UninitSlice::uninit(unsafe {
            let start = allocation.bytes().add(self.end).cast::<MaybeUninit<u8>>();
            std::slice::from_raw_parts_mut(start, spare)
        })
    }
}

impl Allocation {
    /// One with room for so many bytes: a spare one if there is one. The one reference to it is
    /// the caller's.
    fn new(capacity: usize) -> io::Result<Self> {
        match spares::take(capacity) {
            Some(spare) => Ok(spare),
            None => Self::fresh(capacity),
        }
    }

    /// As [`new`](Self::new), and fresh.
    fn fresh(capacity: usize) -> io::Result<Self> {
        let layout = layout(capacity).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: the layout is not empty, for it has a header.
        let memory = unsafe { std::alloc::alloc(layout) }.cast::<Header>();
        let header = NonNull::new(memory).ok_or(io::ErrorKind::OutOfMemory)?;
        // SAFETY: the memory is fresh, and large and aligned enough for a header.
        unsafe { header.write(Header { refs: Refs::new(), capacity }) };
        Ok(Self(header))
    }

    /// As [`new`](Self::new), where lack of memory ends the process, as it does everywhere else.
    fn infallible(capacity: usize) -> Self {
        Self::new(capacity).unwrap_or_else(|_| {
            handle_alloc_error(layout(capacity).unwrap_or(Layout::new::<Header>()))
        })
    }

    #[inline]
    fn refs(&self) -> &Refs {
        // SAFETY: whoever has an `Allocation` has a reference to it, so that it lives.
        unsafe { &self.0.as_ref().refs }
    }

    #[inline]
    fn capacity(self) -> usize {
        // SAFETY: as for `refs`.
        unsafe { self.0.as_ref().capacity }
    }

    /// The first of the bytes.
    #[inline]
    fn bytes(self) -> *mut u8 {
        // SAFETY: the bytes begin just behind the header, in the same allocation.
        unsafe { self.0.add(1) }.as_ptr().cast()
    }

    /// Gives back so many references; the last one frees it.
    ///
    /// # Safety
    ///
    /// They must be the caller's, and not be used again.
    #[inline]
    unsafe fn release(self, references: usize) {
        if self.refs().release(references) {
            self.recycle();
        }
    }

    /// Nobody holds it any more: keeps it for the next one who needs it, or frees it.
    #[cold]
    fn recycle(self) {
        self.refs().reset();
        if let Err(refused) = spares::give(self) {
            // SAFETY: nobody refers to it, and nobody else found that out.
            unsafe { refused.free() };
        }
    }

    /// # Safety
    ///
    /// Nobody must refer to it.
    unsafe fn free(self) {
        let layout = layout(self.capacity()).expect("it was allocated with this layout");
        // SAFETY: it was allocated with this layout, and nobody refers to it.
        unsafe { std::alloc::dealloc(self.0.as_ptr().cast(), layout) };
    }
}

/// A header, and behind it so many bytes.
fn layout(capacity: usize) -> Option<Layout> {
    let bytes = Layout::array::<u8>(capacity).ok()?;
    Some(Layout::new::<Header>().extend(bytes).ok()?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(bytes: &[u8]) -> RecvBlock {
        let mut block = RecvBlock::new();
        block.reserve(bytes.len()).unwrap();
        block.put_slice(bytes);
        block
    }

    #[test]
    fn messages_outlive_the_block_and_each_other() {
        let mut block = received(b"one two three");
        let (one, two) = (block.take(0..3), block.take(4..7));
        block.consume(8);
        drop(one);
        let three = std::thread::spawn(move || block.take(0..5)).join().unwrap();
        assert_eq!([&two[..], &three[..]], [&b"two"[..], b"three"]);
    }

    #[test]
    fn what_is_received_behind_a_held_message_does_not_touch_it() {
        let mut block = RecvBlock::new();
        block.reserve(100).unwrap();
        let capacity = block.capacity();
        let mut held = Vec::new();
        for number in 0..capacity {
            block.put_slice(&[number as u8]);
            held.push(block.take(0..1));
            block.consume(1);
        }
        assert_eq!((block.spare(), block.capacity()), (0, capacity), "one block holds them all");
        assert!(!block.is_alone());
        block.reserve(1).unwrap();
        assert!(block.is_alone(), "another block");
        for (number, message) in held.into_iter().enumerate() {
            assert_eq!(message.as_slice(), [number as u8]);
        }
    }

    #[test]
    fn a_block_of_which_nothing_is_held_is_used_again() {
        let mut block = received(&[b'x'; 8 * 1024]);
        let before = block.unread().as_ptr();
        drop(block.take(0..8000));
        block.consume(8000);
        assert!(block.is_alone());
        block.reserve(8000).unwrap();
        assert_eq!((block.unread().as_ptr(), block.len()), (before, 192));
        assert!(block.unread().iter().all(|&byte| byte == b'x'));
    }

    #[test]
    fn a_block_that_nobody_holds_serves_the_next_one() {
        let block = received(&[0; 8 * 1024]);
        let before = block.unread().as_ptr();
        drop(block);
        assert_eq!(received(&[0; 8 * 1024]).unread().as_ptr(), before);
    }

    #[test]
    fn an_empty_message_keeps_no_block() {
        let mut block = received(b"...");
        let empty = block.take(1..1);
        assert!(block.is_alone());
        assert!(empty.is_empty());
    }

    #[test]
    fn more_messages_than_references_are_taken_together() {
        let mut block = received(b".");
        let held: Vec<_> = (0..TAKEN_TOGETHER + 2).map(|_| block.take(0..1)).collect();
        assert!(!block.is_alone());
        drop(held);
        assert!(block.is_alone());
    }

    #[test]
    fn shrunk_it_holds_just_what_is_unread() {
        let mut block = received(b"gone and here");
        block.consume(9);
        block.shrink().unwrap();
        assert_eq!((block.unread(), block.capacity()), (&b"here"[..], 4));
        block.consume(4);
        block.shrink().unwrap();
        assert_eq!(block.capacity(), 0);
    }

    #[test]
    fn so_much_memory_there_is_not() {
        let mut block = received(b"...");
        for room in [usize::MAX, isize::MAX as usize, isize::MAX as usize - 64] {
            let error = block.reserve(room).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::OutOfMemory);
            assert_eq!(block.unread(), b"...");
        }
    }

    #[test]
    #[should_panic = "beyond what was received"]
    fn no_message_is_longer_than_what_was_received() {
        received(b"...").take(1..4);
    }
}

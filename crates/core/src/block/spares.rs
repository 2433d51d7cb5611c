//! Blocks that nobody holds at the moment, kept by each thread within bounds.
//!
//! An idle connection holds no block, and a busy one need not ask the allocator for one at each
//! burst, nor the kernel for fresh pages.

use std::cell::RefCell;

use super::Allocation;

/// Smaller blocks are not kept: the allocator is as quick with them.
const SMALLEST: usize = 256;

/// Smaller blocks than this are kept if their size is a power of two, as that of a block is which
/// was shrunk; those that were made for one message seldom fit another.
const ANY_SIZE: usize = 8 * 1024;

/// A thread keeps blocks of no more than so many bytes together.
const MOST: usize = 2 * 1024 * 1024;

/// A thread keeps no more blocks than this.
const BLOCKS: usize = 64;

thread_local! {
    static SPARES: RefCell<Spares> = const { RefCell::new(Spares { blocks: Vec::new(), bytes: 0 }) };
}

struct Spares {
    blocks: Vec<Allocation>,
    /// What they hold together.
    bytes: usize,
}

/// A spare block of just this capacity. The one reference to it is the caller's.
pub(super) fn take(capacity: usize) -> Option<Allocation> {
    if capacity < SMALLEST {
        return None;
    }
    let taken = SPARES.try_with(|spares| {
        let mut spares = spares.try_borrow_mut().ok()?;
        // The last one that was used is the one whose bytes are still in the processor's cache.
        let place = spares.blocks.iter().rposition(|spare| spare.capacity() == capacity)?;
        spares.bytes -= capacity;
        Some(spares.blocks.remove(place))
    });
    taken.ok().flatten()
}

/// Keeps a block, with the one reference to it, in the place of those that were kept longest; or
/// gives it back.
pub(super) fn give(block: Allocation) -> Result<(), Allocation> {
    let capacity = block.capacity();
    let fits_others = capacity >= ANY_SIZE || capacity.is_power_of_two();
    if !fits_others || !(SMALLEST..=MOST).contains(&capacity) {
        return Err(block);
    }
    let given = SPARES.try_with(|spares| {
        let mut spares = spares.try_borrow_mut().map_err(|_| block)?;
        while spares.bytes + capacity > MOST || spares.blocks.len() == BLOCKS {
            let oldest = spares.blocks.remove(0);
            spares.bytes -= oldest.capacity();
            // SAFETY: the one reference to it was this list's.
            unsafe { oldest.free() };
        }
        spares.bytes += capacity;
        spares.blocks.push(block);
        Ok(())
    });
    given.unwrap_or(Err(block))
}

/// How many bytes the calling thread keeps.
pub(super) fn bytes() -> usize {
    SPARES.try_with(|spares| spares.borrow().bytes).unwrap_or(0)
}

/// Frees what the calling thread keeps.
pub(super) fn free() {
    let _ = SPARES.try_with(|spares| spares.borrow_mut().free());
}

impl Spares {
    fn free(&mut self) {
        self.bytes = 0;
        for block in std::mem::take(&mut self.blocks) {
            // SAFETY: the one reference to each is this list's.
            unsafe { block.free() };
        }
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> (usize, usize) {
        SPARES.with_borrow(|spares| (spares.blocks.len(), spares.bytes))
    }

    #[test]
    fn a_thread_keeps_no_more_than_its_bound() {
        for size in [SMALLEST, ANY_SIZE, 100_000, MOST] {
            let blocks: Vec<_> = (0..300).map(|_| Allocation::new(size).unwrap()).collect();
            blocks.into_iter().for_each(Allocation::recycle);
            let (blocks, bytes) = kept();
            assert!(bytes <= MOST && blocks <= BLOCKS, "{blocks} blocks, {bytes} bytes");
            assert!(blocks > 0);
        }
        Allocation::new(MOST + 1).unwrap().recycle();
        assert!(kept().1 <= MOST);
        take(MOST).expect("the last one is kept").recycle();
    }

    #[test]
    fn a_block_whose_thread_is_gone_is_freed() {
        let block = std::thread::spawn(|| {
            Allocation::new(SMALLEST).unwrap().recycle();
            crate::Message::copied(&[7; SMALLEST])
        });
        assert_eq!(block.join().unwrap().len(), SMALLEST);
    }
}

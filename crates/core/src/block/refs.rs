//! Who refers to a block, as a number.

#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicUsize, Ordering};

/// Who has more references than these gets no further ones.
const MOST: usize = isize::MAX as usize;

/// How many refer to a block.
///
/// A message takes some bytes of an address space that this counts to the end of, but one that is
/// forgotten takes none and keeps its reference: where an address has 32 bits, that could be done
/// often enough. As with an `Arc`, the process ends before the number overflows.
pub(super) struct Refs(AtomicUsize);

impl Refs {
    /// One.
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(1))
    }

    /// So many more. Only who has one gives others, so nothing need be ordered.
    #[inline]
    pub(super) fn add(&self, more: usize) {
        if self.0.fetch_add(more, Ordering::Relaxed) > MOST {
            std::process::abort();
        }
    }

    /// So many fewer; whether they were the last. What others did with theirs has happened before.
    #[inline]
    pub(super) fn release(&self, fewer: usize) -> bool {
        if self.0.fetch_sub(fewer, Ordering::Release) != fewer {
            return false;
        }
        // A load, where a fence would do as well, for the sake of the tools that check this.
        self.0.load(Ordering::Acquire);
        true
    }

    /// Whether there are just so many. If so, what others did with theirs has happened before.
    #[inline]
    pub(super) fn are(&self, number: usize) -> bool {
        self.0.load(Ordering::Acquire) == number
    }

    /// One again, once there is none.
    pub(super) fn reset(&self) {
        self.0.store(1, Ordering::Relaxed);
    }
}

/// `RUSTFLAGS="--cfg loom" cargo test -p anysock-core --lib --release refs`
#[cfg(all(test, loom))]
mod models {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    struct Block {
        refs: Refs,
        byte: UnsafeCell<u8>,
    }

    impl Block {
        fn read(&self) {
            // SAFETY: loom fails the model if anybody writes meanwhile.
            self.byte.with(|byte| assert_eq!(unsafe { *byte }, 7));
        }

        /// Overwrites or frees it.
        fn write(&self) {
            // SAFETY: loom fails the model if anybody reads or writes meanwhile.
            self.byte.with_mut(|byte| unsafe { *byte = 0 });
        }

        /// Gives one reference back; whether it was the last, and so the block was freed.
        fn release(&self) -> bool {
            let is_last = self.refs.release(1);
            if is_last {
                self.write();
            }
            is_last
        }
    }

    fn block(references: usize) -> Arc<Block> {
        let block = Arc::new(Block { refs: Refs::new(), byte: UnsafeCell::new(7) });
        block.refs.add(references - 1);
        block
    }

    /// A message in another thread: read, then let go of.
    fn message(block: &Arc<Block>) -> thread::JoinHandle<bool> {
        let block = Arc::clone(block);
        thread::spawn(move || {
            block.read();
            block.release()
        })
    }

    #[test]
    fn who_is_alone_writes_after_all_others_have_read() {
        loom::model(|| {
            let block = block(3);
            let messages = [message(&block), message(&block)];
            if block.refs.are(1) {
                block.write();
            }
            for message in messages {
                assert!(!message.join().unwrap());
            }
        });
    }

    #[test]
    fn who_took_more_references_meanwhile_still_writes_after_all_others_have_read() {
        loom::model(|| {
            let block = block(2);
            let message = message(&block);
            block.refs.add(3);
            if block.refs.are(4) {
                block.write();
            }
            assert!(!message.join().unwrap());
        });
    }

    #[test]
    fn the_last_one_and_nobody_else_frees() {
        loom::model(|| {
            let block = block(3);
            let messages = [message(&block), message(&block)];
            let mut freed = usize::from(block.release());
            for message in messages {
                freed += usize::from(message.join().unwrap());
            }
            assert_eq!(freed, 1);
        });
    }
}

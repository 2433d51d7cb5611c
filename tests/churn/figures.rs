//! What this process holds: bytes of the heap, pages, descriptors.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anysock_core::RecvBlock;

#[global_allocator]
static COUNTING: Counting = Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

/// What is held at one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// Bytes asked for, less those given back.
    pub(crate) heap: i64,
    /// Bytes of pages that are no file's, as the kernel counts them.
    pub(crate) pages: i64,
    pub(crate) descriptors: usize,
}

impl Held {
    /// Without the blocks that this thread keeps for later, whose bound is not what is asked here.
    pub(crate) fn now() -> Self {
        RecvBlock::free_kept_by_thread();
        let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
        let pages = line.trim().strip_suffix(" kB").unwrap().parse::<i64>().unwrap() * 1024;
        Self { heap: LIVE.load(Ordering::Relaxed), pages, descriptors: descriptors() }
    }

    /// How much more is held now than then, of heap and pages, in KiB; that no descriptor is, and
    /// that it is within `heap` and `pages` bytes.
    pub(crate) fn grown_within(&self, before: &Self, heap: i64, pages: i64) -> Grown {
        assert_eq!(self.descriptors, before.descriptors, "descriptors, and before");
        let grown = Grown { heap: self.heap - before.heap, pages: self.pages - before.pages };
        assert!(
            grown.heap <= heap && grown.pages <= pages,
            "{grown:?} more than {before:?}, of which {heap} and {pages} are allowed"
        );
        grown
    }
}

/// How much more is held, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grown {
    pub(crate) heap: i64,
    pub(crate) pages: i64,
}

impl std::fmt::Display for Grown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "heap {:+} KiB, pages {:+} KiB", self.heap / 1024, self.pages / 1024)
    }
}

pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Waits until so many descriptors are open: what has ended lets go of them a moment later.
pub(crate) async fn descriptors_are(count: usize, deadline: Duration) {
    let until = Instant::now() + deadline;
    while descriptors() != count {
        assert!(Instant::now() < until, "{} descriptors are open, not {count}", descriptors());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The system's allocator, which counts.
struct Counting;

fn count(bytes: i64) {
    LIVE.fetch_add(bytes, Ordering::Relaxed);
}

// SAFETY: every request goes unchanged to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: as above, and the pointer is the system allocator's, since all are.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

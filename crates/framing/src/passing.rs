//! Which call passes descriptors: one that begins with their message and ends within it.
//!
//! ```text
//!            before     frame       before       frame
//!  unsent  ┆  plain  │ F: +fds  │    plain    │ G: +fds │ plain ..
//!  calls   └── 1 ────┴─── 2 ────┴───── 4 ─────┴─── 5 ───┴── 6 ──
//!                      └ taken in part: the rest is plain, and goes with 4
//! ```
//!
//! The kernel attaches descriptors to the first bytes of the call that passes them, as many as it
//! takes at once. Call 2 begins with F and does not go on behind it, so these bytes are all of F.
//! A receiver's read may begin with plain bytes before them, and never goes on behind them: the last
//! byte of a read that brings descriptors is one of F. That is what a receiver goes by, see `beside`.

use std::collections::VecDeque;
use std::ops::Range;
use std::os::fd::OwnedFd;

use anysock_core::Attached;

/// What the kernel means by `EPERM`, where descriptors are passed.
pub(crate) const REFUSED: &str = "the receiver takes no descriptors: it has to ask for them by the \
     option receive_descriptors, and a security module may forbid them";

/// The descriptors of messages that wait to be written. Empty, it holds no memory.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    frames: VecDeque<Frame>,
    /// How many bytes are to be written until the last of these frames ends.
    until: usize,
    descriptors: usize,
}

/// A frame that waits, and what is attached to it.
#[derive(Debug)]
struct Frame {
    /// So many bytes are to be written before it, from the end of the one before it on.
    before: usize,
    bytes: usize,
    /// Length of the message in it.
    length: usize,
    attached: Attached,
}

impl Passing {
    /// How many descriptors wait.
    #[inline]
    pub(crate) fn count(&self) -> usize {
        self.descriptors
    }

    /// Another frame, of a message of so many bytes, stands there in what is to be written.
    pub(crate) fn push(&mut self, frame: Range<usize>, length: usize, attached: Attached) {
        let before = frame.start - self.until;
        self.until = frame.end;
        self.descriptors += attached.descriptors().len();
        self.frames.push_back(Frame { before, bytes: frame.len(), length, attached });
    }

    /// How much the next call may write at most, and what it passes.
    #[inline]
    pub(crate) fn next(&self) -> (usize, &[OwnedFd]) {
        match self.frames.front() {
            None => (usize::MAX, &[]),
            Some(first) if first.before > 0 => (first.before, &[]),
            Some(first) => (first.bytes, first.attached.descriptors()),
        }
    }

    /// The first frame, in bytes, and the length of its message.
    pub(crate) fn first(&self) -> Option<(usize, usize)> {
        self.frames.front().map(|first| (first.bytes, first.length))
    }

    /// As much was written of what [`next`](Self::next) allows, and passed; more than nothing.
    #[inline]
    pub(crate) fn advance(&mut self, written: usize) {
        if !self.frames.is_empty() {
            self.advance_frames(written);
        }
    }

    #[cold]
    fn advance_frames(&mut self, written: usize) {
        assert!(written <= self.next().0, "the stream took more bytes than it was given");
        self.until -= written;
        let Some(first) = self.frames.front_mut() else { return };
        if first.before > 0 {
            first.before -= written;
            return;
        }
        let rest = first.bytes - written;
        self.descriptors -= first.attached.descriptors().len();
        // The kernel has descriptors of its own by now; these are closed.
        self.frames.pop_front();
        match self.frames.front_mut() {
            Some(next) => next.before += rest,
            None => self.until = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn attached(count: usize) -> Attached {
        (0..count).fold(Attached::nothing(), |attached, _| {
            attached.descriptor(File::open("/dev/null").unwrap())
        })
    }

    /// What the next call may write, and how many descriptors it passes.
    fn next(passing: &Passing) -> (usize, usize) {
        let (most, descriptors) = passing.next();
        (most, descriptors.len())
    }

    #[test]
    fn a_call_that_passes_begins_with_its_frame_and_ends_within_it() {
        let mut passing = Passing::default();
        passing.push(10..15, 4, attached(1));
        passing.push(15..20, 4, attached(2));
        passing.push(27..30, 2, attached(3));
        assert_eq!(passing.count(), 6);
        for (written, expected) in [
            (6, (10, 0)),
            (4, (4, 0)),
            (3, (5, 1)), // in part
            (1, (2, 0)), // the rest of it
            (1, (1, 0)),
            (5, (5, 2)),
            (7, (7, 0)),
            (1, (3, 3)),
        ] {
            assert_eq!(next(&passing), expected);
            passing.advance(written);
        }
        assert_eq!(next(&passing), (usize::MAX, 0));
        assert_eq!((passing.count(), passing.until), (0, 0));
    }

    #[test]
    fn a_frame_behind_others_that_have_gone_stands_where_it_stands() {
        let mut passing = Passing::default();
        passing.push(0..5, 4, attached(1));
        passing.advance(5);
        passing.push(3..8, 4, attached(1));
        assert_eq!(next(&passing), (3, 0));
    }

    #[test]
    #[should_panic = "the stream took more bytes than it was given"]
    fn a_stream_that_claims_too_much_is_told_so() {
        let mut passing = Passing::default();
        passing.push(3..8, 4, attached(1));
        passing.advance(4);
    }
}

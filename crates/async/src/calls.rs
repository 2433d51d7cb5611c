//! The system calls of a socket, counted where they are made.

use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

/// System calls that a socket made in one direction, since it was made.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Calls, SeqPacketSocket};
///
/// let (a, b) = SeqPacketSocket::pair()?;
/// a.send(b"hello").await?;
/// assert_eq!(a.send_calls(), Calls { made: 1, would_block: 0 });
/// assert_eq!(b.receive_calls(), Calls::default());
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Attempts to send or to receive, successful or not. Each is one call of send(2), sendmsg(2),
    /// sendmmsg(2), recv(2), recvmsg(2) or recvmmsg(2); the second one that some few attempts take
    /// (past the reset of a seqpacket socket, after a run of datagrams that is not taken in one
    /// piece) is not counted. Looking for events is the reactor's, and is not counted either.
    pub made: u64,
    /// Of these, attempts that would have blocked.
    pub would_block: u64,
}

impl Calls {
    /// One more.
    pub(crate) fn count(&mut self, would_block: bool) {
        self.made += 1;
        self.would_block += u64::from(would_block);
    }
}

/// Which way a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Receive,
    Send,
}

/// One number in so little room that every socket has it.
#[derive(Debug, Default)]
struct Count(AtomicU16);

/// The calls of both directions, in one word. What does not fit is carried over to [`Carried`],
/// which only few sockets need.
#[derive(Debug, Default)]
pub(crate) struct Counts([[Count; 2]; 2]);

/// How often each number has begun anew.
#[derive(Debug, Default)]
pub(crate) struct Carried([[AtomicU32; 2]; 2]);

/// Which of a direction's two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Made,
    WouldBlock,
}

impl Counts {
    /// One more; where to carry, if the number has begun anew.
    #[inline(always)]
    pub(crate) fn count<'a>(
        &self,
        direction: Direction,
        which: Which,
        carried: impl FnOnce() -> &'a Carried,
    ) {
        let count = &self.0[direction as usize][which as usize].0;
        if count.fetch_add(1, Ordering::Relaxed) == u16::MAX {
            carried().0[direction as usize][which as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn calls(&self, direction: Direction, carried: Option<&Carried>) -> Calls {
        let total = |which: Which| {
            let (direction, which) = (direction as usize, which as usize);
            let carried =
                carried.map_or(0, |carried| carried.0[direction][which].load(Ordering::Relaxed));
            let rest = self.0[direction][which].0.load(Ordering::Relaxed);
            (u64::from(carried) << u16::BITS) + u64::from(rest)
        };
        Calls { made: total(Which::Made), would_block: total(Which::WouldBlock) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_direction_is_counted_by_itself_and_carried_over() {
        assert_eq!(size_of::<Counts>(), 8);
        let (counts, carried) = (Counts::default(), Carried::default());
        for n in 0..200_000 {
            counts.count(Direction::Send, Which::Made, || &carried);
            if n % 2 == 0 {
                counts.count(Direction::Send, Which::WouldBlock, || &carried);
            }
        }
        counts.count(Direction::Receive, Which::WouldBlock, || unreachable!("one fits"));
        let calls = |direction| counts.calls(direction, Some(&carried));
        assert_eq!(calls(Direction::Send), Calls { made: 200_000, would_block: 100_000 });
        assert_eq!(calls(Direction::Receive), Calls { made: 0, would_block: 1 });
    }
}

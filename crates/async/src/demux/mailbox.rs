//! Where one peer's datagrams wait.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use anysock_core::{Addr, Attached, LocalAddress};
use tokio::time::Instant;

use super::PeerLimits;
use crate::inbox::{Entry, Inbox};

/// What tells peers apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) source: Addr,
    pub(super) local: Option<LocalAddress>,
}

/// What the reader puts and the peer takes.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) key: Key,
    content: Mutex<Content>,
}

#[derive(Debug)]
pub(super) struct Content {
    queue: VecDeque<io::Result<Entry>>,
    /// Messages and errors in the queue, and bytes.
    waiting: Amount,
    /// Those that the peer took with its last visit, and may not have handed out yet.
    taken: Amount,
    /// The descriptors of both.
    descriptors: Descriptors,
    pub(super) dropped: u64,
    pub(super) active: Instant,
    pub(super) ended: bool,
    pub(super) waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Amount {
    messages: usize,
    bytes: usize,
    descriptors: usize,
}

/// Descriptors that wait for one peer, among those that wait for all.
#[derive(Debug)]
struct Descriptors {
    mine: usize,
    all: Arc<AtomicUsize>,
}

impl Descriptors {
    /// Whether so many more may wait.
    fn have_room(&self, more: usize, limits: &PeerLimits) -> bool {
        self.mine + more <= Attached::MAX_DESCRIPTORS
            && self.all.load(Ordering::Relaxed) + more <= limits.descriptors
    }

    fn set(&mut self, mine: usize) {
        self.all.fetch_add(mine, Ordering::Relaxed);
        self.all.fetch_sub(self.mine, Ordering::Relaxed);
        self.mine = mine;
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl Mailbox {
    /// An empty one; `descriptors` are counted for all peers together.
    pub(super) fn new(key: Key, descriptors: Arc<AtomicUsize>) -> Self {
        let content = Content {
            queue: VecDeque::new(),
            waiting: Amount::default(),
            taken: Amount::default(),
            descriptors: Descriptors { mine: 0, all: descriptors },
            dropped: 0,
            active: Instant::now(),
            ended: false,
            waker: None,
        };
        Self { key, content: Mutex::new(content) }
    }

    pub(super) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    /// Puts in as many of the oldest messages as there is room for; how many were dropped.
    pub(super) fn put(
        &mut self,
        entries: impl Iterator<Item = Entry>,
        now: Instant,
        limits: &PeerLimits,
    ) -> usize {
        self.active = now;
        let mut dropped = 0;
        for mut entry in entries {
            let length = entry.len();
            let descriptors = entry.descriptors();
            let fitting = match descriptors == 0 || self.descriptors.have_room(descriptors, limits)
            {
                true => self.room(limits, entry.size()).min(length),
                false => 0,
            };
            dropped += length - fitting;
            if fitting > 0 {
                entry.keep(fitting);
                self.waiting.messages += fitting;
                self.waiting.bytes += entry.bytes();
                self.waiting.descriptors += descriptors;
                self.count_descriptors();
                self.queue.push_back(Ok(entry));
            }
        }
        self.dropped += dropped as u64;
        dropped
    }

    /// Puts in an error; whom to wake.
    pub(super) fn put_error(&mut self, error: io::Error, limits: &PeerLimits) -> Option<Waker> {
        self.active = Instant::now();
        if self.room(limits, 0) == 0 {
            self.dropped += 1;
            return None;
        }
        self.waiting.messages += 1;
        self.queue.push_back(Err(error));
        self.waker.take()
    }

    /// Moves what waits to `inbox`, which is empty: some `count` messages, or all that are there
    /// if that is fewer. The error that came before them, if one did.
    pub(super) fn take(&mut self, count: usize, inbox: &mut Inbox) -> io::Result<()> {
        self.taken = Amount::default();
        while self.taken.messages < count.max(1) {
            let entry = match self.queue.pop_front() {
                Some(Ok(entry)) => entry,
                Some(Err(error)) if inbox.is_empty() => {
                    self.waiting.messages -= 1;
                    self.count_descriptors();
                    return Err(error);
                }
                Some(Err(error)) => {
                    self.queue.push_front(Err(error));
                    break;
                }
                None => break,
            };
            let amount = Amount {
                messages: entry.len(),
                bytes: entry.bytes(),
                descriptors: entry.descriptors(),
            };
            self.waiting.messages -= amount.messages;
            self.waiting.bytes -= amount.bytes;
            self.waiting.descriptors -= amount.descriptors;
            self.taken.messages += amount.messages;
            self.taken.bytes += amount.bytes;
            self.taken.descriptors += amount.descriptors;
            inbox.push_entry(entry);
        }
        self.count_descriptors();
        if self.queue.is_empty() {
            // The queue's own memory goes with its last message.
            self.queue = VecDeque::new();
        }
        Ok(())
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.waiting.bytes
    }

    /// Messages and errors that wait.
    pub(super) fn messages(&self) -> usize {
        self.waiting.messages
    }

    /// Datagrams that wait, without the errors among them.
    pub(super) fn datagrams(&self) -> usize {
        self.queue.iter().flatten().map(Entry::len).sum()
    }

    /// Ends the conversation, and discards what waits.
    pub(super) fn end(&mut self) -> Option<Waker> {
        self.ended = true;
        self.queue = VecDeque::new();
        self.waiting = Amount::default();
        self.count_descriptors();
        self.waker.take()
    }

    #[inline]
    fn count_descriptors(&mut self) {
        let mine = self.waiting.descriptors + self.taken.descriptors;
        if mine != self.descriptors.mine {
            self.descriptors.set(mine);
        }
    }

    /// How many messages of `size` bytes find room: more, until a bound is reached.
    fn room(&self, limits: &PeerLimits, size: usize) -> usize {
        let messages = self.waiting.messages + self.taken.messages;
        let bytes = self.waiting.bytes + self.taken.bytes;
        let by_bytes = match limits.queue_bytes.saturating_sub(bytes) {
            0 => 0,
            left => left.checked_div(size).map_or(usize::MAX, |_| left.div_ceil(size)),
        };
        limits.queue_messages.saturating_sub(messages).min(by_bytes)
    }
}

#[cfg(test)]
mod tests {
    use anysock_core::UnixAddr;

    use super::*;

    fn mailbox() -> Mailbox {
        Mailbox::new(Key { source: UnixAddr::Unnamed.into(), local: None }, Arc::default())
    }

    fn put(content: &mut Content, size: usize, count: usize, limits: &PeerLimits) -> usize {
        let run = Entry::copied(&vec![0; size * count], size);
        content.put([run].into_iter(), Instant::now(), limits)
    }

    #[test]
    fn what_the_peer_took_and_may_still_hold_counts_until_it_comes_again() {
        let limits = PeerLimits { queue_messages: 10, ..PeerLimits::default() };
        let mailbox = mailbox();
        let mut content = mailbox.content();
        assert_eq!(put(&mut content, 9, 12, &limits), 2);
        let mut inbox = Inbox::new();
        content.take(32, &mut inbox).unwrap();
        assert_eq!((inbox.len(), content.bytes()), (10, 0));
        assert_eq!(put(&mut content, 9, 1, &limits), 1);
        content.take(32, &mut Inbox::new()).unwrap();
        assert_eq!(put(&mut content, 9, 1, &limits), 0);
        assert_eq!(content.dropped, 3);
    }

    #[test]
    fn bytes_are_bounded_by_one_message_beyond_the_bound() {
        let limits = PeerLimits { queue_bytes: 100, ..PeerLimits::default() };
        let mailbox = mailbox();
        let mut content = mailbox.content();
        assert_eq!(put(&mut content, 30, 5, &limits), 1);
        assert_eq!(content.bytes(), 120);
        assert_eq!(put(&mut content, 1, 1, &limits), 1);
    }

    #[test]
    fn an_error_keeps_its_place_between_messages() {
        let limits = PeerLimits::default();
        let mailbox = mailbox();
        let mut content = mailbox.content();
        put(&mut content, 9, 2, &limits);
        content.put_error(io::ErrorKind::ConnectionRefused.into(), &limits);
        put(&mut content, 9, 3, &limits);
        let mut inbox = Inbox::new();
        content.take(32, &mut inbox).unwrap();
        assert_eq!(inbox.len(), 2);
        let mut inbox = Inbox::new();
        content.take(32, &mut inbox).unwrap_err();
        content.take(32, &mut inbox).unwrap();
        assert_eq!((inbox.len(), content.bytes()), (3, 0));
    }
}

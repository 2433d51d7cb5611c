//! What was sent in one direction, against which is checked what arrives.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anysock::{Attached, Message};
use bytes::Bytes;

use crate::probe::PATIENCE;
use crate::stop::{Stop, Verdict, ensure};

/// The shortest message that can be told from every other.
pub(crate) const SHORTEST: usize = 20;

/// The longest that is made.
pub(crate) const LONGEST: usize = 70_000;

/// Numbered messages of one direction. What they contain follows from their number and length.
#[derive(Debug)]
pub(crate) struct Ledger {
    direction: char,
    entries: Vec<Entry>,
    /// Behind the last one that arrived.
    next: usize,
}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was not accepted, and must not arrive.
    Never,
    /// It was perhaps accepted: it arrives once, whole and in its turn, or not at all.
    Perhaps,
    /// It was accepted, and has to arrive.
    Surely,
}

#[derive(Debug)]
struct Entry {
    length: usize,
    sent: Sent,
    has_arrived: bool,
    witnesses: Vec<Witness>,
}

/// The other end of a descriptor that is passed on, which sees whether all copies are closed.
#[derive(Debug)]
struct Witness {
    end: UnixStream,
    name: String,
}

impl Ledger {
    pub(crate) fn new(direction: char) -> Self {
        Self { direction, entries: Vec::new(), next: 0 }
    }

    /// The next message, so long and with so many descriptors, which is not sent so far.
    pub(crate) fn make(&mut self, length: usize, descriptors: usize) -> (Bytes, Attached) {
        let mut attached = Attached::nothing();
        let mut witnesses = Vec::new();
        for _ in 0..descriptors {
            let (end, other) = UnixStream::pair().unwrap();
            end.set_nonblocking(true).unwrap();
            witnesses.push(Witness { end, name: name(&other) });
            attached = attached.descriptor(other);
        }
        let message = self.content(self.entries.len(), length);
        self.entries.push(Entry { length, sent: Sent::Never, has_arrived: false, witnesses });
        (message, attached)
    }

    /// What is known of the last message that was made.
    pub(crate) fn last_is(&mut self, sent: Sent) -> Verdict {
        self.is(self.entries.len() - 1, sent)
    }

    /// What is known of a message.
    pub(crate) fn is(&mut self, number: usize, sent: Sent) -> Verdict {
        let entry = &mut self.entries[number];
        ensure!(
            !(entry.has_arrived && sent == Sent::Never),
            "message {number} has arrived, and was not accepted as it is said"
        );
        entry.sent = sent;
        Ok(())
    }

    /// Whether it has.
    pub(crate) fn has_arrived(&self, number: usize) -> bool {
        self.entries[number].has_arrived
    }

    /// How many were made.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// This arrived. Gives its number.
    pub(crate) fn arrived(&mut self, mut message: Message) -> Verdict<usize> {
        let descriptors = message.take_descriptors();
        self.arrived_with(&message, &descriptors)
    }

    /// These bytes arrived, and these descriptors with them.
    pub(crate) fn arrived_with(
        &mut self,
        message: &[u8],
        descriptors: &[OwnedFd],
    ) -> Verdict<usize> {
        let number = self.arrived_bytes(message)?;
        let names: Vec<_> = descriptors.iter().map(name).collect();
        let expected: Vec<_> =
            self.entries[number].witnesses.iter().map(|witness| witness.name.clone()).collect();
        ensure!(names == expected, "message {number} came with {names:?}, not {expected:?}");
        Ok(number)
    }

    /// As [`arrived`](Self::arrived), without what may come along.
    pub(crate) fn arrived_bytes(&mut self, message: &[u8]) -> Verdict<usize> {
        let number = self.number(message).ok_or_else(|| self.is_split(message))?;
        let length = self.entries[number].length;
        if self.content(number, length) != message {
            return Err(self.is_split(message));
        }
        let next = self.next;
        ensure!(
            number >= next,
            "doubled or out of order: message {number} came when {next} was due"
        );
        ensure!(
            self.entries[number].sent != Sent::Never,
            "message {number} arrived, which was not accepted"
        );
        let lost = (next..number).find(|number| self.entries[*number].sent == Sent::Surely);
        if let Some(lost) = lost {
            return Err(Stop::new(format_args!(
                "lost: message {lost}; {number} came in its place"
            )));
        }
        self.entries[number].has_arrived = true;
        self.next = number + 1;
        Ok(number)
    }

    /// Whether nothing that has to arrive is missing.
    pub(crate) fn is_settled(&self) -> bool {
        self.entries[self.next..].iter().all(|entry| entry.sent != Sent::Surely)
    }

    /// Messages, and their bytes, that may be under way.
    pub(crate) fn in_flight(&self) -> (usize, usize) {
        let there = self.entries[self.next..].iter().filter(|entry| entry.sent != Sent::Never);
        there.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.length))
    }

    /// Fails if a copy of a descriptor is still open, once both ends are gone.
    pub(crate) async fn all_are_closed(&self) -> Verdict {
        let until = Instant::now() + PATIENCE;
        for (number, entry) in self.entries.iter().enumerate() {
            for witness in &entry.witnesses {
                while !witness.is_closed() {
                    ensure!(Instant::now() < until, "a descriptor of message {number} is open");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
        Ok(())
    }

    /// Its number and its length, and letters that differ from place to place and from message to
    /// message.
    fn content(&self, number: usize, length: usize) -> Bytes {
        const PERIOD: usize = 26 * 26;
        static LETTERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
            (0..PERIOD + LONGEST).map(|at| b'a' + ((at + at / 26) % 26) as u8).collect()
        });
        let mut content = format!("{}{number:08}-{length:08}-", self.direction).into_bytes();
        let from = number * 31 % PERIOD;
        content.extend_from_slice(&LETTERS[from..from + length - content.len()]);
        content.into()
    }

    /// The number that stands in a message of this direction that was made.
    fn number(&self, message: &[u8]) -> Option<usize> {
        let digits = message.strip_prefix(&[self.direction as u8])?.get(..8)?;
        let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (number < self.entries.len()).then_some(number)
    }

    fn is_split(&self, message: &[u8]) -> Stop {
        let head = String::from_utf8_lossy(&message[..message.len().min(40)]);
        let (length, next) = (message.len(), self.next);
        Stop::new(format_args!("split: {length} bytes {head:?} came when message {next} was due"))
    }
}

impl Witness {
    fn is_closed(&self) -> bool {
        match (&self.end).read(&mut [0]) {
            Ok(length) => length == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }
}

/// What a descriptor is open to.
fn name(descriptor: impl AsFd) -> String {
    let path = format!("/proc/self/fd/{}", descriptor.as_fd().as_raw_fd());
    fs::read_link(path).unwrap().into_os_string().into_string().unwrap()
}

//! What was sent, against which is checked what arrives.

use anysock_framing::Guarantees;
use bytes::Bytes;

use super::stop::{Stop, ensure};

/// The messages sent in one direction, and which of them have arrived.
#[derive(Debug)]
pub(crate) struct Ledger {
    given: Guarantees,
    entries: Vec<Entry>,
    /// Behind the last one that arrived.
    next: usize,
    arrived: u64,
}

#[derive(Debug)]
struct Entry {
    message: Bytes,
    /// It has to arrive.
    due: bool,
    seen: bool,
}

impl Ledger {
    /// Nothing was sent yet. What is `given` says what may be missing, and in which order.
    pub(crate) fn new(given: Guarantees) -> Self {
        Self { given, entries: Vec::new(), next: 0, arrived: 0 }
    }

    /// All of these were sent.
    pub(crate) fn of(given: Guarantees, messages: &[Bytes]) -> Self {
        let mut ledger = Self::new(given);
        messages.iter().for_each(|message| ledger.sent(message));
        ledger
    }

    /// This was sent, and arrives if the transport is reliable.
    pub(crate) fn sent(&mut self, message: &Bytes) {
        self.enter(message, self.given.reliable());
    }

    /// This was perhaps sent: it arrives once or not at all.
    pub(crate) fn perhaps_sent(&mut self, message: &Bytes) {
        self.enter(message, false);
    }

    /// This arrived.
    pub(crate) fn arrived(&mut self, message: &[u8]) -> Result<(), Stop> {
        let Some(index) = self.find(message) else { return Err(self.diagnose(message)) };
        self.entries[index].seen = true;
        self.next = index + 1;
        self.arrived += 1;
        Ok(())
    }

    /// How many arrived.
    pub(crate) fn count(&self) -> u64 {
        self.arrived
    }

    /// Whether nothing that has to arrive is missing.
    pub(crate) fn is_settled(&self) -> bool {
        self.missing().is_none()
    }

    /// Whether everything sent has arrived, though it need not.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete_from(0)
    }

    /// Whether everything has arrived that was sent after the first `count`.
    pub(crate) fn is_complete_from(&self, count: usize) -> bool {
        self.entries[count..].iter().all(|entry| entry.seen)
    }

    /// How many were sent.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Ends the account: how many arrived, if none is missing.
    pub(crate) fn settle(&self) -> Result<u64, Stop> {
        if let Some(index) = self.missing() {
            let (all, length) = (self.entries.len(), self.entries[index].message.len());
            return Err(Stop::failed(format!(
                "message {index} of {all}, {length} bytes long, was lost"
            )));
        }
        Ok(self.arrived)
    }

    /// All that arrived, in order; they must be the first that were sent, none left out.
    pub(crate) fn ensure_prefix(&self) -> Result<(), Stop> {
        let seen = self.entries.iter().take_while(|entry| entry.seen).count() as u64;
        ensure!(seen == self.arrived, "message {seen} is missing, later ones arrived");
        Ok(())
    }

    fn enter(&mut self, message: &Bytes, due: bool) {
        self.entries.push(Entry { message: message.clone(), due, seen: false });
    }

    fn missing(&self) -> Option<usize> {
        // In order, all before `next` were accounted for when they were passed by.
        let from = if self.given.ordered() { self.next } else { 0 };
        let mut entries = self.entries.iter().enumerate().skip(from);
        entries.find(|(_, entry)| entry.due && !entry.seen).map(|(index, _)| index)
    }

    /// Which entry `message` may be.
    fn find(&self, message: &[u8]) -> Option<usize> {
        let fits = |index: &usize| self.entries[*index].message == message;
        let all = 0..self.entries.len();
        if self.given.ordered() {
            let end = (self.next..all.end).find(|&index| self.entries[index].due);
            return (self.next..end.map_or(all.end, |due| due + 1)).find(fits);
        }
        // The latest first: what was lost may have been sent again.
        let unseen = all.clone().rev().find(|index| !self.entries[*index].seen && fits(index));
        // Where nothing is promised, a datagram may come twice.
        if self.given.reliable() { unseen } else { unseen.or_else(|| all.clone().find(fits)) }
    }

    fn diagnose(&self, message: &[u8]) -> Stop {
        let (next, length) = (self.next, message.len());
        let known = self.entries.iter().position(|entry| entry.message == message);
        let due = self.entries.get(next).map(|entry| &entry.message[..]);
        Stop::failed(match (known, due) {
            (Some(index), _) if index < next => {
                format!("message {index} arrived twice or out of order, {next} was due")
            }
            (Some(index), _) => format!("message {index} arrived, message {next} was lost"),
            (None, Some(due)) if message.starts_with(due) && !due.is_empty() => format!(
                "message {next} of {} bytes arrived merged with more: {length} bytes",
                due.len()
            ),
            (None, Some(due)) if due.starts_with(message) => {
                format!("message {next} of {} bytes was cut to {length}", due.len())
            }
            (None, Some(due)) => format!(
                "a message of {length} bytes arrived that was never sent; message {next} of {} \
                 bytes was due",
                due.len()
            ),
            (None, None) => {
                format!("a message of {length} bytes arrived that was never sent; none was due")
            }
        })
    }
}

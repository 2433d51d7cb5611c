//! What a script was told, sent and received: what is judged afterwards.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use anysock::Message;
use tokio::sync::Notify;

/// A message by its number and its length, both in its bytes; an empty one has the number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) number: u64,
    pub(crate) length: usize,
}

/// Numbers from here on are no part of what is judged.
pub(crate) const MARKERS: u64 = 1 << 32;
/// The message that the server sends when it has seen the end.
pub(crate) const FAREWELL: u64 = MARKERS - 1;

impl Sent {
    /// The shortest is as long as a number.
    pub(crate) fn new(number: u64, length: usize) -> Self {
        match length {
            0 => Self { number: 0, length },
            _ => Self { number, length: length.max(8) },
        }
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        let mut bytes = vec![self.number as u8; self.length];
        if self.length > 0 {
            bytes[..8].copy_from_slice(&self.number.to_le_bytes());
        }
        bytes
    }

    /// Which one it is, if it is whole and untouched.
    pub(crate) fn of(message: &Message) -> Option<Self> {
        let length = message.len();
        let number = match message.first_chunk::<8>() {
            Some(number) => u64::from_le_bytes(*number),
            None if length == 0 => 0,
            None => return None,
        };
        let sent = Self { number, length };
        (message[..] == sent.bytes()[..]).then_some(sent)
    }

    pub(crate) fn is_marker(self) -> bool {
        self.number >= MARKERS
    }
}

/// An error, and who was told of it at what.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) at: String,
    pub(crate) text: String,
    pub(crate) is_fatal: bool,
    /// What the system errors inside say.
    pub(crate) numbers: Vec<i32>,
    pub(crate) kinds: Vec<io::ErrorKind>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, text, is_fatal, numbers, kinds } = self;
        let fatal = if *is_fatal { "fatal" } else { "survivable" };
        write!(f, "{at}, {fatal}: {text} {numbers:?} {kinds:?}")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) told: Vec<Told>,
    /// What cannot be excused by any fault.
    pub(crate) broken: Vec<String>,
    pub(crate) sent: Vec<Sent>,
    /// What the server received, and what the client did.
    pub(crate) served: Vec<Sent>,
    pub(crate) echoed: Vec<Sent>,
    /// Descriptors that were sent, and that came with their message.
    pub(crate) passed: usize,
    pub(crate) taken: usize,
    /// Connections that the listener lost, as it counts them.
    pub(crate) lost: u64,
    /// The client went through its whole script, to the end that the server sent.
    pub(crate) is_through: bool,
    /// Handlers of the server that have begun, and that have ended.
    pub(crate) begun: usize,
    pub(crate) ended: usize,
    /// Where the client is.
    pub(crate) step: String,
}

/// Shared by the tasks of a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    record: Mutex<Record>,
    changed: Notify,
}

impl Log {
    pub(crate) fn get(&self) -> MutexGuard<'_, Record> {
        self.0.record.lock().unwrap()
    }

    pub(crate) fn step(&self, step: impl Into<String>) {
        self.get().step = step.into();
    }

    pub(crate) fn error(&self, at: &str, error: &anysock::Error) {
        self.told(at, error, error.is_fatal());
    }

    pub(crate) fn told(&self, at: &str, error: &anysock::Error, is_fatal: bool) {
        let (text, mut numbers, mut kinds) = (error.to_string(), Vec::new(), Vec::new());
        let mut next = error.find::<io::Error>().map(|system| system as &(dyn StdError + 'static));
        while let Some(error) = next {
            let Some(system) = error.downcast_ref::<io::Error>() else {
                next = error.source();
                continue;
            };
            kinds.push(system.kind());
            numbers.extend(system.raw_os_error());
            next = system.get_ref().map(|inner| inner as _);
        }
        self.get().told.push(Told { at: at.to_owned(), text, is_fatal, numbers, kinds });
        self.0.changed.notify_waiters();
    }

    pub(crate) fn broken(&self, what: impl Into<String>) {
        self.get().broken.push(what.into());
        self.0.changed.notify_waiters();
    }

    /// Changes the record, and wakes who waits for that.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Record)) {
        change(&mut self.get());
        self.0.changed.notify_waiters();
    }

    /// Waits until the record is as is asked for.
    pub(crate) async fn until(&self, mut is_so: impl FnMut(&Record) -> bool) {
        loop {
            let changed = self.0.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            if is_so(&self.get()) {
                return;
            }
            changed.await;
        }
    }

    /// How often anybody was told of an error, or saw what must not be.
    pub(crate) fn trouble(&self) -> usize {
        let record = self.get();
        record.told.len() + record.broken.len()
    }
}

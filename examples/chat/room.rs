//! What is said in the room, and who is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::broadcast;

/// The longest name, in characters.
const LONGEST_NAME: usize = 32;

/// What is said, who is here, and what was counted.
pub(crate) struct Room {
    pub(crate) lines: broadcast::Sender<Line>,
    names: Mutex<BTreeMap<u64, String>>,
    next: AtomicU64,
    pub(crate) longest: usize,
    pub(crate) counts: Counts,
}

/// A line, and for whom it is.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) text: Bytes,
    pub(crate) to: To,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum To {
    AllBut(u64),
    Only(u64),
}

#[derive(Default, Serialize)]
pub(crate) struct Counts {
    pub(crate) received: AtomicU64,
    pub(crate) told: AtomicU64,
    pub(crate) missed: AtomicU64,
}

/// Somebody who is here, until this is dropped.
pub(crate) struct Member {
    pub(crate) room: Arc<Room>,
    pub(crate) id: u64,
}

impl To {
    pub(crate) fn includes(self, id: u64) -> bool {
        match self {
            Self::AllBut(other) => other != id,
            Self::Only(one) => one == id,
        }
    }
}

impl Room {
    pub(crate) fn new(backlog: u16, longest: usize) -> Self {
        Self {
            lines: broadcast::Sender::new(backlog.into()),
            names: Mutex::default(),
            next: AtomicU64::new(1),
            longest,
            counts: Counts::default(),
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn who(&self) -> String {
        let names: Vec<_> = self.names().values().cloned().collect();
        let all = format!("{} here: {}", names.len(), names.join(", "));
        // As many as one line holds, whatever characters they have.
        all.chars().take(self.longest / 5).collect()
    }
}

impl Member {
    pub(crate) fn join(room: Arc<Room>) -> Self {
        let id = room.next.fetch_add(1, Relaxed);
        room.names().insert(id, format!("guest-{id}"));
        let member = Self { room, id };
        member.say(&format!("* {} has come", member.name()));
        member.reply(&format!("you are {}; /name NAME, /who, /quit", member.name()));
        member
    }

    pub(crate) fn name(&self) -> String {
        self.room.names().get(&self.id).cloned().unwrap_or_default()
    }

    pub(crate) fn rename(&self, name: &str) {
        let length = name.chars().count();
        if !(1..=LONGEST_NAME).contains(&length) || name.contains(char::is_whitespace) {
            return self
                .reply(&format!("a name has 1 to {LONGEST_NAME} characters, and no spaces"));
        }
        let before = {
            let mut names = self.room.names();
            if names.values().any(|taken| taken == name) {
                None
            } else {
                names.insert(self.id, name.into())
            }
        };
        match before {
            Some(before) => self.say(&format!("* {before} is {name} now")),
            None => self.reply(&format!("{name} is here already")),
        }
    }

    /// To all others.
    pub(crate) fn say(&self, text: &str) {
        self.send(text.to_owned(), To::AllBut(self.id));
    }

    /// To this one.
    pub(crate) fn reply(&self, text: &str) {
        self.send(format!("* {text}"), To::Only(self.id));
    }

    fn send(&self, text: String, to: To) {
        // Nobody may be here to hear it.
        let _ = self.room.lines.send(Line { text: text.into(), to });
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let name = self.room.names().remove(&self.id).unwrap_or_default();
        self.say(&format!("* {name} has gone"));
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [received, told, missed] =
            [&self.received, &self.told, &self.missed].map(|count| count.load(Relaxed));
        write!(f, "{received} lines received, {told} told, {missed} missed")
    }
}

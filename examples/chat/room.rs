//! What is said in the room, and who is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{broadcast, mpsc};

/// The longest name, in characters.
const LONGEST_NAME: usize = 32;

/// Whoever has not said who he is: nobody else may take such a name.
const GUEST: &str = "guest-";

/// Replies that wait for whoever asked.
const REPLIES: usize = 16;

/// What is said, who is here, and what was counted.
pub(crate) struct Room {
    pub(crate) lines: broadcast::Sender<Line>,
    names: Mutex<BTreeMap<u64, String>>,
    next: AtomicU64,
    pub(crate) longest: usize,
    pub(crate) counts: Counts,
}

/// A line, and who said it: it is for all others.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) text: Bytes,
    pub(crate) of: u64,
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
    replies: mpsc::Sender<Bytes>,
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
    /// Somebody more, and what he is told alone.
    pub(crate) fn join(room: Arc<Room>) -> (Self, mpsc::Receiver<Bytes>) {
        let id = room.next.fetch_add(1, Relaxed);
        room.names().insert(id, format!("{GUEST}{id}"));
        let (replies, told) = mpsc::channel(REPLIES);
        let member = Self { room, id, replies };
        member.say(format!("* {} has come", member.name()));
        member.reply(&format!("you are {}; /name NAME, /who, /quit", member.name()));
        (member, told)
    }

    pub(crate) fn name(&self) -> String {
        self.room.names().get(&self.id).cloned().unwrap_or_default()
    }

    pub(crate) fn rename(&self, name: &str) {
        let length = name.chars().count();
        let is_plain = |char: char| char.is_alphanumeric() || "-_.".contains(char);
        if !(1..=LONGEST_NAME).contains(&length) || !name.chars().all(is_plain) {
            return self.reply(&format!("a name has 1 to {LONGEST_NAME} letters, digits, - _ ."));
        }
        if name.starts_with(GUEST) {
            return self.reply("that is the name of somebody else, now or later");
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
            Some(before) => self.say(format!("* {before} is {name} now")),
            None => self.reply(&format!("{name} is here already")),
        }
    }

    /// To all others.
    pub(crate) fn say(&self, text: String) {
        // Nobody may be here to hear it.
        let _ = self.room.lines.send(Line { text: text.into(), of: self.id });
    }

    /// To this one: not among the lines of all, where who asks much would have others miss them.
    pub(crate) fn reply(&self, text: &str) {
        if self.replies.try_send(format!("* {text}").into()).is_err() {
            self.room.counts.missed.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let name = self.room.names().remove(&self.id).unwrap_or_default();
        self.say(format!("* {name} has gone"));
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [received, told, missed] =
            [&self.received, &self.told, &self.missed].map(|count| count.load(Relaxed));
        write!(f, "{received} lines received, {told} told, {missed} missed")
    }
}

//! One room for clients on all cells at once: `chat ENDPOINT...`.
//!
//! ```text
//! cargo run --example chat -- tcp://127.0.0.1:7000 unix:/tmp/chat udp://127.0.0.1:7000
//! socat READLINE TCP:127.0.0.1:7000
//! ```
//!
//! A line, or a datagram, is said to all others. `/name NAME` says who one is, `/who` asks who is here,
//! and `/quit` leaves, which datagrams have to: they have no end (but are taken for gone after a minute of
//! silence).
//!
//! A client that does not read holds up nobody. At most `--backlog` lines are kept for whoever is behind,
//! once for all of them; what is older is lost to those who have not read it, and each is told how many
//! lines he may have missed when he reads on. (What UDP loses on its way nobody knows.) So memory is bounded by
//! `--backlog` lines of `--max` bytes, whatever clients do, and by what one line and the kernel hold of
//! each client.
//!
//! Signals, log, report and exit codes are those of every [`service`].

mod service;

use std::collections::BTreeMap;
use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use anysock::prelude::*;
use anysock::{AnyCodec, Connection, ConnectionRecv, ConnectionSend, Endpoint, Error, Shutdown};
use bytes::Bytes;
use clap::Parser;
use serde::Serialize;
use service::Service;
use tokio::sync::broadcast::{self, error::RecvError};

/// The longest line unless said otherwise, in bytes.
const LONGEST: usize = 4096;

/// The longest name, in characters.
const LONGEST_NAME: usize = 32;

/// One room for clients on all cells at once, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    #[arg(required = true, value_name = "ENDPOINT")]
    endpoints: Vec<Endpoint>,

    /// How streams mark messages, as for the example echo
    #[arg(long, value_name = "NAME", default_value = "lines")]
    codec: AnyCodec,

    /// Lines that are kept for those who are behind
    #[arg(long, value_name = "LINES", default_value_t = 256, value_parser = backlog)]
    backlog: u16,

    #[command(flatten)]
    service: Service,
}

fn backlog(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(lines @ 1..) => Ok(lines),
        _ => Err(format!("{text:?} is no number of lines from 1 to 65535")),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { endpoints, codec, backlog, mut service } = Arguments::parse();
    let longest = *service.max.get_or_insert(LONGEST);
    let endpoints: Vec<_> =
        endpoints.into_iter().map(|endpoint| (endpoint, codec.clone())).collect();
    let (shutdown, room) = (Shutdown::new(), Arc::new(Room::new(backlog, longest)));
    let handler = {
        let (room, shutdown) = (room.clone(), shutdown.clone());
        move |client| talk(client, room.clone(), shutdown.clone())
    };
    service::end_of("chat", service.run(&endpoints, &shutdown, handler, || &room.counts)).await
}

/// What is said, who is here, and what was counted.
struct Room {
    lines: broadcast::Sender<Line>,
    names: Mutex<BTreeMap<u64, String>>,
    next: AtomicU64,
    longest: usize,
    counts: Counts,
}

/// A line, and for whom it is.
#[derive(Clone)]
struct Line {
    text: Bytes,
    to: To,
}

#[derive(Clone, Copy, PartialEq)]
enum To {
    AllBut(u64),
    Only(u64),
}

#[derive(Default, Serialize)]
struct Counts {
    received: AtomicU64,
    told: AtomicU64,
    missed: AtomicU64,
}

/// Somebody who is here, until this is dropped.
struct Member {
    room: Arc<Room>,
    id: u64,
}

/// One client, until it leaves, its connection fails or the shutdown has begun.
async fn talk(client: Connection, room: Arc<Room>, shutdown: Shutdown) -> Result<(), Error> {
    let from = client.peer_addr().ok();
    // Halves, so that who does not read is heard all the same.
    let (mut sending, receiving) = client.split();
    let lines = room.lines.subscribe();
    let member = Member::join(room);
    let ended = tokio::select! {
        left = listen(receiving, &member) => left,
        failed = tell(&mut sending, lines, &member) => failed,
        () = shutdown.begun() => Ok(()),
    };
    if let Err(error) = &ended {
        tracing::warn!(?from, %error, "connection failed");
    }
    drop(member);
    ended.and(sending.close().await)
}

/// Hears what one client says, until its end.
async fn listen(mut receiving: ConnectionRecv, member: &Member) -> Result<(), Error> {
    loop {
        let message = match receiving.recv().await {
            Ok(Some(message)) => message,
            Err(error) if !error.is_fatal() => {
                member.reply(&format!("that was not understood: {error}"));
                continue;
            }
            ended => return ended.map(|_| ()),
        };
        member.room.counts.received.fetch_add(1, Relaxed);
        // One line, whatever it was: nobody is to speak in the name of others.
        let text =
            String::from_utf8_lossy(&message).trim_end().replace(char::is_control, "\u{fffd}");
        match text.split_once(' ').unwrap_or((&text, "")) {
            ("/quit", _) => return Ok(()),
            ("/who", _) => member.reply(&member.room.who()),
            ("/name", name) => member.rename(name.trim()),
            ("", _) => {}
            _ => {
                let line = format!("{}: {text}", member.name());
                match line.len() <= member.room.longest {
                    true => member.say(&line),
                    false => member.reply("that was too long to be told to others"),
                }
            }
        }
    }
}

/// Tells one client what it is to hear, as fast as it reads.
async fn tell(
    sending: &mut ConnectionSend,
    mut lines: broadcast::Receiver<Line>,
    member: &Member,
) -> Result<(), Error> {
    let counts = &member.room.counts;
    let mut missed = 0;
    loop {
        let text = match lines.recv().await {
            Ok(line) if line.to.includes(member.id) => line.text,
            Ok(_) => continue,
            Err(RecvError::Lagged(more)) => {
                counts.missed.fetch_add(more, Relaxed);
                missed += more;
                continue;
            }
            Err(RecvError::Closed) => return Ok(()),
        };
        if missed > 0 {
            let told = format!("* up to {missed} lines were lost, you read too slowly");
            missed = if tell_one(sending, told.into()).await? { 0 } else { missed };
        }
        if tell_one(sending, text).await? {
            counts.told.fetch_add(1, Relaxed);
        } else {
            counts.missed.fetch_add(1, Relaxed);
            missed += 1;
        }
    }
}

/// Whether the kernel took the line: a datagram it may refuse, where others wait.
async fn tell_one(sending: &mut ConnectionSend, text: Bytes) -> Result<bool, Error> {
    match sending.send(text).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_fatal() => Err(error),
        Err(error) => {
            tracing::debug!(%error, "line lost");
            Ok(false)
        }
    }
}

impl To {
    fn includes(self, id: u64) -> bool {
        match self {
            Self::AllBut(other) => other != id,
            Self::Only(one) => one == id,
        }
    }
}

impl Room {
    fn new(backlog: u16, longest: usize) -> Self {
        Self {
            lines: broadcast::Sender::new(backlog.into()),
            names: Mutex::default(),
            next: AtomicU64::new(1),
            longest,
            counts: Counts::default(),
        }
    }

    fn names(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn who(&self) -> String {
        let names: Vec<_> = self.names().values().cloned().collect();
        let all = format!("{} here: {}", names.len(), names.join(", "));
        // As many as one line holds, whatever characters they have.
        all.chars().take(self.longest / 5).collect()
    }
}

impl Member {
    fn join(room: Arc<Room>) -> Self {
        let id = room.next.fetch_add(1, Relaxed);
        room.names().insert(id, format!("guest-{id}"));
        let member = Self { room, id };
        member.say(&format!("* {} has come", member.name()));
        member.reply(&format!("you are {}; /name NAME, /who, /quit", member.name()));
        member
    }

    fn name(&self) -> String {
        self.room.names().get(&self.id).cloned().unwrap_or_default()
    }

    fn rename(&self, name: &str) {
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
    fn say(&self, text: &str) {
        self.send(text.to_owned(), To::AllBut(self.id));
    }

    /// To this one.
    fn reply(&self, text: &str) {
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

//! One room for clients on all cells at once: `chat ENDPOINT...`.
//!
//! ```text
//! cargo run --example chat -- tcp://127.0.0.1:7000 unix:/tmp/chat udp://127.0.0.1:7000
//! socat READLINE TCP:127.0.0.1:7000
//! ```
//!
//! A line, or a datagram, is said to all others. `/name NAME` says who one is, `/who` asks who is here,
//! and `/quit` leaves, which datagrams have to: they have no end, but who says nothing for a minute is taken
//! for gone. Over UDP nobody knows who speaks: who lies about his address has the room speak to somebody
//! else for as long.
//!
//! A client that does not read holds up nobody. At most `--backlog` lines are kept for whoever is behind,
//! once for all of them; what is older is lost to those who have not read it, and each is told how many
//! lines he may have missed when he reads on. (What UDP loses on its way nobody knows.) So memory is bounded by
//! `--backlog` lines of `--max` bytes, whatever clients do, and by what one line and the kernel hold of
//! each client.
//!
//! Signals, log, report and exit codes are those of every [`service`].

mod room;
#[path = "../service/mod.rs"]
mod service;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{AnyCodec, Connection, ConnectionRecv, ConnectionSend, Endpoint, Error, Shutdown};
use bytes::Bytes;
use clap::Parser;
use room::{Line, Member, Room};
use service::Service;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;

/// The longest line unless said otherwise, in bytes.
const LONGEST: usize = 4096;

/// How long datagrams may say nothing.
const SILENCE: Duration = Duration::from_secs(60);

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

    /// Lines that are kept for those who are behind, rounded up to a power of two
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

/// One client, until it leaves, its connection fails or the shutdown has begun.
async fn talk(client: Connection, room: Arc<Room>, shutdown: Shutdown) -> Result<(), Error> {
    let from = client.peer_addr().ok();
    // Halves, so that who does not read is heard all the same.
    let (mut sending, receiving) = client.split();
    let lines = room.lines.subscribe();
    let (member, replies) = Member::join(room);
    let ended = tokio::select! {
        left = listen(receiving, &member) => left,
        failed = tell(&mut sending, lines, replies, &member) => failed,
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
    let has_end = receiving.guarantees().end_of_file();
    loop {
        let received = tokio::select! {
            received = receiving.recv() => received,
            () = tokio::time::sleep(SILENCE), if !has_end => return Ok(()),
        };
        let message = match received {
            Ok(Some(message)) => message,
            Err(error) if !error.is_fatal() => {
                member.reply(&format!("that was not understood: {error}"));
                continue;
            }
            ended => return ended.map(|_| ()),
        };
        member.room.counts.received.fetch_add(1, Relaxed);
        // One line, whatever it was: nobody is to speak in the name of others.
        let text = String::from_utf8_lossy(&message).trim_end().replace(is_forged, "\u{fffd}");
        match text.split_once(' ').unwrap_or((&text, "")) {
            ("/quit", _) => return Ok(()),
            ("/who", _) => member.reply(&member.room.who()),
            ("/name", name) => member.rename(name.trim()),
            ("", _) => {}
            _ => {
                let line = format!("{}: {text}", member.name());
                match line.len() <= member.room.longest {
                    true => member.say(line),
                    false => member.reply("that was too long to be told to others"),
                }
            }
        }
    }
}

/// What gives orders to a terminal, ends a line for some, or turns the direction of writing.
fn is_forged(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Tells one client what it is to hear, as fast as it reads.
async fn tell(
    sending: &mut ConnectionSend,
    mut lines: broadcast::Receiver<Line>,
    mut replies: mpsc::Receiver<Bytes>,
    member: &Member,
) -> Result<(), Error> {
    let counts = &member.room.counts;
    let mut missed = 0;
    loop {
        let heard = tokio::select! {
            biased; // who asked is answered first
            Some(reply) = replies.recv() => Ok(Some(reply)),
            line = lines.recv() => line.map(|line| (line.of != member.id).then_some(line.text)),
        };
        let text = match heard {
            Ok(Some(text)) => text,
            Ok(None) => continue,
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

//! What does one end see once the other has closed?

use std::time::Duration;

use anysock::prelude::*;
use anysock::{BoxTransport, Error, Guarantees};
use tokio::time::{Instant, timeout, timeout_at};

use super::link::{both, patience, receive_while};
use super::{Failure, Finding};

/// What is sent just before closing, and must come before the end.
const LAST_WORDS: &str = "last words";
/// How often something is sent to the closed end, for the answer may come only to the next.
const SENDS: usize = 20;
/// How long an answer to what was sent may take.
const ANSWER: Duration = Duration::from_millis(5);

/// What one end saw after the other closed.
#[derive(Debug)]
pub(super) struct Parting {
    end: End,
    /// What a send got, if it did not seem to succeed.
    send: Option<String>,
}

#[derive(Debug)]
enum End {
    /// The last words, then the end.
    Orderly,
    /// The end, and not everything before it.
    Early,
    Broken(String),
    Silence,
}

/// Closes one end, and tells what the other sees.
pub(super) async fn part(
    mut closing: BoxTransport,
    mut other: BoxTransport,
) -> Result<Parting, Failure> {
    let told = Guarantees::CONNECTION_ORIENTED | Guarantees::END_OF_FILE;
    let promised = both(&closing, &other);
    let patience = patience(promised - told != promised);
    let mut failed = None;
    let sending = async {
        let closed = async {
            closing.send(LAST_WORDS).await?;
            closing.close().await
        };
        failed = closed.await.err();
    };
    let end = receive_while(sending, end(&mut other, patience)).await;
    if let Some(error) = failed {
        return Err(format!("closing failed: {error}").into());
    }
    drop(closing);
    let send = send_to_closed(&mut other, matches!(end, End::Silence)).await;
    Ok(Parting { end, send })
}

async fn end(other: &mut BoxTransport, patience: Duration) -> End {
    let mut complete = false;
    let deadline = Instant::now() + patience;
    loop {
        match timeout_at(deadline, other.recv()).await {
            Ok(Ok(Some(message))) => complete |= message == LAST_WORDS,
            Ok(Ok(None)) if complete => return End::Orderly,
            Ok(Ok(None)) => return End::Early,
            Ok(Err(error)) => return End::Broken(what(&error)),
            Err(_) => return End::Silence,
        }
    }
}

/// Sends to an end that is gone, until that is found out. The answer to a datagram may come to
/// who receives.
async fn send_to_closed(other: &mut BoxTransport, receive: bool) -> Option<String> {
    for _ in 0..SENDS {
        match timeout(patience(false), other.send("is anybody there?")).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Some(what(&error)),
            Err(_) => return Some("waits".into()),
        }
        if receive {
            if let Ok(Err(error)) = timeout(ANSWER, other.recv()).await {
                return Some(what(&error));
            }
        }
    }
    None
}

/// The kind of error, in a few words.
fn what(error: &Error) -> String {
    error.io_kind().map_or_else(|| error.to_string(), |kind| kind.to_string())
}

/// Whether there is a connection: made before the first message, and its end is told.
pub(super) fn connection(made_first: bool, partings: &[Parting; 2]) -> Finding {
    let told = partings.iter().all(|parting| !parting.is_silent());
    Finding { kept: made_first && told, seen: seen(partings) }
}

/// Whether both ends saw the end of the other's messages, after all of them.
pub(super) fn end_of_file(partings: &[Parting; 2]) -> Finding {
    let orderly = |parting: &Parting| matches!(parting.end, End::Orderly);
    Finding { kept: partings.iter().all(orderly), seen: seen(partings) }
}

fn seen(partings: &[Parting; 2]) -> String {
    let [peer, client] = partings.each_ref().map(Parting::seen);
    if peer == client { peer } else { format!("peer: {peer}; client: {client}") }
}

impl Parting {
    fn is_silent(&self) -> bool {
        matches!(self.end, End::Silence) && self.send.is_none()
    }

    fn seen(&self) -> String {
        let end = match &self.end {
            End::Orderly => "end-of-file",
            End::Early => "end-of-file without the last message",
            End::Broken(error) => error,
            End::Silence => "no end",
        };
        match &self.send {
            Some(error) => format!("{end}, send: {error}"),
            None => format!("{end}, send: ok"),
        }
    }
}

//! What goes from a server to its successor: the listeners, and who owns their socket files.
//!
//! ```text
//!  successor                                     predecessor
//!      │ ──── "take over" ───────────────────────────> │ goes on accepting
//!      │ <─── what they are, with their descriptors ── │
//!      │ accepts                                       │
//!      │ ──── "accepting" ───────────────────────────> │ stops, leaves the files
//!      │ <─── "yours" ──────────────────────────────── │ finishes its connections
//!      │ owns the files                                │ ends
//! ```
//!
//! Until the successor says that he accepts, nothing has changed for the predecessor: if he fails,
//! the service goes on as it was.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use anysock::core::{Outgoing, OwnedPath};
use anysock::sockets::SeqPacketSocket;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::Failure;

/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(10);

const TAKE_OVER: &[u8] = b"take over";
const ACCEPTING: &[u8] = b"accepting";
const YOURS: &[u8] = b"yours";

/// A socket file, for whoever is to unlink it one day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct File {
    path: PathBuf,
    id: String,
}

impl File {
    pub(crate) fn of(path: &OwnedPath) -> Self {
        Self { path: path.path().to_owned(), id: path.id().to_string() }
    }

    /// To be unlinked by this process from now on.
    pub(crate) fn take_over(&self) -> Result<OwnedPath, Failure> {
        Ok(OwnedPath::take_over(&self.path, self.id.parse()?)?)
    }
}

/// A listener on its way: its socket, and its file if it has one.
#[derive(Debug)]
pub(crate) struct Passed {
    pub(crate) descriptor: OwnedFd,
    pub(crate) file: Option<File>,
}

/// The successor's side, once he has the listeners.
pub(crate) struct Successor(SeqPacketSocket);

impl Successor {
    /// Asks, and leaves it to the caller what the answer is.
    pub(crate) async fn only_ask(socket: &SeqPacketSocket) -> Result<(), Failure> {
        Ok(socket.send(TAKE_OVER).await?)
    }

    /// Asks the server at the other end for its listeners.
    pub(crate) async fn ask(socket: SeqPacketSocket) -> Result<(Self, Vec<Passed>), Failure> {
        Self::only_ask(&socket).await?;
        let mut buffer = vec![0; 64 * 1024];
        let received = timeout(PATIENCE, socket.recv(&mut buffer)).await??;
        let received = received.ok_or("the predecessor ended without handing over")?;
        if received.control_truncated {
            return Err("not all listeners came over: no descriptors are left".into());
        }
        let files: Vec<Option<File>> = serde_json::from_slice(&buffer[..received.copied])?;
        if files.len() != received.descriptors.len() {
            let came = received.descriptors.len();
            return Err(format!("{came} descriptors came for {} listeners", files.len()).into());
        }
        let passed = received.descriptors.into_iter().zip(files);
        let passed = passed.map(|(descriptor, file)| Passed { descriptor, file }).collect();
        Ok((Self(socket), passed))
    }

    /// Says that this process accepts; returns when the predecessor does no longer.
    pub(crate) async fn accepting(self) -> Result<(), Failure> {
        self.0.send(ACCEPTING).await?;
        // One that is gone does not accept either.
        expect(&self.0, YOURS).await.or_else(|error| match error.downcast_ref::<io::Error>() {
            Some(_) => Ok(()),
            None => Err(error),
        })
    }
}

/// The predecessor's side.
pub(crate) struct Predecessor;

impl Predecessor {
    /// Waits until the other end asks for the listeners.
    pub(crate) async fn asked(socket: &SeqPacketSocket) -> Result<(), Failure> {
        expect(socket, TAKE_OVER).await
    }

    /// Passes duplicates of the listeners, and waits until they are accepted on.
    pub(crate) async fn pass(
        socket: &SeqPacketSocket,
        listeners: &[OwnedFd],
        files: &[Option<File>],
    ) -> Result<(), Failure> {
        send_with(socket, &serde_json::to_vec(files)?, listeners).await?;
        expect(socket, ACCEPTING).await
    }

    /// Says that this process has stopped to accept, and left the files.
    pub(crate) async fn left(socket: &SeqPacketSocket) -> Result<(), Failure> {
        Ok(socket.send(YOURS).await?)
    }
}

async fn expect(socket: &SeqPacketSocket, wanted: &[u8]) -> Result<(), Failure> {
    let mut buffer = [0; 64];
    let received = timeout(PATIENCE, socket.recv(&mut buffer)).await??;
    let wanted_text = String::from_utf8_lossy(wanted);
    match received {
        Some(received) if &buffer[..received.copied] == wanted => Ok(()),
        Some(_) => Err(format!("something else than {wanted_text:?} was said").into()),
        None => Err(format!("the other server ended instead of saying {wanted_text:?}").into()),
    }
}

/// Sends one message with descriptors beside it. There is room for it in a fresh connection;
/// trying again is for a machine that is short of memory.
async fn send_with(
    socket: &SeqPacketSocket,
    message: &[u8],
    descriptors: &[OwnedFd],
) -> Result<(), Failure> {
    let mut with = Outgoing::default();
    with.descriptors = descriptors;
    let sending = async {
        loop {
            match socket.socket().send_message(&[IoSlice::new(message)], &with) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sleep(Duration::from_millis(1)).await;
                }
                done => return done,
            }
        }
    };
    timeout(PATIENCE, sending).await??;
    Ok(())
}

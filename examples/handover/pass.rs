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

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Duration;

use anysock::core::OwnedPath;
use anysock::prelude::*;
use anysock::sockets::SeqPacketSocket;
use anysock::{Attached, Message, Options, Packets};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

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

/// Between two servers.
pub(crate) type Control = Packets<SeqPacketSocket>;

/// What the successor's end needs: listeners come to it.
pub(crate) fn options() -> Options {
    Options::new().receive_descriptors(true)
}

/// The successor's side, once he has the listeners.
pub(crate) struct Successor(Control);

impl Successor {
    /// Asks, and leaves it to the caller what the answer is.
    pub(crate) async fn only_ask(control: &mut Control) -> Result<(), Failure> {
        Ok(control.send(TAKE_OVER).await?)
    }

    /// Asks the server at the other end for its listeners.
    pub(crate) async fn ask(mut control: Control) -> Result<(Self, Vec<Passed>), Failure> {
        Self::only_ask(&mut control).await?;
        // Where not all descriptors could be taken, that is an error.
        let received = hear(&mut control).await?;
        let mut received = received.ok_or("the predecessor ended without handing over")?;
        let descriptors = received.take_descriptors();
        let files: Vec<Option<File>> = serde_json::from_slice(&received)?;
        if files.len() != descriptors.len() {
            let came = descriptors.len();
            return Err(format!("{came} descriptors came for {} listeners", files.len()).into());
        }
        let passed = descriptors.into_iter().zip(files);
        let passed = passed.map(|(descriptor, file)| Passed { descriptor, file }).collect();
        Ok((Self(control), passed))
    }

    /// Says that this process accepts; returns when the predecessor does no longer.
    pub(crate) async fn accepting(mut self) -> Result<(), Failure> {
        self.0.send(ACCEPTING).await?;
        match hear(&mut self.0).await {
            Ok(Some(answer)) if answer != YOURS => {
                Err("the predecessor goes on, as it seems: it said something else".into())
            }
            // One that is gone does not accept any longer either.
            Ok(_) => Ok(()),
            Err(error) if error.is::<anysock::Error>() => Ok(()),
            Err(late) => Err(late),
        }
    }
}

/// The predecessor's side.
pub(crate) struct Predecessor;

impl Predecessor {
    /// Waits until the other end asks for the listeners.
    pub(crate) async fn asked(control: &mut Control) -> Result<(), Failure> {
        expect(control, TAKE_OVER).await
    }

    /// Passes duplicates of the listeners, and waits until they are accepted on.
    pub(crate) async fn pass(
        control: &mut Control,
        listeners: &[OwnedFd],
        files: &[Option<File>],
    ) -> Result<(), Failure> {
        let mut attached = Attached::nothing();
        for listener in listeners {
            attached = attached.descriptor(listener.try_clone()?);
        }
        let sending = control.send_with(serde_json::to_vec(files)?, attached);
        timeout(PATIENCE, sending).await??;
        expect(control, ACCEPTING).await
    }

    /// Says that this process has stopped to accept, and left the files.
    pub(crate) async fn left(control: &mut Control) -> Result<(), Failure> {
        Ok(control.send(YOURS).await?)
    }
}

async fn hear(control: &mut Control) -> Result<Option<Message>, Failure> {
    Ok(timeout(PATIENCE, control.recv()).await??)
}

async fn expect(control: &mut Control, wanted: &[u8]) -> Result<(), Failure> {
    let wanted_text = String::from_utf8_lossy(wanted);
    match hear(control).await? {
        Some(received) if received == wanted => Ok(()),
        Some(_) => Err(format!("something else than {wanted_text:?} was said").into()),
        None => Err(format!("the other server ended instead of saying {wanted_text:?}").into()),
    }
}

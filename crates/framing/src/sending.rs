//! What the sending sides of stream and packet transports have in common.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_core::Attached;
use tokio::time::Sleep;

use crate::{Error, ErrorKind, Payload};

/// No further message is accepted while so many bytes are unsent.
pub(crate) const HIGH_WATERMARK: usize = 128 * 1024;

/// How long closing waits for the peer's end-of-file.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// Where a sending side stands.
///
/// ```text
///  Open ── poll_close ──> Flushed ── shut down ──> Draining ── peer's end, deadline ──> Closed
///    └─ fatal error ──> Failed
/// ```
#[derive(Debug, Default)]
pub(crate) enum State {
    #[default]
    Open,
    /// All was flushed on the way to closing; nothing more is accepted.
    Flushed,
    /// End-of-file was sent; what the peer still sends is discarded.
    Draining(Pin<Box<Sleep>>),
    Closed,
    Failed(Error),
}

impl State {
    /// Refuses what cannot be accepted, before anything is touched.
    pub(crate) fn admit(
        &self,
        payload: &Payload<'_>,
        attached: &Attached,
        unsent: usize,
        limit: usize,
    ) -> Result<(), Error> {
        match self {
            Self::Open => {}
            Self::Failed(error) => return Err(error.duplicate()),
            _ => return Err(ErrorKind::Closed.into()),
        }
        if !attached.is_empty() {
            let what = match attached.descriptors() {
                [] => "a source address",
                _ => "a descriptor",
            };
            return Err(ErrorKind::NotAttachable { what }.into());
        }
        let length = payload.len();
        if length > limit {
            return Err(ErrorKind::TooLong { length, limit }.into());
        }
        if unsent >= HIGH_WATERMARK {
            return Err(ErrorKind::NotReady.into());
        }
        Ok(())
    }

    /// The fatal error of before, if there was one.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Failed(error) => Err(error.duplicate()),
            _ => Ok(()),
        }
    }

    /// Begins to drain.
    pub(crate) fn draining() -> Self {
        Self::Draining(Box::pin(tokio::time::sleep(CLOSE_DEADLINE)))
    }

    /// Whether draining has taken too long.
    pub(crate) fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Draining(sleep) => sleep.as_mut().poll(cx),
            _ => Poll::Ready(()),
        }
    }
}

/// Flushes what an unsplit transport has not sent yet, as receiving must: whenever it would
/// wait, and before it reports the end, for which it waits. A flush that blocks stops neither
/// messages nor errors.
pub(crate) fn flush_before<T>(
    received: Poll<Result<Option<T>, Error>>,
    flush: impl FnOnce() -> Poll<()>,
    at_end: impl FnOnce() -> Result<Option<T>, Error>,
) -> Poll<Result<Option<T>, Error>> {
    match received {
        Poll::Ready(Ok(Some(_))) => received,
        Poll::Ready(Ok(None)) => flush().map(|()| at_end()),
        Poll::Ready(Err(_)) | Poll::Pending => {
            let _ = flush();
            received
        }
    }
}

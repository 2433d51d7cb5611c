//! What an unsplit wrapper does for its own side before it makes a receiver wait.

use std::fmt;
use std::task::{Context, Poll};

use crate::{Error, SendHalf};

type Flush<T> = fn(&mut T, &mut Context<'_>) -> Poll<Result<(), Error>>;

/// Flushes the transport inside a wrapper where the wrapper, and not the transport, has `recv` wait
/// or fail; a receiving half alone has nothing to flush.
pub(super) struct Drive<T> {
    flush: Option<Flush<T>>,
    kept: Option<Error>,
}

impl<T> Drive<T> {
    /// For a receiving half.
    pub(super) fn nothing() -> Self {
        Self { flush: None, kept: None }
    }

    /// For a whole transport.
    pub(super) fn flushing() -> Self
    where
        T: SendHalf,
    {
        Self { flush: Some(T::poll_flush), kept: None }
    }

    /// Flushes as far as that is possible. A survivable failure is kept for [`report`]; a fatal one
    /// is told again by the transport itself.
    ///
    /// [`report`]: Self::report
    pub(super) fn poll(&mut self, inner: &mut T, cx: &mut Context<'_>) {
        if let Some(flush) = self.flush {
            self.keep(flush(inner, cx));
        }
    }

    /// Keeps what a flush met that nobody asked for.
    pub(super) fn keep(&mut self, flushed: Poll<Result<(), Error>>) {
        if let Poll::Ready(Err(error)) = flushed {
            if !error.is_fatal() {
                self.kept.get_or_insert(error);
            }
        }
    }

    /// What was kept, told once: by the next flush, or before the end of receiving.
    pub(super) fn report(&mut self) -> Result<(), Error> {
        self.kept.take().map_or(Ok(()), Err)
    }

    /// What was kept, for a half that is made of the whole.
    pub(super) fn into_kept(self) -> Option<Error> {
        self.kept
    }

    /// For a half that is made of a whole which had kept this.
    pub(super) fn with_kept(kept: Option<Error>) -> Self {
        Self { flush: None, kept }
    }
}

impl<T> fmt::Debug for Drive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drive").field("kept", &self.kept).finish_non_exhaustive()
    }
}

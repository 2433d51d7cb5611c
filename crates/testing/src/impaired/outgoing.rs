//! The line on which messages leave, in front of a half that sends.

use std::task::{Context, Poll, ready};

use anysock_framing::{AsPayload, Attached, Error, ErrorKind, Payload, SendHalf};

use super::control::reset;
use super::line::Line;

/// No more is taken while so many bytes are unsent, on the line and beneath it: beneath, the
/// bound is 160 KiB.
const UNSENT: usize = 128 * 1024;

#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) line: Line<Attached>,
    closed: bool,
    /// It was said that a message is taken, though what lies beneath may not be ready.
    promised: bool,
    /// What befell a message that had been accepted, or a flush during a `recv`.
    kept: Option<Error>,
    pub(super) sent: u64,
    pub(super) sent_bytes: u64,
}

impl Outgoing {
    pub(super) fn new(line: Line<Attached>) -> Self {
        Self { line, closed: false, promised: false, kept: None, sent: 0, sent_bytes: 0 }
    }

    pub(super) fn poll_ready(
        &mut self,
        inner: &mut impl SendHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if self.closed {
            return Poll::Ready(Ok(()));
        }
        match self.poll_drive(inner, cx) {
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            // What can pass at once needs room beneath.
            Poll::Ready(Ok(())) if self.line.is_free() => {
                self.promised = false;
                return inner.poll_ready(cx);
            }
            Poll::Ready(Ok(())) => {}
            Poll::Pending if self.has_room(inner) => {}
            Poll::Pending => return Poll::Pending,
        }
        self.promised = true;
        Poll::Ready(Ok(()))
    }

    pub(super) fn start_send(
        &mut self,
        inner: &mut impl SendHalf,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        let (length, limit) = (payload.len(), inner.max_message());
        if self.closed {
            return Err(ErrorKind::Closed.into());
        }
        if self.line.control().is_reset() {
            return Err(reset());
        }
        if !self.has_room(inner) {
            return Err(ErrorKind::NotReady.into());
        }
        if length > limit {
            return Err(ErrorKind::TooLong { length, limit }.into());
        }
        let decision = self.line.judge(length);
        if decision.is_plain() && self.line.is_free() && !self.promised {
            // It may refuse the message: then nothing has happened, here either.
            inner.start_send(payload, attached)?;
            self.line.commit(decision, length);
        } else {
            self.promised = false;
            let (bytes, along) = (payload.into_bytes(), attached.take());
            if self.line.commit(decision, length) {
                self.line.hold(&decision, bytes, along);
            }
        }
        self.sent += 1;
        self.sent_bytes += length as u64;
        Ok(())
    }

    pub(super) fn poll_flush(
        &mut self,
        inner: &mut impl SendHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        ready!(self.poll_out(inner, cx))?;
        Poll::Ready(self.kept.take().map_or(Ok(()), Err))
    }

    pub(super) fn poll_close(
        &mut self,
        inner: &mut impl SendHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.closed = true;
        if !self.line.is_empty() {
            ready!(self.poll_beside(inner, cx));
        }
        if self.line.control().is_reset() {
            return Poll::Ready(Err(reset()));
        }
        ready!(inner.poll_close(cx))?;
        Poll::Ready(self.kept.take().map_or(Ok(()), Err))
    }

    /// As [`poll_flush`](Self::poll_flush), while this side is busy receiving: an error is kept.
    pub(super) fn poll_beside(
        &mut self,
        inner: &mut impl SendHalf,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Err(error) = ready!(self.poll_out(inner, cx)) {
            self.kept.get_or_insert(error);
        }
        Poll::Ready(())
    }

    /// Whether a message is taken. Where none waits, what lies beneath decides.
    fn has_room(&self, inner: &impl SendHalf) -> bool {
        let beneath = || self.line.held_bytes() + inner.stats().unsent < UNSENT;
        self.line.is_empty() || self.line.has_room() && beneath()
    }

    /// Gives everything away: what is not due yet is waited for.
    fn poll_out(
        &mut self,
        inner: &mut impl SendHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let driven = self.poll_drive(inner, cx)?;
        let flushed = inner.poll_flush(cx)?;
        if driven.is_ready() { flushed.map(Ok) } else { Poll::Pending }
    }

    /// Hands on what is due, until there is nothing left.
    fn poll_drive(
        &mut self,
        inner: &mut impl SendHalf,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        loop {
            if self.line.control().is_reset() {
                self.line.clear();
                return Poll::Ready(Err(reset()));
            }
            if self.line.is_empty() {
                return Poll::Ready(Ok(()));
            }
            ready!(self.line.poll_due(cx));
            ready!(inner.poll_ready(cx))?;
            let Some(mut parcel) = self.line.pop() else { return Poll::Ready(Ok(())) };
            match inner.start_send(parcel.bytes.as_payload(), &mut parcel.along) {
                Err(error) if error.is_fatal() => return Poll::Ready(Err(error)),
                Err(error) => drop(self.kept.get_or_insert(error)),
                Ok(()) => {}
            }
        }
    }
}

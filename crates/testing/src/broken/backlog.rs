//! Messages that were accepted and wait to be sent, for faults of flushing.

use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use anysock_framing::memory::Memory;
use anysock_framing::{
    AsPayload, Attached, Error, ErrorKind, Guaranteed, Payload, SendHalf, Stats,
};
use bytes::Bytes;

/// The bytes that may wait here.
const WATERMARK: usize = 64 * 1024;

/// A queue in front of the in-memory transport, which has none of its own to be at fault with.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    messages: VecDeque<Bytes>,
    bytes: usize,
}

impl Backlog {
    /// Waits until another message may be pushed.
    pub(super) fn poll_room(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if self.has_room() { Poll::Ready(Ok(())) } else { self.poll_pour(inner, cx) }
    }

    /// Accepts a message, if the transport behind would.
    pub(super) fn push(
        &mut self,
        inner: &Memory,
        payload: Payload<'_>,
        attached: &Attached,
    ) -> Result<(), Error> {
        let (length, limit) = (payload.len(), inner.max_message());
        if length > limit {
            return Err(ErrorKind::TooLong { length, limit }.into());
        }
        if !attached.is_empty() {
            return Err(ErrorKind::NotAttachable { what: "anything", cell: None }.into());
        }
        if !self.has_room() {
            return Err(ErrorKind::NotReady.into());
        }
        self.push_anyway(payload);
        Ok(())
    }

    /// Accepts a message, however many there are.
    pub(super) fn push_anyway(&mut self, payload: Payload<'_>) {
        self.bytes += payload.len();
        self.messages.push_back(payload.into_bytes());
    }

    /// Sends all that waits, but for the last `keep` messages.
    pub(super) fn poll_pour_all_but(
        &mut self,
        keep: usize,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        while self.messages.len() > keep {
            ready!(inner.poll_ready(cx))?;
            let Some(mut message) = self.messages.pop_front() else { break };
            self.bytes -= message.len();
            inner.start_send(message.as_payload(), &mut Attached::nothing())?;
        }
        inner.poll_flush(cx)
    }

    /// Sends all that waits.
    pub(super) fn poll_pour(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.poll_pour_all_but(0, inner, cx)
    }

    /// What the transport says, and what waits here.
    pub(super) fn stats(&self, inner: &Memory) -> Stats {
        inner.stats().merge(Stats { unsent: self.bytes, ..Stats::default() })
    }

    fn has_room(&self) -> bool {
        self.bytes < WATERMARK && self.messages.len() < 256
    }
}

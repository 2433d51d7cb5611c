//! Break law 7: queues without a bound, and buffers without a need.

use std::task::{Context, Poll};

use anysock_framing::memory::Memory;
use anysock_framing::{Attached, Error, Guaranteed, Message, Payload, RecvHalf, Stats};

use super::backlog::Backlog;
use super::fault::Fault;
use crate::conformance::Law;

/// Is always ready: what the peer does not read waits here, all of it.
#[derive(Debug, Default)]
pub struct BuffersAll {
    backlog: Backlog,
}

impl Fault for BuffersAll {
    const NAME: &'static str = "buffers without a bound";
    const BREAKS: Law = Law::Bounded;
    const WORDS: &'static str = "bytes are unsent, the bound is";

    fn stats(&self, inner: &Memory) -> Stats {
        self.backlog.stats(inner)
    }

    fn poll_ready(&mut self, _: &mut Memory, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(
        &mut self,
        _: &mut Memory,
        payload: Payload<'_>,
        _: &mut Attached,
    ) -> Result<(), Error> {
        self.backlog.push_anyway(payload);
        Ok(())
    }

    fn poll_flush(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.backlog.poll_pour(inner, cx)
    }
}

/// Makes room for the longest message when the first one comes, and keeps it.
#[derive(Debug, Default)]
pub struct HoldsMaximum {
    buffer: Vec<u8>,
}

impl Fault for HoldsMaximum {
    const NAME: &'static str = "holds a buffer of the maximum";
    const BREAKS: Law = Law::Bounded;
    const WORDS: &'static str = "bytes are held";

    fn stats(&self, inner: &Memory) -> Stats {
        let held = Stats { held: self.buffer.capacity(), ..Stats::default() };
        inner.stats().merge(held)
    }

    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        self.buffer.reserve(64 * 1024);
        inner.poll_recv(cx)
    }
}

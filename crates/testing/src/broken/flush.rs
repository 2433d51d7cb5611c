//! Break law 6: accepted messages that stay at home.

use std::task::{Context, Poll, ready};

use anysock_framing::memory::Memory;
use anysock_framing::{Attached, Error, Message, Payload, RecvHalf, SendHalf, Stats};

use super::backlog::Backlog;
use super::fault::Fault;
use crate::conformance::Law;

/// What a fault of flushing has in common with the others: a backlog, and what is done with it
/// by `poll_flush` and `poll_recv`.
macro_rules! flushing {
    (
        $(#[$doc:meta])* $name:ident, $text:literal, $words:literal,
        flush: $flush:expr, recv: $recv:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Default)]
        pub struct $name {
            backlog: Backlog,
        }

        impl Fault for $name {
            const NAME: &'static str = $text;
            const BREAKS: Law = Law::Flush;
            const WORDS: &'static str = $words;

            fn stats(&self, inner: &Memory) -> Stats {
                self.backlog.stats(inner)
            }

            fn poll_ready(
                &mut self,
                inner: &mut Memory,
                cx: &mut Context<'_>,
            ) -> Poll<Result<(), Error>> {
                self.backlog.poll_room(inner, cx)
            }

            fn start_send(
                &mut self,
                inner: &mut Memory,
                payload: Payload<'_>,
                attached: &mut Attached,
            ) -> Result<(), Error> {
                self.backlog.push(inner, payload, attached)
            }

            fn poll_flush(
                &mut self,
                inner: &mut Memory,
                cx: &mut Context<'_>,
            ) -> Poll<Result<(), Error>> {
                let flush: fn(&mut Backlog, &mut Memory, &mut Context<'_>) -> _ = $flush;
                flush(&mut self.backlog, inner, cx)
            }

            fn poll_close(
                &mut self,
                inner: &mut Memory,
                cx: &mut Context<'_>,
            ) -> Poll<Result<(), Error>> {
                ready!(self.backlog.poll_pour(inner, cx))?;
                inner.poll_close(cx)
            }

            fn poll_recv(
                &mut self,
                inner: &mut Memory,
                cx: &mut Context<'_>,
            ) -> Poll<Result<Option<Message>, Error>> {
                let recv: fn(&mut Backlog, &mut Memory, &mut Context<'_>) -> _ = $recv;
                recv(&mut self.backlog, inner, cx)
            }
        }
    };
}

/// As the law has it.
fn flush_and_recv(
    backlog: &mut Backlog,
    inner: &mut Memory,
    cx: &mut Context<'_>,
) -> Poll<Result<Option<Message>, Error>> {
    let _ = backlog.poll_pour(inner, cx);
    inner.poll_recv(cx)
}

flushing! {
    /// Keeps the last message until another one follows it.
    KeepsLast, "keeps the last message back", "receiving did not end",
    flush: |backlog, inner, cx| backlog.poll_pour_all_but(1, inner, cx),
    recv: flush_and_recv
}

flushing! {
    /// Waits for messages without sending its own.
    RecvDoesNotFlush, "does not flush while it receives", "receiving did not end",
    flush: Backlog::poll_pour,
    recv: |_, inner, cx| inner.poll_recv(cx)
}

flushing! {
    /// Flushes when it waits, but not before it reports the end.
    ForgetsLastFlush, "forgets the last flush before the end", "the end came, a message was due",
    flush: Backlog::poll_pour,
    recv: |backlog, inner, cx| {
        let received = inner.poll_recv(cx);
        if received.is_pending() {
            let _ = backlog.poll_pour(inner, cx);
        }
        received
    }
}

flushing! {
    /// Does not receive before all its own is out.
    FlushStopsRecv, "does not receive while its flush is blocked", "receiving did not end",
    flush: Backlog::poll_pour,
    recv: |backlog, inner, cx| {
        ready!(backlog.poll_pour(inner, cx))?;
        inner.poll_recv(cx)
    }
}

//! Break law 10: transports that do not let their neighbours run.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll};
use std::thread;

use anysock_framing::memory::{Memory, Options};
use anysock_framing::{Error, Message, RecvHalf};
use tokio::task::coop::unconstrained;

use super::fault::Fault;
use crate::conformance::Law;

type Received = Poll<Result<Option<Message>, Error>>;

/// Hands out messages as long as there are any, and spends none of tokio's budget.
#[derive(Debug, Default)]
pub struct NeverYields;

impl Fault for NeverYields {
    const NAME: &'static str = "never yields";
    const BREAKS: Law = Law::Fair;
    const WORDS: &'static str = "were handed out before a neighbour could run";

    fn options() -> Options {
        Options::default().max_queued(10_000).watermark(1024 * 1024)
    }

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        pin!(unconstrained(poll_fn(|cx| inner.poll_recv(cx)))).poll(cx)
    }
}

/// Asks to be polled again whenever it has to wait.
#[derive(Debug, Default)]
pub struct Spins;

impl Fault for Spins {
    const NAME: &'static str = "spins while it waits";
    const BREAKS: Law = Law::Fair;
    const WORDS: &'static str = "what waits was polled";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        let received = inner.poll_recv(cx);
        if received.is_pending() {
            cx.waker().wake_by_ref();
        }
        received
    }
}

/// Waits inside the poll, and takes the thread with it.
#[derive(Debug, Default)]
pub struct Wedges;

impl Fault for Wedges {
    const NAME: &'static str = "wedges the thread";
    const BREAKS: Law = Law::Fair;
    const WORDS: &'static str = "the thread was wedged";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        let received = inner.poll_recv(cx);
        // Asleep and not in a loop, lest those who are tried after it suffer as well.
        while received.is_pending() {
            thread::park();
        }
        received
    }
}

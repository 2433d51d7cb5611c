//! Break law 5: messages lost, doubled and swapped by a transport that promises otherwise.

use std::task::{Context, Poll};

use anysock_framing::memory::Memory;
use anysock_framing::{
    Attached, Error, Guaranteed, Guarantees, Message, Payload, RecvHalf, SendHalf,
};

use super::backlog::Backlog;
use super::fault::Fault;
use crate::conformance::Law;

type Received = Poll<Result<Option<Message>, Error>>;

/// Claims to be reliable and loses every tenth message.
#[derive(Debug, Default)]
pub struct Loses {
    sent: usize,
}

impl Fault for Loses {
    const NAME: &'static str = "loses every tenth message";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "was lost";

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        self.sent += 1;
        if self.sent % 10 == 0 { Ok(()) } else { inner.start_send(payload, attached) }
    }
}

/// Claims to be ordered and hands out every tenth message twice.
#[derive(Debug, Default)]
pub struct Doubles {
    received: usize,
    again: Option<Message>,
}

impl Fault for Doubles {
    const NAME: &'static str = "hands out every tenth message twice";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "arrived twice or out of order";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        if let Some(again) = self.again.take() {
            return Poll::Ready(Ok(Some(again)));
        }
        let received = inner.poll_recv(cx);
        if let Poll::Ready(Ok(Some(message))) = &received {
            self.received += 1;
            let due = self.received % 10 == 0;
            self.again = due.then(|| message.to_vec().into());
        }
        received
    }
}

/// Claims to be ordered and swaps messages.
#[derive(Debug, Default)]
pub struct Swaps {
    passed_over: Option<Message>,
}

impl Fault for Swaps {
    const NAME: &'static str = "swaps messages";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "message 1 arrived, message 0 was lost";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        if let Some(message) = self.passed_over.take() {
            return Poll::Ready(Ok(Some(message)));
        }
        let first = inner.poll_recv(cx);
        let Poll::Ready(Ok(Some(first))) = first else { return first };
        match inner.poll_recv(cx) {
            Poll::Ready(Ok(Some(second))) => {
                self.passed_over = Some(first);
                Poll::Ready(Ok(Some(second)))
            }
            _ => Poll::Ready(Ok(Some(first))),
        }
    }
}

/// Lets everything be required of it.
#[derive(Debug, Default)]
pub struct ClaimsAll;

impl Fault for ClaimsAll {
    const NAME: &'static str = "meets every requirement by its own word";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "it claims to be end-of-file as well";

    fn guarantees(&self, inner: &Memory) -> Guarantees {
        inner.guarantees() - Guarantees::END_OF_FILE
    }

    fn require(&self, _: &dyn Guaranteed, _: Guarantees) -> Result<(), Error> {
        Ok(())
    }
}

/// Closes without flushing.
#[derive(Debug, Default)]
pub struct ClosesInHaste {
    backlog: Backlog,
}

impl Fault for ClosesInHaste {
    const NAME: &'static str = "closes before what was sent is out";
    const BREAKS: Law = Law::Guarantees;
    const WORDS: &'static str = "the end came, a message was due";

    fn poll_ready(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
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

    fn poll_flush(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.backlog.poll_pour(inner, cx)
    }

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        let _ = self.backlog.poll_pour(inner, cx);
        inner.poll_recv(cx)
    }
}

//! Break law 4: resets that look like an end, ends that do not last, words that get lost.

use std::io;
use std::task::{Context, Poll};

use anysock_framing::memory::Memory;
use anysock_framing::{Attached, Error, Message, Payload, RecvHalf, SendHalf};

use super::fault::Fault;
use crate::conformance::Law;

type Received = Poll<Result<Option<Message>, Error>>;

/// Reports a reset as an orderly end.
#[derive(Debug, Default)]
pub struct ResetIsEnd;

impl Fault for ResetIsEnd {
    const NAME: &'static str = "takes a reset for the end";
    const BREAKS: Law = Law::End;
    const WORDS: &'static str = "receiving after a reset went well";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        match inner.poll_recv(cx) {
            Poll::Ready(Err(error)) if error.is_fatal() => Poll::Ready(Ok(None)),
            other => other,
        }
    }
}

/// A send that fails for good ends receiving, too, whatever is still there.
#[derive(Debug, Default)]
pub struct SendErrorFirst {
    failed: bool,
}

impl Fault for SendErrorFirst {
    const NAME: &'static str = "reports a failed send before the last messages";
    const BREAKS: Law = Law::End;
    const WORDS: &'static str = "receiving failed";

    fn poll_ready(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        inner.poll_ready(cx).map_err(|error| {
            self.failed |= error.is_fatal();
            error
        })
    }

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        inner.start_send(payload, attached).inspect_err(|error| self.failed |= error.is_fatal())
    }

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        if self.failed {
            return Poll::Ready(Err(io::Error::from(io::ErrorKind::ConnectionReset).into()));
        }
        inner.poll_recv(cx)
    }
}

/// Reports the end once, and then waits for ever.
#[derive(Debug, Default)]
pub struct EndsOnce {
    ended: bool,
}

impl Fault for EndsOnce {
    const NAME: &'static str = "reports the end only once";
    const BREAKS: Law = Law::End;
    const WORDS: &'static str = "receiving the end did not end";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        if self.ended {
            return Poll::Pending;
        }
        let received = inner.poll_recv(cx);
        self.ended = matches!(received, Poll::Ready(Ok(None)));
        received
    }
}

//! Break law 9: errors that claim to be survivable, or come out as another kind.

use std::io;
use std::task::{Context, Poll};

use anysock_framing::memory::Memory;
use anysock_framing::{Attached, Error, Message, Payload, RecvHalf, SendHalf};

use super::fault::Fault;
use crate::conformance::Law;

/// Dies of an error that says it survives.
#[derive(Debug, Default)]
pub struct DiesOfRefusal {
    dead: bool,
}

impl Fault for DiesOfRefusal {
    const NAME: &'static str = "dies of a survivable error";
    const BREAKS: Law = Law::Errors;
    const WORDS: &'static str = "after the survivable";

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        if self.dead {
            return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
        }
        inner.start_send(payload, attached).inspect_err(|error| self.dead = !error.is_fatal())
    }
}

/// Calls every refusal a failure of the socket.
#[derive(Debug, Default)]
pub struct Untyped;

impl Fault for Untyped {
    const NAME: &'static str = "has one error for everything";
    const BREAKS: Law = Law::Errors;
    const WORDS: &'static str = "the error says that it is fatal";

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        inner.start_send(payload, attached).map_err(|error| io::Error::other(error).into())
    }
}

/// Reports a fatal error once, and waits for ever when asked again.
#[derive(Debug, Default)]
pub struct HangsAfterFatal {
    failed: bool,
}

impl Fault for HangsAfterFatal {
    const NAME: &'static str = "hangs after a fatal error";
    const BREAKS: Law = Law::Errors;
    const WORDS: &'static str = "receiving after a fatal error did not end";

    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        if self.failed {
            return Poll::Pending;
        }
        let received = inner.poll_recv(cx);
        self.failed = matches!(&received, Poll::Ready(Err(error)) if error.is_fatal());
        received
    }
}

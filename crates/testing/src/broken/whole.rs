//! Break law 2: parts of messages, and messages lost for their length.

use std::task::{Context, Poll};

use anysock_framing::memory::Memory;
use anysock_framing::{
    AsPayload, Attached, Error, ErrorKind, Message, Payload, RecvHalf, SendHalf,
};

use super::fault::Fault;
use crate::conformance::Law;

/// Sends as much of a message as fits.
#[derive(Debug, Default)]
pub struct SendsPart;

impl Fault for SendsPart {
    const NAME: &'static str = "sends the part that fits";
    const BREAKS: Law = Law::Whole;
    const WORDS: &'static str = "an error was due";

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        if payload.len() <= inner.max_message() {
            return inner.start_send(payload, attached);
        }
        let mut bytes = payload.into_bytes();
        bytes.truncate(inner.max_message());
        inner.start_send(bytes.as_payload(), attached)
    }
}

/// Takes a message before it looks whether it is too long.
#[derive(Debug, Default)]
pub struct TakesRefused;

impl Fault for TakesRefused {
    const NAME: &'static str = "takes what it refuses";
    const BREAKS: Law = Law::Whole;
    const WORDS: &'static str = "the refused message was touched";

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        inner.start_send(payload.into_bytes().as_payload(), attached)
    }
}

/// Loses a message that is too long to be received, and says nothing.
#[derive(Debug, Default)]
pub struct HidesTruncated;

impl Fault for HidesTruncated {
    const NAME: &'static str = "hides what was truncated";
    const BREAKS: Law = Law::Whole;
    const WORDS: &'static str = "receiving 101 bytes did not end";

    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        loop {
            match inner.poll_recv(cx) {
                Poll::Ready(Err(error)) if matches!(error.kind(), ErrorKind::Truncated { .. }) => {}
                other => return other,
            }
        }
    }
}

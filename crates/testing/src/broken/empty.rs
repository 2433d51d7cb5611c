//! Break law 3: empty messages taken for the end, or for nothing.

use std::task::{Context, Poll};

use anysock_framing::memory::Memory;
use anysock_framing::{Attached, Error, Message, Payload, RecvHalf, SendHalf};

use super::fault::Fault;
use crate::conformance::Law;

/// Takes a length of 0 for end-of-file, as reading from a seqpacket socket invites to.
#[derive(Debug, Default)]
pub struct EmptyIsEnd;

impl Fault for EmptyIsEnd {
    const NAME: &'static str = "takes an empty message for the end";
    const BREAKS: Law = Law::Empty;
    const WORDS: &'static str = "the end came, a message was due";

    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        inner.poll_recv(cx).map_ok(|message| message.filter(|message| !message.is_empty()))
    }
}

/// Sends nothing where there are no bytes.
#[derive(Debug, Default)]
pub struct SkipsEmpty;

impl Fault for SkipsEmpty {
    const NAME: &'static str = "does not send empty messages";
    const BREAKS: Law = Law::Empty;
    const WORDS: &'static str = "receiving did not end";

    fn start_send(
        &mut self,
        inner: &mut Memory,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        if payload.is_empty() { Ok(()) } else { inner.start_send(payload, attached) }
    }
}

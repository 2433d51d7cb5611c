//! Break law 1: messages merged, split, and cut.

use std::task::{Context, Poll, ready};

use anysock_framing::memory::Memory;
use anysock_framing::{Error, Message, RecvHalf};
use bytes::Bytes;

use super::fault::Fault;
use crate::conformance::Law;

/// What it was about to hand out.
type Received = Poll<Result<Option<Message>, Error>>;

/// Hands out two messages as one where two are there, as a byte stream does.
#[derive(Debug, Default)]
pub struct Merges;

impl Fault for Merges {
    const NAME: &'static str = "merges";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "merged with more";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        let Some(first) = ready!(inner.poll_recv(cx))? else { return Poll::Ready(Ok(None)) };
        let Poll::Ready(Ok(Some(second))) = inner.poll_recv(cx) else {
            return Poll::Ready(Ok(Some(first)));
        };
        Poll::Ready(Ok(Some([&first[..], &second[..]].concat().into())))
    }
}

/// Cuts at 4 KiB, as `recv` with a buffer too small does, and says nothing.
#[derive(Debug, Default)]
pub struct Cuts;

impl Fault for Cuts {
    const NAME: &'static str = "cuts in silence";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "was cut to 4096";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        let cut = |message: Message| {
            let mut bytes = message.into_bytes();
            bytes.truncate(4096);
            bytes.into()
        };
        inner.poll_recv(cx).map_ok(|message| message.map(cut))
    }
}

/// Hands out a long message in two parts.
#[derive(Debug, Default)]
pub struct Splits {
    rest: Option<Bytes>,
}

impl Fault for Splits {
    const NAME: &'static str = "splits";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "was cut to 1000";

    fn poll_recv(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Received {
        if let Some(rest) = self.rest.take() {
            return Poll::Ready(Ok(Some(rest.into())));
        }
        let message = ready!(inner.poll_recv(cx))?;
        Poll::Ready(Ok(message.map(|message| {
            let mut bytes = message.into_bytes();
            if bytes.len() > 1000 {
                self.rest = Some(bytes.split_off(1000));
            }
            bytes.into()
        })))
    }
}

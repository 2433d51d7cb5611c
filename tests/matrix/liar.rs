//! In-memory transports that break one guarantee each.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, ready};

use anysock::framing::memory::{self, Memory};
use anysock::framing::{Halves, Payload};
use anysock::prelude::*;
use anysock::{Attached, Error, Message, Stats};

use crate::observe::{Failure, Link, Open};

/// What is done to messages on the way to who receives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    Honest,
    /// Every tenth is dropped.
    Loses,
    /// Every tenth comes after the one behind it.
    Swaps,
    /// Every tenth comes twice.
    Repeats,
    /// What waits together comes as one.
    Merges,
    /// Those of two bytes and more come in two.
    Splits,
    /// The last byte of those that are long is cut.
    Truncates,
    /// Empty ones are taken for none.
    SkipsEmpty,
    /// The end is kept secret, and so are errors of sending.
    NeverEnds,
    /// The end comes as an error.
    EndsInError,
}

/// A transport that claims what it does not keep.
pub(crate) struct Liar {
    inner: Memory,
    claims: Guarantees,
    fault: Fault,
    count: u64,
    /// To be handed out before anything else.
    next: VecDeque<Message>,
}

/// Opens links between two liars.
pub(crate) struct Liars {
    /// What the client claims, and what its peer does.
    pub(crate) claims: [Guarantees; 2],
    pub(crate) fault: Fault,
    pub(crate) made_first: bool,
}

impl Open for Liars {
    async fn open(&mut self) -> Result<Link, Failure> {
        let (a, b) = memory::pair();
        let [client, peer] = self.claims;
        let liar = |inner, claims| {
            Box::new(Liar { inner, claims, fault: self.fault, count: 0, next: VecDeque::new() })
        };
        Ok(Link { client: liar(a, client), peer: liar(b, peer), made_first: self.made_first })
    }

    fn stop(&mut self) {}
}

impl Liar {
    /// The next message, if it is here already.
    fn ready(&mut self, cx: &mut Context<'_>) -> Option<Message> {
        match self.inner.poll_recv(cx) {
            Poll::Ready(Ok(message)) => message,
            _ => None,
        }
    }

    /// What becomes of a message, to be handed out in this order.
    fn distort(&mut self, message: Message, cx: &mut Context<'_>) -> Vec<Message> {
        self.count += 1;
        let is_tenth = self.count % 10 == 0;
        match self.fault {
            Fault::Loses if is_tenth => vec![],
            Fault::Swaps if is_tenth => self.ready(cx).into_iter().chain([message]).collect(),
            Fault::Repeats if is_tenth => {
                let bytes = message.into_bytes();
                vec![bytes.clone().into(), bytes.into()]
            }
            Fault::Merges => {
                let second = self.ready(cx).unwrap_or_default();
                vec![[&message[..], &second[..]].concat().into()]
            }
            Fault::Splits if message.len() > 1 => {
                let mut bytes = message.into_bytes();
                let head = bytes.split_to(bytes.len() / 2);
                vec![head.into(), bytes.into()]
            }
            Fault::Truncates if message.len() > 4_096 => {
                let bytes = message.into_bytes();
                vec![bytes.slice(..bytes.len() - 1).into()]
            }
            Fault::SkipsEmpty if message.is_empty() => vec![],
            _ => vec![message],
        }
    }

    fn concealed(&self, result: Poll<Result<(), Error>>) -> Poll<Result<(), Error>> {
        match result {
            Poll::Ready(Err(_)) if self.fault == Fault::NeverEnds => Poll::Ready(Ok(())),
            result => result,
        }
    }
}

impl Guaranteed for Liar {
    fn guarantees(&self) -> Guarantees {
        self.claims
    }

    fn stats(&self) -> Stats {
        self.inner.stats()
    }
}

impl SendHalf for Liar {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.inner.poll_ready(cx);
        self.concealed(ready)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        match self.inner.start_send(payload, attached) {
            Err(_) if self.fault == Fault::NeverEnds => Ok(()),
            result => result,
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.inner.poll_flush(cx);
        self.concealed(flushed)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_close(cx)
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

impl RecvHalf for Liar {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            if let Some(message) = self.next.pop_front() {
                return Poll::Ready(Ok(Some(message)));
            }
            let Some(message) = ready!(self.inner.poll_recv(cx))? else {
                return match self.fault {
                    Fault::NeverEnds => Poll::Pending,
                    Fault::EndsInError => {
                        let error = io::Error::from(io::ErrorKind::ConnectionReset);
                        Poll::Ready(Err(error.into()))
                    }
                    _ => Poll::Ready(Ok(None)),
                };
            };
            let distorted = self.distort(message, cx);
            self.next.extend(distorted);
        }
    }
}

impl Transport for Liar {
    fn split_boxed(self: Box<Self>) -> Halves {
        unreachable!("who observes does not split")
    }
}

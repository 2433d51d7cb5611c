//! Break law 8: messages lost and doubled, and wakers forgotten, when a future is dropped.

use std::task::{Context, Poll, Waker, ready};

use anysock_framing::memory::Memory;
use anysock_framing::{AsPayload, Attached, Error, Message, Payload, RecvHalf, SendHalf};
use bytes::Bytes;

use super::fault::Fault;
use crate::conformance::Law;

/// Takes a message in one poll and hands it out in the next; another call in between, as it
/// comes after a dropped `recv`, finds it unclaimed and throws it away.
#[derive(Debug, Default)]
pub struct LosesOnDrop {
    taken: Option<Message>,
}

impl Fault for LosesOnDrop {
    const NAME: &'static str = "loses a message when recv is dropped";
    const BREAKS: Law = Law::CancelSafe;
    const WORDS: &'static str = "was lost";

    fn poll_ready(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.taken = None;
        inner.poll_ready(cx)
    }

    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        if let Some(message) = self.taken.take() {
            return Poll::Ready(Ok(Some(message)));
        }
        let Some(message) = ready!(inner.poll_recv(cx))? else { return Poll::Ready(Ok(None)) };
        self.taken = Some(message);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Sends in one poll and notes in the next that it has; whoever comes in between, as after a
/// dropped `send`, sends it again.
#[derive(Debug, Default)]
pub struct DoublesOnDrop {
    state: Sending,
}

#[derive(Debug, Default)]
enum Sending {
    #[default]
    Idle,
    Accepted(Bytes),
    Unconfirmed(Bytes),
}

impl DoublesOnDrop {
    fn poll_push(
        inner: &mut Memory,
        cx: &mut Context<'_>,
        message: &Bytes,
    ) -> Poll<Result<(), Error>> {
        ready!(inner.poll_ready(cx))?;
        Poll::Ready(inner.start_send(message.clone().as_payload(), &mut Attached::nothing()))
    }
}

impl Fault for DoublesOnDrop {
    const NAME: &'static str = "doubles a message when send is dropped";
    const BREAKS: Law = Law::CancelSafe;
    const WORDS: &'static str = "arrived twice or out of order";

    fn poll_ready(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Sending::Accepted(message) | Sending::Unconfirmed(message) = &self.state {
            ready!(Self::poll_push(inner, cx, message))?;
            self.state = Sending::Idle;
        }
        inner.poll_ready(cx)
    }

    fn start_send(
        &mut self,
        _: &mut Memory,
        payload: Payload<'_>,
        _: &mut Attached,
    ) -> Result<(), Error> {
        self.state = Sending::Accepted(payload.into_bytes());
        Ok(())
    }

    fn poll_flush(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Sending::Accepted(message) = &self.state {
            ready!(Self::poll_push(inner, cx, message))?;
            self.state = Sending::Unconfirmed(message.clone());
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.state = Sending::Idle;
        inner.poll_flush(cx)
    }

    fn poll_close(&mut self, inner: &mut Memory, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.poll_flush(inner, cx))?;
        inner.poll_close(cx)
    }
}

/// Wakes the task that asked first, though another one waits now.
#[derive(Debug, Default)]
pub struct KeepsFirstWaker {
    first: Option<Waker>,
}

impl Fault for KeepsFirstWaker {
    const NAME: &'static str = "wakes the task whose recv was dropped";
    const BREAKS: Law = Law::CancelSafe;
    const WORDS: &'static str = "the task that took over a dropped recv was not woken";

    fn poll_recv(
        &mut self,
        inner: &mut Memory,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        let waker = self.first.get_or_insert_with(|| cx.waker().clone()).clone();
        let received = inner.poll_recv(&mut Context::from_waker(&waker));
        if received.is_ready() {
            self.first = None;
        }
        received
    }
}

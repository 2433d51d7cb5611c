//! Break law 11: halves that wait for each other, or take each other's waker.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use anysock_framing::memory::{Memory, MemoryRecv, MemorySend};
use anysock_framing::{
    Attached, Error, Guaranteed, Guarantees, Halves, Message, Payload, RecvHalf, SendHalf, Stats,
};

use super::fault::Fault;
use crate::conformance::Law;

/// The halves share a lock, which a sender that waits holds on to.
#[derive(Debug, Default)]
pub struct OneLock;

impl Fault for OneLock {
    const NAME: &'static str = "receives nothing while the sender is blocked";
    const BREAKS: Law = Law::Halves;
    const WORDS: &'static str = "receiving did not end";

    fn split(self, inner: Memory) -> Halves {
        let link = Arc::new(Locked::default());
        halves(inner, link)
    }
}

/// The halves share the place where the waiting task is kept: the last one that asks.
#[derive(Debug, Default)]
pub struct OneWaker;

impl Fault for OneWaker {
    const NAME: &'static str = "has one waker for both halves";
    const BREAKS: Law = Law::Halves;
    const WORDS: &'static str = "did not wake";

    fn split(self, inner: Memory) -> Halves {
        halves(inner, Arc::new(LastWaker::default()))
    }
}

/// What the halves wrongly share.
trait Shared: std::fmt::Debug + Send + Sync + 'static {
    /// Around every wait for room.
    fn poll_ready(
        self: &Arc<Self>,
        send: &mut MemorySend,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>;

    /// Around every wait for a message.
    fn poll_recv(
        self: &Arc<Self>,
        recv: &mut MemoryRecv,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>>;
}

#[derive(Debug, Default)]
struct Locked {
    held: AtomicBool,
}

impl Shared for Locked {
    fn poll_ready(
        self: &Arc<Self>,
        send: &mut MemorySend,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let ready = send.poll_ready(cx);
        self.held.store(ready.is_pending(), Ordering::Relaxed);
        ready
    }

    fn poll_recv(
        self: &Arc<Self>,
        recv: &mut MemoryRecv,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        if self.held.load(Ordering::Relaxed) { Poll::Pending } else { recv.poll_recv(cx) }
    }
}

#[derive(Debug, Default)]
struct LastWaker(Mutex<Option<Waker>>);

impl LastWaker {
    /// A waker that wakes whoever asked last.
    fn replace(self: &Arc<Self>, cx: &Context<'_>) -> Waker {
        let waker = Some(cx.waker().clone());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = waker;
        Arc::clone(self).into()
    }
}

impl Wake for LastWaker {
    fn wake(self: Arc<Self>) {
        let waker = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl Shared for LastWaker {
    fn poll_ready(
        self: &Arc<Self>,
        send: &mut MemorySend,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        send.poll_ready(&mut Context::from_waker(&self.replace(cx)))
    }

    fn poll_recv(
        self: &Arc<Self>,
        recv: &mut MemoryRecv,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        recv.poll_recv(&mut Context::from_waker(&self.replace(cx)))
    }
}

fn halves<S: Shared>(inner: Memory, shared: Arc<S>) -> Halves {
    let (send, recv) = inner.split();
    (Box::new(Half(send, Arc::clone(&shared))), Box::new(Half(recv, shared)))
}

#[derive(Debug)]
struct Half<T, S>(T, Arc<S>);

impl<T: Guaranteed, S> Guaranteed for Half<T, S> {
    fn guarantees(&self) -> Guarantees {
        self.0.guarantees()
    }

    fn stats(&self) -> Stats {
        self.0.stats()
    }
}

impl<S: Shared> SendHalf for Half<MemorySend, S> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.1.poll_ready(&mut self.0, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.0.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_close(cx)
    }

    fn max_message(&self) -> usize {
        self.0.max_message()
    }
}

impl<S: Shared> RecvHalf for Half<MemoryRecv, S> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.1.poll_recv(&mut self.0, cx)
    }
}

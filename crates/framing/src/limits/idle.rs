//! A transport that ends when nothing passes for too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock_core::{Attached, Guarantees, Message};
use tokio::time::Instant;

use super::alarm::{self, Alarm};
use crate::{Error, ErrorKind, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};

/// Ends a transport on which nothing passes, in either direction, for too long.
///
/// The error, [`Idle`](ErrorKind::Idle), is fatal for receiving, because a limit after which one
/// could go on would end nothing: who receives again gets it again. Sending and closing still go
/// on, as far as they do not have to wait, so that a farewell can be sent.
///
/// Time counts while somebody waits: from when a call first had to wait after something had passed.
/// What a handler does between two messages is no fault of the peer's. Messages in either
/// direction count, and bytes of a message that has not all gone, or that has not all come as far
/// as its buffer grew. Both halves share one measure. A busy transport notes one flag per
/// message, and looks at the clock once a flush and once a wait; the timer is set when it first waits,
/// and anew only when it rings.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_framing::{ErrorKind, Idle, RecvExt, memory};
///
/// let (_a, b) = memory::pair();
/// let mut b = Idle::new(b, Duration::from_secs(60));
/// let error = b.recv().await.unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Idle { .. }) && error.is_fatal());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Idle<T> {
    inner: T,
    watch: Option<Watch>,
}

impl<T> Idle<T> {
    /// Of a transport or a half, on which nothing passes for `after` at most.
    pub fn new(transport: T, after: Duration) -> Self {
        Self { inner: transport, watch: Some(Watch::new(after)) }
    }

    /// Without a limit: a place in a stack.
    pub(super) fn never(transport: T) -> Self {
        Self { inner: transport, watch: None }
    }

    /// What is limited.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// What was limited, without the limit.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// What one half watches by.
#[derive(Debug)]
struct Watch {
    after: Duration,
    activity: Arc<Activity>,
    alarm: Alarm,
    /// Bytes of unfinished messages, when last looked at.
    seen: (usize, usize),
    /// Something was accepted that no flush has followed.
    is_fed: bool,
    is_closing: bool,
}

/// What both halves share.
#[derive(Debug)]
struct Activity {
    start: Instant,
    /// When something passed last, or a wait began after it, in nanoseconds after the start.
    last: AtomicU64,
    /// Something has passed since anybody waited.
    is_fresh: AtomicBool,
    is_over: AtomicBool,
}

impl Activity {
    /// Something passes now.
    fn note(&self) {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.last.fetch_max(now, Relaxed);
    }

    /// When something passed last.
    fn last(&self) -> Instant {
        if self.is_fresh.load(Relaxed) && self.is_fresh.swap(false, Relaxed) {
            self.note();
        }
        self.start + Duration::from_nanos(self.last.load(Relaxed))
    }
}

impl Watch {
    fn new(after: Duration) -> Self {
        let activity = Activity {
            start: Instant::now(),
            last: AtomicU64::new(0),
            is_fresh: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
        };
        Self::of(after, Arc::new(activity))
    }

    fn of(after: Duration, activity: Arc<Activity>) -> Self {
        let alarm = Alarm::default();
        Self { after, activity, alarm, seen: (0, 0), is_fed: false, is_closing: false }
    }

    fn is_over(&self) -> bool {
        self.activity.is_over.load(Relaxed)
    }

    fn error(&self) -> Error {
        ErrorKind::Idle { after: self.after }.into()
    }

    /// Somebody waits: until nothing has passed for too long.
    fn poll_over(&mut self, cx: &mut Context<'_>, stats: impl Fn() -> Stats) -> Poll<Error> {
        loop {
            let last = self.activity.last();
            ready!(self.alarm.poll_at(cx, alarm::after(last, self.after)));
            let stats = stats();
            let seen = std::mem::replace(&mut self.seen, (stats.unsent, stats.held));
            if seen != self.seen {
                self.activity.note();
            }
            if self.activity.last() == last {
                self.activity.is_over.store(true, Relaxed);
                return Poll::Ready(self.error());
            }
        }
    }
}

impl<T: Guaranteed> Idle<T> {
    /// Ends it, if what was polled is still pending and nothing has passed for too long.
    #[inline]
    fn bound<R>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let Some(watch) = self.watch.as_mut().filter(|_| polled.is_pending()) else {
            return polled;
        };
        if watch.is_over() && !watch.is_closing {
            return Poll::Ready(Err(watch.error()));
        }
        watch.poll_over(cx, || self.inner.stats()).map(Err)
    }

    /// A message was handed out.
    #[inline]
    fn received<R>(
        &mut self,
        cx: &mut Context<'_>,
        received: Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        if let (Some(watch), true) = (&self.watch, received.is_ready()) {
            watch.activity.is_fresh.store(true, Relaxed);
        }
        self.bound(cx, received)
    }

    /// A message was accepted.
    #[inline]
    fn sent(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.is_fed = true;
            watch.activity.is_fresh.store(true, Relaxed);
        }
    }

    /// The error of before: after it, nothing is received.
    fn check(&self) -> Result<(), Error> {
        match &self.watch {
            Some(watch) if watch.is_over() => Err(watch.error()),
            _ => Ok(()),
        }
    }
}

guaranteed_as_within!(Idle);

impl<T: SendHalf> SendHalf for Idle<T> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.inner.poll_ready(cx);
        self.bound(cx, ready)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.inner.start_send(payload, attached)?;
        self.sent();
        Ok(())
    }

    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        let fed = self.inner.poll_feed(cx, payload, attached);
        if matches!(fed, Poll::Ready(Ok(()))) {
            self.sent();
        }
        self.bound(cx, fed)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.inner.poll_flush(cx);
        if let Some(watch) = self.watch.as_mut().filter(|watch| watch.is_fed) {
            if flushed.is_ready() {
                // The other half may wait already, and would take the flag for something later.
                watch.is_fed = false;
                watch.activity.is_fresh.store(false, Relaxed);
                watch.activity.note();
            }
        }
        self.bound(cx, flushed)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if let Some(watch) = self.watch.as_mut().filter(|watch| !watch.is_closing) {
            // An idle transport is closed like any other, for which it has its time again.
            watch.is_closing = true;
            watch.activity.note();
        }
        let closed = self.inner.poll_close(cx);
        self.bound(cx, closed)
    }

    fn abort(&mut self) -> std::io::Result<()> {
        self.inner.abort()
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

impl<T: RecvHalf> RecvHalf for Idle<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.check()?;
        let received = self.inner.poll_recv(cx);
        self.received(cx, received)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        self.check()?;
        let received = self.inner.poll_recv_many(cx, messages, most);
        self.received(cx, received)
    }
}

impl<T: Transport + Send + 'static> Transport for Idle<T> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let Self { inner, watch } = *self;
        let (sending, receiving) = Box::new(inner).split_boxed();
        let Some(watch) = watch else { return (sending, receiving) };
        let other = Watch::of(watch.after, Arc::clone(&watch.activity));
        let sending = Idle { inner: sending, watch: Some(watch) };
        (Box::new(sending), Box::new(Idle { inner: receiving, watch: Some(other) }))
    }
}

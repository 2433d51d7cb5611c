//! A transport on which no single wait is longer than it may be.

use std::task::{Context, Poll};
use std::time::Duration;

use anysock_core::{Attached, Guarantees, Message};
use tokio::time::Instant;

use super::alarm::{self, Alarm};
use crate::{Error, ErrorKind, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};

/// Gives up waiting: for a message, or for room to send.
///
/// The error, [`Deadline`](ErrorKind::Deadline), is survivable: nothing is lost, what was accepted
/// for sending is still to be sent, and the next call waits anew. Who takes it as the end of the
/// connection just returns it.
///
/// The time starts when a call first has to wait, and ends when one no longer has to; a future that
/// is dropped and made anew goes on with the same deadline. Each direction's deadline goes with that
/// half. Closing is bounded while it flushes; how long it then waits for the peer's end is bounded
/// by itself.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_framing::{Deadlines, ErrorKind, RecvExt, SendExt, memory};
///
/// let (mut a, b) = memory::pair();
/// let mut b = Deadlines::new(b).read(Duration::from_secs(5));
/// let error = b.recv().await.unwrap_err();
/// assert!(matches!(error.kind(), ErrorKind::Deadline { .. }) && !error.is_fatal());
/// a.send("late").await?;
/// assert_eq!(b.recv().await?.unwrap(), "late");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Deadlines<T> {
    inner: T,
    read: Wait,
    write: Wait,
}

impl<T> Deadlines<T> {
    /// Of a transport or a half, without a deadline yet.
    pub fn new(transport: T) -> Self {
        Self { inner: transport, read: Wait::default(), write: Wait::default() }
    }

    /// How long receiving waits for a message.
    #[must_use]
    pub fn read(mut self, longest: Duration) -> Self {
        self.read.longest = Some(longest);
        self
    }

    /// How long sending waits for room, and flushing for all to have gone.
    #[must_use]
    pub fn write(mut self, longest: Duration) -> Self {
        self.write.longest = Some(longest);
        self
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

/// The wait of one direction.
#[derive(Debug, Default)]
struct Wait {
    longest: Option<Duration>,
    since: Option<Instant>,
    alarm: Alarm,
}

impl Wait {
    /// Gives up, if what was polled is still pending and has been for too long.
    #[inline]
    fn bound<R>(
        &mut self,
        cx: &mut Context<'_>,
        waiting_for: &'static str,
        polled: Poll<Result<R, Error>>,
    ) -> Poll<Result<R, Error>> {
        let Some(after) = self.longest else { return polled };
        if polled.is_ready() {
            self.since = None;
            return polled;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        self.alarm.poll_at(cx, alarm::after(since, after)).map(|()| {
            self.since = None;
            Err(ErrorKind::Deadline { waiting_for, after }.into())
        })
    }
}

const MESSAGE: &str = "message";
const ROOM: &str = "room to send";

guaranteed_as_within!(Deadlines);

impl<T: SendHalf> SendHalf for Deadlines<T> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = self.inner.poll_ready(cx);
        self.write.bound(cx, ROOM, ready)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.inner.start_send(payload, attached)
    }

    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        let fed = self.inner.poll_feed(cx, payload, attached);
        self.write.bound(cx, ROOM, fed)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.inner.poll_flush(cx);
        self.write.bound(cx, ROOM, flushed)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let closed = self.inner.poll_close(cx);
        if closed.is_pending() && self.inner.stats().unsent == 0 {
            self.write.since = None;
            return closed;
        }
        self.write.bound(cx, ROOM, closed)
    }

    fn abort(&mut self) -> std::io::Result<()> {
        self.inner.abort()
    }

    fn max_message(&self) -> usize {
        self.inner.max_message()
    }
}

impl<T: RecvHalf> RecvHalf for Deadlines<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let received = self.inner.poll_recv(cx);
        self.read.bound(cx, MESSAGE, received)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        let received = self.inner.poll_recv_many(cx, messages, most);
        self.read.bound(cx, MESSAGE, received)
    }
}

impl<T: Transport + Send + 'static> Transport for Deadlines<T> {
    fn split_boxed(self: Box<Self>) -> Halves {
        let Self { inner, read, write } = *self;
        let (mut sending, mut receiving) = Box::new(inner).split_boxed();
        if write.longest.is_some() {
            sending = Box::new(Deadlines { inner: sending, read: Wait::default(), write });
        }
        if read.longest.is_some() {
            receiving = Box::new(Deadlines { inner: receiving, read, write: Wait::default() });
        }
        (sending, receiving)
    }
}

//! What is seen of a connection from outside, while somebody looks: a span, its events, and counters.
//!
//! Who does not look pays nothing: without a subscriber for it, and without the feature `metrics`, a
//! connection is not wrapped at all.

#[cfg(feature = "metrics")]
mod meters;
mod story;

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use anysock_async::{Closed, SocketRef};
use anysock_core::{Attached, Guarantees, Message};
use anysock_framing::{Error, Guaranteed, Halves, Payload, RecvHalf, SendHalf, Stats, Transport};
use tracing::Span;

use self::story::Story;
use crate::Connection;

/// Of which end a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Client,
    Accepted,
    /// Nobody tells.
    Adopted,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Accepted => "accepted",
            Self::Adopted => "adopted",
        }
    }
}

/// A connection, or a half of one, that tells what passes.
#[derive(Debug)]
pub(crate) struct Observed<T: Guaranteed> {
    /// Taken out by splitting alone.
    inner: Option<T>,
    story: Arc<Story>,
    /// From the first poll of closing to its end.
    closing: Option<Span>,
    /// What of the counters was told already.
    #[cfg(feature = "metrics")]
    told: Stats,
}

/// The connection, observed if anybody looks.
pub(crate) fn observe(connection: Connection, endpoint: &dyn Display, end: End) -> Connection {
    match Story::begin(&connection, endpoint, end) {
        Some(story) => Connection::observed(Observed::new(connection, Arc::new(story))),
        None => connection,
    }
}

/// Counts an attempt to connect that has failed.
pub(crate) fn connect_failed() {
    #[cfg(feature = "metrics")]
    meters::connect_failed();
}

/// Counts a connection that a service has refused by this limit.
pub(crate) fn refused(_limit: &'static str) {
    #[cfg(feature = "metrics")]
    meters::refused(_limit);
}

/// Counts a service's handler that has ended like this.
pub(crate) fn handler_ended(_how: &'static str) {
    #[cfg(feature = "metrics")]
    meters::handler_ended(_how);
}

impl Observed<Connection> {
    /// The connection alone, and what goes on to be told of it once it was made into another.
    pub(crate) fn into_parts(mut self) -> (Connection, Telling) {
        self.tell();
        (self.inner.take().expect(HERE), Telling(Arc::clone(&self.story)))
    }
}

/// What is told of a connection while something else is made of it.
pub(crate) struct Telling(Arc<Story>);

impl Telling {
    /// Counts what passed before; what is made of the connection counts anew.
    pub(crate) fn count(&self, before: Stats) {
        self.0.end_with(before);
    }

    /// Of this one from here on.
    pub(crate) fn of(self, connection: Connection) -> Connection {
        Connection::observed(Observed::new(connection, self.0))
    }
}

impl<T: Guaranteed> Observed<T> {
    fn new(inner: T, story: Arc<Story>) -> Self {
        Self {
            #[cfg(feature = "metrics")]
            told: inner.stats(),
            inner: Some(inner),
            story,
            closing: None,
        }
    }

    pub(crate) fn get_ref(&self) -> &T {
        self.inner.as_ref().expect(HERE)
    }

    pub(crate) fn span(&self) -> &Span {
        &self.story.span
    }

    /// Does it within the span.
    fn within<R>(&mut self, work: impl FnOnce(&mut T) -> R) -> R {
        let _entered = self.story.span.enter();
        work(self.inner.as_mut().expect(HERE))
    }

    /// Tells the counters, where there is a moment for it.
    fn tell(&mut self) {
        #[cfg(feature = "metrics")]
        if let Some(inner) = &self.inner {
            let now = inner.stats();
            self.story.meters.count(&self.told, &now);
            self.told = now;
        }
    }
}

/// Nothing is called on it while it is split.
const HERE: &str = "it is taken out by splitting alone";

impl<T: Guaranteed> Drop for Observed<T> {
    fn drop(&mut self) {
        self.tell();
        let Some(inner) = self.inner.take() else { return };
        self.story.end_with(inner.stats());
        let _entered = self.story.span.enter();
        drop(inner);
    }
}

impl<T: Guaranteed> Guaranteed for Observed<T> {
    fn guarantees(&self) -> Guarantees {
        self.get_ref().guarantees()
    }

    fn stats(&self) -> Stats {
        self.get_ref().stats()
    }

    fn closed(&self) -> io::Result<Closed> {
        self.get_ref().closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.get_ref().socket_ref()
    }
}

impl<T: SendHalf> SendHalf for Observed<T> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.within(|inner| inner.poll_ready(cx))
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.within(|inner| inner.start_send(payload, attached))
    }

    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.within(|inner| inner.poll_feed(cx, payload, attached))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let flushed = self.within(|inner| inner.poll_flush(cx));
        self.tell();
        flushed
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let parent = &self.story.span;
        let closing = self.closing.get_or_insert_with(|| story::closing(parent));
        let entered = closing.clone().entered();
        let closed = self.inner.as_mut().expect(HERE).poll_close(cx);
        drop(entered);
        if closed.is_ready() {
            self.closing = None;
            self.tell();
        }
        closed
    }

    fn abort(&mut self) -> io::Result<()> {
        self.within(T::abort)
    }

    fn max_message(&self) -> usize {
        self.get_ref().max_message()
    }
}

impl<T: RecvHalf> RecvHalf for Observed<T> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let received = self.within(|inner| inner.poll_recv(cx));
        if received.is_pending() {
            self.tell();
        }
        received
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        let received = self.within(|inner| inner.poll_recv_many(cx, messages, most));
        self.tell();
        received
    }
}

impl Transport for Observed<Connection> {
    fn split_boxed(mut self: Box<Self>) -> Halves {
        self.tell();
        let (sending, receiving) = self.inner.take().expect(HERE).split();
        let sending = Observed::new(sending, Arc::clone(&self.story));
        let receiving = Observed::new(receiving, Arc::clone(&self.story));
        (Box::new(sending), Box::new(receiving))
    }
}

//! Halves as `Stream` and `Sink` of the futures crates.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anysock_core::{Attached, Message};
use futures_core::{FusedStream, Stream};
use futures_sink::Sink;

use crate::{AsPayload, Error, RecvHalf, SendHalf};

/// Received messages as a [`Stream`]; it ends with the transport, or with its first fatal error.
///
/// Made by [`RecvExt::into_stream`](crate::RecvExt::into_stream).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
/// use futures_util::TryStreamExt;
///
/// let (mut a, b) = memory::pair();
/// a.send("one").await?;
/// a.send("two").await?;
/// drop(a);
/// let messages: Vec<_> = b.into_stream().try_collect().await?;
/// assert_eq!(messages, ["one", "two"]);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct MessageStream<T> {
    half: T,
    ended: bool,
}

/// A sending half as a [`Sink`] of `M`.
///
/// Made by [`SendExt::into_sink`](crate::SendExt::into_sink).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
/// use futures_util::SinkExt;
///
/// let (a, mut b) = memory::pair();
/// let mut sink = a.split().0.into_sink::<String>();
/// sink.send("hello".into()).await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "sinks do nothing unless polled"]
pub struct MessageSink<T, M> {
    half: T,
    message: PhantomData<fn(M)>,
}

impl<T> MessageStream<T> {
    pub(crate) fn new(half: T) -> Self {
        Self { half, ended: false }
    }

    /// What receives.
    pub fn get_ref(&self) -> &T {
        &self.half
    }

    /// What receives.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.half
    }

    /// What receives, taken out; no message is lost.
    pub fn into_inner(self) -> T {
        self.half
    }
}

impl<T, M> MessageSink<T, M> {
    pub(crate) fn new(half: T) -> Self {
        Self { half, message: PhantomData }
    }

    /// What sends.
    pub fn get_ref(&self) -> &T {
        &self.half
    }

    /// What sends.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.half
    }

    /// What sends, taken out; what was not flushed is in it.
    pub fn into_inner(self) -> T {
        self.half
    }
}

// Nothing in here is ever pinned: the traits' methods take `&mut self`.
impl<T> Unpin for MessageStream<T> {}
impl<T, M> Unpin for MessageSink<T, M> {}

impl<T: RecvHalf> Stream for MessageStream<T> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let message = ready!(self.half.poll_recv(cx)).transpose();
        self.ended = match &message {
            None => true,
            Some(Err(error)) => error.is_fatal(),
            Some(Ok(_)) => false,
        };
        Poll::Ready(message)
    }
}

impl<T: RecvHalf> FusedStream for MessageStream<T> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<T: SendHalf, M: AsPayload> Sink<M> for MessageSink<T, M> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.half.poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, mut message: M) -> Result<(), Error> {
        self.half.start_send(message.as_payload(), &mut Attached::nothing())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.half.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.half.poll_close(cx)
    }
}

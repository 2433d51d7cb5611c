//! The async methods on top of the traits, for concrete types and trait objects alike.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use anysock_core::{Attached, Message};

use crate::{Accept, AsPayload, AutoFlush, Error, MessageSink, MessageStream, RecvHalf, SendHalf};

/// Sending, for people.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
///
/// let (mut a, mut b) = memory::pair();
/// a.feed("one").await?;
/// a.feed(String::from("two")).await?;
/// a.flush().await?;
/// assert_eq!(b.recv().await?.unwrap(), "one");
/// assert_eq!(b.recv().await?.unwrap(), "two");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait SendExt: SendHalf {
    /// Waits until another message is taken.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::poll_ready`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: this takes no message.
    fn ready(&mut self) -> Ready<'_, Self> {
        Ready(self)
    }

    /// Sends one message: returns once the kernel has it.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::start_send`] and [`SendHalf::poll_flush`].
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, the message either was not accepted at all, or is sent whole
    /// by a later call; who must know which uses [`ready`](Self::ready) and
    /// [`try_send`](Self::try_send).
    fn send<M: AsPayload>(&mut self, message: M) -> Send<'_, Self, M> {
        self.send_with(message, Attached::nothing())
    }

    /// As [`send`](Self::send), with something attached.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// As [`send`](Self::send); what is attached goes with its message or is dropped with it.
    fn send_with<M: AsPayload>(&mut self, message: M, attached: Attached) -> Send<'_, Self, M> {
        Send { feed: self.feed_with(message, attached) }
    }

    /// Accepts one message and leaves it to a later flush, so that many go out together.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::start_send`] and [`SendHalf::poll_ready`].
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, the message was not accepted.
    fn feed<M: AsPayload>(&mut self, message: M) -> Feed<'_, Self, M> {
        self.feed_with(message, Attached::nothing())
    }

    /// As [`feed`](Self::feed), with something attached.
    ///
    /// # Errors
    ///
    /// As [`feed`](Self::feed).
    ///
    /// # Cancel safety
    ///
    /// As [`feed`](Self::feed).
    fn feed_with<M: AsPayload>(&mut self, message: M, attached: Attached) -> Feed<'_, Self, M> {
        Feed { half: self, message: Some((message, attached)) }
    }

    /// Gives every accepted message to the kernel.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::poll_flush`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: call it again.
    fn flush(&mut self) -> Flush<'_, Self> {
        Flush(self)
    }

    /// Flushes and ends this direction in order, so that what was sent arrives.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::poll_close`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: call it again.
    fn close(&mut self) -> Close<'_, Self> {
        Close(self)
    }

    /// Accepts one message if that is possible at once, and gives it back otherwise. As with
    /// [`feed`](Self::feed), a later flush sends it.
    ///
    /// After [`ready`](Self::ready) it is possible: together they are a send that tells, however
    /// often it is dropped, which messages were accepted.
    ///
    /// # Errors
    ///
    /// The message, and why it was not accepted: [`NotReady`](crate::ErrorKind::NotReady), or
    /// an error of [`SendHalf::poll_ready`] or [`SendHalf::start_send`].
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_framing::{RecvExt, SendExt, memory};
    ///
    /// let (mut a, mut b) = memory::pair();
    /// a.ready().await?; // dropped here, nothing was sent
    /// a.try_send("hello")?;
    /// a.flush().await?; // dropped here, it is sent by a later call
    /// assert_eq!(b.recv().await?.unwrap(), "hello");
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    fn try_send<M: AsPayload>(&mut self, mut message: M) -> Result<(), TrySendError<M>> {
        let mut cx = Context::from_waker(Waker::noop());
        let ready = match self.poll_ready(&mut cx) {
            // It may just have made room, and have others take their turn.
            Poll::Pending => self.poll_ready(&mut cx),
            ready => ready,
        };
        let accepted = match ready {
            Poll::Pending => Err(crate::ErrorKind::NotReady.into()),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) => self.start_send(message.as_payload(), &mut Attached::nothing()),
        };
        accepted.map_err(|error| TrySendError { message, error })
    }

    /// This half, flushed by a task of its own whenever something was fed: see [`AutoFlush`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    fn auto_flush(self) -> AutoFlush<Self>
    where
        Self: Sized + std::marker::Send + 'static,
    {
        AutoFlush::new(self)
    }

    /// This half as a [`Sink`](futures_sink::Sink) of `M`. To have the other half as a stream,
    /// split first.
    fn into_sink<M: AsPayload>(self) -> MessageSink<Self, M>
    where
        Self: Sized,
    {
        MessageSink::new(self)
    }
}

impl<T: SendHalf + ?Sized> SendExt for T {}

/// A message that [`SendExt::try_send`] did not accept, and why.
///
/// ```
/// use anysock_framing::{ErrorKind, SendExt, memory};
///
/// let (mut a, _b) = memory::Options::default().max_message(4).pair();
/// let refused = a.try_send("too long").unwrap_err();
/// assert_eq!(refused.message, "too long");
/// assert!(matches!(refused.error.kind(), ErrorKind::TooLong { .. }));
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct TrySendError<M> {
    /// The message, untouched.
    pub message: M,
    /// Why it was not accepted.
    pub error: Error,
}

/// Receiving, for people.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{RecvExt, SendExt, memory};
///
/// let (mut a, mut b) = memory::pair();
/// a.send("hello").await?;
/// a.close().await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// assert!(b.recv().await?.is_none());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub trait RecvExt: RecvHalf {
    /// Waits for the next message; `None` once the peer has closed in order.
    ///
    /// # Errors
    ///
    /// As [`RecvHalf::poll_recv`].
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no message was taken.
    fn recv(&mut self) -> Recv<'_, Self> {
        Recv(self)
    }

    /// Waits for one message, then appends it and what else is already decoded, at most `most`
    /// messages. Gives how many; 0 at the end.
    ///
    /// # Errors
    ///
    /// As [`RecvHalf::poll_recv_many`].
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no message was taken.
    fn recv_many<'a>(
        &'a mut self,
        messages: &'a mut Vec<Message>,
        most: usize,
    ) -> RecvMany<'a, Self> {
        RecvMany { half: self, messages, most }
    }

    /// The messages as a [`Stream`](futures_core::Stream).
    fn into_stream(self) -> MessageStream<Self>
    where
        Self: Sized,
    {
        MessageStream::new(self)
    }
}

impl<T: RecvHalf + ?Sized> RecvExt for T {}

/// Accepting, for people.
///
/// ```no_run
/// # use anysock_framing::{Accept, AcceptExt, Error};
/// async fn first<A: Accept>(listener: &mut A) -> Result<A::Transport, Error> {
///     listener.accept().await
/// }
/// ```
pub trait AcceptExt: Accept {
    /// Waits for the next peer.
    ///
    /// # Errors
    ///
    /// As [`Accept::poll_accept`].
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no peer was taken.
    fn accept(&mut self) -> Accepting<'_, Self> {
        Accepting(self)
    }
}

impl<T: Accept + ?Sized> AcceptExt for T {}

macro_rules! future {
    ($(#[$doc:meta])* $name:ident: $half:ident, $poll:ident -> $output:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<'a, T: ?Sized>(&'a mut T);

        impl<T: $half + ?Sized> Future for $name<'_, T> {
            type Output = Result<$output, Error>;
            #[inline(always)]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                self.0.$poll(cx)
            }
        }
    };
}

future! {
    /// The future of [`SendExt::ready`].
    Ready: SendHalf, poll_ready -> ()
}
future! {
    /// The future of [`SendExt::flush`].
    Flush: SendHalf, poll_flush -> ()
}
future! {
    /// The future of [`SendExt::close`].
    Close: SendHalf, poll_close -> ()
}
future! {
    /// The future of [`RecvExt::recv`].
    Recv: RecvHalf, poll_recv -> Option<Message>
}
future! {
    /// The future of [`AcceptExt::accept`].
    Accepting: Accept, poll_accept -> T::Transport
}

/// The future of [`RecvExt::recv_many`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct RecvMany<'a, T: ?Sized> {
    half: &'a mut T,
    messages: &'a mut Vec<Message>,
    most: usize,
}

impl<T: RecvHalf + ?Sized> Future for RecvMany<'_, T> {
    type Output = Result<usize, Error>;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { half, messages, most } = &mut *self;
        half.poll_recv_many(cx, messages, *most)
    }
}

/// The future of [`SendExt::feed`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Feed<'a, T: ?Sized, M> {
    half: &'a mut T,
    message: Option<(M, Attached)>,
}

impl<T: ?Sized, M> Unpin for Feed<'_, T, M> {}

impl<T: SendHalf + ?Sized, M: AsPayload> Future for Feed<'_, T, M> {
    type Output = Result<(), Error>;
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { half, message } = &mut *self;
        let Some((payload, attached)) = message else { return Poll::Ready(Ok(())) };
        let fed = ready!(half.poll_feed(cx, payload.as_payload(), attached));
        *message = None;
        Poll::Ready(fed)
    }
}

/// The future of [`SendExt::send`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Send<'a, T: ?Sized, M> {
    feed: Feed<'a, T, M>,
}

impl<T: ?Sized, M> Unpin for Send<'_, T, M> {}

impl<T: SendHalf + ?Sized, M: AsPayload> Future for Send<'_, T, M> {
    type Output = Result<(), Error>;
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.feed.message.is_some() {
            ready!(Pin::new(&mut self.feed).poll(cx))?;
        }
        self.feed.half.poll_flush(cx)
    }
}

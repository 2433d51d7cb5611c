//! Values instead of bytes, over any transport.

#[cfg(feature = "serde")]
mod json;
#[cfg(feature = "serde")]
mod postcard;
#[cfg(feature = "prost")]
mod protobuf;

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anysock_core::{Attached, Guarantees};
use bytes::BytesMut;
use futures_core::Stream;
use futures_sink::Sink;

use crate::{AsPayload as _, Error, ErrorKind, RecvExt as _, RecvHalf, SendHalf};

#[cfg(feature = "serde")]
pub use self::json::Json;
#[cfg(feature = "serde")]
pub use self::postcard::Postcard;
#[cfg(feature = "prost")]
pub use self::protobuf::Protobuf;

/// Why a format could not write or read a value.
type Reason = Box<dyn std::error::Error + Send + Sync>;

/// A block that grew beyond this is let go of once it is sent.
const KEPT: usize = 8 * 1024;

/// How values of type `M` are written as messages.
///
/// ```
/// use anysock_framing::{Decode, Encode};
/// use bytes::BytesMut;
///
/// /// Numbers, in decimal.
/// #[derive(Clone, Copy, Debug)]
/// struct Decimal;
///
/// impl Encode<u64> for Decimal {
///     fn name(&self) -> &'static str {
///         "a decimal number"
///     }
///     fn encode(&self, value: &u64, into: &mut BytesMut) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///         into.extend_from_slice(value.to_string().as_bytes());
///         Ok(())
///     }
/// }
///
/// impl Decode<u64> for Decimal {
///     fn name(&self) -> &'static str {
///         "a decimal number"
///     }
///     fn decode(&self, bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error + Send + Sync>> {
///         Ok(std::str::from_utf8(bytes)?.parse()?)
///     }
/// }
/// ```
pub trait Encode<M> {
    /// What it is called in errors.
    fn name(&self) -> &'static str;

    /// Appends the value to `into`.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way; nothing of the value is sent.
    fn encode(&self, value: &M, into: &mut BytesMut) -> Result<(), Reason>;
}

/// How messages are read as values of type `M`: see [`Encode`] for an example.
pub trait Decode<M> {
    /// What it is called in errors.
    fn name(&self) -> &'static str;

    /// The value that all of these bytes are.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes; only this message is lost.
    fn decode(&self, bytes: &[u8]) -> Result<M, Reason>;
}

/// Sends values of type `S` and receives values of type `R`, one by one message, over any transport or
/// half of one.
///
/// The format is `F`: with the feature `serde` `Json` and `Postcard`, with `prost` `Protobuf`, or one of
/// your own. It is also a [`Stream`] of received values and a [`Sink`] of sent ones. What is
/// received is as long as the transport's maximum at most, and a message that cannot be read is lost
/// alone: [`Unreadable`](ErrorKind::Unreadable) is survivable. Over a transport that does not keep
/// [boundaries](Guarantees::BOUNDARIES) a value may come in pieces, each of which may look like another
/// one: it is refused with [`Unmet`](ErrorKind::Unmet), in both directions. Up to 8 KiB are kept to write the next value
/// to. Descriptors that come along with a message are closed: values have none.
///
/// ```
/// # #[cfg(feature = "serde")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{Json, Typed, memory};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct Point { x: i32, y: i32 }
///
/// let (a, b) = memory::pair();
/// let mut a: Typed<_, Json, Point> = Typed::new(a, Json);
/// let mut b: Typed<_, Json, Point> = Typed::new(b, Json);
/// a.send(&Point { x: 1, y: 2 }).await?;
/// assert_eq!(b.recv().await?, Some(Point { x: 1, y: 2 }));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct Typed<T, F, S, R = S> {
    transport: T,
    format: F,
    /// Of a value that is being written.
    block: BytesMut,
    ended: bool,
    values: PhantomData<fn(S) -> R>,
}

impl<T, F, S, R> Typed<T, F, S, R> {
    /// Values in this format over `transport`.
    pub fn new(transport: T, format: F) -> Self {
        let (block, values) = (BytesMut::new(), PhantomData);
        Self { transport, format, block, ended: false, values }
    }

    /// What carries the values.
    pub fn get_ref(&self) -> &T {
        &self.transport
    }

    /// What carries the values.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    /// What carries the values, taken out; nothing is lost.
    pub fn into_inner(self) -> T {
        self.transport
    }
}

impl<T: SendHalf, F: Encode<S>, S, R> Typed<T, F, S, R> {
    /// Sends one value: returns once the kernel has it.
    ///
    /// # Errors
    ///
    /// [`Unwritable`](ErrorKind::Unwritable) and [`Unmet`](ErrorKind::Unmet), which are survivable; else as
    /// [`SendExt::send`](crate::SendExt::send).
    ///
    /// # Cancel safety
    ///
    /// As [`SendExt::send`](crate::SendExt::send): the value was not accepted at all, or is sent whole
    /// by a later call.
    pub async fn send(&mut self, value: &S) -> Result<(), Error> {
        self.feed(value).await?;
        self.flush().await
    }

    /// Accepts one value and leaves it to a later flush.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, the value was not accepted.
    pub async fn feed(&mut self, value: &S) -> Result<(), Error> {
        poll_fn(|cx| self.transport.poll_ready(cx)).await?;
        self.accept(value)
    }

    /// Gives every accepted value to the kernel.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::poll_flush`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: call it again.
    pub async fn flush(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.transport.poll_flush(cx)).await
    }

    /// Flushes and ends this direction in order.
    ///
    /// # Errors
    ///
    /// As [`SendHalf::poll_close`].
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost: call it again.
    pub async fn close(&mut self) -> Result<(), Error> {
        poll_fn(|cx| self.transport.poll_close(cx)).await
    }

    fn accept(&mut self, value: &S) -> Result<(), Error> {
        self.transport.require(Guarantees::BOUNDARIES)?;
        self.block.clear();
        let accepted = match self.format.encode(value, &mut self.block) {
            Ok(()) => {
                let mut message = &self.block[..];
                self.transport.start_send(message.as_payload(), &mut Attached::nothing())
            }
            Err(source) => Err(ErrorKind::Unwritable { format: self.format.name(), source }.into()),
        };
        if self.block.capacity() > KEPT {
            self.block = BytesMut::new();
        }
        accepted
    }
}

impl<T: RecvHalf, F: Decode<R>, S, R> Typed<T, F, S, R> {
    /// Waits for the next value; `None` once the peer has closed in order.
    ///
    /// # Errors
    ///
    /// [`Unreadable`](ErrorKind::Unreadable) and [`Unmet`](ErrorKind::Unmet), which are survivable; else as
    /// [`RecvExt::recv`](crate::RecvExt::recv).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no value was taken.
    pub async fn recv(&mut self) -> Result<Option<R>, Error> {
        self.transport.require(Guarantees::BOUNDARIES)?;
        let message = self.transport.recv().await?;
        message.map(|message| self.read(&message)).transpose()
    }

    fn read(&self, message: &[u8]) -> Result<R, Error> {
        self.format.decode(message).map_err(|source| {
            let (format, length) = (self.format.name(), message.len());
            ErrorKind::Unreadable { format, length, source }.into()
        })
    }
}

// Nothing in here is ever pinned: the traits' methods take `&mut self`.
impl<T, F, S, R> Unpin for Typed<T, F, S, R> {}

impl<T: fmt::Debug, F: fmt::Debug, S, R> fmt::Debug for Typed<T, F, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Typed");
        shown.field("transport", &self.transport).field("format", &self.format).finish()
    }
}

/// Ends with the transport, or with its first fatal error.
impl<T: RecvHalf, F: Decode<R>, S, R> Stream for Typed<T, F, S, R> {
    type Item = Result<R, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Err(unmet) = self.transport.require(Guarantees::BOUNDARIES) {
            self.ended = true;
            return Poll::Ready(Some(Err(unmet)));
        }
        let received = ready!(self.transport.poll_recv(cx));
        self.ended = match &received {
            Ok(message) => message.is_none(),
            Err(error) => error.is_fatal(),
        };
        Poll::Ready(match received {
            Ok(message) => message.map(|message| self.read(&message)),
            Err(error) => Some(Err(error)),
        })
    }
}

impl<T: SendHalf, F: Encode<S>, S, R> Sink<S> for Typed<T, F, S, R> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport.poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, value: S) -> Result<(), Error> {
        self.accept(&value)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport.poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.transport.poll_close(cx)
    }
}

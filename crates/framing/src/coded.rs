//! The encoders and decoders of tokio-util, over any transport.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use anysock_core::{Attached, Guarantees, Message};
use bytes::BytesMut;
use futures_core::Stream;
use futures_sink::Sink;
use tokio_util::codec::{Decoder, Encoder};

use crate::turn::Turns;
use crate::{AsPayload as _, Error, ErrorKind, RecvHalf, SendHalf};

/// How many bytes may wait for a decoder, unless it is told otherwise.
const DEFAULT_MAX: usize = 1024 * 1024;

/// A block that grew beyond this is let go of once what it held is done with.
const KEPT: usize = 8 * 1024;

/// Any `Encoder` and `Decoder` of `tokio_util::codec` over any transport or half of one.
///
/// - Where the transport keeps [boundaries](Guarantees::BOUNDARIES), each item is sent as one message,
///   and each message is decoded by itself, to its end (`decode_eof`), as `UdpFramed` does. What the
///   decoder refuses costs its message alone: for the next one it is as it was at first.
/// - Over [`Unframed`](crate::Unframed), where bytes come as they like, items are whatever the codec
///   makes of the stream, as `tokio_util::codec::Framed` does: the peer may be one of those. An error
///   of the decoder ends it.
///
/// A message of which the decoder makes nothing is skipped: with `BytesCodec`, an empty one. What comes
/// along with a message is not handed on, and descriptors are closed.
///
/// So one handler serves a line protocol over TCP and over datagrams. At most 1 MiB wait for the
/// decoder to make something of them, unless [`max`](Self::max) says otherwise; beside that, 8 KiB are
/// kept in each direction. Needs the feature `tokio-util`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::StreamSocket;
/// use anysock_framing::{Coded, Framed, Unframed};
/// use tokio_util::codec::LinesCodec;
///
/// let (a, b) = StreamSocket::pair()?;
/// let mut a = Coded::new(Framed::new(a, Unframed::new()), LinesCodec::new());
/// let mut b = Coded::new(Framed::new(b, Unframed::new()), LinesCodec::new());
/// a.send("hello").await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Coded<T, C> {
    transport: T,
    codec: C,
    /// As the codec was at first: what it is after a datagram that it could make nothing of.
    fresh: C,
    received: BytesMut,
    /// The block of what was received has grown beyond [`KEPT`].
    is_large: bool,
    max: usize,
    state: State,
    turns: Turns,
    /// Of an item that is being written.
    block: BytesMut,
}

/// ```text
///   Waiting ──> Decoding ──> Waiting        a message, or a piece of the stream
///      └──────> Ending ────> Ended          the stream's end, or a fatal error
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// For bytes.
    Waiting,
    /// There are bytes that may make an item.
    Decoding,
    /// No more bytes come.
    Ending,
    /// Nothing comes any more.
    Ended,
}

/// An item of a decoder, the end, or an error.
type Received<C> = Result<Option<<C as Decoder>::Item>, CodedError<<C as Decoder>::Error>>;

/// An error of a [`Coded`]: the transport's, or the codec's.
///
/// ```
/// use anysock_framing::{CodedError, ErrorKind};
/// use tokio_util::codec::LinesCodecError;
///
/// let error = CodedError::Codec(LinesCodecError::MaxLineLengthExceeded);
/// assert_eq!(error.to_string(), "max line length exceeded");
/// let error: CodedError<LinesCodecError> = CodedError::Transport(ErrorKind::Closed.into());
/// assert!(error.to_string().contains("closed for sending"));
/// ```
#[derive(Debug, thiserror::Error)]
pub enum CodedError<E> {
    /// Of the transport.
    #[error(transparent)]
    Transport(#[from] Error),
    /// Of the encoder or decoder.
    #[error("{0}")]
    Codec(E),
}

impl<T, C> Coded<T, C> {
    /// Items of `codec` over `transport`.
    pub fn new(transport: T, codec: C) -> Self
    where
        C: Clone,
    {
        Self {
            transport,
            fresh: codec.clone(),
            codec,
            received: BytesMut::new(),
            is_large: false,
            max: DEFAULT_MAX,
            state: State::Waiting,
            turns: Turns::default(),
            block: BytesMut::new(),
        }
    }

    /// How many bytes of a stream may wait for the decoder to make an item of them. More end it, with
    /// [`Oversize`](ErrorKind::Oversize).
    #[must_use]
    pub fn max(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    /// What carries the items.
    pub fn get_ref(&self) -> &T {
        &self.transport
    }

    /// The codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// What carried the items, the codec, and the bytes that were received and made no item.
    pub fn into_parts(self) -> (T, C, BytesMut) {
        (self.transport, self.codec, self.received)
    }
}

impl<T: SendHalf, C> Coded<T, C> {
    /// Sends one item: returns once the kernel has it.
    ///
    /// # Errors
    ///
    /// Those of the encoder, after which nothing of the item was sent; else as
    /// [`SendExt::send`](crate::SendExt::send).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, the item was not accepted, and is gone, or is sent whole by a later
    /// call.
    pub async fn send<I>(&mut self, item: I) -> Result<(), CodedError<C::Error>>
    where
        C: Encoder<I>,
    {
        self.feed(item).await?;
        self.flush().await.map_err(CodedError::Transport)
    }

    /// Accepts one item and leaves it to a later flush.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, the item was not accepted, and is gone.
    pub async fn feed<I>(&mut self, item: I) -> Result<(), CodedError<C::Error>>
    where
        C: Encoder<I>,
    {
        poll_fn(|cx| self.transport.poll_ready(cx)).await?;
        self.accept(item)
    }

    /// Gives every accepted item to the kernel.
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

    fn accept<I>(&mut self, item: I) -> Result<(), CodedError<C::Error>>
    where
        C: Encoder<I>,
    {
        self.block.clear();
        let accepted = match self.codec.encode(item, &mut self.block) {
            Ok(()) if self.is_stream() && self.block.is_empty() => Ok(()), // an item of no bytes
            Ok(()) => {
                let mut message = &self.block[..];
                let nothing = &mut Attached::nothing();
                self.transport.start_send(message.as_payload(), nothing).map_err(CodedError::from)
            }
            Err(error) => Err(CodedError::Codec(error)),
        };
        if self.block.capacity() > KEPT {
            self.block = BytesMut::new();
        }
        accepted
    }

    fn is_stream(&self) -> bool {
        !self.transport.guarantees().contains(Guarantees::BOUNDARIES)
    }
}

impl<T: RecvHalf, C: Decoder + Clone> Coded<T, C> {
    /// Waits for the next item; `None` once the peer has closed in order.
    ///
    /// # Errors
    ///
    /// Those of the decoder, with which a stream ends; else as
    /// [`RecvExt::recv`](crate::RecvExt::recv).
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, no item was taken.
    pub async fn recv(&mut self) -> Received<C> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Received<C>> {
        let is_stream = !self.transport.guarantees().contains(Guarantees::BOUNDARIES);
        loop {
            match self.state {
                State::Waiting => match ready!(self.poll_message(cx)) {
                    Ok(Some(message)) => {
                        self.received.extend_from_slice(&message);
                        self.is_large |= self.received.capacity() > KEPT;
                        self.state = State::Decoding;
                    }
                    Ok(None) => self.state = State::Ending,
                    Err(error) => {
                        if error.is_fatal() {
                            self.state = State::Ended;
                        }
                        return Poll::Ready(Err(error.into()));
                    }
                },
                State::Decoding if is_stream => {
                    // As each message does, for one piece may hold a hundred thousand of these.
                    let spent = ready!(self.turns.poll(cx));
                    match self.codec.decode(&mut self.received) {
                        Ok(Some(item)) => {
                            spent.made_progress();
                            return Poll::Ready(Ok(Some(item)));
                        }
                        Ok(None) => self.state = State::Waiting,
                        Err(error) => return Poll::Ready(Err(self.end(CodedError::Codec(error)))),
                    }
                    let (length, limit) = (self.received.len() as u64, self.max);
                    if self.received.len() > limit {
                        let oversize = Error::from(ErrorKind::Oversize { length, limit });
                        return Poll::Ready(Err(self.end(oversize.into())));
                    }
                }
                // Datagrams are whole: there is nothing to come that could complete one.
                State::Decoding => match self.codec.decode_eof(&mut self.received) {
                    Ok(Some(item)) => return Poll::Ready(Ok(Some(item))),
                    found => {
                        self.received.clear();
                        self.state = State::Waiting;
                        if let Err(error) = found {
                            self.codec = self.fresh.clone();
                            return Poll::Ready(Err(CodedError::Codec(error)));
                        }
                    }
                },
                State::Ending => match self.codec.decode_eof(&mut self.received) {
                    Ok(Some(item)) => return Poll::Ready(Ok(Some(item))),
                    Ok(None) => self.state = State::Ended,
                    Err(error) => return Poll::Ready(Err(self.end(CodedError::Codec(error)))),
                },
                State::Ended => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// Waits for bytes. Where none wait for the decoder, no more than [`KEPT`] of room do meanwhile.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        // A decoder may have asked for room, and what was split off shares it all.
        self.is_large |= self.received.capacity() > KEPT;
        if self.is_large && self.received.is_empty() {
            self.received = BytesMut::new();
            self.is_large = false;
        }
        self.transport.poll_recv(cx)
    }

    /// Ends it by this.
    fn end(&mut self, error: CodedError<C::Error>) -> CodedError<C::Error> {
        self.received = BytesMut::new();
        self.state = State::Ended;
        error
    }
}

// Nothing in here is ever pinned: the traits' methods take `&mut self`.
impl<T, C> Unpin for Coded<T, C> {}

/// Ends with the transport, or with its first fatal error.
impl<T: RecvHalf, C: Decoder + Clone> Stream for Coded<T, C> {
    type Item = Result<C::Item, CodedError<C::Error>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_recv(cx).map(Result::transpose)
    }
}

impl<T: SendHalf, C: Encoder<I>, I> Sink<I> for Coded<T, C> {
    type Error = CodedError<C::Error>;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.transport.poll_ready(cx).map_err(CodedError::Transport)
    }

    fn start_send(mut self: Pin<&mut Self>, item: I) -> Result<(), Self::Error> {
        self.accept(item)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.transport.poll_flush(cx).map_err(CodedError::Transport)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.transport.poll_close(cx).map_err(CodedError::Transport)
    }
}

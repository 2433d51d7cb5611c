//! Stream → messages: a codec over a byte stream.

mod frames;
mod incoming;

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_async::{Closed, SocketRef};
use anysock_core::{Attached, ConvertError, Guarantees, Message};

use self::frames::Frames;
use self::incoming::Incoming;
use crate::fate::Fate;
use crate::sending::{Queue, Sending};
use crate::{
    ByteRecv, ByteSend, ByteStream, Codec, Error, Guaranteed, Halves, Payload, RecvHalf, SendHalf,
    Stats, Transport,
};

/// What a framed stream promises: what a stream does, and boundaries.
const PROMISED: Guarantees = Guarantees::RELIABLE
    .with(Guarantees::ORDERED)
    .with(Guarantees::BOUNDARIES)
    .with(Guarantees::CONNECTION_ORIENTED)
    .with(Guarantees::END_OF_FILE);

/// What is promised with this codec.
fn promised(codec: &impl Codec) -> Guarantees {
    if codec.keeps_boundaries() { PROMISED } else { PROMISED - Guarantees::BOUNDARIES }
}

/// A transport over a byte stream, whose messages a codec marks.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::StreamSocket;
/// use anysock_framing::{Delimited, Framed, RecvExt, SendExt};
///
/// let (a, b) = StreamSocket::pair()?;
/// let mut a = Framed::new(a, Delimited::lines());
/// let mut b = Framed::new(b, Delimited::lines());
/// a.send("hello").await?;
/// assert_eq!(b.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Framed<S, C> {
    io: S,
    outgoing: Sending<Frames<C>>,
    incoming: Incoming<C>,
    fate: Fate,
}

/// The sending half of a [`Framed`].
///
/// ```
/// # fn split<S: anysock_framing::ByteStream>(
/// #     framed: anysock_framing::Framed<S, anysock_framing::Fixed>) {
/// let (sending, receiving): (anysock_framing::FramedSend<_, _>, anysock_framing::FramedRecv<_, _>) =
///     framed.split();
/// # }
/// ```
#[derive(Debug)]
pub struct FramedSend<W, C> {
    io: W,
    outgoing: Sending<Frames<C>>,
    fate: Arc<Fate>,
}

/// The receiving half of a [`Framed`].
///
/// ```
/// # fn split<S: anysock_framing::ByteStream>(
/// #     framed: anysock_framing::Framed<S, anysock_framing::Fixed>) {
/// let (_, receiving) = framed.split();
/// # }
/// ```
#[derive(Debug)]
pub struct FramedRecv<R, C> {
    io: R,
    incoming: Incoming<C>,
    fate: Arc<Fate>,
}

impl<S: ByteStream, C: Codec + Clone> Framed<S, C> {
    /// Frames `stream` by `codec`. Nothing must have been read from the stream before that
    /// belongs to a message.
    pub fn new(stream: S, codec: C) -> Self {
        let frames = Frames::new(codec.clone(), stream.carries());
        Self {
            io: stream,
            outgoing: Sending::new(frames),
            incoming: Incoming::new(codec),
            fate: Fate::default(),
        }
    }

    /// Takes the transport apart into halves that never wait for each other.
    pub fn split(self) -> (FramedSend<S::Send, C>, FramedRecv<S::Recv, C>) {
        let (receiving, sending) = self.io.split();
        let fate = Arc::new(self.fate);
        let sending = FramedSend { io: sending, outgoing: self.outgoing, fate: Arc::clone(&fate) };
        (sending, FramedRecv { io: receiving, incoming: self.incoming, fate })
    }
}

impl<S, C> Framed<S, C> {
    /// Sends before it waits, and before it tells how all has `ended`.
    #[inline(never)]
    fn poll_before(
        &mut self,
        ended: Poll<Result<(), Error>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>>
    where
        S: ByteStream,
        C: Codec,
    {
        self.outgoing.poll_before(ended, &mut self.io, &self.fate, cx)
    }

    /// The stream underneath. Reading from it or writing to it puts messages out of step.
    pub fn stream(&self) -> &S {
        &self.io
    }

    /// How messages are marked.
    pub fn codec(&self) -> &C
    where
        C: Codec,
    {
        self.incoming.codec()
    }

    /// The stream taken out, to be upgraded (TLS) or to be spoken otherwise: before the first
    /// message, or between two of which the peer knows that nothing follows the first.
    ///
    /// # Errors
    ///
    /// Gives this back if the stream is not between two messages: bytes have been received that
    /// belong to the next one (a peer that sends on in plain text, where the upgrade would begin,
    /// must not have that taken for what is said after it), messages are unsent, or it has ended.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::StreamSocket;
    /// use anysock_framing::{Delimited, Framed, RecvExt, SendExt};
    /// use tokio::io::AsyncWriteExt;
    ///
    /// let (near, mut far) = StreamSocket::pair()?;
    /// let mut near = Framed::new(near, Delimited::lines());
    /// far.write_all(b"STARTTLS\n").await?;
    /// assert_eq!(near.recv().await?.unwrap(), "STARTTLS");
    /// near.send("go ahead").await?;
    /// let _socket: StreamSocket = near.into_stream()?;
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn into_stream(self) -> Result<S, ConvertError<Self>>
    where
        C: Codec,
    {
        let why = match (self.outgoing.is_open(), self.outgoing.queue.is_flushed()) {
            (true, true) => self.incoming.is_between().err(),
            (true, false) => Some("messages are unsent that would be lost; flush them first"),
            (false, _) => Some("its sending side is closed or has failed"),
        };
        match why {
            None => Ok(self.io),
            Some(why) => {
                let what = format!("the stream cannot be taken from under its messages: {why}");
                let error = io::Error::new(io::ErrorKind::InvalidInput, what);
                Err(ConvertError::new(self, error))
            }
        }
    }
}

impl<S: ByteStream, C: Codec> Guaranteed for Framed<S, C> {
    fn guarantees(&self) -> Guarantees {
        promised(&self.incoming.codec)
    }

    fn stats(&self) -> Stats {
        let sending = self.outgoing.stats().with_send_calls(self.io.send_calls());
        sending.merge(self.incoming.stats().with_receive_calls(self.io.receive_calls()))
    }

    fn closed(&self) -> io::Result<Closed> {
        ByteRecv::closed(&self.io)
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        ByteRecv::socket_ref(&self.io)
    }
}

impl<S: ByteStream, C: Codec> SendHalf for Framed<S, C> {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    #[inline(always)]
    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    #[inline(always)]
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.outgoing.poll_feed(payload, attached, &mut self.io, &self.fate, cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { io, outgoing, incoming, fate } = self;
        outgoing.poll_close(io, fate, cx, || incoming.end())
    }

    fn abort(&mut self) -> io::Result<()> {
        self.outgoing.abort(&self.fate, self.io.abort())
    }

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<S: ByteStream, C: Codec> RecvHalf for Framed<S, C> {
    #[inline(always)]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let spent = ready!(self.incoming.poll_turn(cx));
        let ended = match self.incoming.poll_recv(&mut self.io, &self.fate, spent, cx) {
            Poll::Ready(Ok(Some(message))) => return Poll::Ready(Ok(Some(message))),
            Poll::Ready(Ok(None)) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        };
        self.poll_before(ended, cx).map_ok(|()| None)
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let first = self.poll_recv(cx);
        self.incoming.gather(first, messages, most)
    }
}

impl<S, C> Transport for Framed<S, C>
where
    S: ByteStream,
    C: Codec + Clone + Send + 'static,
{
    fn split_boxed(self: Box<Self>) -> Halves {
        let (sending, receiving) = self.split();
        (Box::new(sending), Box::new(receiving))
    }
}

impl<W: ByteSend, C: Codec> Guaranteed for FramedSend<W, C> {
    fn guarantees(&self) -> Guarantees {
        promised(&self.outgoing.queue.codec)
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats().with_send_calls(self.io.send_calls())
    }

    fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.io.socket_ref()
    }
}

impl<W: ByteSend, C: Codec> SendHalf for FramedSend<W, C> {
    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    #[inline(always)]
    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    #[inline(always)]
    fn poll_feed(
        &mut self,
        cx: &mut Context<'_>,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Poll<Result<(), Error>> {
        self.outgoing.poll_feed(payload, attached, &mut self.io, &self.fate, cx)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, || true)
    }

    fn abort(&mut self) -> io::Result<()> {
        self.outgoing.abort(&self.fate, self.io.abort())
    }

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<R: ByteRecv, C: Codec> Guaranteed for FramedRecv<R, C> {
    fn guarantees(&self) -> Guarantees {
        promised(&self.incoming.codec)
    }

    fn stats(&self) -> Stats {
        self.incoming.stats().with_receive_calls(self.io.receive_calls())
    }

    fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    fn socket_ref(&self) -> Option<SocketRef<'_>> {
        self.io.socket_ref()
    }
}

impl<R: ByteRecv, C: Codec> RecvHalf for FramedRecv<R, C> {
    #[inline(always)]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let spent = ready!(self.incoming.poll_turn(cx));
        match ready!(self.incoming.poll_recv(&mut self.io, &self.fate, spent, cx)) {
            Ok(None) => Poll::Ready(self.fate.at_end().map(|()| None)),
            received => Poll::Ready(received),
        }
    }

    fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        if most == 0 {
            return Poll::Ready(Ok(0));
        }
        let first = self.poll_recv(cx);
        self.incoming.gather(first, messages, most)
    }
}

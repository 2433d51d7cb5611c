//! Stream → messages: a codec over a byte stream.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_core::{Attached, Guarantees, Message};
use bytes::BytesMut;
use tokio::task::coop;

use crate::fate::Fate;
use crate::read_buffer::ReadBuffer;
use crate::sending::{Drive, Queue, Sending};
use crate::write_queue::{SLICES, WriteQueue};
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

/// Frames on their way into a stream.
#[derive(Debug)]
struct Frames<C> {
    codec: C,
    queue: WriteQueue,
    /// The stream has taken bytes and was not flushed since.
    unflushed: bool,
}

#[derive(Debug)]
struct Incoming<C> {
    codec: C,
    buffer: ReadBuffer,
    ended: Option<Result<(), Error>>,
    received: u64,
    received_bytes: u64,
}

impl<S: ByteStream, C: Codec + Clone> Framed<S, C> {
    /// Frames `stream` by `codec`. Nothing must have been read from the stream before that
    /// belongs to a message.
    pub fn new(stream: S, codec: C) -> Self {
        let frames =
            Frames { codec: codec.clone(), queue: WriteQueue::default(), unflushed: false };
        let incoming = Incoming {
            codec,
            buffer: ReadBuffer::default(),
            ended: None,
            received: 0,
            received_bytes: 0,
        };
        Self { io: stream, outgoing: Sending::new(frames), incoming, fate: Fate::default() }
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
    /// The stream underneath. Reading from it or writing to it puts messages out of step.
    pub fn stream(&self) -> &S {
        &self.io
    }
}

impl<C: Codec> Queue for Frames<C> {
    fn max_message(&self) -> usize {
        self.codec.max_message()
    }

    fn push(&mut self, payload: Payload<'_>) -> Result<(), Error> {
        self.queue.push(&mut self.codec, payload)
    }

    fn unsent(&self) -> usize {
        self.queue.unsent()
    }

    fn is_flushed(&self) -> bool {
        self.queue.unsent() == 0 && !self.unflushed
    }

    fn discard(&mut self) {
        self.queue = WriteQueue::default();
        self.unflushed = false;
    }
}

impl<W: ByteSend, C: Codec> Drive<W> for Frames<C> {
    fn poll_write(&mut self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.queue.unsent() > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = self.queue.fill(&mut slices);
            match ready!(io.poll_send(cx, &slices[..filled]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.queue.advance(written),
            }
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(io.poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        io.poll_shutdown(cx).map_ok(|()| true)
    }

    fn poll_discard(io: &mut W, cx: &mut Context<'_>) -> Poll<()> {
        let mut buffer = BytesMut::new();
        while let Ok(1..) = ready!(io.poll_drain(cx, &mut buffer, 8 * 1024)) {
            buffer.clear();
        }
        Poll::Ready(())
    }
}

impl<C: Codec> Incoming<C> {
    /// The next message if it is already here, which it mostly is.
    #[inline]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let spent = ready!(coop::poll_proceed(cx));
        let message = self.next();
        if message.is_some() {
            spent.made_progress();
        }
        Poll::Ready(message)
    }

    #[inline(never)]
    fn poll_recv<R: ByteRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        let spent = ready!(coop::poll_proceed(cx));
        loop {
            let message = self.next();
            if message.is_some() || self.ended.is_some() {
                spent.made_progress();
            }
            match (message, &self.ended) {
                (Some(message), _) => return Poll::Ready(Ok(Some(message))),
                (None, Some(Ok(()))) => return Poll::Ready(Ok(None)),
                (None, Some(Err(error))) => return Poll::Ready(Err(error.duplicate())),
                (None, None) => {}
            }
            match self.buffer.poll_fill(io, cx) {
                Poll::Ready(Ok(0)) => self.ended = Some(Ok(())),
                Poll::Ready(Ok(_)) => spent.made_progress(),
                Poll::Ready(Err(error)) => {
                    fate.record(&error);
                    self.fail(error);
                }
                Poll::Pending => {
                    self.buffer.park();
                    return Poll::Pending;
                }
            }
        }
    }

    /// As [`RecvHalf::poll_recv_many`]: `first`, and what else is already here.
    fn gather(
        &mut self,
        first: Poll<Result<Option<Message>, Error>>,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        let Some(first) = ready!(first)? else { return Poll::Ready(Ok(0)) };
        messages.push(first);
        let mut count = 1;
        while count < most {
            let Poll::Ready(spent) = coop::poll_proceed(cx) else { break };
            let Some(message) = self.next() else { break };
            spent.made_progress();
            messages.push(message);
            count += 1;
        }
        Poll::Ready(Ok(count))
    }

    /// The next message that is already here. An error is kept for the call after.
    #[inline]
    fn next(&mut self) -> Option<Message> {
        let at_end = match &self.ended {
            None => false,
            Some(Ok(())) => true,
            Some(Err(_)) => return None,
        };
        match self.buffer.next(&mut self.codec, at_end) {
            Ok(message) => {
                let message = message?;
                self.received += 1;
                self.received_bytes += message.len() as u64;
                Some(message)
            }
            Err(error) => {
                self.fail(error);
                None
            }
        }
    }

    fn fail(&mut self, error: Error) {
        self.buffer = ReadBuffer::default();
        self.ended = Some(Err(error));
    }

    /// Receives no more, for what still comes is discarded; whether more may come.
    fn end(&mut self) -> bool {
        let is_open = self.ended.is_none();
        self.buffer = ReadBuffer::default();
        self.ended.get_or_insert(Ok(()));
        is_open
    }

    fn stats(&self) -> Stats {
        Stats {
            received: self.received,
            received_bytes: self.received_bytes,
            held: self.buffer.held(),
            ..Stats::default()
        }
    }
}

impl<S: ByteStream, C: Codec> Guaranteed for Framed<S, C> {
    fn guarantees(&self) -> Guarantees {
        PROMISED
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats().merge(self.incoming.stats())
    }
}

impl<S: ByteStream, C: Codec> SendHalf for Framed<S, C> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { io, outgoing, incoming, fate } = self;
        outgoing.poll_close(io, fate, cx, || incoming.end())
    }

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<S: ByteStream, C: Codec> RecvHalf for Framed<S, C> {
    #[inline]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Self { io, outgoing, incoming, fate } = self;
        if let Poll::Ready(Some(message)) = incoming.poll_next(cx) {
            return Poll::Ready(Ok(Some(message)));
        }
        let received = incoming.poll_recv(io, fate, cx);
        outgoing.poll_before(received, io, fate, cx)
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
        self.incoming.gather(first, cx, messages, most)
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

impl<W, C: Codec> Guaranteed for FramedSend<W, C> {
    fn guarantees(&self) -> Guarantees {
        PROMISED
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats()
    }
}

impl<W: ByteSend, C: Codec> SendHalf for FramedSend<W, C> {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_ready(&mut self.io, &self.fate, cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.outgoing.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_flush(&mut self.io, &self.fate, cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, || true)
    }

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<R, C: Codec> Guaranteed for FramedRecv<R, C> {
    fn guarantees(&self) -> Guarantees {
        PROMISED
    }

    fn stats(&self) -> Stats {
        self.incoming.stats()
    }
}

impl<R: ByteRecv, C: Codec> RecvHalf for FramedRecv<R, C> {
    #[inline]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        if let Poll::Ready(Some(message)) = self.incoming.poll_next(cx) {
            return Poll::Ready(Ok(Some(message)));
        }
        match ready!(self.incoming.poll_recv(&mut self.io, &self.fate, cx))? {
            Some(message) => Poll::Ready(Ok(Some(message))),
            None => Poll::Ready(self.fate.at_end()),
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
        self.incoming.gather(first, cx, messages, most)
    }
}

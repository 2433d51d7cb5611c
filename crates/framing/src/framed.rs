//! Stream → messages: a codec over a byte stream.

use std::io::IoSlice;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_async::poll_budget;
use anysock_core::{Attached, Guarantees, Message};
use bytes::BytesMut;

use crate::fate::Fate;
use crate::read_buffer::ReadBuffer;
use crate::sending::{HIGH_WATERMARK, State, flush_before};
use crate::write_queue::{SLICES, WriteQueue};
use crate::{
    ByteRecv, ByteSend, ByteStream, Codec, Error, Guaranteed, Halves, Payload, RecvHalf,
    SendHalf, Stats, Transport,
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
    outgoing: Outgoing<C>,
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
    outgoing: Outgoing<C>,
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

#[derive(Debug)]
struct Outgoing<C> {
    codec: C,
    queue: WriteQueue,
    state: State,
    /// An error that a flush inside of receiving met, for the next call that sends.
    kept: Option<Error>,
    stats: Stats,
}

#[derive(Debug)]
struct Incoming<C> {
    codec: C,
    buffer: ReadBuffer,
    ended: Option<Result<(), Error>>,
    stats: Stats,
}

impl<S: ByteStream, C: Codec + Clone> Framed<S, C> {
    /// Frames `stream` by `codec`. Nothing must have been read from the stream before that
    /// belongs to a message.
    pub fn new(stream: S, codec: C) -> Self {
        Self {
            io: stream,
            outgoing: Outgoing {
                codec: codec.clone(),
                queue: WriteQueue::default(),
                state: State::Open,
                kept: None,
                stats: Stats::default(),
            },
            incoming: Incoming {
                codec,
                buffer: ReadBuffer::default(),
                ended: None,
                stats: Stats::default(),
            },
            fate: Fate::default(),
        }
    }

    /// Takes the transport apart into halves that never wait for each other.
    pub fn split(self) -> (FramedSend<S::Send, C>, FramedRecv<S::Recv, C>) {
        let (receiving, sending) = self.io.split();
        let fate = Arc::new(self.fate);
        let sending =
            FramedSend { io: sending, outgoing: self.outgoing, fate: Arc::clone(&fate) };
        (sending, FramedRecv { io: receiving, incoming: self.incoming, fate })
    }
}

impl<S, C> Framed<S, C> {
    /// The stream underneath. Reading from it or writing to it puts messages out of step.
    pub fn stream(&self) -> &S {
        &self.io
    }
}

impl<C: Codec> Outgoing<C> {
    fn poll_ready<W: ByteSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.take_kept()?;
        self.state.check()?;
        if self.queue.unsent() < HIGH_WATERMARK {
            return Poll::Ready(Ok(()));
        }
        match self.poll_write(io, fate, cx) {
            Poll::Pending if self.queue.unsent() < HIGH_WATERMARK => Poll::Ready(Ok(())),
            done => done,
        }
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &Attached) -> Result<(), Error> {
        let length = payload.len();
        let limit = self.codec.max_message();
        self.state.admit(&payload, attached, self.queue.unsent(), limit)?;
        self.queue.push(&mut self.codec, payload)?;
        self.stats.sent += 1;
        self.stats.sent_bytes += length as u64;
        Ok(())
    }

    fn poll_flush<W: ByteSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.take_kept()?;
        self.poll_write(io, fate, cx)
    }

    /// Flushes within receiving: an error is kept for the next call that sends.
    fn poll_flush_aside<W: ByteSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if self.queue.unsent() == 0 {
            return Poll::Ready(());
        }
        self.poll_write(io, fate, cx).map(|flushed| self.kept = flushed.err())
    }

    fn poll_write<W: ByteSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        self.state.check()?;
        while self.queue.unsent() > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let filled = self.queue.fill(&mut slices);
            match ready!(io.poll_send(cx, &slices[..filled])) {
                Ok(0) => return Poll::Ready(Err(self.fail(fate, write_zero()))),
                Ok(written) => self.queue.advance(written),
                Err(error) => return Poll::Ready(Err(self.fail(fate, error))),
            }
        }
        let flushed = ready!(io.poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| self.fail(fate, error)))
    }

    fn fail(&mut self, fate: &Fate, error: std::io::Error) -> Error {
        tracing::debug!(%error, unsent = self.queue.unsent(), "sending failed");
        let error = Error::from(error);
        fate.record(&error);
        self.queue = WriteQueue::default();
        self.state = State::Failed(error.duplicate());
        error
    }

    /// Flushes, sends end-of-file, and drains, where `drain` reads.
    fn poll_close<W: ByteSend>(
        &mut self,
        io: &mut W,
        fate: &Fate,
        cx: &mut Context<'_>,
        drained: bool,
    ) -> Poll<Result<(), Error>> {
        self.take_kept()?;
        loop {
            match &mut self.state {
                State::Open => {
                    ready!(self.poll_write(io, fate, cx))?;
                    self.state = State::Flushed;
                }
                State::Flushed => match ready!(io.poll_shutdown(cx)) {
                    Ok(()) if drained => self.state = State::Closed,
                    Ok(()) => self.state = State::draining(),
                    Err(error) => return Poll::Ready(Err(self.fail(fate, error))),
                },
                State::Draining(_) => {
                    let drained = poll_discard(io, cx).is_ready();
                    if !drained {
                        ready!(self.state.poll_deadline(cx));
                        tracing::debug!("the peer did not end before the deadline of closing");
                    }
                    self.state = State::Closed;
                }
                State::Closed => return Poll::Ready(Ok(())),
                State::Failed(error) => return Poll::Ready(Err(error.duplicate())),
            }
        }
    }

    fn take_kept(&mut self) -> Result<(), Error> {
        self.kept.take().map_or(Ok(()), Err)
    }

    fn stats(&self) -> Stats {
        Stats { unsent: self.queue.unsent(), ..self.stats }
    }
}

/// Reads and discards until the end.
fn poll_discard<W: ByteSend>(io: &mut W, cx: &mut Context<'_>) -> Poll<()> {
    let mut buffer = BytesMut::new();
    loop {
        ready!(poll_budget(cx));
        buffer.clear();
        match ready!(io.poll_drain(cx, &mut buffer, 8 * 1024)) {
            Ok(0) | Err(_) => return Poll::Ready(()),
            Ok(_) => {}
        }
    }
}

fn write_zero() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::WriteZero, "the stream takes no more bytes")
}

impl<C: Codec> Incoming<C> {
    fn poll_recv<R: ByteRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        ready!(poll_budget(cx));
        loop {
            match self.next() {
                Ok(Some(message)) => return Poll::Ready(Ok(Some(message))),
                Ok(None) => {}
                Err(error) => self.ended = Some(Err(error)),
            }
            match &self.ended {
                Some(Ok(())) => return Poll::Ready(fate.at_end()),
                Some(Err(error)) => return Poll::Ready(Err(error.duplicate())),
                None => {}
            }
            self.ended = match self.buffer.poll_fill(io, cx) {
                Poll::Ready(Ok(0)) => Some(Ok(())),
                Poll::Ready(Ok(_)) => None,
                Poll::Ready(Err(error)) => {
                    fate.record(&error);
                    Some(Err(error))
                }
                Poll::Pending => {
                    self.buffer.park();
                    return Poll::Pending;
                }
            };
        }
    }

    /// The next message that is already here.
    fn next(&mut self) -> Result<Option<Message>, Error> {
        let ended = match &self.ended {
            None => false,
            Some(Ok(())) => true,
            Some(Err(_)) => return Ok(None),
        };
        let message = self.buffer.next(&mut self.codec, ended)?;
        if let Some(message) = &message {
            self.stats.received += 1;
            self.stats.received_bytes += message.len() as u64;
        }
        Ok(message)
    }

    /// Appends what else is already here, after `first`; how many there are together.
    fn gather(
        &mut self,
        first: Message,
        cx: &mut Context<'_>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> usize {
        messages.push(first);
        let mut count = 1;
        while count < most && poll_budget(cx).is_ready() {
            // An error is not lost: decoding the same bytes meets it again.
            let Ok(Some(message)) = self.next() else { break };
            messages.push(message);
            count += 1;
        }
        count
    }

    fn stats(&self) -> Stats {
        Stats { held: self.buffer.held(), ..self.stats }
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
        let drained = self.incoming.ended.is_some();
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, drained)
    }

    fn max_message(&self) -> usize {
        self.outgoing.codec.max_message()
    }
}

impl<S: ByteStream, C: Codec> RecvHalf for Framed<S, C> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let Self { io, outgoing, incoming, fate } = self;
        let received = incoming.poll_recv(io, fate, cx);
        flush_before(received, || outgoing.poll_flush_aside(io, fate, cx), || fate.at_end())
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
        Poll::Ready(Ok(match ready!(self.poll_recv(cx))? {
            Some(first) => self.incoming.gather(first, cx, messages, most),
            None => 0,
        }))
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

impl<W, C> Guaranteed for FramedSend<W, C>
where
    C: Codec,
{
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
        self.outgoing.poll_close(&mut self.io, &self.fate, cx, false)
    }

    fn max_message(&self) -> usize {
        self.outgoing.codec.max_message()
    }
}

impl<R, C> Guaranteed for FramedRecv<R, C>
where
    C: Codec,
{
    fn guarantees(&self) -> Guarantees {
        PROMISED
    }

    fn stats(&self) -> Stats {
        self.incoming.stats()
    }
}

impl<R: ByteRecv, C: Codec> RecvHalf for FramedRecv<R, C> {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.incoming.poll_recv(&mut self.io, &self.fate, cx)
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
        Poll::Ready(Ok(match ready!(self.poll_recv(cx))? {
            Some(first) => self.incoming.gather(first, cx, messages, most),
            None => 0,
        }))
    }
}

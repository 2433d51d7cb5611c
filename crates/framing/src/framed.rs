//! Stream → messages: a codec over a byte stream.

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use anysock_async::Closed;
use anysock_core::{Ancillary, Attached, Guarantees, Message, RecvBlock};
use tokio::task::coop::RestoreOnPending;

use crate::beside::Counts;
use crate::fate::Fate;
use crate::read_buffer::{Next, ReadBuffer};
use crate::sending::{Drive, Queue, Sending, saturated};
use crate::turn::{self, Turns};
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

/// After so many bytes a sender that never has to wait lets others have their turn: with each
/// write of a full queue.
const TURN: usize = 128 * 1024;

/// Bytes are counted towards a turn in pieces of so many, begun ones whole.
const PIECE: usize = 16;

/// So many bytes are discarded at a time, in closing.
const DISCARDED: usize = 8 * 1024;

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
    /// How much the stream has taken since it last had no room, in pieces of [`PIECE`] bytes.
    written: u16,
    /// The stream has taken bytes and was not flushed since.
    unflushed: bool,
    /// What the stream carries beside bytes.
    carries: Ancillary,
    /// The most that was unsent.
    most_unsent: u32,
}

#[derive(Debug)]
struct Incoming<C> {
    codec: C,
    buffer: ReadBuffer,
    turns: Turns,
    /// Nothing more will come.
    at_end: bool,
    received: u64,
    received_bytes: u64,
}

impl<S: ByteStream, C: Codec + Clone> Framed<S, C> {
    /// Frames `stream` by `codec`. Nothing must have been read from the stream before that
    /// belongs to a message.
    pub fn new(stream: S, codec: C) -> Self {
        let frames = Frames {
            codec: codec.clone(),
            queue: WriteQueue::default(),
            written: 0,
            unflushed: false,
            carries: stream.carries(),
            most_unsent: 0,
        };
        let incoming = Incoming {
            codec,
            buffer: ReadBuffer::default(),
            turns: Turns::default(),
            at_end: false,
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
}

impl<C: Codec> Queue for Frames<C> {
    #[inline]
    fn max_message(&self) -> usize {
        self.codec.max_message()
    }

    fn carries(&self) -> Ancillary {
        self.carries
    }

    #[inline(always)]
    fn push(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.queue.push(&mut self.codec, payload, attached)
    }

    #[inline]
    fn unsent(&self) -> usize {
        self.queue.unsent()
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.queue.is_full()
    }

    fn most_unsent(&self) -> usize {
        self.most_unsent as usize
    }

    fn take_turn_over(&mut self) -> bool {
        let is_over = usize::from(self.written) >= TURN / PIECE;
        if is_over {
            self.written = 0;
        }
        is_over
    }

    fn is_flushed(&self) -> bool {
        self.queue.unsent() == 0 && !self.unflushed
    }

    fn discard(&mut self) {
        self.queue.clear();
        self.unflushed = false;
    }

    fn take_error(&mut self) -> Option<Error> {
        self.queue.take_error()
    }

    fn dropped(&self) -> u64 {
        self.queue.refused()
    }
}

impl<W: ByteSend, C: Codec> Drive<W> for Frames<C> {
    fn poll_write(&mut self, io: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.most_unsent = self.most_unsent.max(saturated(self.queue.unsent()));
        while self.queue.unsent() > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let (filled, passed) = self.queue.fill(&mut slices);
            let is_passing = !passed.is_empty();
            let sent = match is_passing {
                false => io.poll_send(cx, &slices[..filled]),
                true => io.poll_send_passing(cx, &slices[..filled], passed),
            };
            let Poll::Ready(sent) = sent else {
                self.written = 0;
                return Poll::Pending;
            };
            match sent {
                Err(error) if is_passing && io.refuses(&error) => {
                    self.queue.refuse(error);
                    continue;
                }
                Err(error) => return Poll::Ready(Err(error)),
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    self.queue.advance(written);
                    let pieces = u16::try_from(written.div_ceil(PIECE)).unwrap_or(u16::MAX);
                    self.written = self.written.saturating_add(pieces);
                }
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
        let mut block = RecvBlock::new();
        if block.resize(DISCARDED).is_err() {
            return Poll::Ready(());
        }
        while let Ok(read @ 1..) = ready!(io.poll_drain(cx, &mut block, DISCARDED)) {
            block.consume(read);
            block.rewind();
        }
        Poll::Ready(())
    }
}

impl<C: Codec> Incoming<C> {
    /// The next message, which mostly is here already.
    ///
    /// Inlined as far as the caller's own future, so that a message is made where it is used:
    /// otherwise moving it through memory costs more than all the rest.
    #[inline(always)]
    fn poll_recv<R: ByteRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        spent: RestoreOnPending,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        loop {
            if !self.at_end {
                if let Some(message) = self.next() {
                    spent.made_progress();
                    return Poll::Ready(Ok(Some(message)));
                }
            } else if let Some(message) = self.next_at_end() {
                spent.made_progress();
                return Poll::Ready(Ok(Some(message)));
            }
            if let Some(ended) = ready!(self.poll_more(io, fate, cx)) {
                spent.made_progress();
                return Poll::Ready(ended.map(|()| None));
            }
            spent.made_progress();
        }
    }

    /// Reads more, or tells how all has ended.
    #[inline(never)]
    fn poll_more<R: ByteRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(), Error>>> {
        if let Some(error) = self.buffer.take_error() {
            return Poll::Ready(Some(Err(error)));
        }
        if self.at_end {
            let failure = self.buffer.failure().map(Error::duplicate);
            return Poll::Ready(Some(failure.map_or(Ok(()), Err)));
        }
        match self.buffer.poll_fill(io, cx) {
            Poll::Ready(Ok(0)) => {
                self.at_end = true;
                self.buffer.park();
            }
            Poll::Ready(Ok(read)) => self.turns.read(read),
            Poll::Ready(Err(error)) => {
                fate.record(&error);
                self.fail(error);
            }
            Poll::Pending => {
                self.buffer.park();
                self.turns.park();
                return Poll::Pending;
            }
        }
        Poll::Ready(None)
    }

    /// As [`RecvHalf::poll_recv_many`]: `first`, and what else is already here.
    fn gather(
        &mut self,
        first: Poll<Result<Option<Message>, Error>>,
        messages: &mut Vec<Message>,
        most: usize,
    ) -> Poll<Result<usize, Error>> {
        let Some(first) = ready!(first)? else { return Poll::Ready(Ok(0)) };
        messages.push(first);
        let mut count = 1;
        while count < most && !self.at_end {
            let Poll::Ready(spent) = turn::spend() else { break };
            let Some(message) = self.next() else { break };
            spent.made_progress();
            messages.push(message);
            count += 1;
        }
        Poll::Ready(Ok(count))
    }

    /// The next message that is already here. An error is kept for the call after.
    #[inline(always)]
    fn next(&mut self) -> Option<Message> {
        match self.buffer.next(&mut self.codec) {
            Next::Message(message) => Some(self.counted(message)),
            Next::Nothing => None,
            Next::Fault(error) => {
                self.fail(error);
                None
            }
        }
    }

    /// As [`next`](Self::next), once nothing more will come.
    #[cold]
    fn next_at_end(&mut self) -> Option<Message> {
        if self.buffer.failure().is_some() {
            return None;
        }
        match self.buffer.next_at_end(&mut self.codec) {
            Next::Message(message) => Some(self.counted(message)),
            Next::Nothing => None,
            Next::Fault(error) => {
                self.fail(error);
                None
            }
        }
    }

    #[inline(always)]
    fn counted(&mut self, message: Message) -> Message {
        self.received += 1;
        self.received_bytes += message.len() as u64;
        message
    }

    #[cold]
    fn fail(&mut self, error: Error) {
        self.buffer.fail(error);
        self.at_end = true;
    }

    /// Receives no more, for what still comes is discarded; whether more may come.
    fn end(&mut self) -> bool {
        self.buffer.clear();
        !std::mem::replace(&mut self.at_end, true)
    }

    fn stats(&self) -> Stats {
        let Counts { lost, closed } = self.buffer.counts();
        Stats {
            received: self.received,
            received_bytes: self.received_bytes,
            truncated: lost,
            closed_descriptors: closed,
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
        let sending = self.outgoing.stats().with_send_calls(self.io.send_calls());
        sending.merge(self.incoming.stats().with_receive_calls(self.io.receive_calls()))
    }

    fn closed(&self) -> io::Result<Closed> {
        ByteRecv::closed(&self.io)
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

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<S: ByteStream, C: Codec> RecvHalf for Framed<S, C> {
    #[inline(always)]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let spent = ready!(self.incoming.turns.poll(cx));
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
        PROMISED
    }

    fn stats(&self) -> Stats {
        self.outgoing.stats().with_send_calls(self.io.send_calls())
    }

    fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
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

    fn max_message(&self) -> usize {
        self.outgoing.queue.max_message()
    }
}

impl<R: ByteRecv, C: Codec> Guaranteed for FramedRecv<R, C> {
    fn guarantees(&self) -> Guarantees {
        PROMISED
    }

    fn stats(&self) -> Stats {
        self.incoming.stats().with_receive_calls(self.io.receive_calls())
    }

    fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }
}

impl<R: ByteRecv, C: Codec> RecvHalf for FramedRecv<R, C> {
    #[inline(always)]
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        let spent = ready!(self.incoming.turns.poll(cx));
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

//! Messages on their way out of a stream.

use std::task::{Context, Poll, ready};

use anysock_core::Message;
use tokio::task::coop::RestoreOnPending;

use crate::beside::Counts;
use crate::fate::Fate;
use crate::read_buffer::{Next, ReadBuffer};
use crate::turn::{self, Turns};
use crate::{ByteRecv, Codec, Error, Stats};

/// After so many bytes without a message others have their turn: a peer may send nothing but what is
/// skipped, byte by byte, and a read of hundreds of KiB spends as much of the budget as a message.
const FRUITLESS: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Incoming<C> {
    pub(super) codec: C,
    buffer: ReadBuffer,
    turns: Turns,
    /// Nothing more will come.
    at_end: bool,
    received: u64,
    received_bytes: u64,
}

impl<C: Codec> Incoming<C> {
    pub(super) fn new(codec: C) -> Self {
        let (buffer, turns) = (ReadBuffer::default(), Turns::default());
        Self { codec, buffer, turns, at_end: false, received: 0, received_bytes: 0 }
    }

    /// Spends what one message costs, or has others take their turn.
    #[inline(always)]
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
        self.turns.poll(cx)
    }

    /// The next message, which mostly is here already.
    ///
    /// Inlined as far as the caller's own future, so that a message is made where it is used:
    /// otherwise moving it through memory costs more than all the rest.
    #[inline(always)]
    pub(super) fn poll_recv<R: ByteRecv>(
        &mut self,
        io: &mut R,
        fate: &Fate,
        spent: RestoreOnPending,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Message>, Error>> {
        let mut fruitless = 0;
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
            if let Some(ended) = ready!(self.poll_more(io, fate, &mut fruitless, cx)) {
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
        fruitless: &mut usize,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<(), Error>>> {
        if let Some(error) = self.buffer.take_error() {
            return Poll::Ready(Some(Err(error)));
        }
        if self.at_end {
            let failure = self.buffer.failure().map(Error::duplicate);
            return Poll::Ready(Some(failure.map_or(Ok(()), Err)));
        }
        if *fruitless >= FRUITLESS {
            self.turns.yield_now(cx);
            return Poll::Pending;
        }
        match self.buffer.poll_fill(io, cx) {
            Poll::Ready(Ok(0)) => {
                self.at_end = true;
                self.buffer.park();
            }
            Poll::Ready(Ok(read)) => {
                self.turns.read(read);
                *fruitless += read;
            }
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
    pub(super) fn gather(
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

    pub(super) fn codec(&self) -> &C {
        &self.codec
    }

    /// Whether nothing was received that was not handed out, and more may come; or why not.
    pub(super) fn is_between(&self) -> Result<(), &'static str> {
        match (self.at_end, self.buffer.is_empty()) {
            (true, _) => Err("its receiving side has ended"),
            (_, false) => Err("bytes were received that belong to messages not handed out yet"),
            _ if !self.codec.is_in_step() => {
                Err("a frame that was given up has not come to its end")
            }
            _ => Ok(()),
        }
    }

    /// Receives no more, for what still comes is discarded; whether more may come.
    pub(super) fn end(&mut self) -> bool {
        self.buffer.clear();
        !std::mem::replace(&mut self.at_end, true)
    }

    pub(super) fn stats(&self) -> Stats {
        let Counts { lost, closed, discarded, discarded_bytes } = self.buffer.counts();
        Stats {
            received: self.received,
            received_bytes: self.received_bytes,
            truncated: lost,
            closed_descriptors: closed,
            discarded,
            discarded_bytes,
            held: self.buffer.held(),
            ..Stats::default()
        }
    }
}

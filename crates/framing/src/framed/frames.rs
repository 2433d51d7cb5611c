//! Frames on their way into a stream.

use std::io::{self, IoSlice};
use std::task::{Context, Poll, ready};

use anysock_core::{Ancillary, Attached, RecvBlock};

use crate::sending::{Drive, Queue, saturated};
use crate::write_queue::{SLICES, WriteQueue};
use crate::{ByteSend, Codec, Error, Payload};

/// After so many bytes a sender that never has to wait lets others have their turn: with each
/// write of a full queue.
const TURN: usize = 128 * 1024;

/// Bytes are counted towards a turn in pieces of so many, begun ones whole.
const PIECE: usize = 16;

/// So many bytes are discarded at a time, in closing.
const DISCARDED: usize = 8 * 1024;

/// Frames on their way into a stream.
#[derive(Debug)]
pub(super) struct Frames<C> {
    pub(super) codec: C,
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

impl<C> Frames<C> {
    pub(super) fn new(codec: C, carries: Ancillary) -> Self {
        let queue = WriteQueue::default();
        Self { codec, queue, written: 0, unflushed: false, carries, most_unsent: 0 }
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

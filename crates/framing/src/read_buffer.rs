//! Bytes received and not yet handed out: grows with what arrives, not with what is announced.

#[cfg(test)]
mod tests;

use std::task::{Context, Poll, ready};

use anysock_core::{Message, Passed, RecvBlock};

use crate::beside::{Beside, Counts};
use crate::fate::Shared;
use crate::{ByteRecv, Codec, Decoded, Error, ErrorKind};

/// The first reads of a connection ask for so many bytes.
const SMALLEST: u32 = 8 * 1024;

/// Reads double up to here while they are filled: what a socket holds if nobody sets its buffers.
const LARGEST: u32 = 256 * 1024;

/// A block with so much room left is read into once more.
const ENOUGH: usize = 2 * 1024;

/// A frame from this length on is read to its end and no further, so that the next one begins at
/// the front of a block, and need not be moved there.
const LONG: usize = 32 * 1024;

/// What was read from a stream and is not yet a message.
///
/// While the stream is silent it holds nothing if there is nothing at hand, no more than four
/// times the bytes at hand, and 8 KiB more where those are 2 KiB at least. While it is not, no more
/// than 8 KiB beside that, or three times what the last reads brought.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    block: RecvBlock,
    /// The codec is not asked again before so many bytes are here.
    needed: usize,
    /// How much a read asks for.
    room: u32,
    /// What the reads have brought since there was nothing at hand the last time.
    burst: u32,
    /// Made by the first bytes that something comes along with, by a frame that is given up, or by a
    /// failure.
    beside: Option<Box<Beside>>,
}

/// What a [`ReadBuffer`] has at hand.
pub(crate) enum Next {
    Message(Message),
    /// No whole message, or the error of one that was lost.
    Nothing,
    /// Nothing from here on.
    Fault(Error),
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self { block: RecvBlock::new(), needed: 1, room: SMALLEST, burst: 0, beside: None }
    }
}

impl ReadBuffer {
    /// Reads once; how much it was, 0 at the end.
    pub(crate) fn poll_fill<R: ByteRecv>(
        &mut self,
        io: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        if let Some(beside) = &self.beside {
            beside.check()?;
        }
        let most = self.make_room()?;
        let before = self.block.len();
        let mut passed = Passed::default();
        let read = ready!(io.poll_recv_passed(cx, &mut self.block, most, &mut passed));
        let read = read.map_err(Shared::wrap)?;
        if !passed.is_empty() {
            self.beside.get_or_insert_default().note(before + read, read, passed);
        }
        self.burst = self.burst.saturating_add(read as u32);
        if read == most && before + read >= self.room as usize && self.needed < LONG {
            self.room = (self.room * 2).min(LARGEST);
        }
        Poll::Ready(Ok(read))
    }

    /// The next message, if it is here.
    #[inline(always)]
    pub(crate) fn next<C: Codec>(&mut self, codec: &mut C) -> Next {
        while self.block.len() >= self.needed {
            match codec.decode(self.block.unread()) {
                Ok(Decoded::More { total }) => {
                    self.needed = total.max(self.block.len() + 1);
                }
                Ok(found) => {
                    if let Some(next) = self.hand_out::<C>(found) {
                        return next;
                    }
                }
                Err(error) => return Next::Fault(error),
            }
        }
        Next::Nothing
    }

    /// As [`next`](Self::next), once nothing more will come.
    #[cold]
    pub(crate) fn next_at_end<C: Codec>(&mut self, codec: &mut C) -> Next {
        loop {
            match self.next(codec) {
                Next::Nothing if !self.block.is_empty() && !self.has_lost() => {}
                next => return next,
            }
            match codec.decode_end(self.block.unread()) {
                Ok(Decoded::More { .. }) => {
                    return Next::Fault(ErrorKind::CutOff { held: self.block.len() }.into());
                }
                Ok(found) => {
                    if let Some(next) = self.hand_out::<C>(found) {
                        return next;
                    }
                }
                Err(error) => return Next::Fault(error),
            }
        }
    }

    /// What the codec has found, unless it is nothing to hand out.
    #[inline(always)]
    fn hand_out<C>(&mut self, found: Decoded) -> Option<Next> {
        if let Err(error) = check::<C>(&found, self.block.len()) {
            return Some(Next::Fault(error));
        }
        self.needed = 1;
        match found {
            Decoded::Frame { payload, consumed } => {
                let message = self.block.take(payload);
                self.block.consume(consumed);
                if self.beside.is_some() {
                    return Some(self.claim(message, consumed));
                }
                Some(Next::Message(message))
            }
            Decoded::Made { message, consumed } => {
                self.block.consume(consumed);
                Some(self.claim(message.into(), consumed))
            }
            Decoded::Skip { consumed } => {
                self.block.consume(consumed);
                if let Some(beside) = &mut self.beside {
                    beside.skip(consumed);
                }
                None
            }
            Decoded::Discard { consumed, begins } => {
                self.block.consume(consumed);
                self.beside.get_or_insert_default().discard(consumed, begins);
                None
            }
            Decoded::More { .. } => None,
        }
    }

    /// The message with what came along, unless it is lost.
    #[cold]
    fn claim(&mut self, message: Message, consumed: usize) -> Next {
        let Some(beside) = &mut self.beside else { return Next::Message(message) };
        match beside.claim(consumed, message.len()) {
            Ok(Some(arrival)) if arrival.is_empty() => Next::Message(message),
            Ok(Some(arrival)) => Next::Message(message.with_arrival(arrival)),
            Ok(None) => {
                // Nothing is handed out before its error.
                self.needed = usize::MAX;
                Next::Nothing
            }
            Err(error) => Next::Fault(error),
        }
    }

    /// The error of a message that was lost, in its place.
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        let error = self.beside.as_mut()?.take_error()?;
        self.needed = 1;
        Some(error)
    }

    fn has_lost(&self) -> bool {
        self.beside.as_ref().is_some_and(|beside| beside.has_error())
    }

    /// What was counted of what came along.
    pub(crate) fn counts(&self) -> Counts {
        self.beside.as_ref().map(|beside| beside.counts()).unwrap_or_default()
    }

    /// Receiving has ended by this: lets go of everything else.
    #[cold]
    pub(crate) fn fail(&mut self, failure: Error) {
        self.clear();
        self.beside.get_or_insert_default().fail(failure);
    }

    /// What it has ended by, if not in order.
    pub(crate) fn failure(&self) -> Option<&Error> {
        self.beside.as_ref()?.failure()
    }

    /// Lets go of everything, and remembers what was counted.
    #[cold]
    pub(crate) fn clear(&mut self) {
        let mut beside = self.beside.take();
        if let Some(beside) = &mut beside {
            beside.clear();
        }
        *self = Self { beside, ..Self::default() };
    }

    /// Nothing more is here for now: lets go of memory that is not needed for what is at hand.
    pub(crate) fn park(&mut self) {
        // The next burst is taken to be like this one.
        if self.burst < self.room / 2 {
            self.room = (self.room / 2).max(SMALLEST);
        }
        self.burst = 0;
        if self.beside.as_ref().is_some_and(|beside| beside.is_over()) {
            self.beside = None;
        }
        if self.block.is_empty() {
            self.block = RecvBlock::new();
            return;
        }
        let length = self.block.len();
        let more = if length < ENOUGH { 0 } else { SMALLEST as usize };
        if self.block.capacity() > 4 * length + more {
            // Short of memory, it keeps what it has.
            let _ = self.block.shrink();
        }
    }

    /// Whether nothing was received that was not handed out, as a message or an error.
    pub(crate) fn is_empty(&self) -> bool {
        self.block.is_empty() && !self.has_lost()
    }

    /// Bytes of memory held for what was received.
    pub(crate) fn held(&self) -> usize {
        self.block.capacity()
    }

    /// Makes room behind what is at hand; how much to read.
    fn make_room(&mut self) -> Result<usize, Error> {
        let length = self.block.len();
        let missing = self.needed.saturating_sub(length).max(1);
        // Who waits for one byte more mostly does not know for how many.
        let is_long = self.needed >= LONG && missing > 1;
        let room = self.room as usize;
        let is_little = !is_long && 4 * length <= room;
        let want = match () {
            () if is_long => missing,
            () if is_little => missing.max(room - length),
            () => missing.max(room),
        };
        // The last bytes of a long frame need no other block.
        let enough = if self.needed >= LONG { missing.min(ENOUGH) } else { missing.max(ENOUGH) };
        // A little is moved to have room for a whole read, much only where it must be.
        let needed = if is_little { want } else { enough };
        if self.block.spare() >= needed {
            return Ok(want.min(self.block.spare()));
        }
        if self.block.capacity() >= length + needed.max(missing) && self.block.rewind() {
            return Ok(want.min(self.block.spare()));
        }
        // Messages are held; there may be room behind them.
        if self.block.capacity() < length + needed || self.block.spare() < enough {
            self.resize(match is_long {
                true => long_frame(length, self.needed, self.block.capacity()),
                false => length + want.max(length) + self.behind(),
            })?;
        }
        Ok(want.min(self.block.spare()))
    }

    /// How much larger than a read a block is, so that a frame which is cut in two by its end
    /// need not be moved: nothing, for the first reads.
    fn behind(&self) -> usize {
        if self.room > SMALLEST { self.room as usize / 2 } else { 0 }
    }

    fn resize(&mut self, capacity: usize) -> Result<(), Error> {
        let resized = self.block.resize(capacity);
        resized.map_err(|_| ErrorKind::OutOfMemory { length: self.needed }.into())
    }
}

/// The size of a block for a frame of which `length` bytes are here, and `needed` in all are
/// waited for.
///
/// However long a frame is said to be, no more is provided for than four times what was received
/// of it, together with the block of so many bytes that it is moved from: its length, or a third
/// of that, or a ninth, so that it is moved a few times only, and lastly when a third is here.
fn long_frame(length: usize, needed: usize, from: usize) -> usize {
    let least = length + ENOUGH;
    let mut size = needed;
    // A block that is full of messages before this one may be larger than all that by itself.
    while size > least && size.saturating_add(from) > 4 * least {
        size = size.div_ceil(3);
    }
    size.max(least)
}

/// Refuses what a codec must not find: a peer may be able to bring a faulty one to it, and must
/// neither spin nor panic this side by it.
#[inline(always)]
fn check<C>(found: &Decoded, available: usize) -> Result<(), Error> {
    let (payload, consumed) = match found {
        Decoded::More { .. } => return Ok(()),
        Decoded::Frame { payload, consumed } => (payload.clone(), *consumed),
        Decoded::Made { consumed, .. }
        | Decoded::Skip { consumed }
        | Decoded::Discard { consumed, .. } => (0..0, *consumed),
    };
    if payload.start <= payload.end
        && payload.end <= consumed
        && (1..=available).contains(&consumed)
    {
        return Ok(());
    }
    let why = format!(
        "the codec is at fault, it found a message at {payload:?} and consumed {consumed} of \
         {available} bytes"
    );
    Err(ErrorKind::Malformed { codec: std::any::type_name::<C>(), why }.into())
}

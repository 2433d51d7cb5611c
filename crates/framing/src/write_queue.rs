//! Framed bytes on their way to the kernel: small messages copied together, large ones
//! referenced.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;

use anysock_core::Attached;
use bytes::{Buf, Bytes};

use crate::passing::Passing;
use crate::sending::HIGH_WATERMARK;
use crate::{Codec, Error, ErrorKind, Payload};

/// Owned payloads from this length on are referenced, not copied.
const REFERENCED: usize = 4 * 1024;

/// At most so many slices go into one system call.
pub(crate) const SLICES: usize = 64;

/// So many bytes that have gone are worth moving the others for; no more of them are kept.
const COMPACTED: usize = 64 * 1024;

/// A thread keeps no larger block than this: the high watermark and some messages beyond it.
const LARGEST: usize = 512 * 1024;

thread_local! {
    /// A block that nobody uses at the moment. One for all queues of a thread, so that an idle
    /// one holds none and a busy one need not grow it anew after each flush.
    static SPARE: Cell<Option<Box<Block>>> = const { Cell::new(None) };
}

/// What is accepted and not yet written. Empty, it is one word and holds no memory, but for a few
/// words where messages were refused.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue(Option<Box<Block>>);

/// The bytes of `bytes` from `gone` on, with the payloads of `placed` between them.
///
/// ```text
///  bytes   gone bytes | head small head | head | head small tail
///                                       ^      ^
///  placed                           payload  payload
/// ```
#[derive(Debug, Default)]
struct Block {
    bytes: Vec<u8>,
    gone: usize,
    placed: VecDeque<Placed>,
    unsent: usize,
    passing: Passing,
    refused: Refused,
}

/// Messages whose descriptors were refused.
#[derive(Debug, Default)]
struct Refused {
    count: u64,
    /// The first error that is still to be reported.
    error: Option<Error>,
}

/// A large payload, and before which byte of the block it stands.
#[derive(Debug)]
struct Placed {
    before: usize,
    payload: Bytes,
}

impl WriteQueue {
    /// Frames one message; descriptors that are attached go with it. On error the queue, the
    /// payload and what is attached are as before.
    #[inline(always)]
    pub(crate) fn push<C: Codec + ?Sized>(
        &mut self,
        codec: &mut C,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        let block = self.0.get_or_insert_with(Block::take);
        let pushed = match attached.is_empty() {
            true => block.push(codec, payload),
            false => block.push_passing(codec, payload, attached),
        };
        if pushed.is_err() {
            self.release();
        }
        pushed
    }

    /// Bytes accepted and not yet written.
    #[inline]
    pub(crate) fn unsent(&self) -> usize {
        self.0.as_ref().map_or(0, |block| block.unsent)
    }

    /// Whether no message is to be accepted for now.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.0.as_ref().is_some_and(|block| {
            block.unsent >= HIGH_WATERMARK || block.passing.count() >= Attached::MAX_DESCRIPTORS
        })
    }

    /// The first slices to write by one call, and what is to be passed with them; how many of
    /// `slices` were filled.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> (usize, &'a [OwnedFd]) {
        self.0.as_ref().map_or((0, &[]), |block| {
            let (most, descriptors) = block.passing.next();
            (block.fill(slices, most), descriptors)
        })
    }

    /// Nothing of the first message was sent, for its descriptors were refused: it is dropped, and
    /// the stream, which is in step, goes on without it.
    #[cold]
    pub(crate) fn refuse(&mut self, error: io::Error) {
        let first = self.0.as_ref().and_then(|block| block.passing.first());
        let Some((frame, length)) = first else { return };
        tracing::debug!(%error, length, "a message was dropped, its descriptors were refused");
        let source = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                let why = crate::passing::REFUSED;
                io::Error::new(error.kind(), why)
            }
            _ => error,
        };
        if let Some(block) = &mut self.0 {
            block.refused.count += 1;
            let error = &mut block.refused.error;
            error.get_or_insert_with(|| ErrorKind::Dropped { length, source }.into());
        }
        self.advance(frame);
    }

    /// The first error of a message that was refused, if it was not taken yet.
    #[inline]
    pub(crate) fn take_error(&mut self) -> Option<Error> {
        self.0.as_mut()?.refused.error.take()
    }

    /// How many messages were refused.
    pub(crate) fn refused(&self) -> u64 {
        self.0.as_ref().map_or(0, |block| block.refused.count)
    }

    /// Lets go of everything, and closes all descriptors.
    pub(crate) fn clear(&mut self) {
        let refused = self.0.take().map(|block| block.refused);
        self.remember(refused.unwrap_or_default());
    }

    /// The first `written` bytes have gone.
    ///
    /// # Panics
    ///
    /// If there were fewer.
    pub(crate) fn advance(&mut self, written: usize) {
        assert!(written <= self.unsent(), "the stream took more bytes than it was given");
        if let Some(block) = &mut self.0 {
            block.advance(written);
        }
        self.release();
    }

    /// Lets go of all memory once nothing is unsent.
    fn release(&mut self) {
        if self.unsent() == 0 {
            if let Some(mut block) = self.0.take() {
                let refused = std::mem::take(&mut block.refused);
                block.give();
                self.remember(refused);
            }
        }
    }

    fn remember(&mut self, refused: Refused) {
        if refused.count > 0 {
            self.0 = Some(Box::new(Block { refused, ..Block::default() }));
        }
    }
}

impl Block {
    #[cold]
    fn take() -> Box<Self> {
        SPARE.take().unwrap_or_default()
    }

    /// Keeps the memory for the next one who needs it.
    fn give(mut self: Box<Self>) {
        if self.bytes.capacity() <= LARGEST && self.placed.capacity() <= 2 * SLICES {
            self.bytes.clear();
            self.gone = 0;
            SPARE.set(Some(self));
        }
    }

    #[inline(always)]
    fn push<C: Codec + ?Sized>(
        &mut self,
        codec: &mut C,
        payload: Payload<'_>,
    ) -> Result<(), Error> {
        if self.gone >= COMPACTED {
            self.compact();
        }
        let length = self.bytes.len();
        let mut frame = FrameWriter { block: &mut self.bytes, payload, place: None };
        if let Err(error) = codec.encode(&mut frame) {
            self.bytes.truncate(length);
            return Err(error);
        }
        let FrameWriter { payload, place, .. } = frame;
        if let Some(before) = place {
            let payload = payload.into_bytes();
            self.unsent += payload.len();
            self.placed.push_back(Placed { before, payload });
        }
        self.unsent += self.bytes.len() - length;
        Ok(())
    }

    /// As [`push`](Self::push), with descriptors.
    #[cold]
    fn push_passing<C: Codec + ?Sized>(
        &mut self,
        codec: &mut C,
        payload: Payload<'_>,
        attached: &mut Attached,
    ) -> Result<(), Error> {
        let (before, length) = (self.unsent, payload.len());
        self.push(codec, payload)?;
        if self.unsent == before {
            let what = "a descriptor to a message without bytes";
            return Err(ErrorKind::NotAttachable { what, cell: None }.into());
        }
        self.passing.push(before..self.unsent, length, attached.take());
        Ok(())
    }

    fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES], mut most: usize) -> usize {
        let mut at = self.gone;
        let between = self.placed.iter().flat_map(|placed| {
            let before = &self.bytes[at..placed.before];
            at = placed.before;
            [before, &placed.payload]
        });
        let last = self.placed.back().map_or(self.gone, |last| last.before);
        let chunks = between.chain([&self.bytes[last..]]).filter(|chunk| !chunk.is_empty());
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks) {
            let chunk = &chunk[..chunk.len().min(most)];
            if chunk.is_empty() {
                break;
            }
            *slice = IoSlice::new(chunk);
            filled += 1;
            most -= chunk.len();
        }
        filled
    }

    fn advance(&mut self, mut written: usize) {
        self.unsent -= written;
        self.passing.advance(written);
        while let Some(first) = self.placed.front_mut() {
            let before = first.before - self.gone;
            if written < before {
                break;
            }
            written -= before;
            self.gone = first.before;
            if written < first.payload.len() {
                first.payload.advance(written);
                return;
            }
            written -= first.payload.len();
            self.placed.pop_front();
        }
        self.gone += written;
    }

    /// Moves what is unsent to the beginning.
    #[cold]
    fn compact(&mut self) {
        self.bytes.drain(..self.gone);
        for placed in &mut self.placed {
            placed.before -= self.gone;
        }
        self.gone = 0;
    }
}

/// What a codec writes one frame with: bytes of its own, and the payload in its place.
///
/// ```
/// use anysock_framing::{Codec, Decoded, Error, FrameWriter, encode_frame};
///
/// /// Messages between angle brackets.
/// #[derive(Debug)]
/// struct Bracketed;
/// # impl Codec for Bracketed {
/// #     fn max_message(&self) -> usize { 80 }
/// #     fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> { unreachable!() }
///     // in impl Codec for Bracketed
///     fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
///         frame.put(b"<");
///         frame.payload();
///         frame.put(b">");
///         Ok(())
///     }
/// # }
/// assert_eq!(encode_frame(&mut Bracketed, "hello")?, "<hello>");
/// # Ok::<_, Error>(())
/// ```
#[derive(Debug)]
pub struct FrameWriter<'a> {
    block: &'a mut Vec<u8>,
    payload: Payload<'a>,
    /// Before which byte of the block the payload stands, if it is not copied there.
    place: Option<usize>,
}

impl FrameWriter<'_> {
    /// Length of the payload in bytes.
    #[inline]
    pub fn payload_len(&self) -> usize {
        self.payload.len()
    }

    /// The payload, to be looked at.
    #[inline]
    pub fn payload_slice(&self) -> &[u8] {
        self.payload.as_slice()
    }

    /// Writes bytes of the codec's own.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }

    /// As [`put`](Self::put), the first so many of eight bytes: copies of constant length are
    /// cheaper.
    #[inline(always)]
    pub(crate) fn put_first(&mut self, bytes: [u8; 8], count: usize) {
        let length = self.block.len() + count;
        self.block.extend_from_slice(&bytes);
        self.block.truncate(length);
    }

    /// The payload, and the frame to write what is made of it: for codecs that change bytes.
    #[inline]
    pub fn stuffing(&mut self) -> (&[u8], Stuffing<'_>) {
        (self.payload.as_slice(), Stuffing { block: self.block })
    }

    /// Writes the payload, unchanged. A large one that is owned is not copied.
    #[inline]
    pub fn payload(&mut self) {
        let slice = self.payload.as_slice();
        if slice.len() < REFERENCED
            || matches!(self.payload, Payload::Slice(_))
            || self.place.is_some()
        {
            self.block.extend_from_slice(slice);
        } else {
            // Taken only once the codec has succeeded.
            self.place = Some(self.block.len());
        }
    }
}

/// A frame that is written while its payload is looked at: see [`FrameWriter::stuffing`].
///
/// ```
/// use anysock_framing::FrameWriter;
///
/// /// Doubles each byte that is a quotation mark.
/// fn quote(frame: &mut FrameWriter<'_>) {
///     let (payload, mut out) = frame.stuffing();
///     for part in payload.split_inclusive(|&byte| byte == b'"') {
///         out.put(part);
///         out.put(if part.ends_with(b"\"") { b"\"" } else { b"" });
///     }
/// }
/// ```
#[derive(Debug)]
pub struct Stuffing<'a> {
    block: &'a mut Vec<u8>,
}

impl Stuffing<'_> {
    /// Writes bytes of the codec's own.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
    }
}

/// One frame, as `codec` writes it.
///
/// # Errors
///
/// [`TooLong`](ErrorKind::TooLong) beyond [`Codec::max_message`]; those of [`Codec::encode`].
///
/// ```
/// use anysock_framing::{LengthDelimited, encode_frame};
/// assert_eq!(encode_frame(&mut LengthDelimited::u16(), "hi")?, &b"\0\x02hi"[..]);
/// # Ok::<_, anysock_framing::Error>(())
/// ```
pub fn encode_frame<C: Codec + ?Sized>(
    codec: &mut C,
    mut message: impl crate::AsPayload,
) -> Result<Bytes, Error> {
    let payload = message.as_payload();
    let (length, limit) = (payload.len(), codec.max_message());
    if length > limit {
        return Err(ErrorKind::TooLong { length, limit }.into());
    }
    let mut queue = WriteQueue::default();
    queue.push(codec, payload, &mut Attached::nothing())?;
    let mut slices = [IoSlice::new(&[]); SLICES];
    let (filled, _) = queue.fill(&mut slices);
    let mut frame = Vec::with_capacity(queue.unsent());
    slices[..filled].iter().for_each(|slice| frame.extend_from_slice(slice));
    Ok(frame.into())
}

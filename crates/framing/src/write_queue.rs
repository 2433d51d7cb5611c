//! Framed bytes on their way to the kernel: small messages copied together, large ones
//! referenced.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

use crate::{Codec, Error, Payload};

/// Owned payloads from this length on are referenced, not copied.
const REFERENCED: usize = 4 * 1024;

/// At most so many slices go into one system call.
pub(crate) const SLICES: usize = 64;

/// The first block of a thread has so much room; larger ones take its place as they are needed.
const BLOCK: usize = 4 * 1024;

/// A thread keeps no larger block than this: the high watermark and some messages beyond it.
const LARGEST: usize = 256 * 1024;

thread_local! {
    /// A block that nobody uses at the moment. One for all queues of a thread, so that an idle
    /// one holds none and a busy one need not grow it anew after each flush.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What is accepted and not yet written: `segments` first, then `block` from `gone` on.
///
/// Empty, it holds no memory.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    segments: VecDeque<Bytes>,
    block: Vec<u8>,
    gone: usize,
    unsent: usize,
}

impl WriteQueue {
    /// Frames one message. On error the queue and the payload are as before.
    #[inline]
    pub(crate) fn push<C: Codec + ?Sized>(
        &mut self,
        codec: &mut C,
        payload: Payload<'_>,
    ) -> Result<(), Error> {
        if self.block.capacity() == 0 {
            self.take_block();
        }
        let (segments, block) = (self.segments.len(), self.block.len() - self.gone);
        let mut frame = FrameWriter { queue: self, payload, referenced: None };
        match codec.encode(&mut frame) {
            Ok(()) => {
                let FrameWriter { payload, referenced, .. } = frame;
                if let Some(index) = referenced {
                    let bytes = payload.into_bytes();
                    self.segments[index] = bytes;
                    self.unsent +=
                        self.segments.iter().skip(segments).map(Bytes::len).sum::<usize>();
                }
                self.unsent = self.unsent + self.block.len() - self.gone - block;
                Ok(())
            }
            Err(error) => {
                self.roll_back(segments, block);
                Err(error)
            }
        }
    }

    /// Bytes accepted and not yet written.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent
    }

    /// The first slices to write; how many of `slices` were filled.
    pub(crate) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> usize {
        let chunks =
            self.segments.iter().map(|segment| &segment[..]).chain([&self.block[self.gone..]]);
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks.filter(|chunk| !chunk.is_empty())) {
            *slice = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    /// The first `written` bytes have gone.
    ///
    /// # Panics
    ///
    /// If there were fewer.
    pub(crate) fn advance(&mut self, mut written: usize) {
        assert!(written <= self.unsent, "the stream took more bytes than it was given");
        self.unsent -= written;
        while let Some(first) = self.segments.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.segments.pop_front();
        }
        self.gone += written;
        self.release();
    }

    /// Back to `segments` segments and a block of `block` bytes.
    fn roll_back(&mut self, segments: usize, block: usize) {
        if self.segments.len() > segments {
            // A large payload was placed: what stood in the block stands in a segment now.
            let mut before = std::mem::take(&mut self.segments[segments]);
            before.truncate(block);
            self.segments.truncate(segments);
            (self.block, self.gone) = (Vec::from(before), 0);
        } else {
            self.block.truncate(self.gone + block);
        }
        self.release();
    }

    #[cold]
    fn take_block(&mut self) {
        self.block = SPARE.take();
        self.block.reserve(BLOCK);
    }

    /// Lets go of all memory once nothing is unsent.
    fn release(&mut self) {
        if self.unsent > 0 {
            return;
        }
        let mut block = std::mem::take(self).block;
        block.clear();
        if block.capacity() <= LARGEST {
            SPARE.set(block);
        }
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
    queue: &'a mut WriteQueue,
    payload: Payload<'a>,
    referenced: Option<usize>,
}

impl FrameWriter<'_> {
    /// Length of the payload in bytes.
    pub fn payload_len(&self) -> usize {
        self.payload.len()
    }

    /// The payload, to be looked at.
    pub fn payload_slice(&self) -> &[u8] {
        self.payload.as_slice()
    }

    /// Writes bytes of the codec's own.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.queue.block.extend_from_slice(bytes);
    }

    /// Writes the payload, unchanged. A large one that is owned is not copied.
    #[inline]
    pub fn payload(&mut self) {
        let slice = self.payload.as_slice();
        if matches!(self.payload, Payload::Slice(_))
            || slice.len() < REFERENCED
            || self.referenced.is_some()
        {
            self.queue.block.extend_from_slice(slice);
            return;
        }
        // What stands in the block belongs before the payload. The payload itself is taken only
        // once the codec has succeeded; until then an empty segment holds its place.
        let before = Bytes::from(std::mem::take(&mut self.queue.block));
        let gone = std::mem::take(&mut self.queue.gone);
        self.queue.segments.push_back(before.slice(gone..));
        self.referenced = Some(self.queue.segments.len());
        self.queue.segments.push_back(Bytes::new());
    }
}

/// One frame, as `codec` writes it.
///
/// # Errors
///
/// Those of [`Codec::encode`].
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
    let mut queue = WriteQueue::default();
    queue.push(codec, message.as_payload())?;
    let mut slices = [IoSlice::new(&[]); SLICES];
    let filled = queue.fill(&mut slices);
    let mut frame = Vec::with_capacity(queue.unsent());
    slices[..filled].iter().for_each(|slice| frame.extend_from_slice(slice));
    Ok(frame.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoded, Delimited, ErrorKind, LengthDelimited};

    fn written(queue: &WriteQueue) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let filled = queue.fill(&mut slices);
        slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    fn push(queue: &mut WriteQueue, length: usize) {
        let mut message = Bytes::from(vec![b'.'; length]);
        queue.push(&mut LengthDelimited::u16(), Payload::Owned(&mut message)).unwrap();
        assert!(message.is_empty() || length < REFERENCED, "a large message is taken");
    }

    /// Writes all that a codec can, then finds that the message cannot be sent.
    #[derive(Debug)]
    struct Fails;

    impl Codec for Fails {
        fn max_message(&self) -> usize {
            usize::MAX
        }
        fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
            frame.put(b"head");
            frame.payload();
            frame.put(b"tail");
            frame.payload();
            let why = String::from("as always");
            Err(ErrorKind::Unrepresentable { codec: "fails", why }.into())
        }
        fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> {
            unreachable!("nothing is received")
        }
    }

    #[test]
    fn a_codec_that_fails_leaves_queue_and_payload_as_they_were() {
        for before in [&[][..], &[3], &[REFERENCED], &[3, REFERENCED], &[REFERENCED, 3]] {
            for length in [0, 3, REFERENCED, 2 * REFERENCED] {
                let mut queue = WriteQueue::default();
                before.iter().for_each(|&length| push(&mut queue, length));
                let (unsent, bytes) = (queue.unsent(), written(&queue));
                assert_eq!(unsent, bytes.len());
                let mut message = Bytes::from(vec![b'!'; length]);
                queue.push(&mut Fails, Payload::Owned(&mut message)).unwrap_err();
                assert_eq!(message.len(), length);
                assert_eq!(queue.unsent(), unsent);
                assert!(written(&queue) == bytes, "{length} after {before:?}");
                push(&mut queue, 1);
                assert!(written(&queue) == [&bytes[..], b"\0\x01."].concat());
            }
        }
    }

    #[test]
    fn unsent_is_what_is_still_to_be_written_at_any_time() {
        let mut queue = WriteQueue::default();
        let mut expected = Vec::new();
        for (round, length) in [0, 5, REFERENCED, 1, 5000, 0, 7].into_iter().enumerate() {
            push(&mut queue, length);
            expected.extend_from_slice(&(length as u16).to_be_bytes());
            expected.resize(expected.len() + length, b'.');
            for step in [1, round, 3] {
                let step = step.min(expected.len());
                queue.advance(step);
                expected.drain(..step);
                assert_eq!(queue.unsent(), expected.len());
                assert!(written(&queue) == expected);
            }
        }
    }

    #[test]
    fn an_empty_queue_holds_no_memory() {
        let mut queue = WriteQueue::default();
        for length in [3, REFERENCED] {
            push(&mut queue, length);
            queue.advance(queue.unsent());
            assert_eq!((queue.block.capacity(), queue.segments.capacity()), (0, 0));
            let mut message = Bytes::from(vec![b'!'; length]);
            queue.push(&mut Fails, Payload::Owned(&mut message)).unwrap_err();
            assert_eq!((queue.block.capacity(), queue.segments.capacity()), (0, 0));
        }
    }

    #[test]
    fn a_large_message_is_referenced_where_it_stands() {
        let mut message = Bytes::from(vec![b'.'; REFERENCED]);
        let address = message.as_ptr();
        let mut queue = WriteQueue::default();
        queue.push(&mut Delimited::lines(), Payload::Owned(&mut message)).unwrap();
        let mut slices = [IoSlice::new(&[]); SLICES];
        assert_eq!(queue.fill(&mut slices), 2);
        assert_eq!(slices[0].as_ptr(), address);
        assert_eq!(&*slices[1], b"\n");
    }

    #[test]
    #[should_panic = "the stream took more bytes than it was given"]
    fn a_stream_that_claims_too_much_is_told_so() {
        let mut queue = WriteQueue::default();
        push(&mut queue, 3);
        queue.advance(6);
    }
}

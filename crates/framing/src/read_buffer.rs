//! Bytes received and not yet handed out: grows with what arrives, not with what is announced.

use std::task::{Context, Poll, ready};

use anysock_core::Message;
use bytes::{Buf, Bytes, BytesMut};

use crate::{ByteRecv, Codec, Decoded, Error, ErrorKind};

/// The first read of a burst gets so much room.
const SMALLEST: usize = 8 * 1024;

/// Room doubles up to here while reads fill it.
const LARGEST: usize = 64 * 1024;

/// A block with so much room left is read into once more.
const ENOUGH: usize = 4 * 1024;

/// What was read from a stream and is not yet a message.
///
/// While the stream is silent it holds no more than four times the bytes at hand, and nothing at
/// all if there are none. While it is not, no more than 8 KiB beside that, or twice what the last
/// reads brought.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    bytes: Bytes,
    /// The codec is not asked again before so many bytes are here.
    needed: usize,
    room: usize,
    /// Size of the allocation in which `bytes` lie.
    block: usize,
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self { bytes: Bytes::new(), needed: 1, room: SMALLEST, block: 0 }
    }
}

impl ReadBuffer {
    /// Reads once; how much it was, 0 at the end.
    pub(crate) fn poll_fill<R: ByteRecv>(
        &mut self,
        io: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        let (mut bytes, room) = self.make_room()?;
        let read = io.poll_recv(cx, &mut bytes, room);
        if bytes.is_empty() {
            self.block = 0;
        } else {
            self.block = self.block.max(bytes.capacity());
            self.bytes = bytes.freeze();
        }
        let read = ready!(read)?;
        if read >= self.room {
            self.room = (self.room * 2).min(LARGEST);
        }
        Poll::Ready(Ok(read))
    }

    /// The next message, if it is here. `at_end` if nothing more will come.
    #[inline]
    pub(crate) fn next<C: Codec>(
        &mut self,
        codec: &mut C,
        at_end: bool,
    ) -> Result<Option<Message>, Error> {
        while !self.bytes.is_empty() {
            let found = match self.bytes.len() >= self.needed {
                true => codec.decode(&self.bytes)?,
                false => Decoded::More { total: self.needed },
            };
            let found = match found {
                Decoded::More { .. } if at_end => codec.decode_end(&self.bytes)?,
                found => found,
            };
            check::<C>(&found, self.bytes.len())?;
            match found {
                Decoded::More { .. } if at_end => {
                    return Err(ErrorKind::CutOff { held: self.bytes.len() }.into());
                }
                Decoded::More { total } => {
                    self.needed = total.max(self.bytes.len() + 1);
                    return Ok(None);
                }
                Decoded::Skip { consumed } => self.consume(consumed),
                Decoded::Made { message, consumed } => {
                    self.consume(consumed);
                    return Ok(Some(message.into()));
                }
                Decoded::Frame { payload, consumed } => {
                    // A slice of the block; an empty one keeps no block alive.
                    let message = self.bytes.slice(payload);
                    self.consume(consumed);
                    return Ok(Some(message.into()));
                }
            }
        }
        Ok(None)
    }

    /// Nothing more is here for now: lets go of memory that is not needed for what is at hand.
    pub(crate) fn park(&mut self) {
        // The next burst is taken to be like this one, until some were smaller.
        self.room = (self.room / 2).max(SMALLEST);
        if self.bytes.is_empty() {
            *self = Self { room: self.room, ..Self::default() };
        } else if self.bytes.len() * 4 < self.block {
            self.bytes = Bytes::copy_from_slice(&self.bytes);
            self.block = self.bytes.len();
        }
    }

    /// Bytes of memory held for what was received.
    pub(crate) fn held(&self) -> usize {
        self.block
    }

    /// What to read into, with the bytes at hand in it, and how much room to ask for. Only an
    /// empty buffer is given its room by the stream, and thus not before something is there; any
    /// other is moved to a larger block here, whose size is then known, and which may fail.
    fn make_room(&mut self) -> Result<(BytesMut, usize), Error> {
        let length = self.bytes.len();
        let missing = self.needed.saturating_sub(length).max(1);
        // The block of a long frame may have been made to its size: its last bytes need no other.
        let enough = if length < SMALLEST { ENOUGH } else { missing.min(ENOUGH) };
        // A block from which nothing is held any more is used again.
        let rest = match std::mem::take(&mut self.bytes).try_into_mut() {
            Ok(bytes) if length == 0 && self.block >= self.room => return Ok((bytes, self.room)),
            Ok(bytes) if length > 0 && bytes.capacity() - length >= enough => {
                return Ok((bytes, 1));
            }
            // Little is left: it is moved to the front of its own block.
            Ok(mut bytes) if length > 0 && self.block >= self.room.max(4 * length) => {
                bytes.reserve(self.block - length);
                return Ok((bytes, 1));
            }
            Ok(bytes) => bytes.freeze(),
            Err(bytes) => bytes,
        };
        if length == 0 {
            self.block = 0;
            return Ok((BytesMut::new(), self.room));
        }
        // However long the frame is said to be, no more is provided for than twice what was
        // received of it; and as much again where its length is not known.
        let room = self.room.max(if missing == 1 { length } else { missing.min(2 * length) });
        let mut larger = Vec::new();
        let grown = larger.try_reserve_exact(length + room);
        grown.map_err(|_| ErrorKind::OutOfMemory { length: self.needed })?;
        larger.extend_from_slice(&rest);
        self.block = larger.capacity();
        // By way of `Bytes`, the only one of the two that takes a vector as it is.
        Ok((BytesMut::from(Bytes::from(larger)), room))
    }

    #[inline]
    fn consume(&mut self, consumed: usize) {
        self.bytes.advance(consumed);
        self.needed = 1;
    }
}

/// Refuses what a codec must not find: a peer may be able to bring a faulty one to it, and must
/// neither spin nor panic this side by it.
#[inline]
fn check<C>(found: &Decoded, available: usize) -> Result<(), Error> {
    let (payload, consumed) = match found {
        Decoded::More { .. } => return Ok(()),
        Decoded::Frame { payload, consumed } => (payload.clone(), *consumed),
        Decoded::Made { consumed, .. } | Decoded::Skip { consumed } => (0..0, *consumed),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Delimited, LengthDelimited};
    use std::io;
    use std::task::Waker;

    /// Reserves first and looks then, as a socket does whose readiness is stale.
    struct Source<'a>(&'a [u8]);

    impl ByteRecv for Source<'_> {
        fn poll_recv(
            &mut self,
            _: &mut Context<'_>,
            buffer: &mut BytesMut,
            room: usize,
        ) -> Poll<io::Result<usize>> {
            buffer.reserve(room);
            if self.0.is_empty() {
                return Poll::Pending;
            }
            let length = self.0.len().min(buffer.capacity() - buffer.len());
            let (read, rest) = self.0.split_at(length);
            buffer.extend_from_slice(read);
            self.0 = rest;
            Poll::Ready(Ok(length))
        }
    }

    /// Brings `bytes`, and gives the messages; how many reads it took.
    fn fill<C: Codec>(buffer: &mut ReadBuffer, codec: &mut C, bytes: &[u8]) -> (usize, usize) {
        let (mut source, mut reads, mut messages) = (Source(bytes), 0, 0);
        let mut cx = Context::from_waker(Waker::noop());
        while buffer.poll_fill(&mut source, &mut cx).map(Result::unwrap).is_ready() {
            reads += 1;
            while buffer.next(codec, false).unwrap().is_some() {
                messages += 1;
            }
            assert!(buffer.held() >= buffer.bytes.len());
        }
        buffer.park();
        (messages, reads)
    }

    #[test]
    fn at_rest_it_holds_four_times_what_is_at_hand_and_nothing_for_nothing() {
        let mut codec = LengthDelimited::u32().max(1 << 24);
        let mut buffer = ReadBuffer::default();
        assert_eq!(fill(&mut buffer, &mut codec, &[]), (0, 0));
        assert_eq!(buffer.held(), 0);
        fill(&mut buffer, &mut codec, &[1, 0, 0, 0]);
        for length in [1, 10, 1000, 10_000, 100_000] {
            fill(&mut buffer, &mut codec, &vec![0; length]);
            assert!((1..=4 * buffer.bytes.len()).contains(&buffer.held()), "{}", buffer.held());
        }
    }

    #[test]
    fn rooms_grow_with_a_burst_and_are_small_again_after_some_without() {
        let mut codec = LengthDelimited::u32();
        let mut buffer = ReadBuffer::default();
        let burst: Vec<u8> = (0..40_000).flat_map(|_| *b"\0\0\0\x01.").collect();
        let (messages, reads) = fill(&mut buffer, &mut codec, &burst);
        assert_eq!(messages, 40_000);
        assert!(reads <= 8, "{reads} reads of {} bytes", burst.len());
        assert_eq!(buffer.held(), 0);
        for _ in 0..3 {
            assert_eq!(fill(&mut buffer, &mut codec, b"\0\0\0\x01."), (1, 1));
        }
        assert_eq!((buffer.held(), buffer.room), (0, SMALLEST));
    }

    #[test]
    fn a_long_frame_is_moved_a_few_times_and_not_for_its_last_bytes() {
        let mut codec = LengthDelimited::u32();
        let mut buffer = ReadBuffer::default();
        let length = 1_000_000;
        let frame = [&(length as u32).to_be_bytes()[..], &vec![0; length]].concat();
        let (mut moves, mut block) = (0, 0);
        for piece in frame[..frame.len() - 1].chunks(1000) {
            fill(&mut buffer, &mut codec, piece);
            moves += usize::from(buffer.block > block);
            block = buffer.block;
        }
        assert!(moves <= 8, "moved {moves} times");
        assert!(block < length + 2 * LARGEST, "{block}");
        let mut source = Source(&frame[frame.len() - 1..]);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(buffer.poll_fill(&mut source, &mut cx).is_ready());
        assert_eq!(buffer.block, block);
        assert_eq!(buffer.next(&mut codec, false).unwrap().unwrap().len(), length);
    }

    #[test]
    fn a_long_line_is_moved_a_few_times_though_nobody_knows_its_length() {
        let mut codec = Delimited::lines();
        let mut buffer = ReadBuffer::default();
        let (mut moves, mut block) = (0, 0);
        for _ in 0..1000 {
            fill(&mut buffer, &mut codec, &[b'.'; 1000]);
            moves += usize::from(buffer.block > block);
            block = buffer.block;
        }
        assert!(moves <= 12, "moved {moves} times");
        assert_eq!(fill(&mut buffer, &mut codec, b"\n").0, 1);
    }

    #[test]
    fn no_memory_is_an_error_and_not_the_end_of_the_process() {
        let mut buffer = ReadBuffer { needed: usize::MAX, ..ReadBuffer::default() };
        buffer.bytes = Bytes::from(vec![0; 100]);
        buffer.room = isize::MAX as usize;
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Err(error)) = buffer.poll_fill(&mut Source(b"."), &mut cx) else {
            panic!("so much memory there is not");
        };
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory { length: usize::MAX }), "{error}");
        assert!(error.is_fatal());
    }
}

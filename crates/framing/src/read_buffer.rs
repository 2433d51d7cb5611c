//! Bytes received and not yet handed out: grows with what arrives, not with what is announced.

use std::task::{Context, Poll, ready};

use anysock_core::{Message, Passed, RecvBlock};

use crate::beside::{Beside, Counts};
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
    /// Made by the first bytes that something comes along with, or by a failure.
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
        let read = ready!(io.poll_recv_passed(cx, &mut self.block, most, &mut passed))?;
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
        if self.room > SMALLEST { (self.room as usize / 2).min(4 * LONG) } else { 0 }
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
    use bytes::BufMut;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::VecDeque;
    use std::io;
    use std::iter::repeat_n;
    use std::task::Waker;

    struct Source<'a>(&'a [u8]);

    impl ByteRecv for Source<'_> {
        fn poll_recv(
            &mut self,
            _: &mut Context<'_>,
            block: &mut RecvBlock,
            most: usize,
        ) -> Poll<io::Result<usize>> {
            assert!(block.spare() > 0 && most > 0);
            if self.0.is_empty() {
                return Poll::Pending;
            }
            let length = self.0.len().min(block.spare()).min(most);
            let (read, rest) = self.0.split_at(length);
            block.put_slice(read);
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
            while let Next::Message(_) = buffer.next(codec) {
                messages += 1;
            }
            assert!(buffer.held() >= buffer.block.len());
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
            assert!((1..=4 * buffer.block.len()).contains(&buffer.held()), "{}", buffer.held());
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
        for _ in 0..5 {
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
            moves += usize::from(buffer.held() > block);
            block = buffer.held();
        }
        assert!(moves <= 8, "moved {moves} times");
        assert!(block < length + 2 * LARGEST as usize, "{block}");
        let mut source = Source(&frame[frame.len() - 1..]);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(buffer.poll_fill(&mut source, &mut cx).is_ready());
        assert_eq!(buffer.held(), block);
        let Next::Message(message) = buffer.next(&mut codec) else { panic!("it is whole") };
        assert_eq!(message.len(), length);
    }

    #[test]
    fn a_long_frame_may_begin_at_the_end_of_a_large_block_of_held_messages() {
        let mut codec = LengthDelimited::u32();
        let long = [&100_000_u32.to_be_bytes()[..], &[0; 100_000]].concat();
        for count in (128_000..130_000).step_by(100) {
            let wire = [&b"\0\0\0\x01.".repeat(count)[..], &long].concat();
            let (mut buffer, mut held, mut source) = (ReadBuffer::default(), 0, Source(&wire));
            let mut cx = Context::from_waker(Waker::noop());
            let mut messages = Vec::new();
            while buffer.poll_fill(&mut source, &mut cx).is_ready() {
                while let Next::Message(message) = buffer.next(&mut codec) {
                    held = message.len();
                    messages.push(message);
                }
            }
            assert_eq!(held, 100_000);
        }
    }

    #[test]
    fn a_codec_may_ask_for_any_length_and_memory_follows_what_comes() {
        let mut buffer = ReadBuffer { needed: usize::MAX, ..ReadBuffer::default() };
        let (begun, mut cx) = ([0; 100_000], Context::from_waker(Waker::noop()));
        let mut source = Source(&begun);
        while buffer.poll_fill(&mut source, &mut cx).map(Result::unwrap).is_ready() {
            assert!(buffer.held() <= 4 * (buffer.block.len() + ENOUGH), "{}", buffer.held());
        }
        assert_eq!(buffer.block.len(), begun.len());
    }

    #[test]
    fn a_long_line_is_moved_a_few_times_though_nobody_knows_its_length() {
        let mut codec = Delimited::lines();
        let mut buffer = ReadBuffer::default();
        let (mut moves, mut block) = (0, 0);
        for _ in 0..1000 {
            fill(&mut buffer, &mut codec, &[b'.'; 1000]);
            moves += usize::from(buffer.held() > block);
            block = buffer.held();
        }
        assert!(moves <= 12, "moved {moves} times");
        assert_eq!(fill(&mut buffer, &mut codec, b"\n").0, 1);
    }

    /// Brings bytes with which descriptors were passed that this process could not take.
    struct Truncated<'a>(Source<'a>);

    impl ByteRecv for Truncated<'_> {
        fn poll_recv(
            &mut self,
            cx: &mut Context<'_>,
            block: &mut RecvBlock,
            most: usize,
        ) -> Poll<io::Result<usize>> {
            self.0.poll_recv(cx, block, most)
        }

        fn poll_recv_passed(
            &mut self,
            cx: &mut Context<'_>,
            block: &mut RecvBlock,
            most: usize,
            passed: &mut Passed,
        ) -> Poll<io::Result<usize>> {
            passed.is_truncated = true;
            self.poll_recv(cx, block, most)
        }
    }

    #[test]
    fn nothing_is_handed_out_before_the_error_of_a_message_that_was_lost() {
        let mut cx = Context::from_waker(Waker::noop());
        let mut codec = Delimited::lines().unterminated(true);
        for lost in ["lost\n", "lost"] {
            let mut buffer = ReadBuffer::default();
            let mut next = |buffer: &mut ReadBuffer| match lost {
                "lost\n" => buffer.next(&mut codec),
                _ => buffer.next_at_end(&mut codec),
            };
            let mut source = Truncated(Source(lost.as_bytes()));
            assert!(buffer.poll_fill(&mut source, &mut cx).is_ready());
            if lost.ends_with('\n') {
                assert!(buffer.poll_fill(&mut Source(b"last\n"), &mut cx).is_ready());
            }
            for _ in 0..2 {
                assert!(matches!(next(&mut buffer), Next::Nothing));
            }
            let error = buffer.take_error().unwrap();
            assert!(matches!(error.kind(), ErrorKind::DescriptorsLost { length: 4, taken: 0 }));
            assert!(buffer.take_error().is_none());
            match next(&mut buffer) {
                Next::Message(message) => assert_eq!(message, "last"),
                _ => assert!(!lost.ends_with('\n')),
            }
            assert_eq!(buffer.counts().lost, 1);
        }
    }

    #[test]
    fn no_memory_is_an_error_and_not_the_end_of_the_process() {
        let mut buffer = ReadBuffer { needed: 7, ..ReadBuffer::default() };
        let error = buffer.resize(isize::MAX as usize).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::OutOfMemory { length: 7 }), "{error}");
        assert!(error.is_fatal());
    }

    /// Runs of frames of one length; how much arrives at a time, and whether the stream is silent
    /// behind it; for how many messages each one is held.
    type Traffic = (Vec<(usize, usize)>, Vec<(usize, bool)>, Vec<usize>);

    fn traffic() -> impl Strategy<Value = Traffic> {
        let run = prop_oneof![
            4 => (0_usize..100, 1_usize..2000),
            3 => (0_usize..5000, 1_usize..60),
            2 => (30_000_usize..35_000, 1_usize..4),
            1 => (0_usize..600 * 1024, 1_usize..3),
        ];
        let arrival = prop_oneof![1 => 1_usize..10, 3 => 1_usize..10_000, 3 => 1_usize..400_000];
        let held = prop_oneof![Just(0), 0_usize..3, 0_usize..2000];
        (vec(run, 1..12), vec((arrival, any::<bool>()), 1..20), vec(held, 1..8))
    }

    /// Bytes of which no two that are close together are the same.
    fn content(length: usize, number: usize) -> Vec<u8> {
        (0..length).map(|at| (number.wrapping_mul(31) + at + (at >> 8)) as u8).collect()
    }

    /// What is held at most while the stream is not silent, beside what is at hand: 8 KiB, and three
    /// times what the last reads have brought.
    #[derive(Default)]
    struct Brought {
        burst: usize,
        before: usize,
    }

    impl Brought {
        /// Of `at_hand` bytes messages were just handed out.
        fn check(&self, buffer: &ReadBuffer, at_hand: usize) {
            let last = self.burst.max(self.before);
            let most = (4 * at_hand + 2 * SMALLEST as usize).max(at_hand + 3 * last);
            assert!(buffer.held() <= most, "{} for {at_hand} and {last}", buffer.held());
        }

        fn park(&mut self, buffer: &mut ReadBuffer) {
            buffer.park();
            let at_hand = buffer.block.len();
            self.before = self.burst.max(self.before / 2);
            self.burst = at_hand;
            let more = if at_hand < ENOUGH { 0 } else { SMALLEST as usize };
            assert!(buffer.held() <= 4 * at_hand + more, "{} for {at_hand}", buffer.held());
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_byte_for_byte_into_memory_in_proportion(
            (runs, arrivals, holds) in traffic(),
        ) {
            let lengths = runs.iter().flat_map(|(length, count)| repeat_n(*length, *count));
            let sent: Vec<_> = lengths.enumerate().map(|(n, length)| content(length, n)).collect();
            let frame = |message: &Vec<u8>| [&(message.len() as u32).to_be_bytes(), &message[..]].concat();
            let wire: Vec<u8> = sent.iter().flat_map(frame).collect();
            let mut codec = LengthDelimited::u32().max(1 << 20);
            let (mut buffer, mut brought) = (ReadBuffer::default(), Brought::default());
            let (mut received, mut held) = (0, VecDeque::new());
            let (mut reads, mut expected) = (0, 0);
            let (mut rest, mut arrivals) = (&wire[..], arrivals.iter().cycle());
            let mut cx = Context::from_waker(Waker::noop());
            while !rest.is_empty() {
                let (length, is_silent) = arrivals.next().unwrap();
                let (arrived, later) = rest.split_at(rest.len().min(*length));
                rest = later;
                // A long frame is read to its end, and what is behind it by the next read.
                expected += 2 + arrived.len() / ENOUGH + arrived.len() / LONG;
                let mut source = Source(arrived);
                while !source.0.is_empty() {
                    let Poll::Ready(read) = buffer.poll_fill(&mut source, &mut cx) else { panic!() };
                    brought.burst += read.unwrap();
                    reads += 1;
                    let at_hand = buffer.block.len();
                    loop {
                        match buffer.next(&mut codec) {
                            Next::Message(message) => {
                                brought.check(&buffer, at_hand);
                                assert_eq!(message, sent[received]);
                                held.push_back((message, received));
                                received += 1;
                                let most = holds[received % holds.len()];
                                for (message, n) in held.drain(..held.len().saturating_sub(most)) {
                                    assert_eq!(message, sent[n]);
                                }
                            }
                            Next::Nothing => break,
                            Next::Fault(error) => panic!("{error}"),
                        }
                    }
                }
                if *is_silent {
                    brought.park(&mut buffer);
                }
            }
            assert_eq!(received, sent.len());
            assert!(reads <= expected, "{reads} reads, where {expected} should do");
            brought.park(&mut buffer);
            assert_eq!(buffer.held(), 0);
            for (message, n) in held {
                assert_eq!(message, sent[n]);
            }
        }
    }
}

//! What a read buffer holds, and that it loses nothing.

mod room;

use super::*;
use crate::{Delimited, LengthDelimited, Resync};
use bytes::BufMut;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::fs::File;
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
    let short = [&60_u32.to_be_bytes()[..], &[b'.'; 60]].concat();
    for count in (10_000..10_160).step_by(8) {
        let wire = [&short.repeat(count)[..], &long].concat();
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
fn the_end_waits_for_the_error_of_a_message_that_was_lost() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut codec = Delimited::lines().unterminated(true);
    let mut buffer = ReadBuffer::default();
    assert!(buffer.poll_fill(&mut Truncated(Source(b"lost\n")), &mut cx).is_ready());
    assert!(buffer.poll_fill(&mut Source(b"last"), &mut cx).is_ready());
    for _ in 0..2 {
        assert!(matches!(buffer.next_at_end(&mut codec), Next::Nothing));
    }
    assert!(buffer.take_error().is_some());
    let Next::Message(message) = buffer.next_at_end(&mut codec) else { panic!("it is the last") };
    assert_eq!(message, "last");
}

#[test]
fn nothing_is_at_hand_once_the_error_of_a_message_that_was_lost_is_told() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut buffer = ReadBuffer::default();
    assert!(buffer.is_empty());
    assert!(buffer.poll_fill(&mut Truncated(Source(b"lost\n")), &mut cx).is_ready());
    assert!(!buffer.is_empty());
    assert!(matches!(buffer.next(&mut Delimited::lines()), Next::Nothing));
    assert!(!buffer.is_empty());
    assert!(buffer.take_error().is_some());
    assert!(buffer.is_empty());
}

/// Brings bytes, and a descriptor with each read.
struct WithDescriptor<'a>(Source<'a>);

impl ByteRecv for WithDescriptor<'_> {
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
        passed.descriptors.push(File::open("/dev/null").unwrap().into());
        self.poll_recv(cx, block, most)
    }
}

#[test]
fn what_is_let_go_of_stays_counted() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut codec = Resync::new(Delimited::lines().max(3));
    let mut buffer = ReadBuffer::default();
    for begun in ["much too long a line\nabc", "def"] {
        let mut source = WithDescriptor(Source(begun.as_bytes()));
        assert!(buffer.poll_fill(&mut source, &mut cx).is_ready());
        assert!(matches!(buffer.next(&mut codec), Next::Nothing));
    }
    let given_up = Counts { discarded: 2, discarded_bytes: 27, closed: 2, lost: 0 };
    assert_eq!(buffer.counts(), given_up);
    assert!(buffer.poll_fill(&mut WithDescriptor(Source(b"\nab")), &mut cx).is_ready());
    assert!(matches!(buffer.next(&mut codec), Next::Nothing));
    buffer.clear();
    let all = Counts { discarded_bytes: 28, closed: 3, ..given_up };
    assert_eq!((buffer.counts(), buffer.held(), buffer.is_empty()), (all, 0, true));
    // Nor by what ends it, nor at rest.
    buffer.fail(ErrorKind::CutOff { held: 2 }.into());
    assert!(matches!(buffer.failure().unwrap().kind(), ErrorKind::CutOff { held: 2 }));
    buffer.park();
    assert_eq!(buffer.counts(), all);
    assert!(buffer.failure().is_some());
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
    // Rows of 256, each of which begins one later: cut out of two, as byte by byte is slow.
    let two_rows: [u8; 512] = std::array::from_fn(|at| at as u8);
    let mut content = Vec::with_capacity(length);
    for row in 0..length.div_ceil(256) {
        let first = (number.wrapping_mul(31) + row) % 256;
        let rest = (length - content.len()).min(256);
        content.extend_from_slice(&two_rows[first..first + rest]);
    }
    content
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

//! What a write queue holds, and in which order.

use std::num::NonZeroUsize;

use super::*;
use crate::{AnyCodec, Decoded, Delimited, Fixed, LengthDelimited, Varint};

fn written(queue: &WriteQueue) -> Vec<u8> {
    let mut slices = [IoSlice::new(&[]); SLICES];
    let (filled, _) = queue.fill(&mut slices);
    slices[..filled].iter().flat_map(|slice| slice.iter().copied()).collect()
}

fn push(queue: &mut WriteQueue, length: usize) {
    let mut message = Bytes::from(vec![b'.'; length]);
    queue
        .push(&mut LengthDelimited::u16(), Payload::Owned(&mut message), &mut Attached::nothing())
        .unwrap();
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
            queue
                .push(&mut Fails, Payload::Owned(&mut message), &mut Attached::nothing())
                .unwrap_err();
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
        assert!(queue.0.is_none());
        let mut message = Bytes::from(vec![b'!'; length]);
        queue.push(&mut Fails, Payload::Owned(&mut message), &mut Attached::nothing()).unwrap_err();
        assert!(queue.0.is_none());
    }
}

#[test]
fn a_queue_that_is_never_empty_does_not_keep_what_has_gone() {
    let mut queue = WriteQueue::default();
    push(&mut queue, 1000);
    for round in 0..1000 {
        push(&mut queue, if round % 10 == 0 { REFERENCED } else { 1000 });
        queue.advance(queue.unsent() - 500);
        assert!(queue.0.as_ref().unwrap().bytes.len() <= COMPACTED + 4 * 1000, "round {round}");
        assert!(written(&queue) == [b'.'; 500]);
    }
}

#[test]
fn a_large_message_is_referenced_where_it_stands() {
    let mut message = Bytes::from(vec![b'.'; REFERENCED]);
    let address = message.as_ptr();
    let mut queue = WriteQueue::default();
    queue
        .push(&mut Delimited::lines(), Payload::Owned(&mut message), &mut Attached::nothing())
        .unwrap();
    let mut slices = [IoSlice::new(&[]); SLICES];
    assert_eq!(queue.fill(&mut slices).0, 2);
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

/// Nobody has asked it for its maximum before.
fn push_unchecked(codec: &mut dyn Codec, length: usize) -> Result<(), ErrorKind> {
    let (mut queue, message) = (WriteQueue::default(), vec![b'.'; length]);
    let pushed = queue.push(codec, Payload::Slice(&message), &mut Attached::nothing());
    assert_eq!(queue.unsent() == 0, pushed.is_err());
    pushed.map_err(Error::into_kind)
}

#[test]
fn the_codecs_of_this_crate_refuse_what_is_too_long_themselves() {
    let five = NonZeroUsize::new(5).unwrap();
    let codecs: [&mut dyn Codec; 5] = [
        &mut LengthDelimited::u8().max(5),
        &mut Varint::new().max(5),
        &mut Delimited::crlf().max(5),
        &mut Fixed::new(five),
        &mut AnyCodec::from(LengthDelimited::u32()).with_max(5),
    ];
    for codec in codecs {
        push_unchecked(codec, 5).unwrap();
        let refused = push_unchecked(codec, 6).unwrap_err();
        assert!(matches!(refused, ErrorKind::TooLong { length: 6, limit: 5 }), "{codec:?}");
    }
}

#[test]
fn a_frame_of_a_codec_that_checks_nothing_is_refused_beyond_its_maximum() {
    /// One byte of length, which wraps.
    #[derive(Debug)]
    struct Short;
    impl Codec for Short {
        fn max_message(&self) -> usize {
            255
        }
        fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
            frame.put(&[frame.payload_len() as u8]);
            frame.payload();
            Ok(())
        }
        fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> {
            unreachable!("nothing is received")
        }
    }
    assert_eq!(encode_frame(&mut Short, vec![0; 255]).unwrap().len(), 256);
    let refused = encode_frame(&mut Short, vec![0; 256]).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::TooLong { length: 256, limit: 255 }));
}

//! Bytes without boundaries: all arrive in their order, in pieces within the maximum.
//!
//! An input is the maximum, where to cut, and the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use anysock_framing::{
    Codec, Decoded, ErrorKind, Framed, Guaranteed, Guarantees, Io, Unframed, encode_frame,
};

use super::Tried;
use super::codec::uneven;
use super::framed::{ENDED, Pieces, Receives};
use super::script::Script;

/// In pieces as the input says, to the codec and through `Framed`.
pub(super) fn run(input: &[u8]) -> Tried {
    let mut script = Script(input);
    let [max, cuts] = [(); 2].map(|()| script.byte());
    let (codec, stream) = (Unframed::new().max(max.into()), script.rest());
    assert_eq!(codec.max_message(), usize::from(max.max(1)));
    check_sending(codec, stream);
    let ends = uneven(stream.len(), usize::from(cuts) + 1);
    decode(codec, stream, &ends);
    receive(codec, stream, &ends);
    Tried::ways(2)
}

fn check_sending(mut codec: Unframed, message: &[u8]) {
    let is_within = (1..=codec.max_message()).contains(&message.len());
    match encode_frame(&mut codec, message) {
        Ok(frame) => assert!(is_within && frame == message, "{} bytes are sent", message.len()),
        Err(error) => match error.kind() {
            ErrorKind::TooLong { length, limit } => assert!(!is_within && length > limit),
            ErrorKind::Unrepresentable { .. } => assert!(message.is_empty()),
            other => panic!("{other}"),
        },
    }
}

fn decode(mut codec: Unframed, stream: &[u8], ends: &[usize]) {
    let mut consumed = 0;
    for end in ends {
        while consumed < *end {
            let whole = (end - consumed).min(codec.max_message());
            let piece = Decoded::Frame { payload: 0..whole, consumed: whole };
            assert_eq!(codec.decode(&stream[consumed..*end]).unwrap(), piece);
            consumed += whole;
        }
        assert_eq!(codec.decode(&[]).unwrap(), Decoded::More { total: 1 });
    }
}

fn receive(codec: Unframed, stream: &[u8], ends: &[usize]) {
    let until = Arc::new(AtomicUsize::new(0));
    let mut framed = Framed::new(Io::new(Pieces::new(stream, &until)), codec);
    assert!(!framed.guarantees().contains(Guarantees::BOUNDARIES));
    let mut received = Vec::new();
    for end in ends {
        until.store(*end, Ordering::Relaxed);
        while let Poll::Ready(piece) = framed.poll() {
            let piece = piece.unwrap().expect("the stream goes on");
            assert!((1..=codec.max_message()).contains(&piece.len()));
            received.extend_from_slice(&piece);
        }
        assert_eq!(received, stream[..*end]);
        assert_eq!(framed.stats().held, 0);
    }
    until.store(ENDED, Ordering::Relaxed);
    for _ in 0..2 {
        assert!(matches!(framed.poll(), Poll::Ready(Ok(None))));
    }
}

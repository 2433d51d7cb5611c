//! Receivers that give up a frame and go on behind it.

use anysock_framing::{
    AnyCodec, Codec, Decoded, Delimited, Error, ErrorKind, FrameEnd, FrameWriter, Framed,
    Guaranteed as _, Io, RecvExt as _, Resync, encode_frame,
};
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

const MAX: usize = 6;

/// All that give up what is too long.
const NAMES: [&str; 16] = [
    "u8",
    "u16",
    "u24",
    "u32",
    "u64",
    "u16le",
    "u64le",
    "varint",
    "lines",
    "crlf",
    "nul",
    "netstring",
    "octets",
    "content-length",
    "cobs",
    "slip",
];

/// What was made of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Made {
    messages: Vec<Vec<u8>>,
    discarded: usize,
    discarded_bytes: usize,
    /// The most bytes that the codec left in the input.
    most_kept: usize,
}

/// Gives the stream to the codec in pieces of so many bytes.
fn made(mut codec: impl Codec, wire: &[u8], piece: usize) -> Result<Made, Error> {
    let (mut made, mut input) = (Made::default(), Vec::new());
    for piece in wire.chunks(piece) {
        input.extend_from_slice(piece);
        loop {
            let consumed = match codec.decode(&input)? {
                Decoded::Frame { payload, consumed } => {
                    made.messages.push(input[payload].to_vec());
                    consumed
                }
                Decoded::Made { message, consumed } => {
                    made.messages.push(message.to_vec());
                    consumed
                }
                Decoded::Skip { consumed } => consumed,
                Decoded::Discard { consumed, begins } => {
                    made.discarded += usize::from(begins);
                    made.discarded_bytes += consumed;
                    consumed
                }
                Decoded::More { total } => {
                    assert!(total > input.len());
                    break;
                }
            };
            assert!(consumed > 0);
            input.drain(..consumed);
        }
        made.most_kept = made.most_kept.max(input.len());
    }
    assert!(input.is_empty(), "{} bytes are left", input.len());
    Ok(made)
}

fn named(name: &str) -> AnyCodec {
    name.parse::<AnyCodec>().unwrap()
}

fn resync(name: &str) -> AnyCodec {
    named(&format!("resync:{name}")).with_max(MAX)
}

fn frame(name: &str, message: &[u8]) -> Vec<u8> {
    encode_frame(&mut named(name), message).unwrap().to_vec()
}

proptest! {
    #[test]
    fn what_is_too_long_is_given_up_alone_and_counted(
        lengths in vec(1_usize..30, 0..12),
        piece in 1_usize..40,
    ) {
        for name in NAMES {
            let frames: Vec<_> =
                lengths.iter().map(|&length| (length, frame(name, &vec![b'x'; length]))).collect();
            let wire: Vec<u8> = frames.iter().flat_map(|(_, frame)| frame.clone()).collect();
            let made = made(resync(name), &wire, piece).unwrap();
            let (good, bad): (Vec<_>, Vec<_>) =
                frames.iter().partition(|(length, _)| *length <= MAX);
            let good: Vec<_> = good.iter().map(|(length, _)| vec![b'x'; *length]).collect();
            prop_assert_eq!(made.messages, good, "{}", name);
            prop_assert_eq!(made.discarded, bad.len(), "{}", name);
            let bytes: usize = bad.iter().map(|(_, frame)| frame.len()).sum();
            prop_assert_eq!(made.discarded_bytes, bytes, "{}", name);
        }
    }

    #[test]
    fn a_receiver_finds_its_way_back_from_garbage_to_the_delimiter(
        garbage in vec(any::<u8>(), 0..60),
        piece in 1_usize..40,
    ) {
        for (name, end) in [("cobs", 0), ("slip", 0xc0), ("nul", 0)] {
            let wire = [&garbage[..], &[end], &frame(name, b"good")].concat();
            let made = made(resync(name), &wire, piece).unwrap();
            prop_assert_eq!(made.messages.last().unwrap(), b"good", "{}", name);
            prop_assert!(made.most_kept <= 2 * MAX + 4, "{} kept {}", name, made.most_kept);
        }
    }
}

#[test]
fn what_is_malformed_is_skipped_to_the_delimiter_where_there_is_one() {
    for (name, bad) in
        [("cobs", &[9, 1, 0][..]), ("slip", &[1, 0xdb, 2, 0xc0]), ("slip", &[0xdb, 0xc0])]
    {
        let wire = [&frame(name, b"one")[..], bad, &frame(name, b"two")].concat();
        for piece in 1..=wire.len() {
            let made = made(resync(name), &wire, piece).unwrap();
            assert_eq!(made.messages, [b"one", b"two"], "{name} {piece}");
            assert_eq!((made.discarded, made.discarded_bytes), (1, bad.len()), "{name} {piece}");
        }
    }
}

#[test]
fn where_nobody_knows_the_next_frame_the_transport_ends_all_the_same() {
    for (name, bad) in [
        ("netstring", &b"3:abcX"[..]),
        ("octets", b"<13>1 -"),
        ("content-length", b"GET / HTTP/1.1\r\n\r\n"),
        ("varint", &[0xff; 10]),
    ] {
        let error = made(resync(name), bad, 100).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{name}: {error}");
        assert!(error.is_fatal());
    }
}

#[test]
fn without_it_the_same_streams_end_the_transport() {
    for name in NAMES {
        let error = made(named(name).with_max(MAX), &frame(name, &[b'x'; 30]), 100).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { .. }), "{name}: {error}");
    }
}

#[test]
fn a_stream_that_ends_inside_what_is_given_up_ends_in_order() {
    let mut codec = Resync::new(named("lines").with_max(3));
    assert_eq!(codec.decode(b"abcd").unwrap(), Decoded::Discard { consumed: 4, begins: true });
    assert_eq!(codec.decode_end(b"ef").unwrap(), Decoded::Discard { consumed: 2, begins: false });
    // In step it is cut off as ever.
    let error = codec.decode_end(b"ab").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::CutOff { held: 2 }), "{error}");
    // Too short for a delimiter, and too long for a message.
    let mut codec = AnyCodec::from(Delimited::new("----").unwrap().max(0));
    codec = Resync::new(codec).into();
    assert_eq!(codec.decode(b"ab").unwrap(), Decoded::More { total: 3 });
    assert_eq!(codec.decode_end(b"ab").unwrap(), Decoded::Discard { consumed: 2, begins: true });
}

#[tokio::test]
async fn an_unterminated_end_that_is_too_long_is_given_up_as_well() {
    // A CR might have been the beginning of the delimiter, until the stream ended behind it.
    for end in ["abc\r", "abcd"] {
        let wire = format!("abc\r\n{end}");
        let lines = Delimited::crlf().max(3).unterminated(true);
        let stream = tokio::io::join(std::io::Cursor::new(wire), tokio::io::sink());
        let mut framed = Framed::new(Io::new(stream), Resync::new(lines));
        assert_eq!(framed.recv().await.unwrap().unwrap(), "abc");
        assert!(framed.recv().await.unwrap().is_none(), "{end:?}");
        let stats = framed.stats();
        assert_eq!((stats.discarded, stats.discarded_bytes), (1, 4), "{end:?}");
    }
    // A maximum of nothing, and an end that is shorter than the delimiter.
    let mut codec = Resync::new(Delimited::new("--------").unwrap().max(1).unterminated(true));
    assert_eq!(codec.decode(b"-").unwrap(), Decoded::More { total: 2 });
    assert_eq!(codec.decode(b"--").unwrap(), Decoded::More { total: 3 });
    let all = Decoded::Discard { consumed: 2, begins: true };
    assert_eq!(codec.decode_end(b"--").unwrap(), all);
    // In step again: what comes next would be another stream.
    assert_eq!(codec.decode(b"a--------").unwrap(), Decoded::Frame { payload: 0..1, consumed: 9 });
}

#[tokio::test]
async fn a_transport_counts_what_it_discards_and_holds_none_of_it() {
    const GIANT: usize = 4 * 1024 * 1024;
    for name in NAMES.into_iter().filter(|name| !["u8", "u16", "u16le"].contains(name)) {
        let (mut peer, ours) = tokio::io::duplex(64 * 1024);
        let codec = named(&format!("resync:{name}")).with_max(1000);
        let mut framed = Framed::new(Io::new(ours), codec);
        let giant = encode_frame(&mut named(name).with_max(GIANT), vec![b'x'; GIANT]).unwrap();
        let sent = giant.len();
        let sending = tokio::spawn(async move {
            for _ in 0..2 {
                peer.write_all(&giant).await.unwrap();
            }
            peer.write_all(&encode_frame(&mut named(name), "good").unwrap()).await.unwrap();
            peer
        });
        let received = tokio::time::timeout(std::time::Duration::from_secs(30), framed.recv());
        assert_eq!(received.await.unwrap().unwrap().unwrap(), "good", "{name}");
        let stats = framed.stats();
        assert_eq!((stats.discarded, stats.discarded_bytes), (2, 2 * sent as u64), "{name}");
        assert_eq!((stats.received, stats.received_bytes), (1, 4), "{name}");
        assert!(stats.held <= 384 * 1024, "{name} holds {}", stats.held);
        drop(sending.await.unwrap());
        let end = tokio::time::timeout(std::time::Duration::from_secs(30), framed.recv());
        assert!(end.await.unwrap().unwrap().is_none(), "{name}");
    }
}

#[test]
fn it_keeps_boundaries_where_its_codec_does() {
    assert!(named("resync:lines").keeps_boundaries());
    assert!(!named("resync:unframed").keeps_boundaries());
}

/// Is short of memory, and knows where its frame ends.
#[derive(Clone, Debug)]
struct Short;

impl Codec for Short {
    fn max_message(&self) -> usize {
        10
    }
    fn encode(&mut self, _: &mut FrameWriter<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> {
        Err(ErrorKind::OutOfMemory { length: 3 }.into())
    }
    fn find_end(&mut self, _: &[u8]) -> FrameEnd {
        FrameEnd::At(3)
    }
}

/// Waits for the end of the stream, and then refuses frames of two bytes.
#[derive(Clone, Debug)]
struct Late {
    end: FrameEnd,
}

impl Codec for Late {
    fn max_message(&self) -> usize {
        10
    }
    fn encode(&mut self, _: &mut FrameWriter<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        Ok(Decoded::More { total: input.len() + 1 })
    }
    fn decode_end(&mut self, _: &[u8]) -> Result<Decoded, Error> {
        Err(ErrorKind::Malformed { codec: "late", why: "it is".into() }.into())
    }
    fn find_end(&mut self, _: &[u8]) -> FrameEnd {
        self.end
    }
}

#[test]
fn what_is_refused_at_the_end_is_given_up_as_far_as_it_goes() {
    for (end, consumed) in [
        (FrameEnd::At(2), 2),
        (FrameEnd::At(9), 3),
        (FrameEnd::Beyond(0), 3),
        (FrameEnd::Beyond(3), 3),
    ] {
        let mut codec = Resync::new(Late { end });
        assert_eq!(codec.decode(b"abc").unwrap(), Decoded::More { total: 4 });
        let given_up = Decoded::Discard { consumed, begins: true };
        assert_eq!(codec.decode_end(b"abc").unwrap(), given_up, "{end:?}");
    }
    let error = Resync::new(Late { end: FrameEnd::Unknown }).decode_end(b"abc").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
}

#[test]
fn what_is_not_of_the_frame_alone_is_not_given_up() {
    let error = Resync::new(Short).decode(b"abc").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::OutOfMemory { .. }), "{error}");
}

#[tokio::test]
async fn a_stream_is_not_taken_from_within_a_frame_that_is_given_up() {
    for (codec, begin, end) in
        [("resync:lines", "far too", " long\n"), ("resync:u8", "\x09far too", " l")]
    {
        let codec = codec.parse::<AnyCodec>().unwrap().with_max(MAX);
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Framed::new(Io::new(near), codec);
        far.write_all(begin.as_bytes()).await.unwrap();
        let mut receiving = tokio_test::task::spawn(near.recv());
        tokio_test::assert_pending!(receiving.poll());
        drop(receiving);
        let refused = near.into_stream().unwrap_err();
        assert!(refused.to_string().contains("given up"), "{refused}");

        let mut near = refused.into_inner();
        far.write_all(end.as_bytes()).await.unwrap();
        let mut receiving = tokio_test::task::spawn(near.recv());
        tokio_test::assert_pending!(receiving.poll());
        drop(receiving);
        assert_eq!(near.stats().discarded, 1);
        near.into_stream().unwrap();
    }
}

#[test]
fn a_clone_begins_a_stream_of_its_own() {
    for (codec, begin) in [("resync:lines", &b"far too long"[..]), ("resync:u8", b"\x09far too")] {
        let mut codec = codec.parse::<AnyCodec>().unwrap().with_max(MAX);
        assert!(matches!(codec.decode(begin).unwrap(), Decoded::Discard { .. }));
        assert!(!codec.is_in_step());
        let mut clone = codec.clone();
        assert!(clone.is_in_step());
        assert!(matches!(clone.decode(b"\x02\n\n").unwrap(), Decoded::Frame { .. }));
    }
}

//! Every codec, over arbitrary messages and arbitrarily cut streams.

use std::num::NonZero;

use anysock_framing::{
    AnyCodec, Codec, Decoded, Delimited, Error, ErrorKind, Fixed, FrameWriter, LengthDelimited,
    Varint, encode_frame,
};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

/// A byte of its own before each line: neither at the head nor at the tail alone.
#[derive(Clone, Debug)]
struct Quoted(Delimited);

impl Codec for Quoted {
    fn max_message(&self) -> usize {
        self.0.max_message()
    }
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        frame.put(b">");
        self.0.encode(frame)
    }
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let Some(rest) = input.get(1..) else { return Ok(Decoded::More { total: 2 }) };
        Ok(match self.0.decode(rest)? {
            Decoded::Frame { payload, consumed } => Decoded::Made {
                message: Bytes::copy_from_slice(&rest[payload]),
                consumed: consumed + 1,
            },
            Decoded::More { total } => Decoded::More { total: total + 1 },
            other => panic!("{other:?}"),
        })
    }
}

fn codecs() -> Vec<AnyCodec> {
    let mut codecs: Vec<AnyCodec> = [
        "u8",
        "u16",
        "u24",
        "u32",
        "u64",
        "u8le",
        "u16le",
        "u24le",
        "u32le",
        "u64le",
        "varint",
        "lines",
        "crlf",
        "nul",
        "fixed:1",
        "fixed:7",
        "netstring",
        "octets",
        "content-length",
        "cobs",
        "slip",
        "resync:u16",
        "resync:lines",
        "resync:cobs",
    ]
    .map(|name| name.parse().unwrap())
    .into();
    codecs.extend([
        LengthDelimited::u8().including_header().into(),
        LengthDelimited::u24().including_header().into(),
        LengthDelimited::u64().little_endian().including_header().into(),
        Delimited::new("--").unwrap().into(),
        Delimited::new("abab").unwrap().into(),
        AnyCodec::custom(Quoted(Delimited::lines())),
    ]);
    codecs
}

/// The messages as `codec` can carry them: those of a fixed size are brought to it.
fn representable(codec: &AnyCodec, messages: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut messages = messages.to_vec();
    if let Some(size) = codec.to_string().strip_prefix("fixed:") {
        let size = size.parse().unwrap();
        messages.iter_mut().for_each(|message| message.resize(size, b'.'));
    }
    messages.retain(|message| match encode_frame(&mut codec.clone(), &message[..]) {
        Ok(_) => true,
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Unrepresentable { .. }), "{error}");
            false
        }
    });
    messages
}

fn encoded(codec: &AnyCodec, messages: &[Vec<u8>]) -> Vec<u8> {
    let mut codec = codec.clone();
    messages.iter().flat_map(|message| encode_frame(&mut codec, &message[..]).unwrap()).collect()
}

/// Gives the stream to the codec in `pieces`, and takes what it finds after each of them.
/// What is left over at the end comes second.
fn decoded<'a>(
    codec: &AnyCodec,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<Vec<u8>>, Vec<u8>), Error> {
    let mut codec = codec.clone();
    let (mut messages, mut input, mut wanted) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            // Asked also while there is less than it wanted: that must not confuse it.
            let (message, consumed) = match codec.decode(&input)? {
                Decoded::Frame { payload, consumed } => (input[payload].to_vec(), consumed),
                Decoded::Made { message, consumed } => (message.to_vec(), consumed),
                Decoded::More { total } => {
                    assert!(total > input.len(), "{codec} wants what it has");
                    wanted = total;
                    break;
                }
                // Garbage may be padding, or given up.
                Decoded::Skip { consumed } | Decoded::Discard { consumed, .. } => {
                    assert!(consumed > 0, "{codec} makes no progress");
                    input.drain(..consumed);
                    wanted = 0;
                    continue;
                }
            };
            assert!(input.len() >= wanted, "{codec} wanted more than it needed");
            messages.push(message);
            input.drain(..consumed);
            wanted = 0;
        }
    }
    Ok((messages, input))
}

/// The stream in pieces that end at `cuts`, somewhere.
fn cut<'a>(wire: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    cuts.push(0);
    cuts.push(wire.len());
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &wire[pair[0]..pair[1]]).collect()
}

/// Bytes of which the delimiters are made, mostly.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(prop::sample::select(b"\r\n\0-ab".to_vec()), 0..12),
        1 => vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #[test]
    fn messages_survive_any_cut(
        messages in vec(message(), 0..12),
        cuts in vec(any::<usize>(), 0..12),
    ) {
        for codec in codecs() {
            let messages = representable(&codec, &messages);
            let wire = encoded(&codec, &messages);
            let (got, rest) = decoded(&codec, cut(&wire, &cuts)).unwrap();
            prop_assert_eq!(&got, &messages, "{}", codec);
            prop_assert!(rest.is_empty(), "{}", codec);
        }
    }

    #[test]
    fn delimited_refuses_just_what_would_not_arrive(
        delimiter in vec(prop::sample::select(b"ab".to_vec()), 1..6),
        message in vec(prop::sample::select(b"ab\r".to_vec()), 0..12),
    ) {
        let mut codec = Delimited::new(&delimiter).unwrap();
        let wire = [&message[..], &delimiter].concat();
        let arrives = codec.decode(&wire).unwrap()
            == Decoded::Frame { payload: 0..message.len(), consumed: wire.len() };
        prop_assert_eq!(encode_frame(&mut codec, &message[..]).is_ok(), arrives);
    }

    #[test]
    fn a_maximum_is_held_to_the_byte_however_the_stream_is_cut(
        length in 0_usize..12,
        crlf in any::<bool>(),
        cuts in vec(any::<usize>(), 0..6),
    ) {
        const MAX: usize = 6;
        let end = if crlf { "\r\n" } else { "\n" };
        let wire = ["x".repeat(length).as_bytes(), end.as_bytes()].concat();
        let codec = AnyCodec::from(Delimited::lines().max(MAX));
        match decoded(&codec, cut(&wire, &cuts)) {
            Ok((messages, _)) => {
                prop_assert!(length <= MAX);
                prop_assert_eq!(messages, [vec![b'x'; length]]);
            }
            Err(error) => {
                prop_assert!(length > MAX, "{}", error);
                let oversize = matches!(error.kind(), ErrorKind::Oversize { limit: MAX, .. });
                prop_assert!(oversize, "{}", error);
            }
        }
    }

    #[test]
    fn no_codec_is_confused_by_garbage(
        garbage in vec(any::<u8>(), 0..300),
        cuts in vec(any::<usize>(), 0..6),
    ) {
        for codec in codecs() {
            let codec = codec.with_max(100);
            match decoded(&codec, cut(&garbage, &cuts)) {
                Ok((messages, _)) => {
                    let max = codec.max_message();
                    prop_assert!(messages.iter().all(|message| message.len() <= max));
                }
                Err(error) => prop_assert!(error.is_fatal()),
            }
        }
    }
}

#[test]
fn a_sample_stream_is_read_at_every_cut() {
    let sample = ["", "a", "hello", "", &"long ".repeat(50)].map(|text| text.as_bytes().to_vec());
    for codec in codecs() {
        let messages = representable(&codec, &sample);
        let name = codec.to_string();
        let some_are_not = ["u8 including", "octets", "slip"];
        let is_limited = some_are_not.iter().any(|limited| name.starts_with(limited));
        assert!(messages.len() == sample.len() || is_limited, "{name}");
        let wire = encoded(&codec, &messages);
        assert_eq!(decoded(&codec, wire.chunks(1)).unwrap().0, messages, "{codec}");
        for at in 0..=wire.len() {
            let (head, tail) = wire.split_at(at);
            assert_eq!(decoded(&codec, [head, tail]).unwrap().0, messages, "{codec} at {at}");
        }
    }
}

#[test]
fn a_stream_that_ends_inside_a_message_is_cut_off() {
    for codec in codecs() {
        let messages = representable(&codec, &[b"hello".into(), b"there".into()]);
        let wire = encoded(&codec, &messages);
        for at in 0..wire.len() {
            let (_, rest) = decoded(&codec, [&wire[..at]]).unwrap();
            if rest.is_empty() {
                continue;
            }
            let error = codec.clone().decode_end(&rest).unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::CutOff { held } if *held == rest.len()),
                "{codec}: {error}"
            );
        }
    }
}

#[test]
fn an_unterminated_last_line_arrives_where_that_is_accepted() {
    let codec = AnyCodec::from(Delimited::lines().unterminated(true));
    let (messages, rest) = decoded(&codec, [&b"one\r\ntwo\nthree"[..]]).unwrap();
    assert_eq!(messages, [b"one", b"two"]);
    let last = codec.clone().decode_end(&rest).unwrap();
    assert_eq!(last, Decoded::Frame { payload: 0..5, consumed: 5 });
}

#[test]
fn messages_up_to_the_maximum_pass_and_longer_ones_are_refused() {
    let narrow = [
        (AnyCodec::from(LengthDelimited::u8()), 255),
        (LengthDelimited::u8().including_header().into(), 254),
        (LengthDelimited::u16().into(), 65_535),
        (LengthDelimited::u16().little_endian().including_header().into(), 65_533),
    ];
    let limited = codecs()
        .into_iter()
        .filter(|codec| !codec.to_string().starts_with("fixed") && codec.max_message() >= 100)
        .map(|codec| (codec.with_max(100), 100));
    // A codec of one's own keeps its maximum.
    let limited = limited.filter(|(codec, max)| codec.max_message() == *max);
    for (codec, max) in limited.chain(narrow) {
        assert_eq!(codec.max_message(), max);
        let sizes = representable(&codec, &[0, 1, max - 1, max].map(|size| vec![b'x'; size]));
        assert!(sizes.len() >= 3, "{codec}");
        let wire = encoded(&codec, &sizes);
        assert_eq!(decoded(&codec, [&wire[..]]).unwrap().0, sizes, "{codec}");
        assert_eq!(decoded(&codec, wire.chunks(1)).unwrap().0, sizes, "{codec}");

        let error = encode_frame(&mut codec.clone(), vec![b'x'; max + 1]).unwrap_err();
        let refused = matches!(error.kind(), ErrorKind::TooLong { length, limit } if (*length, *limit) == (max + 1, max));
        assert!(refused, "{codec}: {error}");
    }
}

#[test]
fn a_longer_message_of_the_peer_is_oversize() {
    for codec in codecs() {
        let max = codec.max_message();
        let limited = codec.clone().with_max(100);
        let goes_on = codec.to_string().starts_with("resync");
        if max < 101 || limited.max_message() != 100 || goes_on {
            continue;
        }
        let wire = encoded(&codec, &[vec![b'x'; 101]]);
        for pieces in [vec![&wire[..]], wire.chunks(1).collect()] {
            let error = decoded(&limited, pieces).unwrap_err();
            assert!(error.is_fatal());
            assert!(
                matches!(error.kind(), ErrorKind::Oversize { length: 101, limit: 100 }),
                "{codec}: {error}"
            );
        }
    }
}

#[test]
fn a_large_payload_is_written_between_head_and_tail() {
    let large = Bytes::from(vec![b'x'; 100_000]);
    for mut codec in [
        AnyCodec::from(LengthDelimited::u32()),
        Varint::new().into(),
        Delimited::crlf().into(),
        Fixed::new(NonZero::new(100_000).unwrap()).into(),
    ] {
        let wire = encode_frame(&mut codec, large.clone()).unwrap();
        assert_eq!(decoded(&codec, [&wire[..]]).unwrap().0, [large.to_vec()], "{codec}");
    }
}

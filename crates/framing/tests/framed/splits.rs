//! Laws 1 to 4: every codec, its stream cut and ended at every byte.

use anysock_framing::{
    AnyCodec, Codec, Delimited, Error, ErrorKind, Framed, Guaranteed, Io, LengthDelimited, RecvExt,
    SendExt, Varint, encode_frame,
};
use bytes::Bytes;
use tokio_test::io::{Builder, Mock};

use crate::within;

/// A codec with messages that it can carry, an empty and a long one among them.
struct Sample {
    codec: AnyCodec,
    messages: Vec<Vec<u8>>,
}

impl Sample {
    fn frames(&self) -> Vec<Bytes> {
        let mut codec = self.codec.clone();
        self.messages.iter().map(|message| encode_frame(&mut codec, message).unwrap()).collect()
    }

    fn name(&self) -> String {
        self.codec.to_string()
    }
}

fn samples() -> Vec<Sample> {
    let mut codecs: Vec<AnyCodec> = [
        "u8", "u16", "u24", "u32", "u64", "u8le", "u16le", "u24le", "u32le", "u64le", "varint",
        "lines", "crlf", "nul", "fixed:1", "fixed:7",
    ]
    .map(|name| name.parse().unwrap())
    .into();
    codecs.extend([
        LengthDelimited::u8().including_header().into(),
        LengthDelimited::u32().little_endian().including_header().into(),
        Delimited::new("--").unwrap().into(),
        Delimited::new("abab").unwrap().into(),
    ]);
    let sample = |codec: AnyCodec| {
        let messages = match codec.to_string().strip_prefix("fixed:") {
            Some(size) => vec![vec![b'x'; size.parse().unwrap()]; 4],
            None => vec![
                b"hello".to_vec(),
                Vec::new(),
                // Longer than a varint of one byte says.
                vec![b'x'; 200],
                b"a\tb-c".to_vec(),
                Vec::new(),
            ],
        };
        Sample { codec, messages }
    };
    codecs.into_iter().map(sample).collect()
}

fn framed(mock: Mock, codec: &AnyCodec) -> Framed<Io<Mock>, AnyCodec> {
    Framed::new(Io::new(mock), codec.clone())
}

async fn receive_all(framed: &mut Framed<Io<Mock>, AnyCodec>) -> (Vec<Vec<u8>>, Option<Error>) {
    let mut messages = Vec::new();
    loop {
        match within(framed.recv()).await {
            Ok(Some(message)) => messages.push(message.to_vec()),
            Ok(None) => return (messages, None),
            Err(error) => return (messages, Some(error)),
        }
    }
}

#[tokio::test]
async fn a_stream_in_two_pieces_gives_the_same_messages_wherever_it_is_cut() {
    for sample in samples() {
        let stream = sample.frames().concat();
        for cut in 1..stream.len() {
            let mock = Builder::new().read(&stream[..cut]).read(&stream[cut..]).build();
            let (messages, error) = receive_all(&mut framed(mock, &sample.codec)).await;
            assert!(error.is_none(), "{}, cut at {cut}: {error:?}", sample.name());
            assert_eq!(messages, sample.messages, "{}, cut at {cut}", sample.name());
        }
    }
}

#[tokio::test]
async fn a_stream_byte_by_byte_gives_the_same_messages() {
    for sample in samples() {
        let mut builder = Builder::new();
        for byte in sample.frames().concat() {
            builder.read(&[byte]);
        }
        let (messages, error) = receive_all(&mut framed(builder.build(), &sample.codec)).await;
        assert!(error.is_none(), "{}: {error:?}", sample.name());
        assert_eq!(messages, sample.messages, "{}", sample.name());
    }
}

#[tokio::test]
async fn recv_many_gives_the_same_messages_wherever_the_stream_is_cut() {
    for sample in samples() {
        let stream = sample.frames().concat();
        for cut in 1..stream.len() {
            let mock = Builder::new().read(&stream[..cut]).read(&stream[cut..]).build();
            let mut framed = framed(mock, &sample.codec);
            let mut messages = Vec::new();
            while within(framed.recv_many(&mut messages, 3)).await.unwrap() > 0 {}
            assert_eq!(messages, sample.messages, "{}, cut at {cut}", sample.name());
            assert_eq!(framed.stats().received as usize, sample.messages.len());
        }
    }
}

#[tokio::test]
async fn a_stream_that_ends_is_cut_off_exactly_where_a_message_is_unfinished() {
    for sample in samples() {
        let frames = sample.frames();
        let stream = frames.concat();
        for length in 0..=stream.len() {
            let mut builder = Builder::new();
            if length > 0 {
                builder.read(&stream[..length]);
            }
            let mut framed = framed(builder.build(), &sample.codec);
            let (messages, error) = receive_all(&mut framed).await;
            let mut whole = 0;
            let complete = frames.iter().take_while(|frame| {
                let fits = whole + frame.len() <= length;
                whole += if fits { frame.len() } else { 0 };
                fits
            });
            let complete = complete.count();
            let at = format!("{}, ended at {length}", sample.name());
            assert_eq!(messages, sample.messages[..complete], "{at}");
            let cut_off = |error: Option<Error>| match error.map(Error::into_kind) {
                Some(ErrorKind::CutOff { held }) => held,
                None => 0,
                other => panic!("{at}: {other:?}"),
            };
            assert_eq!(cut_off(error), length - whole, "{at}");
            // And the same for ever after.
            let (messages, error) = receive_all(&mut framed).await;
            assert!(messages.is_empty(), "{at}");
            assert_eq!(cut_off(error), length - whole, "{at}");
            assert_eq!(framed.stats().held, 0, "{at}");
        }
    }
}

#[tokio::test]
async fn an_unterminated_last_line_is_a_message_where_that_was_asked_for() {
    for (codec, stream, last) in [
        (Delimited::lines(), &b"one\n\ntwo"[..], Some(&b"two"[..])),
        (Delimited::lines(), b"one\n\ntwo\r", Some(b"two")),
        (Delimited::lines(), b"one\n\n", None),
        (Delimited::crlf(), b"one\r\n\r\ntwo\r", Some(b"two\r")),
        (Delimited::nul(), b"one\0\0two", Some(b"two")),
    ] {
        let codec = AnyCodec::from(codec.unterminated(true));
        let mut expected = vec![&b"one"[..], b""];
        expected.extend(last);
        for cut in 1..stream.len() {
            let mock = Builder::new().read(&stream[..cut]).read(&stream[cut..]).build();
            let mut framed = framed(mock, &codec);
            let (messages, error) = receive_all(&mut framed).await;
            assert!(error.is_none(), "{codec}, cut at {cut}: {error:?}");
            assert_eq!(messages, expected, "{codec}, cut at {cut}");
            assert!(within(framed.recv()).await.unwrap().is_none());
        }
    }
}

#[tokio::test]
async fn a_message_too_long_is_refused_wherever_the_stream_is_cut() {
    let codecs: [AnyCodec; 9] = [
        LengthDelimited::u8().max(3).into(),
        LengthDelimited::u16().little_endian().max(3).into(),
        LengthDelimited::u24().including_header().max(3).into(),
        LengthDelimited::u32().max(3).into(),
        LengthDelimited::u64().max(3).into(),
        Varint::new().max(3).into(),
        Delimited::lines().max(3).into(),
        Delimited::crlf().max(3).into(),
        Delimited::new("--").unwrap().max(3).into(),
    ];
    let wide: [AnyCodec; 9] = [
        LengthDelimited::u8().into(),
        LengthDelimited::u16().little_endian().into(),
        LengthDelimited::u24().including_header().into(),
        LengthDelimited::u32().into(),
        LengthDelimited::u64().into(),
        Varint::new().into(),
        Delimited::lines().into(),
        Delimited::crlf().into(),
        Delimited::new("--").unwrap().into(),
    ];
    for (codec, mut wide) in codecs.into_iter().zip(wide) {
        let stream = ["abc", "", "long", "d"].map(|text| encode_frame(&mut wide, text).unwrap());
        let stream = stream.concat();
        for cut in 1..stream.len() {
            let mock = Builder::new().read(&stream[..cut]).read(&stream[cut..]).build();
            let mut framed = framed(mock, &codec);
            for _ in 0..2 {
                let (messages, error) = receive_all(&mut framed).await;
                let error = error.expect("too long");
                assert!(
                    matches!(error.kind(), ErrorKind::Oversize { length: 4.., limit: 3 }),
                    "{codec}, cut at {cut}: {error}"
                );
                assert!(error.is_fatal());
                assert!(messages.is_empty() || messages == [&b"abc"[..], b""]);
            }
            assert_eq!(framed.stats().received, 2, "{codec}, cut at {cut}");
            // The mock would panic for the second piece, if that was rightly left unread.
            std::mem::forget(framed);
        }
    }
}

#[tokio::test]
async fn what_is_written_is_the_same_however_the_stream_takes_it() {
    for sample in samples() {
        let stream = sample.frames().concat();
        for cut in 1..stream.len() {
            let mock = Builder::new().write(&stream[..cut]).write(&stream[cut..]).build();
            let mut framed = framed(mock, &sample.codec);
            for message in &sample.messages {
                within(framed.feed(message)).await.unwrap();
            }
            within(framed.flush()).await.unwrap();
            assert_eq!(framed.stats().unsent, 0, "{}, cut at {cut}", sample.name());
        }
    }
}

#[tokio::test]
async fn a_message_that_is_refused_leaves_the_transport_as_it_was() {
    let mock = Builder::new().write(b"one\ntwo\n").build();
    let mut framed = Framed::new(Io::new(mock), Delimited::lines().max(5));
    within(framed.feed("one")).await.unwrap();
    let before = framed.stats();
    let error = within(framed.feed("too long")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::TooLong { length: 8, limit: 5 }), "{error}");
    let error = within(framed.send("a\nb")).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Unrepresentable { .. }), "{error}");
    let refused = framed.try_send(String::from("a\nb")).unwrap_err();
    assert_eq!(refused.message, "a\nb");
    assert_eq!(framed.stats(), before);
    within(framed.send("two")).await.unwrap();
}

#[tokio::test]
async fn a_length_never_wraps() {
    for mut codec in [LengthDelimited::u8(), LengthDelimited::u8().including_header()] {
        let longest = codec.max_message();
        let mut framed = Framed::new(Io::new(Builder::new().build()), codec);
        let error = within(framed.feed(vec![0; longest + 1])).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLong { .. }), "{error}");
        within(framed.feed(vec![0; longest])).await.unwrap();
        let frame = encode_frame(&mut codec, vec![0; longest]).unwrap();
        assert_eq!(frame[0], 255);
    }
}

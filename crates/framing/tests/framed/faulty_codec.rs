//! Law 10: codecs that break their contract neither spin nor corrupt.

use anysock_framing::{
    Codec, Decoded, Error, ErrorKind, FrameWriter, Framed, Guaranteed, RecvExt, SendExt,
};
use bytes::Bytes;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};

use crate::fake::{Fake, Read};
use crate::within;

/// Finds in anything what it was told to.
#[derive(Clone, Debug)]
struct Finds {
    found: Decoded,
    at_end: Decoded,
}

impl Codec for Finds {
    fn max_message(&self) -> usize {
        10_000
    }
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        frame.put(b"<");
        frame.payload();
        frame.put(b">");
        frame.payload();
        Err(ErrorKind::Unrepresentable { codec: "finds", why: String::from("as always") }.into())
    }
    fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> {
        Ok(self.found.clone())
    }
    fn decode_end(&mut self, _: &[u8]) -> Result<Decoded, Error> {
        Ok(self.at_end.clone())
    }
}

fn frame(start: usize, end: usize, consumed: usize) -> Decoded {
    Decoded::Frame { payload: start..end, consumed }
}

#[tokio::test]
async fn a_find_that_cannot_be_is_malformed_and_says_whose_fault_it_is() {
    within(async {
        let made = |consumed| Decoded::Made { message: Bytes::new(), consumed };
        for found in [
            Decoded::Skip { consumed: 0 },
            Decoded::Skip { consumed: 6 },
            made(0),
            made(6),
            frame(0, 0, 0),
            frame(0, 6, 6),
            frame(0, 5, 4),
            frame(1, 5, 6),
            frame(3, 2, 5),
            frame(6, 6, 5),
            frame(usize::MAX, usize::MAX, 5),
            frame(0, 1, usize::MAX),
        ] {
            for at_end in [false, true] {
                let more = Decoded::More { total: 9 };
                let codec = match at_end {
                    true => Finds { found: more, at_end: found.clone() },
                    false => Finds { found: found.clone(), at_end: more },
                };
                let fake = Fake::new();
                let handle = fake.handle();
                let mut framed = Framed::new(fake, codec);
                handle.brings(b"hello");
                handle.reads(Read::End);
                for _ in 0..2 {
                    let error = assert_ready_err!(task::spawn(framed.recv()).poll());
                    assert!(
                        matches!(error.kind(), ErrorKind::Malformed { .. }),
                        "{found:?}: {error}"
                    );
                    assert!(error.to_string().contains("the codec is at fault"), "{error}");
                    assert!(error.to_string().contains("Finds"), "{error}");
                }
                assert_eq!(framed.stats().received, 0);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_codec_that_wants_no_more_than_it_has_is_asked_again_when_there_is_more() {
    within(async {
        for total in [0, 5] {
            let more = Decoded::More { total };
            let fake = Fake::new();
            let handle = fake.handle();
            let mut framed = Framed::new(fake, Finds { found: more.clone(), at_end: more });
            handle.brings(b"hello");
            assert_pending!(task::spawn(framed.recv()).poll());
            handle.reads(Read::End);
            // A remainder that is no message is not an orderly end either.
            for _ in 0..2 {
                let error = assert_ready_err!(task::spawn(framed.recv()).poll());
                assert!(matches!(error.kind(), ErrorKind::CutOff { held: 5 }), "{error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_codec_that_fails_after_it_wrote_leaves_nothing_behind() {
    within(async {
        let more = Decoded::More { total: 1 };
        let fake = Fake::new();
        let handle = fake.handle();
        let mut framed = Framed::new(fake, Finds { found: more.clone(), at_end: more });
        for length in [0, 10, 4095, 4096, 9000] {
            let mut message = Bytes::from(vec![1; length]);
            let refused = framed.try_send(message.clone()).unwrap_err();
            assert!(!refused.error.is_fatal());
            assert!(refused.message == message, "{length} bytes are given back");
            message.clear();
            assert_eq!(framed.stats().unsent, 0);
        }
        assert_ready_ok!(task::spawn(framed.flush()).poll());
        assert!(handle.output().is_empty());
    })
    .await;
}

//! Peers that pass what belongs to no message, or never finish one.

use anysock_core::Ancillary;
use anysock_framing::{
    Codec, Decoded, Delimited, Error, ErrorKind, FrameWriter, Guaranteed, LengthDelimited, RecvExt,
};

use crate::cells::{next, raw_and_framed, run};
use crate::raw;
use crate::tokens::make;

#[test]
fn as_many_as_one_message_carries_may_come_with_its_bytes_one_by_one() {
    run(async {
        let (near, mut far) = raw_and_framed(Delimited::lines(), Ancillary::DESCRIPTORS);
        let (descriptors, tokens) = make(253);
        let sending = async {
            for descriptor in descriptors.chunks(1) {
                raw::send(&near, b".", descriptor);
                tokio::task::yield_now().await;
            }
            drop(descriptors);
            raw::send(&near, b"\n", &[]);
        };
        let ((), mut message) = tokio::join!(sending, next(&mut far));
        assert_eq!(message.len(), 253);
        tokens.check(&message.take_descriptors());
        tokens.assert_closed();
    });
}

#[test]
fn one_more_than_that_before_a_message_is_whole_ends_the_connection_and_closes_all() {
    run(async {
        let (near, mut far) = raw_and_framed(LengthDelimited::u32(), Ancillary::DESCRIPTORS);
        raw::send(&near, b"\0\0\0\x01x", &[]);
        let (descriptors, tokens) = make(253);
        let (one, last) = make(1);
        // The beginning of a frame that never ends: as many again with every byte.
        raw::send(&near, &[0], &descriptors);
        raw::send(&near, &[0], &one);
        drop((descriptors, one));
        assert_eq!(next(&mut far).await, "x");
        for _ in 0..2 {
            let error = far.recv().await.unwrap_err();
            assert!(error.is_fatal());
            assert!(
                matches!(error.kind(), ErrorKind::TooManyDescriptors { count: 254, limit: 253 }),
                "{error}"
            );
        }
        tokens.assert_closed();
        last.assert_closed();
        assert_eq!(far.stats().closed_descriptors, 254);
    });
}

#[test]
fn one_more_than_that_with_one_message_is_refused_when_it_is_whole() {
    run(async {
        let (near, mut far) = raw_and_framed(LengthDelimited::u8(), Ancillary::DESCRIPTORS);
        let ((descriptors, tokens), (one, last)) = (make(253), make(1));
        raw::send(&near, b"\x02x", &descriptors);
        raw::send(&near, b"y", &one);
        drop((descriptors, one));
        let error = far.recv().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TooManyDescriptors { count: 254, .. }),
            "{error}"
        );
        tokens.assert_closed();
        last.assert_closed();
    });
}

#[test]
fn seventy_bytes_cannot_hold_seventeen_thousand_of_them() {
    run(async {
        let (near, mut far) = raw_and_framed(LengthDelimited::u32(), Ancillary::DESCRIPTORS);
        let (descriptors, tokens) = make(253);
        let frame = [&200_u32.to_be_bytes()[..], &[0; 66]].concat();
        for byte in frame.chunks(1) {
            raw::send(&near, byte, &descriptors);
        }
        drop(descriptors);
        let error = far.recv().await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::TooManyDescriptors { count: 506, .. }),
            "{error}"
        );
        drop(far);
        tokens.assert_closed();
    });
}

#[test]
fn what_came_with_a_message_that_is_cut_off_is_closed() {
    run(async {
        let (near, mut far) = raw_and_framed(LengthDelimited::u32(), Ancillary::DESCRIPTORS);
        let (descriptors, tokens) = make(2);
        raw::send(&near, b"\0\0\0\x09begun", &descriptors);
        drop((descriptors, near));
        let error = far.recv().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CutOff { held: 9 }), "{error}");
        tokens.assert_closed();
        assert_eq!(far.stats().closed_descriptors, 2);
    });
}

#[test]
fn a_last_line_that_needs_no_end_has_its_descriptors() {
    run(async {
        let codec = Delimited::lines().unterminated(true);
        let (near, mut far) = raw_and_framed(codec, Ancillary::DESCRIPTORS);
        let (descriptors, tokens) = make(2);
        raw::send(&near, b"one\n", &[]);
        raw::send(&near, b"last", &descriptors);
        drop((descriptors, near));
        assert_eq!(next(&mut far).await.take_descriptors().len(), 0);
        tokens.check(&next(&mut far).await.take_descriptors());
        assert!(far.recv().await.unwrap().is_none());
    });
}

/// Lines, of which those that begin with `#` are no messages.
#[derive(Clone, Debug)]
struct Commented(Delimited);

impl Codec for Commented {
    fn max_message(&self) -> usize {
        self.0.max_message()
    }
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        self.0.encode(frame)
    }
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        Ok(match self.0.decode(input)? {
            Decoded::Frame { consumed, .. } if input[0] == b'#' => Decoded::Skip { consumed },
            found => found,
        })
    }
}

#[test]
fn what_came_with_bytes_that_are_no_message_is_closed_and_counted() {
    run(async {
        let codec = Commented(Delimited::lines());
        let (near, mut far) = raw_and_framed(codec, Ancillary::DESCRIPTORS);
        let ((of_comment, closed), (of_line, tokens)) = (make(2), make(3));
        raw::send(&near, b"# none\n", &of_comment);
        raw::send(&near, b"a message\n", &of_line);
        drop((of_comment, of_line));
        tokens.check(&next(&mut far).await.take_descriptors());
        closed.assert_closed();
        assert_eq!(far.stats().closed_descriptors, 2);
    });
}

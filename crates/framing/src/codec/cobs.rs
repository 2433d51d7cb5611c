//! Consistent overhead byte stuffing: no zeros in a frame, and a zero behind it.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length};
use crate::{Error, ErrorKind, FrameWriter};

/// The most bytes that stand behind one code.
const GROUP: usize = 254;

/// Each message without its zeros, and a zero behind it: consistent overhead byte stuffing
/// (S. Cheshire, M. Baker, IEEE/ACM Transactions on Networking 7(2), 1999).
///
/// ```text
/// message   11 22 00 33              hello
/// frame     03 11 22 02 33 00        06 h e l l o 00
///           │        │     └ the end
///           │        └ the next two bytes end the message, or hold the place of a zero
///           └ 3 bytes on stood a zero
/// ff        254 bytes other than zero, and no zero behind them
/// ```
///
/// One byte is added, and one for each 254 bytes, whatever is sent; and the end. The maximum is 1 MiB
/// unless set, and counts the message. A frame that is longer, or that its codes lead out of, ends the
/// transport; with a [`Resync`](crate::Resync) it is skipped up to the next zero. Zeros between frames
/// are no messages: a sender may begin with one, to end whatever came before.
///
/// ```
/// use anysock_framing::{Cobs, encode_frame};
/// assert_eq!(encode_frame(&mut Cobs::new(), [0x11, 0x22, 0x00, 0x33])?[..], [3, 0x11, 0x22, 2, 0x33, 0]);
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Debug)]
pub struct Cobs {
    max: usize,
    /// In how many bytes of the input there is no zero.
    searched: usize,
}

impl Cobs {
    /// Messages of at most 1 MiB.
    pub const fn new() -> Self {
        Self { max: DEFAULT_MAX, searched: 0 }
    }

    /// The longest message, in bytes, as it was before it was stuffed.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    fn check_received(&self, length: usize) -> Result<(), Error> {
        let limit = self.max_message();
        if length <= limit {
            return Ok(());
        }
        Err(ErrorKind::Oversize { length: length as u64, limit }.into())
    }
}

impl Default for Cobs {
    fn default() -> Self {
        Self::new()
    }
}

/// The clone has the same maximum, and begins a stream of its own.
impl Clone for Cobs {
    fn clone(&self) -> Self {
        Self { max: self.max, searched: 0 }
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for Cobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("cobs")
    }
}

impl Codec for Cobs {
    fn max_message(&self) -> usize {
        // What is added must fit a usize as well.
        self.max.min(usize::MAX / 2)
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        let (mut rest, mut out) = frame.stuffing();
        loop {
            let group = &rest[..rest.len().min(GROUP)];
            let (before, goes_on) = match memchr(0, group) {
                Some(zero) => (&group[..zero], true),
                None => (group, group.len() < rest.len()),
            };
            out.put(&[before.len() as u8 + 1]);
            out.put(before);
            if !goes_on {
                break;
            }
            // Behind a full group no zero is meant.
            rest = &rest[before.len() + usize::from(before.len() < GROUP)..];
        }
        out.put(&[0]);
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        // Less input than was searched is another input.
        let from = if self.searched <= input.len() { self.searched } else { 0 };
        let Some(found) = memchr(0, &input[from..]) else {
            self.searched = input.len();
            self.check_received(shortest(input.len()))?;
            return Ok(Decoded::More { total: input.len() + 1 });
        };
        self.searched = 0;
        let end = from + found;
        if end == 0 {
            return Ok(Decoded::Skip { consumed: 1 });
        }
        // First, so that it is told alike however the stream is cut.
        self.check_received(shortest(end))?;
        let message = unstuffed(&input[..end])?;
        self.check_received(message.len())?;
        Ok(Decoded::Made { message, consumed: end + 1 })
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        self.searched = 0;
        match memchr(0, input) {
            Some(end) => FrameEnd::At(end as u64 + 1),
            None => FrameEnd::Beyond(input.len()),
        }
    }
}

/// How long a message is at least of which there are so many stuffed bytes.
const fn shortest(stuffed: usize) -> usize {
    stuffed - stuffed.div_ceil(GROUP + 1)
}

/// The message that stood in a frame without its end.
fn unstuffed(mut frame: &[u8]) -> Result<Bytes, Error> {
    let mut message = BytesMut::with_capacity(frame.len());
    while let Some((&code, rest)) = frame.split_first() {
        let length = usize::from(code) - 1;
        let Some((group, rest)) = rest.split_at_checked(length) else {
            let why =
                format!("a code of {code} leads beyond the frame, {} bytes are left", rest.len());
            return Err(ErrorKind::Malformed { codec: "cobs", why }.into());
        };
        message.put_slice(group);
        if length < GROUP && !rest.is_empty() {
            message.put_u8(0);
        }
        frame = rest;
    }
    Ok(message.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    fn count(from: u8, to: u8) -> Vec<u8> {
        (from..=to).collect()
    }

    /// The paper's example, the head of an IP packet; and the eleven by which Wikipedia shows the
    /// encoding, the boundaries of a group among them.
    fn vectors() -> Vec<(Vec<u8>, Vec<u8>)> {
        vec![
            (
                vec![0x45, 0, 0, 0x2c, 0x4c, 0x79, 0, 0, 0x40, 0x06, 0x4f, 0x37],
                vec![2, 0x45, 1, 4, 0x2c, 0x4c, 0x79, 1, 5, 0x40, 0x06, 0x4f, 0x37, 0],
            ),
            (vec![], vec![1, 0]),
            (vec![0], vec![1, 1, 0]),
            (vec![0, 0], vec![1, 1, 1, 0]),
            (vec![0, 0x11, 0], vec![1, 2, 0x11, 1, 0]),
            (vec![0x11, 0x22, 0, 0x33], vec![3, 0x11, 0x22, 2, 0x33, 0]),
            (vec![0x11, 0x22, 0x33, 0x44], vec![5, 0x11, 0x22, 0x33, 0x44, 0]),
            (vec![0x11, 0, 0, 0], vec![2, 0x11, 1, 1, 1, 0]),
            (count(1, 254), [&[0xff][..], &count(1, 254), &[0]].concat()),
            ([&[0][..], &count(1, 254)].concat(), [&[1, 0xff][..], &count(1, 254), &[0]].concat()),
            (count(1, 255), [&[0xff][..], &count(1, 254), &[2, 0xff, 0]].concat()),
            (
                [&count(2, 255)[..], &[0]].concat(),
                [&[0xff][..], &count(2, 255), &[1, 1, 0]].concat(),
            ),
            (
                [&count(3, 255)[..], &[0, 1]].concat(),
                [&[0xfe][..], &count(3, 255), &[2, 1, 0]].concat(),
            ),
        ]
    }

    #[test]
    fn the_known_vectors() {
        for (message, wire) in vectors() {
            assert_eq!(encode_frame(&mut Cobs::new(), &message[..]).unwrap(), wire);
            let made = Decoded::Made { message: message.into(), consumed: wire.len() };
            assert_eq!(Cobs::new().decode(&wire).unwrap(), made);
        }
    }

    #[test]
    fn a_full_group_at_the_end_may_have_an_empty_one_behind_it() {
        // Some encoders write the code of what would follow.
        let wire = [&[0xff][..], &count(1, 254), &[1, 0]].concat();
        let made = Decoded::Made { message: count(1, 254).into(), consumed: wire.len() };
        assert_eq!(Cobs::new().decode(&wire).unwrap(), made);
    }

    #[test]
    fn zeros_between_frames_are_no_messages() {
        assert_eq!(Cobs::new().decode(&[0, 0, 1]).unwrap(), Decoded::Skip { consumed: 1 });
    }

    #[test]
    fn a_code_that_leads_beyond_the_frame_is_malformed_and_skipped_by_its_end() {
        let mut codec = Cobs::new();
        for wire in [&[2, 0, 1, 0][..], &[5, 1, 1, 1, 0], &[0xff, 1, 0]] {
            let error = codec.decode(wire).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
            let end = memchr(0, wire).unwrap() as u64 + 1;
            assert_eq!(codec.find_end(wire), FrameEnd::At(end));
        }
    }

    #[test]
    fn a_message_is_as_long_as_its_frame_at_least_but_for_a_code_in_255_bytes() {
        for (stuffed, least) in [(0, 0), (1, 0), (2, 1), (255, 254), (256, 254), (257, 255)] {
            assert_eq!(shortest(stuffed), least, "{stuffed}");
        }
        assert_eq!([shortest(510), shortest(511), shortest(512)], [508, 508, 509]);
    }

    #[test]
    fn less_input_than_before_is_another_input() {
        let mut codec = Cobs::new();
        assert_eq!(codec.decode(&[5, 1, 2, 3]).unwrap(), Decoded::More { total: 5 });
        let made = Decoded::Made { message: Bytes::from_static(&[7]), consumed: 3 };
        assert_eq!(codec.decode(&[2, 7, 0]).unwrap(), made);
    }

    #[test]
    fn one_byte_too_many_is_oversize_and_just_the_maximum_is_not() {
        for max in [0, 1, 3, 253, 254, 255, 508, 509] {
            for byte in [0, 7] {
                let mut codec = Cobs::new().max(max);
                let just = encode_frame(&mut codec, vec![byte; max]).unwrap();
                for length in 0..just.len() {
                    let more = Decoded::More { total: length + 1 };
                    assert_eq!(codec.decode(&just[..length]).unwrap(), more, "{max} {byte}");
                }
                let made = Decoded::Made { message: vec![byte; max].into(), consumed: just.len() };
                assert_eq!(codec.decode(&just).unwrap(), made);
                let long = encode_frame(&mut Cobs::new(), vec![byte; max + 1]).unwrap();
                let error = codec.decode(&long).unwrap_err();
                assert!(matches!(error.kind(), ErrorKind::Oversize { .. }), "{max} {byte} {error}");
            }
            let mut codec = Cobs::new().max(max);
            let endless = vec![0xff; 2 * max + 4];
            let refused = (0..endless.len()).find(|&end| codec.decode(&endless[..end]).is_err());
            assert!(refused.is_some_and(|length| shortest(length) == max + 1), "{max}");
        }
    }
}

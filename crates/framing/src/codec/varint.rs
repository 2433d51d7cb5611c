//! Messages behind their length, in as few bytes as it needs.

use std::fmt;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length};
use crate::{Error, ErrorKind, FrameWriter};

/// The most bytes that an unsigned 64-bit integer takes.
const LONGEST: usize = 10;

/// Each message behind its length, a base 128 varint of one to ten bytes: what protocol buffers
/// call length-delimited (<https://protobuf.dev/programming-guides/encoding/>).
///
/// ```text
/// 5 bytes      05 h e l l o
/// 150 bytes    96 01 .........
///
///              1 0010110   0 0000001      the bits of 150 are  0000001 0010110
///              │ └ the lowest seven       │
///              └ more follow              └ the last
/// ```
///
/// Sent lengths are as short as possible. As protocol buffers do, this takes longer forms
/// (`85 00` for 5) as well, but nothing beyond ten bytes or 64 bits: that is malformed, and the
/// stream is out of step. Such a length cannot count its own bytes. The maximum is 1 MiB unless set.
/// A longer message is refused as soon as its length is there, before memory is reserved for it; with
/// a [`Resync`](crate::Resync) it is skipped.
///
/// ```
/// use anysock_framing::{Varint, encode_frame};
///
/// assert_eq!(encode_frame(&mut Varint::new(), "hello")?, &b"\x05hello"[..]);
/// assert_eq!(encode_frame(&mut Varint::new(), vec![0; 300])?[..2], [0xac, 0x02]);
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Varint {
    max: usize,
}

impl Varint {
    /// Messages of at most 1 MiB.
    pub const fn new() -> Self {
        Self { max: DEFAULT_MAX }
    }

    /// The longest message, in bytes.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }
}

impl Default for Varint {
    fn default() -> Self {
        Self::new()
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for Varint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("varint")
    }
}

impl Codec for Varint {
    fn max_message(&self) -> usize {
        // Header and message together must fit a usize as well.
        self.max.min(usize::MAX - LONGEST)
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        let mut length = frame.payload_len() as u64;
        let (mut header, mut last) = ([0; LONGEST], 0);
        while length >= 0x80 {
            header[last] = length as u8 | 0x80;
            length >>= 7;
            last += 1;
        }
        header[last] = length as u8;
        frame.put(&header[..=last]);
        frame.payload();
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let Some((header, length)) = read(input)? else {
            return Ok(Decoded::More { total: input.len() + 1 });
        };
        let limit = self.max_message();
        if length > limit as u64 {
            return Err(ErrorKind::Oversize { length, limit }.into());
        }
        Ok(Decoded::frame(header..header + length as usize, input.len()))
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        match read(input) {
            // It was refused for being too long, for nothing but its length is looked at.
            Ok(Some((header, length))) => FrameEnd::At(length.saturating_add(header as u64)),
            _ => FrameEnd::Unknown,
        }
    }
}

/// How many bytes the length takes at the beginning of `input`, and the length, if all of it is there.
#[inline]
fn read(input: &[u8]) -> Result<Option<(usize, u64)>, Error> {
    let mut length = 0;
    for (index, &byte) in input.iter().take(LONGEST).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte holds the 64th bit and nothing else.
        if index == LONGEST - 1 && byte > 1 {
            let why = String::from("the length takes more than ten bytes or 64 bits");
            return Err(ErrorKind::Malformed { codec: "varint", why }.into());
        }
        length |= bits << (7 * index);
        if byte < 0x80 {
            return Ok(Some((index + 1, length)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    fn frame(payload: std::ops::Range<usize>) -> Decoded {
        Decoded::Frame { consumed: payload.end, payload }
    }

    #[test]
    fn lengths_are_written_as_short_as_possible() {
        for (length, header) in [
            (0, &[0][..]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (16_383, &[0xff, 0x7f]),
            (16_384, &[0x80, 0x80, 0x01]),
        ] {
            let wire = encode_frame(&mut Varint::new(), vec![b'.'; length]).unwrap();
            assert_eq!(&wire[..header.len()], header);
            assert_eq!(wire.len(), header.len() + length);
            assert_eq!(Varint::new().decode(&wire).unwrap(), frame(header.len()..wire.len()));
        }
    }

    #[test]
    fn the_examples_of_the_page_about_encoding() {
        // "testing", as the value of a string, and 150, as a varint.
        let testing = [0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67];
        assert_eq!(encode_frame(&mut Varint::new(), "testing").unwrap()[..], testing);
        assert_eq!(Varint::new().decode(&testing).unwrap(), frame(1..8));
        let wire = encode_frame(&mut Varint::new(), vec![b'.'; 150]).unwrap();
        assert_eq!(wire[..3], [0x96, 0x01, b'.']);
        assert_eq!(Varint::new().decode(&wire).unwrap(), frame(2..152));
    }

    #[test]
    fn the_greatest_maximum_leaves_room_for_the_length() {
        assert_eq!(Varint::new().max(usize::MAX).max_message(), usize::MAX - LONGEST);
        assert_eq!(Varint::new().max(usize::MAX - 11).max_message(), usize::MAX - 11);
    }

    #[test]
    fn longer_forms_are_taken_up_to_ten_bytes() {
        assert_eq!(Varint::new().decode(b"\x81\0.").unwrap(), frame(2..3));
        let mut longest = [0x80; LONGEST];
        longest[LONGEST - 1] = 0;
        assert_eq!(Varint::new().decode(&longest).unwrap(), frame(LONGEST..LONGEST));
    }

    #[test]
    fn more_than_64_bits_are_malformed_and_64_bits_are_oversize() {
        let mut header = [0xff; LONGEST];
        assert_eq!(
            Varint::new().decode(&header[..LONGEST - 1]).unwrap(),
            Decoded::More { total: LONGEST }
        );
        for tenth in [0x80, 0xff, 0x02, 0x7f] {
            header[LONGEST - 1] = tenth;
            let error = Varint::new().decode(&header).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
        }
        header[LONGEST - 1] = 1;
        let error = Varint::new().max(usize::MAX).decode(&header).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: u64::MAX, .. }), "{error}");
        assert_eq!(Varint::new().find_end(&header), FrameEnd::At(u64::MAX));
        assert_eq!(Varint::new().max(127).find_end(&[0x80, 1, 0]), FrameEnd::At(130));
    }
}

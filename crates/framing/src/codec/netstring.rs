//! Netstrings: the length in decimal, a colon, the message, a comma.

use std::fmt;
use std::ops::ControlFlow;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length, decimal};
use crate::{Error, ErrorKind, FrameWriter};

/// The longest length, its colon, and the comma.
const MARKS: usize = 22;

/// Each message as a netstring, as D. J. Bernstein defined them
/// (<https://cr.yp.to/proto/netstrings.txt>).
///
/// ```text
/// hello      5:hello,     35 3a  68 65 6c 6c 6f  2c
/// nothing    0:,          30 3a  2c
/// ```
///
/// A length has no zeros in front and at most 20 digits. The maximum is 1 MiB unless set. A longer
/// message is refused as soon as its length is there; with a [`Resync`](crate::Resync) it is skipped.
/// Anything but a length in front, or a comma behind, is malformed, and the stream is out of step.
///
/// ```
/// use anysock_framing::{Netstring, encode_frame};
/// assert_eq!(encode_frame(&mut Netstring::new(), "hello world!")?, "12:hello world!,");
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Netstring {
    max: usize,
}

impl Netstring {
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

impl Default for Netstring {
    fn default() -> Self {
        Self::new()
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for Netstring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("netstring")
    }
}

impl Codec for Netstring {
    fn max_message(&self) -> usize {
        // Marks and message together must fit a usize as well.
        self.max.min(usize::MAX - MARKS)
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        decimal::write(frame, frame.payload_len(), b":");
        frame.payload();
        frame.put(b",");
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let header = match decimal::read(input, b':') {
            ControlFlow::Continue(()) => return Ok(Decoded::More { total: input.len() + 1 }),
            ControlFlow::Break(header) => header.map_err(malformed)?,
        };
        let limit = self.max_message();
        if header.value > limit as u64 {
            return Err(ErrorKind::Oversize { length: header.value, limit }.into());
        }
        let payload = header.written..header.written + header.value as usize;
        match input.get(payload.end) {
            None => Ok(Decoded::More { total: payload.end + 1 }),
            Some(b',') => Ok(Decoded::Frame { consumed: payload.end + 1, payload }),
            Some(other) => {
                let why = format!("'{}' stands behind it instead of ','", other.escape_ascii());
                Err(malformed(why))
            }
        }
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        match decimal::read(input, b':') {
            ControlFlow::Break(Ok(header)) if header.value > self.max_message() as u64 => {
                FrameEnd::At(header.value.saturating_add(header.written as u64 + 1))
            }
            _ => FrameEnd::Unknown,
        }
    }
}

fn malformed(why: String) -> Error {
    ErrorKind::Malformed { codec: "netstring", why }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    #[test]
    fn the_vectors_of_the_definition() {
        // The document's own: "hello world!", in bytes as well, and the empty string.
        let bytes = [
            0x31, 0x32, 0x3a, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0x20, 0x77, 0x6f, 0x72, 0x6c, 0x64,
            0x21, 0x2c,
        ];
        assert_eq!(encode_frame(&mut Netstring::new(), "hello world!").unwrap()[..], bytes);
        for (message, wire) in [("hello world!", "12:hello world!,"), ("", "0:,")] {
            assert_eq!(encode_frame(&mut Netstring::new(), message).unwrap(), wire);
            let payload = wire.len() - message.len() - 1..wire.len() - 1;
            let whole = Decoded::Frame { payload, consumed: wire.len() };
            assert_eq!(Netstring::new().decode(wire.as_bytes()).unwrap(), whole);
        }
    }

    #[test]
    fn what_stands_in_the_place_of_a_mark_is_malformed() {
        for wire in ["x", ":", "05:hello,", "5;hello,", "5:hello;", "5:hello\n", "-1:,", " 5:"] {
            let error = Netstring::new().decode(wire.as_bytes()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{wire}: {error}");
            assert_eq!(Netstring::new().find_end(wire.as_bytes()), FrameEnd::Unknown);
        }
    }

    #[test]
    fn of_what_is_malformed_and_not_too_long_nobody_knows_the_end() {
        assert_eq!(Netstring::new().max(5).find_end(b"5:hello;"), FrameEnd::Unknown);
    }

    #[test]
    fn the_greatest_maximum_leaves_room_for_the_marks() {
        assert_eq!(Netstring::new().max(usize::MAX).max_message(), usize::MAX - MARKS);
        assert_eq!(Netstring::new().max(usize::MAX - 30).max_message(), usize::MAX - 30);
    }

    #[test]
    fn too_long_a_message_is_refused_by_its_length_alone() {
        let mut codec = Netstring::new().max(9);
        assert_eq!(codec.decode(b"9:").unwrap(), Decoded::More { total: 12 });
        assert_eq!(codec.decode(b"10").unwrap(), Decoded::More { total: 3 });
        let error = codec.decode(b"10:").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 10, limit: 9 }), "{error}");
        assert_eq!(codec.find_end(b"10:"), FrameEnd::At(14));
        let most = codec.find_end(b"18446744073709551615:");
        assert_eq!(most, FrameEnd::At(u64::MAX), "nobody waits for more");
    }
}

//! SLIP: a byte behind each message that does not occur in it, escapes where it would.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2, memchr2_iter};

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length};
use crate::{Error, ErrorKind, FrameWriter};

const END: u8 = 0xc0;
const ESC: u8 = 0xdb;
const ESC_END: u8 = 0xdc;
const ESC_ESC: u8 = 0xdd;

/// Each message with END behind it, escaped where END or ESC occurs: as IP went over serial lines
/// (RFC 1055).
///
/// ```text
/// END c0    ESC db    in a message: END is db dc, ESC is db dd
///
/// message   01 c0 02 db                 hello
/// frame     01 db dc 02 db dd c0        h e l l o c0
/// ```
///
/// The maximum is 1 MiB unless set, and counts the message; up to twice that is received for it. (The
/// RFC knows none, and asks for 1006 bytes at least.) Too
/// long a frame, or an ESC before anything else, ends the transport (the RFC's example keeps what
/// stands there, and so gives a message that nobody sent); with a [`Resync`](crate::Resync) the frame
/// is skipped up to its END. Between two ENDs there is no message, so an empty one cannot be sent; and
/// a sender may [begin with one](Self::leading_end), to end whatever noise came before.
///
/// ```
/// use anysock_framing::{Slip, encode_frame};
/// let frame = encode_frame(&mut Slip::new(), [0x01, 0xc0, 0x02, 0xdb])?;
/// assert_eq!(frame[..], [0x01, 0xdb, 0xdc, 0x02, 0xdb, 0xdd, 0xc0]);
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Debug)]
pub struct Slip {
    max: usize,
    leading_end: bool,
    /// In how many bytes of the input there is no END.
    searched: usize,
    /// How many of those are ESC.
    escapes: usize,
}

impl Slip {
    /// Messages of 1 byte to 1 MiB.
    pub const fn new() -> Self {
        Self { max: DEFAULT_MAX, leading_end: false, searched: 0, escapes: 0 }
    }

    /// The longest message, in bytes, as it was before it was escaped.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    /// Whether each frame begins with an END as well, as the RFC advises where there is noise.
    #[must_use]
    pub const fn leading_end(mut self, wanted: bool) -> Self {
        self.leading_end = wanted;
        self
    }

    /// Refuses a message of which so many bytes stand in a frame, so many of them ESC, if it is too
    /// long: at most every other byte of a message is an ESC, whatever a peer sends.
    fn check_received(&self, stuffed: usize, escapes: usize) -> Result<(), Error> {
        let (length, limit) = ((stuffed - escapes).max(stuffed / 2), self.max_message());
        if length <= limit {
            return Ok(());
        }
        Err(ErrorKind::Oversize { length: length as u64, limit }.into())
    }

    /// What stands before an END, with so many ESCs.
    fn whole(&self, frame: &[u8], escapes: usize) -> Result<Decoded, Error> {
        let consumed = frame.len() + 1;
        if frame.is_empty() {
            return Ok(Decoded::Skip { consumed });
        }
        self.check_received(frame.len(), escapes)?;
        if escapes == 0 {
            return Ok(Decoded::Frame { payload: 0..frame.len(), consumed });
        }
        let message = unescaped(frame)?;
        Ok(Decoded::Made { message, consumed })
    }
}

impl Default for Slip {
    fn default() -> Self {
        Self::new()
    }
}

/// The clone is set alike, and begins a stream of its own.
impl Clone for Slip {
    fn clone(&self) -> Self {
        Self { searched: 0, escapes: 0, ..*self }
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for Slip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("slip")
    }
}

impl Codec for Slip {
    fn max_message(&self) -> usize {
        // What is escaped must fit a usize as well.
        self.max.min(usize::MAX / 4)
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        if frame.payload_len() == 0 {
            let why = "it is empty, and between two ENDs there is no message".into();
            return Err(ErrorKind::Unrepresentable { codec: "slip", why }.into());
        }
        if self.leading_end {
            frame.put(&[END]);
        }
        if memchr2(END, ESC, frame.payload_slice()).is_none() {
            frame.payload();
        } else {
            let (payload, mut out) = frame.stuffing();
            let mut written = 0;
            for special in memchr2_iter(END, ESC, payload) {
                out.put(&payload[written..special]);
                out.put(&[ESC, if payload[special] == END { ESC_END } else { ESC_ESC }]);
                written = special + 1;
            }
            out.put(&payload[written..]);
        }
        frame.put(&[END]);
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        if self.searched > input.len() {
            // Less input than was searched is another input.
            (self.searched, self.escapes) = (0, 0);
        }
        for at in memchr2_iter(END, ESC, &input[self.searched..]) {
            let at = self.searched + at;
            if input[at] == ESC {
                self.escapes += 1;
                continue;
            }
            let escapes = std::mem::take(&mut self.escapes);
            self.searched = 0;
            return self.whole(&input[..at], escapes);
        }
        self.searched = input.len();
        self.check_received(input.len(), self.escapes)?;
        Ok(Decoded::More { total: input.len() + 1 })
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        (self.searched, self.escapes) = (0, 0);
        match memchr(END, input) {
            Some(end) => FrameEnd::At(end as u64 + 1),
            None => FrameEnd::Beyond(input.len()),
        }
    }
}

/// The message that stood in a frame without its END.
fn unescaped(frame: &[u8]) -> Result<Bytes, Error> {
    let mut message = BytesMut::with_capacity(frame.len());
    let mut rest = frame;
    while let Some(escape) = memchr(ESC, rest) {
        message.put_slice(&rest[..escape]);
        message.put_u8(match rest.get(escape + 1) {
            Some(&ESC_END) => END,
            Some(&ESC_ESC) => ESC,
            other => {
                let why = match other {
                    Some(byte) => format!("ESC stands before {byte:#04x}, which is no escape"),
                    None => "ESC stands before END".into(),
                };
                return Err(ErrorKind::Malformed { codec: "slip", why }.into());
            }
        });
        rest = &rest[escape + 2..];
    }
    message.put_slice(rest);
    Ok(message.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    fn made(message: &[u8], consumed: usize) -> Decoded {
        Decoded::Made { message: Bytes::copy_from_slice(message), consumed }
    }

    #[test]
    fn the_special_characters_are_those_of_the_rfc() {
        for (message, wire) in [
            (&[0xc0][..], &[0xdb, 0xdc, 0xc0][..]),
            (&[0xdb], &[0xdb, 0xdd, 0xc0]),
            (&[0xdc, 0xdd], &[0xdc, 0xdd, 0xc0]),
            (&[1, 0xc0, 0xc0, 2, 0xdb, 3], &[1, 0xdb, 0xdc, 0xdb, 0xdc, 2, 0xdb, 0xdd, 3, 0xc0]),
        ] {
            let mut codec = Slip::new();
            assert_eq!(encode_frame(&mut codec, message).unwrap(), wire);
            let expected = match wire.contains(&ESC) {
                true => made(message, wire.len()),
                false => Decoded::Frame { payload: 0..message.len(), consumed: wire.len() },
            };
            assert_eq!(codec.decode(wire).unwrap(), expected);
        }
    }

    #[test]
    fn a_leading_end_makes_no_message() {
        let mut codec = Slip::new().leading_end(true);
        let wire = encode_frame(&mut codec, "hi").unwrap();
        assert_eq!(wire, &b"\xc0hi\xc0"[..]);
        assert_eq!(codec.decode(&wire).unwrap(), Decoded::Skip { consumed: 1 });
        let hi = Decoded::Frame { payload: 0..2, consumed: 3 };
        assert_eq!(codec.decode(&wire[1..]).unwrap(), hi);
        let error = encode_frame(&mut codec, "").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unrepresentable { .. }), "{error}");
    }

    #[test]
    fn an_esc_before_anything_else_is_malformed() {
        for wire in [&[0xdb, 0x01, 0xc0][..], &[1, 0xdb, 0xc0], &[0xdb, 0xdb, 0xdc, 0xc0]] {
            let error = Slip::new().decode(wire).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
            assert_eq!(Slip::new().find_end(wire), FrameEnd::At(wire.len() as u64));
        }
    }

    #[test]
    fn what_counts_for_the_maximum_is_the_message_and_not_its_escapes() {
        let mut codec = Slip::new().max(2);
        let wire = [0xdb, 0xdc, 0xdb, 0xdd, 0xc0];
        for end in 0..wire.len() {
            assert_eq!(codec.decode(&wire[..end]).unwrap(), Decoded::More { total: end + 1 });
        }
        assert_eq!(codec.decode(&wire).unwrap(), made(&[0xc0, 0xdb], 5));
        let error = codec.decode(&[1, 2, 3]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 3, limit: 2 }), "{error}");
        assert_eq!(codec.find_end(&[1, 2, 3]), FrameEnd::Beyond(3));
        assert_eq!(codec.find_end(&[4, 0xc0, 5]), FrameEnd::At(2));
        let error = codec.decode(&[1, 2, 3, 0xc0]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { .. }), "{error}");
    }

    #[test]
    fn endless_escapes_are_oversize_as_well() {
        let endless = [ESC; 100];
        let mut codec = Slip::new().max(10);
        let refused = (0..100).find(|&end| codec.decode(&endless[..end]).is_err());
        assert_eq!(refused, Some(22));
    }

    #[test]
    fn less_input_than_before_is_another_input() {
        let mut codec = Slip::new();
        assert_eq!(codec.decode(&[1, 0xdb, 0xdc, 4]).unwrap(), Decoded::More { total: 5 });
        let seven = Decoded::Frame { payload: 0..1, consumed: 2 };
        assert_eq!(codec.decode(&[7, 0xc0]).unwrap(), seven);
    }

    #[test]
    fn a_clone_begins_a_stream_of_its_own() {
        let mut codec = Slip::new();
        codec.decode(&[1, 0xdb]).unwrap();
        assert_eq!(codec.clone().decode(&[0xdb, 0xdc, 0xc0]).unwrap(), made(&[0xc0], 3));
        let seven = Decoded::Frame { payload: 0..1, consumed: 2 };
        assert_eq!(codec.clone().decode(&[7, 0xc0]).unwrap(), seven);
        assert_eq!(codec.decode(&[1, 0xdb, 0xdd, 0xc0]).unwrap(), made(&[1, 0xdb], 4));
    }
}

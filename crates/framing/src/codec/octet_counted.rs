//! Octet counting: the length in decimal, a space, the message.

use std::fmt;
use std::ops::ControlFlow;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length, decimal};
use crate::{Error, ErrorKind, FrameWriter};

/// The longest length, and its space.
const MARKS: usize = 21;

/// Each message behind its length in decimal and a space: octet counting, as syslog does over TCP
/// and TLS (RFC 6587, section 3.4.1; RFC 5425, section 4.3).
///
/// ```text
/// hello             5 hello             35 20  68 65 6c 6c 6f
/// <13>1 - - -       11 <13>1 - - -      31 31 20  3c 31 33 3e 31 20 2d 20 2d 20 2d
/// ```
///
/// The length's first digit is not zero: an empty message cannot be sent, and is malformed where it
/// comes. The maximum is 1 MiB unless set. A longer message is refused as soon as its length is there;
/// with a [`Resync`](crate::Resync) it is skipped. Anything but a length is malformed, and the stream
/// is out of step.
///
/// ```
/// use anysock_framing::{ErrorKind, OctetCounted, encode_frame};
///
/// let mut codec = OctetCounted::new();
/// assert_eq!(encode_frame(&mut codec, "<13>1 - - -")?, "11 <13>1 - - -");
/// let refused = encode_frame(&mut codec, "").unwrap_err();
/// assert!(matches!(refused.kind(), ErrorKind::Unrepresentable { .. }));
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OctetCounted {
    max: usize,
}

impl OctetCounted {
    /// Messages of 1 byte to 1 MiB.
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

impl Default for OctetCounted {
    fn default() -> Self {
        Self::new()
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for OctetCounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("octets")
    }
}

impl Codec for OctetCounted {
    fn max_message(&self) -> usize {
        // Length and message together must fit a usize as well.
        self.max.min(usize::MAX - MARKS)
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        if frame.payload_len() == 0 {
            let why = "it is empty, and a length must not begin with a zero".into();
            return Err(ErrorKind::Unrepresentable { codec: "octets", why }.into());
        }
        decimal::write(frame, frame.payload_len(), b" ");
        frame.payload();
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let header = match decimal::read(input, b' ') {
            ControlFlow::Continue(()) => return Ok(Decoded::More { total: input.len() + 1 }),
            ControlFlow::Break(header) => header.map_err(malformed)?,
        };
        let limit = self.max_message();
        if header.value > limit as u64 {
            return Err(ErrorKind::Oversize { length: header.value, limit }.into());
        }
        if header.value == 0 {
            return Err(malformed("the length is zero".into()));
        }
        let end = header.written + header.value as usize;
        Ok(Decoded::frame(header.written..end, input.len()))
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        match decimal::read(input, b' ') {
            ControlFlow::Break(Ok(header)) if header.value > self.max_message() as u64 => {
                FrameEnd::At(header.value.saturating_add(header.written as u64))
            }
            _ => FrameEnd::Unknown,
        }
    }
}

fn malformed(why: String) -> Error {
    ErrorKind::Malformed { codec: "octets", why }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    #[test]
    fn the_wire_format_is_that_of_the_grammar() {
        // MSG-LEN SP SYSLOG-MSG, MSG-LEN = NONZERO-DIGIT *DIGIT; the messages are the examples of
        // RFC 5424, 6.5, of which two begin their text with a byte order mark.
        for (length, message) in [
            (
                "110",
                "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \
                 \u{feff}'su root' failed for lonvick on /dev/pts/8",
            ),
            (
                "99",
                "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - \
                 %% It's time to make the do-nuts.",
            ),
            (
                "175",
                "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
                 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"] \
                 \u{feff}An application event log entry...",
            ),
            (
                "174",
                "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 \
                 [exampleSDID@32473 iut=\"3\" eventSource=\"Application\" eventID=\"1011\"]\
                 [examplePriority@32473 class=\"high\"]",
            ),
        ] {
            let wire = encode_frame(&mut OctetCounted::new(), message).unwrap();
            assert_eq!(wire, format!("{length} {message}"));
            let payload = length.len() + 1..wire.len();
            let whole = Decoded::Frame { payload, consumed: wire.len() };
            assert_eq!(OctetCounted::new().decode(&wire).unwrap(), whole);
        }
    }

    #[test]
    fn what_is_no_length_is_malformed() {
        for wire in [" ", "0 ", "01 x", "x", "<34>1 ", "3\nabc", "-3 abc"] {
            let error = OctetCounted::new().decode(wire.as_bytes()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{wire}: {error}");
            assert_eq!(OctetCounted::new().find_end(wire.as_bytes()), FrameEnd::Unknown);
        }
    }

    #[test]
    fn of_what_is_malformed_and_not_too_long_nobody_knows_the_end() {
        assert_eq!(OctetCounted::new().max(0).find_end(b"0 "), FrameEnd::Unknown);
    }

    #[test]
    fn the_greatest_maximum_leaves_room_for_the_marks() {
        assert_eq!(OctetCounted::new().max(usize::MAX).max_message(), usize::MAX - MARKS);
        assert_eq!(OctetCounted::new().max(usize::MAX - 30).max_message(), usize::MAX - 30);
    }

    #[test]
    fn too_long_a_message_is_refused_by_its_length_alone() {
        let mut codec = OctetCounted::new().max(9);
        assert_eq!(codec.decode(b"9 ").unwrap(), Decoded::More { total: 11 });
        assert_eq!(codec.decode(b"10").unwrap(), Decoded::More { total: 3 });
        let error = codec.decode(b"10 ").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 10, limit: 9 }), "{error}");
        assert_eq!(codec.find_end(b"10 "), FrameEnd::At(13));
    }
}

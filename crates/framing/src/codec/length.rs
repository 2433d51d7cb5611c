//! Messages behind their length, in a fixed number of bytes.

use std::fmt;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, Varint, check_length};
use crate::{Error, ErrorKind, FrameWriter};

/// Each message behind its length, which is an unsigned integer of one to eight bytes.
///
/// ```text
/// u8                           05 h e l l o
/// u16                          00 05 h e l l o
/// u16, little endian           05 00 h e l l o
/// u16, including the header    00 07 h e l l o
/// u24                          00 00 05 h e l l o
/// u32                          00 00 00 05 h e l l o
/// u64                          00 00 00 00 00 00 00 05 h e l l o
/// ```
///
/// Many speak this, none defines it: with `u16` DNS over TCP (RFC 1035, section 4.2.2), with `u32`
/// the agent of ssh and Kafka.
///
/// A message longer than the maximum is refused as soon as its length is there, before memory
/// is reserved for it; with a [`Resync`](crate::Resync) it is skipped. The maximum is 1 MiB unless
/// set, and never more than the length can express. All else that can be wrong is a length which
/// counts itself and is less than its own bytes: that is malformed, and the stream is out of step.
///
/// ```
/// use anysock_framing::{Codec, LengthDelimited, encode_frame};
///
/// let mut codec = LengthDelimited::u16().little_endian();
/// assert_eq!(encode_frame(&mut codec, "hello")?, &b"\x05\0hello"[..]);
/// assert_eq!(codec.max_message(), 65_535);
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LengthDelimited {
    width: Width,
    little_endian: bool,
    including_header: bool,
    /// No more than the length can express.
    max: usize,
}

/// How many bytes a length takes.
///
/// ```
/// use anysock_framing::{LengthDelimited, Width};
/// assert_eq!(LengthDelimited::new(Width::U24), LengthDelimited::u24());
/// assert_eq!(Width::U24.bytes(), 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// One byte.
    U8 = 1,
    /// Two bytes.
    U16 = 2,
    /// Three bytes.
    U24 = 3,
    /// Four bytes.
    U32 = 4,
    /// Eight bytes.
    U64 = 8,
}

impl LengthDelimited {
    /// Lengths of this width, big endian, that do not count themselves.
    pub const fn new(width: Width) -> Self {
        let codec = Self { width, little_endian: false, including_header: false, max: DEFAULT_MAX };
        codec.max(DEFAULT_MAX)
    }

    /// One byte of length: messages of at most 255 bytes.
    pub const fn u8() -> Self {
        Self::new(Width::U8)
    }

    /// Two bytes of length, big endian: messages of at most 65,535 bytes.
    pub const fn u16() -> Self {
        Self::new(Width::U16)
    }

    /// Three bytes of length, big endian: messages of at most 16,777,215 bytes.
    pub const fn u24() -> Self {
        Self::new(Width::U24)
    }

    /// Four bytes of length, big endian.
    pub const fn u32() -> Self {
        Self::new(Width::U32)
    }

    /// Eight bytes of length, big endian.
    pub const fn u64() -> Self {
        Self::new(Width::U64)
    }

    /// One to ten bytes of length, as protocol buffers write it: see [`Varint`].
    pub const fn varint() -> Varint {
        Varint::new()
    }

    /// The least significant byte of the length first.
    #[must_use]
    pub const fn little_endian(mut self) -> Self {
        self.little_endian = true;
        self
    }

    /// The length also counts its own bytes.
    #[must_use]
    pub const fn including_header(mut self) -> Self {
        self.including_header = true;
        let max = self.max;
        self.max(max)
    }

    /// The longest message, in bytes; no more than the length can express.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        // Header and message together must fit a usize as well.
        let whole = (usize::MAX - self.width.bytes()) as u64;
        let expressible = self.width.greatest() - self.counted();
        let expressible = if expressible < whole { expressible } else { whole };
        self.max = if (bytes as u64) < expressible { bytes } else { expressible as usize };
        self
    }

    /// How many bytes the length takes.
    pub const fn width(&self) -> Width {
        self.width
    }

    /// What the length counts beside the message.
    const fn counted(&self) -> u64 {
        if self.including_header { self.width.bytes() as u64 } else { 0 }
    }

    /// The number at the beginning of `input`, if all of it is there.
    #[inline(always)]
    fn read(&self, input: &[u8]) -> Option<u64> {
        match input.first_chunk() {
            Some(bytes) => Some(self.value(*bytes)),
            None => self.read_short(input),
        }
    }

    /// As [`read`](Self::read), of fewer than eight bytes.
    #[cold]
    fn read_short(&self, input: &[u8]) -> Option<u64> {
        let written = input.get(..self.width.bytes())?;
        let mut bytes = [0; 8];
        bytes[..written.len()].copy_from_slice(written);
        Some(self.value(bytes))
    }

    /// The number that the first of these bytes are: one way for all widths.
    #[inline(always)]
    fn value(&self, bytes: [u8; 8]) -> u64 {
        let beyond = self.width.bits_beyond();
        match self.little_endian {
            true => u64::from_le_bytes(bytes) << beyond >> beyond,
            false => u64::from_be_bytes(bytes) >> beyond,
        }
    }

    /// The bytes that begin with this number.
    #[inline(always)]
    fn bytes(&self, value: u64) -> [u8; 8] {
        match self.little_endian {
            true => value.to_le_bytes(),
            false => (value << self.width.bits_beyond()).to_be_bytes(),
        }
    }

    const fn name(&self) -> &'static str {
        match (self.width, self.little_endian) {
            (Width::U8, false) => "u8",
            (Width::U8, true) => "u8le",
            (Width::U16, false) => "u16",
            (Width::U16, true) => "u16le",
            (Width::U24, false) => "u24",
            (Width::U24, true) => "u24le",
            (Width::U32, false) => "u32",
            (Width::U32, true) => "u32le",
            (Width::U64, false) => "u64",
            (Width::U64, true) => "u64le",
        }
    }
}

impl Width {
    /// The number of bytes.
    pub const fn bytes(self) -> usize {
        self as usize
    }

    /// The greatest length that can be written.
    const fn greatest(self) -> u64 {
        u64::MAX >> self.bits_beyond()
    }

    /// How many bits of eight bytes it leaves.
    const fn bits_beyond(self) -> u32 {
        64 - 8 * self.bytes() as u32
    }
}

/// [`LengthDelimited::u32`].
impl Default for LengthDelimited {
    fn default() -> Self {
        Self::u32()
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it; and whether the header is counted,
/// which has no name.
impl fmt::Display for LengthDelimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        f.write_str(if self.including_header { " including the header" } else { "" })
    }
}

impl Codec for LengthDelimited {
    #[inline]
    fn max_message(&self) -> usize {
        self.max
    }

    #[inline(always)]
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        let length = frame.payload_len() as u64 + self.counted();
        frame.put_first(self.bytes(length), self.width.bytes());
        frame.payload();
        Ok(())
    }

    #[inline(always)]
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let width = self.width.bytes();
        let Some(written) = self.read(input) else {
            return Ok(Decoded::More { total: width });
        };
        let Some(length) = written.checked_sub(self.counted()) else {
            let why = format!("a length of {written} cannot count its own {width} bytes");
            return Err(ErrorKind::Malformed { codec: self.name(), why }.into());
        };
        let limit = self.max_message();
        if length > limit as u64 {
            return Err(ErrorKind::Oversize { length, limit }.into());
        }
        Ok(Decoded::frame(width..width + length as usize, input.len()))
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        match self.read(input).and_then(|written| written.checked_sub(self.counted())) {
            // It was refused for being too long, for nothing but its length is looked at.
            Some(length) => FrameEnd::At(length.saturating_add(self.width.bytes() as u64)),
            None => FrameEnd::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    #[test]
    fn the_maximum_is_what_the_length_can_express() {
        for (codec, most) in [
            (LengthDelimited::u8(), 255),
            (LengthDelimited::u16(), 65_535),
            (LengthDelimited::u24(), (1 << 24) - 1),
            (LengthDelimited::u32(), u32::MAX as usize),
            (LengthDelimited::u64(), usize::MAX - 8),
            (LengthDelimited::u8().including_header(), 254),
            (LengthDelimited::u16().including_header(), 65_533),
            (LengthDelimited::u64().including_header(), usize::MAX - 8),
        ] {
            assert_eq!(codec.max(usize::MAX).max_message(), most, "{codec}");
            assert_eq!(codec.max(7).max_message(), 7, "{codec}");
        }
        assert_eq!(LengthDelimited::u64().max_message(), 1024 * 1024);
    }

    #[test]
    fn the_wire_format_is_as_drawn() {
        for (mut codec, wire) in [
            (LengthDelimited::u8(), &b"\x02hi"[..]),
            (LengthDelimited::u16(), b"\0\x02hi"),
            (LengthDelimited::u24(), b"\0\0\x02hi"),
            (LengthDelimited::u32(), b"\0\0\0\x02hi"),
            (LengthDelimited::u64(), b"\0\0\0\0\0\0\0\x02hi"),
            (LengthDelimited::u16().little_endian(), b"\x02\0hi"),
            (LengthDelimited::u24().little_endian(), b"\x02\0\0hi"),
            (LengthDelimited::u64().little_endian(), b"\x02\0\0\0\0\0\0\0hi"),
            (LengthDelimited::u16().including_header(), b"\0\x04hi"),
            (LengthDelimited::u32().little_endian().including_header(), b"\x06\0\0\0hi"),
        ] {
            assert_eq!(encode_frame(&mut codec, "hi").unwrap(), wire, "{codec}");
            let whole = Decoded::frame(wire.len() - 2..wire.len(), wire.len());
            assert_eq!(codec.decode(wire).unwrap(), whole, "{codec}");
        }
    }

    #[test]
    fn a_query_of_dns_over_tcp_stands_behind_two_bytes_of_length() {
        // RFC 1035, 4.2.2: the length does not count itself; 4.1: twelve bytes of header, the
        // question. Asked is for the address of example.com.
        let query = [
            &[0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0][..],
            b"\x07example\x03com\0",
            &[0, 1, 0, 1],
        ]
        .concat();
        let wire = [&[0x00, 0x1d][..], &query].concat();
        let mut codec = LengthDelimited::u16();
        assert_eq!(encode_frame(&mut codec, &query[..]).unwrap(), wire);
        assert_eq!(codec.decode(&wire).unwrap(), Decoded::frame(2..31, 31));
    }

    #[test]
    fn an_announced_giant_is_refused_with_the_header_alone() {
        for (mut codec, header, announced) in [
            (LengthDelimited::u32().max(10), &b"\0\0\0\x0b"[..], 11),
            (LengthDelimited::u64().max(10), &[0xff; 8], u64::MAX),
            (LengthDelimited::u64().max(usize::MAX), &[0xff; 8], u64::MAX),
            (LengthDelimited::u64().including_header().max(10), &[0xff; 8], u64::MAX - 8),
        ] {
            let short = &header[..header.len() - 1];
            assert_eq!(codec.decode(short).unwrap(), Decoded::More { total: header.len() });
            let error = codec.decode(header).unwrap_err();
            assert!(error.is_fatal());
            assert!(
                matches!(error.kind(), ErrorKind::Oversize { length, .. } if *length == announced),
                "{codec}: {error}"
            );
            let end = announced.saturating_add(header.len() as u64);
            assert_eq!(codec.find_end(header), FrameEnd::At(end), "{codec}");
        }
    }

    #[test]
    fn a_length_that_does_not_cover_its_header_is_malformed() {
        let mut codec = LengthDelimited::u16().including_header();
        for header in [b"\0\0", b"\0\x01"] {
            let error = codec.decode(header).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { codec: "u16", .. }), "{error}");
            assert_eq!(codec.find_end(header), FrameEnd::Unknown);
        }
        assert_eq!(codec.decode(b"\0\x02").unwrap(), Decoded::frame(2..2, 2));
    }
}

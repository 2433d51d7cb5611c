//! One of the codecs, chosen at run time.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::{
    Cobs, Codec, ContentLength, Decoded, Delimited, Fixed, FrameEnd, LengthDelimited, Netstring,
    OctetCounted, Resync, Slip, Unframed, Varint, Width,
};
use crate::{Error, FrameWriter};

/// Any codec: one of this crate's, or [one of your own](Self::custom).
///
/// These have names, for command lines and configuration:
///
/// | name | codec |
/// |---|---|
/// | `u8` `u16` `u24` `u32` `u64` | [`LengthDelimited`], big endian |
/// | the same with `le` behind it | little endian |
/// | `varint` | [`Varint`] |
/// | `lines` `crlf` `nul` | [`Delimited`] |
/// | `fixed:N` | [`Fixed`], N at least 1 |
/// | `netstring` `octets` `content-length` | [`Netstring`], [`OctetCounted`], [`ContentLength`] |
/// | `cobs` `slip` | [`Cobs`], [`Slip`] |
/// | `unframed` | [`Unframed`]: bytes as they come |
/// | `resync:NAME` | [`Resync`] of any of these |
///
/// ```
/// use anysock_framing::{AnyCodec, Codec, Delimited};
///
/// let named: AnyCodec = "u16le".parse()?;
/// assert_eq!(named.to_string(), "u16le");
/// assert_eq!(named.with_max(80).max_message(), 80);
/// assert_eq!(AnyCodec::from(Delimited::crlf()).to_string(), "crlf");
/// assert_eq!(AnyCodec::default().to_string(), "u32");
/// # Ok::<_, anysock_framing::UnknownCodec>(())
/// ```
#[derive(Clone, Debug)]
pub struct AnyCodec(Kind);

/// A name that is not one of [`AnyCodec`]'s.
///
/// ```
/// use anysock_framing::AnyCodec;
///
/// let error = "u17".parse::<AnyCodec>().unwrap_err();
/// assert_eq!(error.name(), "u17");
/// assert!(error.to_string().starts_with(r#"no codec is named "u17""#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no codec is named {name:?}; there are u8, u16, u24, u32, u64 (with le for little endian), \
     varint, lines, crlf, nul, netstring, octets, content-length, cobs, slip, unframed, \
     fixed:N with N bytes, at least 1; and resync:NAME, to go on behind what is too long or malformed"
)]
pub struct UnknownCodec {
    name: String,
}

#[derive(Clone, Debug)]
enum Kind {
    Length(LengthDelimited),
    Varint(Varint),
    Delimited(Delimited),
    Fixed(Fixed),
    Netstring(Netstring),
    OctetCounted(OctetCounted),
    ContentLength(ContentLength),
    Cobs(Cobs),
    Slip(Slip),
    Unframed(Unframed),
    Resync(Box<Resync<AnyCodec>>),
    Custom(Box<dyn CloneCodec>),
}

/// What stands before the name of a codec that is to find its way back.
const RESYNC: &str = "resync:";

/// A codec that can be cloned in its box.
trait CloneCodec: Codec + Send + Sync {
    fn clone_box(&self) -> Box<dyn CloneCodec>;
}

/// The same with whatever codec it is.
macro_rules! inner {
    ($any:expr, $codec:ident => $result:expr) => {
        match $any {
            Kind::Length($codec) => $result,
            Kind::Varint($codec) => $result,
            Kind::Delimited($codec) => $result,
            Kind::Fixed($codec) => $result,
            Kind::Netstring($codec) => $result,
            Kind::OctetCounted($codec) => $result,
            Kind::ContentLength($codec) => $result,
            Kind::Cobs($codec) => $result,
            Kind::Slip($codec) => $result,
            Kind::Unframed($codec) => $result,
            Kind::Resync($codec) => $result,
            Kind::Custom($codec) => $result,
        }
    };
}

impl AnyCodec {
    /// A codec of your own.
    ///
    /// A clone of it begins a stream of its own: each connection gets one.
    pub fn custom(codec: impl Codec + Clone + Send + Sync + 'static) -> Self {
        Self(Kind::Custom(Box::new(codec)))
    }

    /// The longest message, in bytes. A [`Fixed`] codec and one of your own keep theirs.
    #[must_use]
    pub fn with_max(self, bytes: usize) -> Self {
        Self(match self.0 {
            Kind::Length(codec) => Kind::Length(codec.max(bytes)),
            Kind::Varint(codec) => Kind::Varint(codec.max(bytes)),
            Kind::Delimited(codec) => Kind::Delimited(codec.max(bytes)),
            Kind::Netstring(codec) => Kind::Netstring(codec.max(bytes)),
            Kind::OctetCounted(codec) => Kind::OctetCounted(codec.max(bytes)),
            Kind::ContentLength(codec) => Kind::ContentLength(codec.max(bytes)),
            Kind::Cobs(codec) => Kind::Cobs(codec.max(bytes)),
            Kind::Slip(codec) => Kind::Slip(codec.max(bytes)),
            Kind::Unframed(codec) => Kind::Unframed(codec.max(bytes)),
            Kind::Resync(codec) => Kind::Resync(Box::new(codec.map(|codec| codec.with_max(bytes)))),
            kept @ (Kind::Fixed(_) | Kind::Custom(_)) => kept,
        })
    }

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "varint" => Varint::new().into(),
            "lines" => Delimited::lines().into(),
            "crlf" => Delimited::crlf().into(),
            "nul" => Delimited::nul().into(),
            "netstring" => Netstring::new().into(),
            "octets" => OctetCounted::new().into(),
            "content-length" => ContentLength::new().into(),
            "cobs" => Cobs::new().into(),
            "slip" => Slip::new().into(),
            "unframed" => Unframed::new().into(),
            _ if name.starts_with(RESYNC) => {
                // Once is enough.
                let name = name.strip_prefix(RESYNC).filter(|name| !name.starts_with(RESYNC))?;
                Resync::new(Self::named(name)?).into()
            }
            _ => match name.strip_prefix("fixed:") {
                // A number may be written with a sign, a name may not.
                Some(size) if size.starts_with('+') => return None,
                Some(size) => Fixed::new(size.parse::<NonZeroUsize>().ok()?).into(),
                None => Self::length(name)?.into(),
            },
        })
    }

    fn length(name: &str) -> Option<LengthDelimited> {
        let (width, little) = match name.strip_suffix("le") {
            Some(width) => (width, true),
            None => (name, false),
        };
        let codec = LengthDelimited::new(match width {
            "u8" => Width::U8,
            "u16" => Width::U16,
            "u24" => Width::U24,
            "u32" => Width::U32,
            "u64" => Width::U64,
            _ => return None,
        });
        Some(if little { codec.little_endian() } else { codec })
    }
}

impl UnknownCodec {
    /// What was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// [`LengthDelimited::u32`].
impl Default for AnyCodec {
    fn default() -> Self {
        LengthDelimited::u32().into()
    }
}

macro_rules! from {
    ($($codec:ident as $kind:ident),*) => {$(
        impl From<$codec> for AnyCodec {
            fn from(codec: $codec) -> Self {
                Self(Kind::$kind(codec))
            }
        }
    )*};
}

from! {
    LengthDelimited as Length, Varint as Varint, Delimited as Delimited, Fixed as Fixed,
    Netstring as Netstring, OctetCounted as OctetCounted, ContentLength as ContentLength,
    Cobs as Cobs, Slip as Slip, Unframed as Unframed
}

impl From<Resync<AnyCodec>> for AnyCodec {
    fn from(codec: Resync<AnyCodec>) -> Self {
        Self(Kind::Resync(Box::new(codec)))
    }
}

impl FromStr for AnyCodec {
    type Err = UnknownCodec;

    fn from_str(name: &str) -> Result<Self, UnknownCodec> {
        Self::named(name).ok_or_else(|| UnknownCodec { name: name.into() })
    }
}

impl TryFrom<&str> for AnyCodec {
    type Error = UnknownCodec;

    fn try_from(name: &str) -> Result<Self, UnknownCodec> {
        name.parse()
    }
}

/// The name, where there is one; of a codec of your own, what its `Debug` says.
impl fmt::Display for AnyCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Length(codec) => codec.fmt(f),
            Kind::Varint(codec) => codec.fmt(f),
            Kind::Delimited(codec) => codec.fmt(f),
            Kind::Fixed(codec) => codec.fmt(f),
            Kind::Netstring(codec) => codec.fmt(f),
            Kind::OctetCounted(codec) => codec.fmt(f),
            Kind::ContentLength(codec) => codec.fmt(f),
            Kind::Cobs(codec) => codec.fmt(f),
            Kind::Slip(codec) => codec.fmt(f),
            Kind::Unframed(codec) => codec.fmt(f),
            Kind::Resync(codec) => codec.fmt(f),
            Kind::Custom(codec) => write!(f, "{codec:?}"),
        }
    }
}

impl Codec for AnyCodec {
    fn max_message(&self) -> usize {
        inner!(&self.0, codec => codec.max_message())
    }

    fn keeps_boundaries(&self) -> bool {
        inner!(&self.0, codec => codec.keeps_boundaries())
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        inner!(&mut self.0, codec => codec.encode(frame))
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        inner!(&mut self.0, codec => codec.decode(input))
    }

    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        inner!(&mut self.0, codec => codec.decode_end(input))
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        inner!(&mut self.0, codec => codec.find_end(input))
    }

    fn is_in_step(&self) -> bool {
        inner!(&self.0, codec => codec.is_in_step())
    }
}

impl<C: Codec + Clone + Send + Sync + 'static> CloneCodec for C {
    fn clone_box(&self) -> Box<dyn CloneCodec> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn CloneCodec> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    #[test]
    fn every_name_is_read_and_printed_alike() {
        for name in [
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
            "fixed:65536",
            "netstring",
            "octets",
            "content-length",
            "cobs",
            "slip",
            "unframed",
            "resync:lines",
            "resync:fixed:3",
        ] {
            assert_eq!(name.parse::<AnyCodec>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn other_names_are_refused_with_those_there_are() {
        for name in [
            "",
            "u17",
            "le",
            "u16be",
            "U16",
            " u16",
            "fixed",
            "fixed:",
            "fixed:0",
            "fixed:-1",
            "fixed:+1",
            "fixed:x",
            "fixed:99999999999999999999",
            "varintle",
            "resync",
            "resync:",
            "resync:resync:lines",
        ] {
            let error = AnyCodec::try_from(name).unwrap_err();
            assert_eq!(error.name(), name);
            assert!(error.to_string().contains("varint, lines, crlf, nul, netstring, octets"));
        }
    }

    #[test]
    fn a_codec_of_ones_own_works_in_its_box_and_keeps_its_maximum() {
        let delimited = Delimited::new("--").unwrap();
        let mut any = AnyCodec::custom(delimited).clone();
        assert_eq!(encode_frame(&mut any, "a").unwrap(), "a--");
        assert!(any.to_string().contains("Delimited"));
        assert_eq!(any.with_max(1).max_message(), 1024 * 1024);
    }

    #[test]
    fn a_connection_pays_little_for_its_codec() {
        assert!(size_of::<AnyCodec>() <= 48, "{}", size_of::<AnyCodec>());
        fn sendable<T: Send + Sync>() {}
        sendable::<AnyCodec>();
    }
}

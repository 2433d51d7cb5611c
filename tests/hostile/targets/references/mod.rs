//! Codecs as one reads them in their specification: of a whole buffer, plain, and slow.

mod content_length;
mod decimal;
mod delimited;
mod fixed;
mod length;
mod padded;
mod resync;
mod stuffed;
mod varint;

use anysock_framing::AnyCodec;

/// A codec, and the same once more, written without regard to anything but being right.
pub(crate) trait Reference {
    /// The codec that is to do the same.
    fn codec(&self) -> AnyCodec;

    /// The message with its marks, whether or not it survives them.
    fn encode(&self, message: &[u8]) -> Vec<u8>;

    /// What the first bytes of `input`, which may be none, are.
    fn first(&self, input: &[u8]) -> First;

    /// What ends a frame, however it came about, if anything does.
    fn delimiter(&self) -> Option<&'static [u8]> {
        None
    }

    /// The message that `rest`, which is no whole one, is if nothing comes behind it.
    fn last(&self, _rest: &[u8]) -> First {
        First::Waiting
    }
}

/// What stands first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// A message, of the first so many bytes.
    Message(Vec<u8>, usize),
    /// So many bytes that are no message, and no fault: padding.
    Skip(usize),
    /// Not known before more is here.
    Waiting,
    /// A message beyond the maximum; the length of its frame, if that is told.
    Oversize(Option<u128>),
    /// Bytes that no message begins with.
    Malformed,
    /// So many bytes of a frame that is given up, and whether that is all of it.
    GivenUp(usize, bool),
}

/// Makes a reference of two bytes, by which its family's codecs are told apart.
pub(crate) type Make = fn(shape: u8, max: u8) -> Box<dyn Reference>;

/// Those of a family of codecs, by the name of its target. A new codec is a file and a line: the last,
/// for inputs of `codec_resync` begin with the number of one.
pub(crate) const FAMILIES: [(&str, Make); 10] = [
    ("codec_cobs", stuffed::cobs),
    ("codec_content_length", content_length::reference),
    ("codec_delimited", delimited::reference),
    ("codec_fixed", fixed::reference),
    ("codec_length", length::reference),
    ("codec_netstring", decimal::netstring),
    ("codec_octet_counted", decimal::octets),
    ("codec_own", padded::reference),
    ("codec_slip", stuffed::slip),
    ("codec_varint", varint::reference),
];

pub(crate) use self::resync::resync;

/// The maximum that a byte stands for: itself, or what is so if nobody sets it.
fn maximum(byte: u8) -> usize {
    if byte == u8::MAX { 1024 * 1024 } else { usize::from(byte) }
}

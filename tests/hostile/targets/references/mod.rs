//! Codecs as one reads them in their specification: of a whole buffer, plain, and slow.

mod content_length;
mod decimal;
mod delimited;
mod fixed;
mod length;
mod padded;
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
    /// A message beyond the maximum.
    Oversize,
    /// Bytes that no message begins with.
    Malformed,
}

/// Makes a reference of two bytes, by which its family's codecs are told apart.
type Make = fn(shape: u8, max: u8) -> Box<dyn Reference>;

/// By the byte that an input begins with. A new codec is a file and a line.
const FAMILIES: [(u8, Make); 10] = [
    (b'c', stuffed::cobs),
    (b'd', delimited::reference),
    (b'f', fixed::reference),
    (b'h', content_length::reference),
    (b'l', length::reference),
    (b'n', decimal::netstring),
    (b'o', decimal::octets),
    (b'p', padded::reference),
    (b's', stuffed::slip),
    (b'v', varint::reference),
];

/// The reference that an input names by its first three bytes.
pub(crate) fn named(family: u8, shape: u8, max: u8) -> Option<Box<dyn Reference>> {
    let (_, make) = FAMILIES.iter().find(|(tag, _)| *tag == family)?;
    Some(make(shape, max))
}

/// The maximum that a byte stands for: itself, or what is so if nobody sets it.
fn maximum(byte: u8) -> usize {
    if byte == u8::MAX { 1024 * 1024 } else { usize::from(byte) }
}

/// The bytes that inputs for all these codecs begin with.
pub(super) fn families() -> impl Iterator<Item = u8> {
    FAMILIES.iter().map(|(family, _)| *family)
}

//! No marks at all: the bytes of a stream, as they come.

use std::fmt;

use super::{Codec, DEFAULT_MAX, Decoded, check_length};
use crate::{Error, ErrorKind, FrameWriter};

/// The bytes of a stream in pieces as they arrive, which need not be those that were sent: what one
/// side sends as two the other may receive as one, or as three.
///
/// ```text
/// sent          hel  lo
/// on the wire   h e l l o
/// received      hello        or  h  el  lo,  or any other way
/// ```
///
/// For who has boundaries of his own in the bytes (`Coded`), or passes them on. A
/// transport over it does not promise [boundaries](crate::Guarantees::BOUNDARIES); the other promises
/// of a stream it keeps. Pieces are never empty, so that an empty message cannot be sent. The maximum,
/// 1 MiB unless set, bounds each piece in both directions, and is no limit to what a peer sends: nothing
/// is too long or malformed, and nothing is skipped.
///
/// ```
/// use anysock_framing::{Codec, Decoded, ErrorKind, Unframed, encode_frame};
///
/// let mut codec = Unframed::new();
/// assert_eq!(encode_frame(&mut codec, "hello")?, "hello");
/// assert_eq!(codec.decode(b"hel")?, Decoded::Frame { payload: 0..3, consumed: 3 });
/// let refused = encode_frame(&mut codec, "").unwrap_err();
/// assert!(matches!(refused.kind(), ErrorKind::Unrepresentable { .. }));
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unframed {
    max: usize,
}

impl Unframed {
    /// Pieces of at most 1 MiB.
    pub const fn new() -> Self {
        Self { max: DEFAULT_MAX }
    }

    /// The longest piece, in bytes; at least 1.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = if bytes == 0 { 1 } else { bytes };
        self
    }
}

impl Default for Unframed {
    fn default() -> Self {
        Self::new()
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for Unframed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("unframed")
    }
}

impl Codec for Unframed {
    fn max_message(&self) -> usize {
        self.max
    }

    fn keeps_boundaries(&self) -> bool {
        false
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max)?;
        if frame.payload_len() == 0 {
            let why = "it is empty, and no bytes are nothing".into();
            return Err(ErrorKind::Unrepresentable { codec: "unframed", why }.into());
        }
        frame.payload();
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        match input.len().min(self.max) {
            0 => Ok(Decoded::More { total: 1 }),
            length => Ok(Decoded::frame(0..length, length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_what_is_here_up_to_the_maximum() {
        let mut codec = Unframed::new().max(3);
        assert_eq!(codec.decode(b"").unwrap(), Decoded::More { total: 1 });
        assert_eq!(codec.decode(b"ab").unwrap(), Decoded::frame(0..2, 2));
        assert_eq!(codec.decode(b"abcd").unwrap(), Decoded::frame(0..3, 3));
        assert_eq!(Unframed::new().max(0).max_message(), 1);
        assert!(!codec.keeps_boundaries());
    }
}

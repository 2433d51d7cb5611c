//! Messages that all have the same size.

use std::fmt;
use std::num::NonZeroUsize;

use super::{Codec, Decoded, check_length};
use crate::{Error, ErrorKind, FrameWriter};

/// Messages of one size, without any mark between them: records.
///
/// ```text
/// fixed:5    h e l l o w o r l d
///            └ one ──┘ └ two ──┘
/// ```
///
/// Its size is its maximum as well; any other is refused at sending, an empty message with it. On
/// receipt nothing is too long or malformed, so that there is nothing to skip either; a stream that ends
/// inside a message is cut off.
///
/// ```
/// use std::num::NonZero;
/// use anysock_framing::{ErrorKind, Fixed, encode_frame};
///
/// let mut codec = Fixed::new(NonZero::new(5).unwrap());
/// assert_eq!(encode_frame(&mut codec, "hello")?, "hello");
/// let refused = encode_frame(&mut codec, "hi").unwrap_err();
/// assert!(matches!(refused.kind(), ErrorKind::Unrepresentable { .. }));
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fixed {
    size: NonZeroUsize,
}

impl Fixed {
    /// Messages of `size` bytes.
    pub const fn new(size: NonZeroUsize) -> Self {
        Self { size }
    }

    /// The size of every message, in bytes.
    pub const fn size(&self) -> usize {
        self.size.get()
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fixed:{}", self.size)
    }
}

impl Codec for Fixed {
    fn max_message(&self) -> usize {
        self.size()
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.size())?;
        if frame.payload_len() < self.size() {
            let why = format!("it is {} bytes long instead of {}", frame.payload_len(), self.size);
            return Err(ErrorKind::Unrepresentable { codec: "fixed", why }.into());
        }
        frame.payload();
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        Ok(Decoded::frame(0..self.size(), input.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    #[test]
    fn every_other_size_is_refused_at_sending() {
        let mut codec = Fixed::new(NonZeroUsize::new(3).unwrap());
        for length in [0, 1, 2] {
            let error = encode_frame(&mut codec, vec![0; length]).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unrepresentable { .. }), "{error}");
        }
        let error = encode_frame(&mut codec, vec![0; 4]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLong { length: 4, limit: 3 }), "{error}");
        assert_eq!(encode_frame(&mut codec, "abc").unwrap(), "abc");
    }

    #[test]
    fn a_part_of_a_message_at_the_end_is_cut_off() {
        let mut codec = Fixed::new(NonZeroUsize::new(3).unwrap());
        assert_eq!(codec.decode(b"ab").unwrap(), Decoded::More { total: 3 });
        let error = codec.decode_end(b"ab").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CutOff { held: 2 }), "{error}");
    }
}

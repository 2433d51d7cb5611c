//! How message boundaries are marked in a byte stream.

mod any;
mod cobs;
mod content_length;
mod decimal;
mod delimited;
mod fixed;
mod length;
mod netstring;
mod octet_counted;
mod resync;
mod slip;
mod unframed;
mod varint;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use crate::{Error, FrameWriter};

pub use self::any::{AnyCodec, UnknownCodec};
pub use self::cobs::Cobs;
pub use self::content_length::ContentLength;
pub use self::delimited::{Delimited, EmptyDelimiter};
pub use self::fixed::Fixed;
pub use self::length::{LengthDelimited, Width};
pub use self::netstring::Netstring;
pub use self::octet_counted::OctetCounted;
pub use self::resync::Resync;
pub use self::slip::Slip;
pub use self::unframed::Unframed;
pub use self::varint::Varint;

/// The longest message of the codecs that are told no other, in bytes.
const DEFAULT_MAX: usize = 1024 * 1024;

/// Marks message boundaries in a byte stream.
///
/// Encoding writes one frame: what stands before the payload, the payload, what stands after
/// it. A payload written by [`FrameWriter::payload`] is never changed, and not copied if it is
/// large; a codec that must change it (byte stuffing) writes bytes of its own instead.
///
/// Decoding looks at the bytes received so far and says where the first message lies in them.
/// It copies nothing and owns nothing: what it has seen and not consumed it will be shown
/// again, with more behind it.
///
/// ```
/// use anysock_framing::{Codec, Decoded, Error, FrameWriter};
///
/// /// One byte of length before each message.
/// #[derive(Clone, Debug)]
/// struct Short;
///
/// impl Codec for Short {
///     fn max_message(&self) -> usize {
///         255
///     }
///     fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
///         frame.put(&[frame.payload_len() as u8]); // max_message was checked before
///         frame.payload();
///         Ok(())
///     }
///     fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
///         let Some(&length) = input.first() else { return Ok(Decoded::More { total: 1 }) };
///         Ok(Decoded::frame(1..1 + usize::from(length), input.len()))
///     }
/// }
/// # assert_eq!(anysock_framing::encode_frame(&mut Short, "hello")?, "\x05hello");
/// # assert_eq!(Short.decode(b"\x05hello")?, Decoded::frame(1..6, 6));
/// # assert_eq!(Short.decode(b"\x05hel")?, Decoded::More { total: 6 });
/// # Ok::<_, Error>(())
/// ```
///
/// ```text
/// what was received     05 h e l l o 05 t h e
///                       │  └payload┘ └ shown again, once as much as was asked for is here
///                       └ consumed ┘
/// ```
pub trait Codec: fmt::Debug {
    /// The longest message, in bytes, that is sent or received. Enforced by the transport when
    /// sending, and by [`decode`](Self::decode) when receiving.
    fn max_message(&self) -> usize;

    /// Whether one message sent is one message received, as of every codec but
    /// [`Unframed`]. A transport [promises](crate::Guarantees::BOUNDARIES) it if so.
    fn keeps_boundaries(&self) -> bool {
        true
    }

    /// Writes one frame around, or instead of, the payload. If this fails, nothing of what it
    /// wrote is sent.
    ///
    /// # Errors
    ///
    /// [`Unrepresentable`](crate::ErrorKind::Unrepresentable) if the message would not arrive
    /// as it is.
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error>;

    /// Finds the first message in `input`, all bytes that were received and not consumed yet.
    /// After [`Decoded::More`] the next call shows the same bytes and more of them.
    ///
    /// # Errors
    ///
    /// [`Oversize`](crate::ErrorKind::Oversize) as soon as it is known, and
    /// [`Malformed`](crate::ErrorKind::Malformed); both end the transport.
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error>;

    /// The stream ended and left `input`, not empty, in which [`decode`](Self::decode) found no
    /// message. A last message that needs no end may be given here.
    ///
    /// # Errors
    ///
    /// [`CutOff`](crate::ErrorKind::CutOff), unless this codec can tell better.
    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        Err(crate::ErrorKind::CutOff { held: input.len() }.into())
    }

    /// Where the frame ends that `input` begins with, and that [`decode`](Self::decode) has just
    /// refused: asked by [`Resync`], which then goes on behind it. After [`FrameEnd::Beyond`] it is
    /// asked again with what follows.
    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        let _ = input;
        FrameEnd::Unknown
    }

    /// Whether what was consumed so far ends where a frame does, as it does of codecs that consume
    /// whole frames alone. Asked before the stream is [taken out](crate::Framed::into_stream).
    fn is_in_step(&self) -> bool {
        true
    }
}

/// What [`Codec::decode`] found at the beginning of its input.
///
/// ```
/// use anysock_framing::Decoded;
/// // A frame of 5 bytes, of which 3 have arrived:
/// assert_eq!(Decoded::frame(1..5, 3), Decoded::More { total: 5 });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// A message, as it stands in the input.
    Frame {
        /// Where in the input it stands.
        payload: Range<usize>,
        /// How much of the input it took, its marks included. At least `payload.end`, at
        /// least 1.
        consumed: usize,
    },
    /// A message that does not stand in the input as it is (unescaped, say).
    Made {
        /// The message.
        message: Bytes,
        /// How much of the input it took; at least 1.
        consumed: usize,
    },
    /// No message, but so many bytes of the input are done with (padding); at least 1.
    Skip {
        /// How many.
        consumed: usize,
    },
    /// A part of a frame that is given up, which is counted.
    Discard {
        /// How many bytes of the input it is; at least 1.
        consumed: usize,
        /// Whether it is the first part of its frame.
        begins: bool,
    },
    /// The message is not complete.
    More {
        /// How long the input must be at least before it is worth asking again; more than it
        /// is now.
        total: usize,
    },
}

/// Where a frame ends that cannot be a message: see [`Codec::find_end`].
///
/// ```
/// use anysock_framing::{Codec, Delimited, FrameEnd};
/// let mut lines = Delimited::lines().max(3);
/// assert_eq!(lines.find_end(b"too long"), FrameEnd::Beyond(8));
/// assert_eq!(lines.find_end(b" a line\nok\n"), FrameEnd::At(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameEnd {
    /// Nobody can tell: the stream is out of step.
    Unknown,
    /// So many bytes from its beginning, at least 1; they need not all be here.
    At(u64),
    /// Not in this input, of which so many bytes are done with: no end begins in them.
    Beyond(usize),
}

impl Decoded {
    /// The frame that ends with its payload, if `available` bytes of input reach that far.
    #[inline]
    pub fn frame(payload: Range<usize>, available: usize) -> Self {
        if available < payload.end {
            return Self::More { total: payload.end };
        }
        Self::Frame { consumed: payload.end, payload }
    }
}

/// Refuses a message that is longer than `limit`; the codecs check it themselves as well, so
/// that a length can never wrap.
#[inline]
fn check_length(frame: &FrameWriter<'_>, limit: usize) -> Result<(), Error> {
    let length = frame.payload_len();
    if length <= limit {
        return Ok(());
    }
    Err(crate::ErrorKind::TooLong { length, limit }.into())
}

//! Goes on behind a frame that cannot be a message.

use std::fmt;

use super::{Codec, Decoded, FrameEnd};
use crate::{Error, ErrorKind, FrameWriter};

/// A codec that gives up a frame which is too long or malformed, and goes on behind it.
///
/// ```text
/// lines, at most 5    h e l l o \n f a r  t o o  l o n g \n a g a i n \n
///                     └ message ─┘ └───── discarded ──────┘ └ message ─┘
/// ```
///
/// Without it such a frame ends the transport. With it the frame is discarded as it arrives, so that
/// it holds no memory, and counted ([`Stats::discarded`](crate::Stats), and its bytes); the next message
/// is received as if nothing had been. What a frame's end is, the codec knows:
///
/// | codec | too long | malformed |
/// |---|---|---|
/// | those that tell a length | skipped by its length | the transport ends: nobody knows where the next begins |
/// | [`Delimited`], [`Cobs`], [`Slip`] | skipped to the delimiter | skipped to the delimiter |
/// | [`Fixed`], [`Unframed`] | cannot be | cannot be |
///
/// [`Delimited`]: crate::Delimited
/// [`Cobs`]: crate::Cobs
/// [`Slip`]: crate::Slip
/// [`Fixed`]: crate::Fixed
/// [`Unframed`]: crate::Unframed
///
/// A peer can make a receiver discard for ever, at the speed of the wire and without memory; who
/// minds sets [`Deadlines`](crate::Deadlines), or looks at the counters. If the stream ends inside a
/// frame that was given up, or with one that is too long, it ends in order.
///
/// ```
/// use anysock_framing::{Delimited, Framed, Guaranteed as _, Io, RecvExt as _, Resync};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stream = tokio::io::join(&b"hello\nfar too long a line\nagain\n"[..], tokio::io::sink());
/// let mut lines = Framed::new(Io::new(stream), Resync::new(Delimited::lines().max(5)));
/// assert_eq!(lines.recv().await?.unwrap(), "hello");
/// assert_eq!(lines.recv().await?.unwrap(), "again");
/// assert_eq!(lines.stats().discarded, 1);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Resync<C> {
    codec: C,
    state: State,
}

/// ```text
///             refused, its end is known          all of it came
///   InStep ──────────────────────────> Skipping ────────────────> InStep
///      └─────────────────────────────> Searching ───────────────> InStep
///             refused, its end is not              its end came
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A frame begins where the input does, or will.
    InStep,
    /// So many bytes of a frame are still to be discarded.
    Skipping(u64),
    /// The end of a frame is still to be found; whether the frame was counted.
    Searching { counted: bool },
}

impl<C: Codec> Resync<C> {
    /// Goes on where `codec` alone would end the transport.
    pub const fn new(codec: C) -> Self {
        Self { codec, state: State::InStep }
    }

    /// The codec.
    pub const fn codec(&self) -> &C {
        &self.codec
    }

    /// The codec, changed: with another maximum, say. It must mark messages as before.
    #[must_use]
    pub fn map<D>(self, change: impl FnOnce(C) -> D) -> Resync<D> {
        Resync { codec: change(self.codec), state: self.state }
    }

    /// Discards what is here of a frame up to its end, and remembers what is not.
    fn give_up(
        &mut self,
        input: &[u8],
        counted: bool,
        refused: Option<Error>,
    ) -> Result<Decoded, Error> {
        match self.codec.find_end(input) {
            FrameEnd::Unknown => {
                Err(refused.unwrap_or_else(|| ErrorKind::CutOff { held: input.len() }.into()))
            }
            FrameEnd::At(end) => {
                let here = here(end, input);
                self.state = State::after(end - here as u64);
                Ok(Decoded::Discard { consumed: here, begins: !counted })
            }
            FrameEnd::Beyond(0) => {
                self.state = State::Searching { counted };
                Ok(Decoded::More { total: input.len() + 1 })
            }
            FrameEnd::Beyond(consumed) => {
                self.state = State::Searching { counted: true };
                Ok(Decoded::Discard { consumed, begins: !counted })
            }
        }
    }

    /// Discards a frame that was refused when nothing more came: up to its end, or the stream's.
    fn give_up_last(&mut self, input: &[u8], refused: Error) -> Result<Decoded, Error> {
        let consumed = match self.codec.find_end(input) {
            FrameEnd::Unknown => return Err(refused),
            FrameEnd::At(end) => here(end, input),
            FrameEnd::Beyond(_) => input.len(),
        };
        Ok(Decoded::Discard { consumed, begins: true })
    }
}

impl State {
    const fn after(left: u64) -> Self {
        if left == 0 { Self::InStep } else { Self::Skipping(left) }
    }
}

/// The clone goes on by the same codec, and begins a stream of its own.
impl<C: Clone> Clone for Resync<C> {
    fn clone(&self) -> Self {
        Self { codec: self.codec.clone(), state: State::InStep }
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it, where the codec has one.
impl<C: fmt::Display> fmt::Display for Resync<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resync:{}", self.codec)
    }
}

impl<C: Codec> Codec for Resync<C> {
    fn max_message(&self) -> usize {
        self.codec.max_message()
    }

    fn keeps_boundaries(&self) -> bool {
        self.codec.keeps_boundaries()
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        self.codec.encode(frame)
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        match self.state {
            State::InStep => match self.codec.decode(input) {
                Err(error) if may_be_given_up(&error) => self.give_up(input, false, Some(error)),
                found => found,
            },
            State::Skipping(_) if input.is_empty() => Ok(Decoded::More { total: 1 }),
            State::Skipping(left) => {
                let consumed = here(left, input);
                self.state = State::after(left - consumed as u64);
                Ok(Decoded::Discard { consumed, begins: false })
            }
            State::Searching { counted } => self.give_up(input, counted, None),
        }
    }

    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        match std::mem::replace(&mut self.state, State::InStep) {
            State::InStep => match self.codec.decode_end(input) {
                Err(error) if may_be_given_up(&error) => self.give_up_last(input, error),
                found => found,
            },
            State::Searching { counted: false } => {
                Ok(Decoded::Discard { consumed: input.len(), begins: true })
            }
            _ => Ok(Decoded::Discard { consumed: input.len(), begins: false }),
        }
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        self.codec.find_end(input)
    }

    fn is_in_step(&self) -> bool {
        self.state == State::InStep && self.codec.is_in_step()
    }
}

/// How many of so many bytes are here.
fn here(bytes: u64, input: &[u8]) -> usize {
    usize::try_from(bytes).map_or(input.len(), |bytes| bytes.min(input.len()))
}

/// Whether it is of the frame alone.
fn may_be_given_up(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Oversize { .. } | ErrorKind::Malformed { .. })
}

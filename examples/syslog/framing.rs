//! How syslog marks messages on a stream: RFC 6587.

use anysock::framing::{Codec, Decoded, FrameWriter};
use anysock::{AnyCodec, Delimited, Error, OctetCounted, Resync};

/// The choices of `--codec`.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Framing {
    /// As the first byte of each connection says: a digit begins a count
    Auto,
    /// Octet counting (RFC 6587, 3.4.1)
    Octets,
    /// Lines (RFC 6587, 3.4.2)
    Lines,
}

impl Framing {
    /// A codec for messages of at most `max` bytes.
    pub(crate) fn codec(self, max: usize) -> AnyCodec {
        let octets = Resync::new(OctetCounted::new().max(max).into());
        let lines = Resync::new(Delimited::lines().unterminated(true).max(max).into());
        match self {
            Self::Auto => AnyCodec::custom(Auto { max, chosen: None, octets, lines }),
            Self::Octets => octets.into(),
            Self::Lines => lines.into(),
        }
    }
}

/// Either of the two, chosen by the first byte that arrives. A message begins with `<`, a count with a
/// digit that is not 0.
#[derive(Clone, Debug)]
struct Auto {
    max: usize,
    chosen: Option<Framing>,
    octets: Resync<AnyCodec>,
    lines: Resync<AnyCodec>,
}

impl Auto {
    fn chosen(&mut self, first: u8) -> &mut Resync<AnyCodec> {
        let by_first = if matches!(first, b'1'..=b'9') { Framing::Octets } else { Framing::Lines };
        match self.chosen.get_or_insert(by_first) {
            Framing::Octets => &mut self.octets,
            _ => &mut self.lines,
        }
    }
}

impl Codec for Auto {
    fn max_message(&self) -> usize {
        self.max
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        self.lines.encode(frame)
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        match input {
            [] => Ok(Decoded::More { total: 1 }),
            [first, ..] => self.chosen(*first).decode(input),
        }
    }

    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let first = input.first().copied().unwrap_or_default();
        self.chosen(first).decode_end(input)
    }
}

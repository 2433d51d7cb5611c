//! Bytes up to a delimiter.

use anysock_framing::{AnyCodec, Delimited};

use super::{First, Reference, maximum};

struct UpTo {
    delimiter: &'static [u8],
    /// Whether a CR before the delimiter is a part of it.
    strips_cr: bool,
    unterminated: bool,
    max: usize,
    codec: Delimited,
}

/// The delimiters that have a name, and some that overlap with themselves; the highest bit for a
/// last message without one.
pub(super) fn reference(shape: u8, max: u8) -> Box<dyn Reference> {
    let (max, unterminated) = (maximum(max), shape & 0x80 != 0);
    let (delimiter, codec): (&[u8], _) = match shape % 9 {
        0 => (b"\n", Delimited::lines()),
        1 => (b"\r\n", Delimited::crlf()),
        2 => (b"\0", Delimited::nul()),
        3 => (b"|", Delimited::new("|").unwrap()),
        4 => (b"--", Delimited::new("--").unwrap()),
        5 => (b"aab", Delimited::new("aab").unwrap()),
        6 => (b"abab", Delimited::new("abab").unwrap()),
        7 => (b"aaaaaa", Delimited::new("aaaaaa").unwrap()),
        _ => (b"\r\n\r\n", Delimited::new("\r\n\r\n").unwrap()),
    };
    let codec = codec.max(max).unterminated(unterminated);
    Box::new(UpTo { delimiter, strips_cr: delimiter == b"\n", unterminated, max, codec })
}

impl UpTo {
    /// The message that stands before its end.
    fn message<'a>(&self, input: &'a [u8]) -> &'a [u8] {
        match input {
            [message @ .., b'\r'] if self.strips_cr => message,
            message => message,
        }
    }

    fn checked(&self, message: &[u8], consumed: usize) -> First {
        match message.len() > self.max {
            true => First::Oversize(None),
            false => First::Message(message.to_vec(), consumed),
        }
    }
}

impl Reference for UpTo {
    fn codec(&self) -> AnyCodec {
        self.codec.clone().into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        [message, self.delimiter].concat()
    }

    fn first(&self, input: &[u8]) -> First {
        for end in 0..input.len() {
            if input[end..].starts_with(self.delimiter) {
                return self.checked(self.message(&input[..end]), end + self.delimiter.len());
            }
        }
        // The earliest end is where a delimiter may have begun that is not all here.
        let mut shortest = self.message(input);
        for end in (0..input.len()).rev() {
            if self.delimiter.starts_with(&input[end..]) {
                shortest = self.message(&input[..end]);
            }
        }
        if shortest.len() > self.max { First::Oversize(None) } else { First::Waiting }
    }

    fn delimiter(&self) -> Option<&'static [u8]> {
        Some(self.delimiter)
    }

    fn last(&self, rest: &[u8]) -> First {
        match self.unterminated {
            true => self.checked(self.message(rest), rest.len()),
            false => First::Waiting,
        }
    }
}

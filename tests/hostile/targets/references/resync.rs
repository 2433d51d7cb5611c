//! What is too long or malformed is given up, up to its end.

use anysock_framing::{AnyCodec, Resync};

use super::{First, Reference};

struct Resynced(Box<dyn Reference>);

/// That goes on where the codec of this reference ends.
pub(crate) fn resync(of: Box<dyn Reference>) -> Box<dyn Reference> {
    Box::new(Resynced(of))
}

impl Resynced {
    /// What is made of the frame that `input` begins with, of which its codec says that.
    fn go_on(&self, input: &[u8], first: First) -> First {
        let length = match first {
            First::Oversize(Some(length)) => usize::try_from(length).unwrap_or(usize::MAX),
            First::Oversize(None) | First::Malformed => match self.0.delimiter() {
                Some(delimiter) => return up_to(delimiter, input),
                None => return first,
            },
            other => return other,
        };
        First::GivenUp(length.min(input.len()), length <= input.len())
    }
}

/// Without a delimiter all but what one may begin with.
fn up_to(delimiter: &[u8], input: &[u8]) -> First {
    match (0..input.len()).find(|&at| input[at..].starts_with(delimiter)) {
        Some(at) => First::GivenUp(at + delimiter.len(), true),
        None => First::GivenUp((input.len() + 1).saturating_sub(delimiter.len()), false),
    }
}

impl Reference for Resynced {
    fn codec(&self) -> AnyCodec {
        Resync::new(self.0.codec()).into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        self.0.encode(message)
    }

    fn first(&self, input: &[u8]) -> First {
        self.go_on(input, self.0.first(input))
    }

    fn last(&self, rest: &[u8]) -> First {
        match self.go_on(rest, self.0.last(rest)) {
            // The stream's end is one as well.
            First::GivenUp(..) => First::GivenUp(rest.len(), true),
            other => other,
        }
    }
}

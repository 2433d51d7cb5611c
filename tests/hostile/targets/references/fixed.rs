//! So many bytes.

use std::num::NonZeroUsize;

use anysock_framing::{AnyCodec, Fixed};

use super::{First, Reference};

struct Size(usize);

/// Sizes of 1 to 256.
pub(super) fn reference(shape: u8, _max: u8) -> Box<dyn Reference> {
    Box::new(Size(usize::from(shape) + 1))
}

impl Reference for Size {
    fn codec(&self) -> AnyCodec {
        Fixed::new(NonZeroUsize::new(self.0).unwrap()).into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        message.to_vec()
    }

    fn first(&self, input: &[u8]) -> First {
        if input.len() < self.0 {
            return First::Waiting;
        }
        First::Message(input[..self.0].to_vec(), self.0)
    }
}

//! A length in base 128, the lowest digit first, then so many bytes.

use anysock_framing::{AnyCodec, Varint};

use super::{First, Reference, maximum};

struct Base128 {
    max: usize,
}

/// There is one shape.
pub(super) fn reference(_shape: u8, max: u8) -> Box<dyn Reference> {
    Box::new(Base128 { max: maximum(max) })
}

impl Reference for Base128 {
    fn codec(&self) -> AnyCodec {
        Varint::new().max(self.max).into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let (mut wire, mut length) = (Vec::new(), message.len());
        while length >= 128 {
            wire.push((length % 128) as u8 + 128);
            length /= 128;
        }
        wire.push(length as u8);
        wire.extend_from_slice(message);
        wire
    }

    fn first(&self, input: &[u8]) -> First {
        let (mut length, mut unit) = (0_u128, 1_u128);
        for (index, byte) in input.iter().enumerate() {
            length += u128::from(byte % 128) * unit;
            unit *= 128;
            let is_last = *byte < 128;
            let header = index + 1;
            if length > u128::from(u64::MAX) || (header == 10 && !is_last) {
                return First::Malformed;
            }
            if is_last {
                if length > self.max as u128 {
                    return First::Oversize(Some(header as u128 + length));
                }
                let end = header + length as usize;
                if input.len() < end {
                    return First::Waiting;
                }
                return First::Message(input[header..end].to_vec(), end);
            }
        }
        First::Waiting
    }
}

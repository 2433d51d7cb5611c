//! A length of one to eight bytes, then so many bytes.

use anysock_framing::{AnyCodec, LengthDelimited, Width};

use super::{First, Reference, maximum};

struct Length {
    width: usize,
    little: bool,
    counts_itself: bool,
    max: usize,
}

/// The width is `shape` modulo 5; then come the bits for little endian and for counting itself.
pub(super) fn reference(shape: u8, max: u8) -> Box<dyn Reference> {
    let width = [1, 2, 3, 4, 8][usize::from(shape % 5)];
    let (little, counts_itself) = (shape & 0x40 != 0, shape & 0x80 != 0);
    let most = (1_u128 << (8 * width)) - 1 - if counts_itself { width as u128 } else { 0 };
    let max = (maximum(max) as u128).min(most) as usize;
    Box::new(Length { width, little, counts_itself, max })
}

impl Reference for Length {
    fn codec(&self) -> AnyCodec {
        let mut codec = LengthDelimited::new(match self.width {
            1 => Width::U8,
            2 => Width::U16,
            3 => Width::U24,
            4 => Width::U32,
            _ => Width::U64,
        });
        if self.little {
            codec = codec.little_endian();
        }
        if self.counts_itself {
            codec = codec.including_header();
        }
        let codec = codec.max(self.max);
        assert_eq!(codec.width().bytes(), self.width);
        codec.into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let length = message.len() + if self.counts_itself { self.width } else { 0 };
        let digit = |place: usize| (length as u128 >> (8 * place)) as u8;
        let mut wire: Vec<u8> = (0..self.width).map(digit).collect();
        if !self.little {
            wire.reverse();
        }
        wire.extend_from_slice(message);
        wire
    }

    fn first(&self, input: &[u8]) -> First {
        if input.len() < self.width {
            return First::Waiting;
        }
        let mut digits = input[..self.width].to_vec();
        if self.little {
            digits.reverse();
        }
        let mut length = digits.iter().fold(0_u128, |number, digit| number * 256 + *digit as u128);
        if self.counts_itself {
            if length < self.width as u128 {
                return First::Malformed;
            }
            length -= self.width as u128;
        }
        if length > self.max as u128 {
            return First::Oversize(Some(self.width as u128 + length));
        }
        let end = self.width + length as usize;
        if input.len() < end {
            return First::Waiting;
        }
        First::Message(input[self.width..end].to_vec(), end)
    }
}

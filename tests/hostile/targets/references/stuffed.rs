//! Bytes that an end does not occur in, because what would be one is written otherwise.

use anysock_framing::{AnyCodec, Cobs, Slip};

use super::{First, Reference, maximum};

struct Cobsed {
    max: usize,
}

struct Slipped {
    max: usize,
}

/// Consistent overhead byte stuffing.
pub(super) fn cobs(_shape: u8, max: u8) -> Box<dyn Reference> {
    Box::new(Cobsed { max: maximum(max) })
}

/// SLIP.
pub(super) fn slip(_shape: u8, max: u8) -> Box<dyn Reference> {
    Box::new(Slipped { max: maximum(max) })
}

impl Reference for Cobsed {
    fn delimiter(&self) -> Option<&'static [u8]> {
        Some(&[0])
    }

    fn codec(&self) -> AnyCodec {
        Cobs::new().max(self.max).into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        // The codes are filled in once it is known how many bytes stand behind them.
        let (mut wire, mut code) = (vec![1_u8], 0);
        for (at, byte) in message.iter().enumerate() {
            if *byte != 0 {
                wire.push(*byte);
                wire[code] += 1;
            }
            let is_full = wire[code] == 255 && at + 1 < message.len();
            if *byte == 0 || is_full {
                code = wire.len();
                wire.push(1);
            }
        }
        wire.push(0);
        wire
    }

    fn first(&self, input: &[u8]) -> First {
        let end = input.iter().position(|byte| *byte == 0);
        let stuffed = &input[..end.unwrap_or(input.len())];
        // One code at most for each 254 bytes, and one more.
        if stuffed.chunks(255).map(|chunk| chunk.len() - 1).sum::<usize>() > self.max {
            return First::Oversize(None);
        }
        let Some(end) = end else { return First::Waiting };
        if stuffed.is_empty() {
            return First::Skip(1);
        }
        let (mut message, mut at) = (Vec::new(), 0);
        while at < stuffed.len() {
            let next = at + usize::from(stuffed[at]);
            if next > stuffed.len() {
                return First::Malformed;
            }
            message.extend_from_slice(&stuffed[at + 1..next]);
            if stuffed[at] != 255 && next < stuffed.len() {
                message.push(0);
            }
            at = next;
        }
        match message.len() > self.max {
            true => First::Oversize(None),
            false => First::Message(message, end + 1),
        }
    }
}

impl Reference for Slipped {
    fn delimiter(&self) -> Option<&'static [u8]> {
        Some(&[0xc0])
    }

    fn codec(&self) -> AnyCodec {
        Slip::new().max(self.max).into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let mut wire = Vec::new();
        for byte in message {
            match byte {
                0xc0 => wire.extend([0xdb, 0xdc]),
                0xdb => wire.extend([0xdb, 0xdd]),
                byte => wire.push(*byte),
            }
        }
        wire.push(0xc0);
        wire
    }

    fn first(&self, input: &[u8]) -> First {
        let end = input.iter().position(|byte| *byte == 0xc0);
        let escaped = &input[..end.unwrap_or(input.len())];
        let others = escaped.iter().filter(|byte| **byte != 0xdb).count();
        if others.max(escaped.len() / 2) > self.max {
            return First::Oversize(None);
        }
        let Some(end) = end else { return First::Waiting };
        if escaped.is_empty() {
            return First::Skip(1);
        }
        let (mut message, mut bytes) = (Vec::new(), escaped.iter());
        while let Some(byte) = bytes.next() {
            message.push(match byte {
                0xdb => match bytes.next() {
                    Some(0xdc) => 0xc0,
                    Some(0xdd) => 0xdb,
                    _ => return First::Malformed,
                },
                byte => *byte,
            });
        }
        First::Message(message, end + 1)
    }
}

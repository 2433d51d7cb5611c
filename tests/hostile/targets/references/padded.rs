//! A codec of one's own, which none of the library's is like: zeros are padding, and a message is
//! one byte of length and so many bytes that are written inverted.

use anysock_framing::{AnyCodec, Codec, Decoded, Error, ErrorKind, FrameWriter};

use super::{First, Reference};

/// Messages of at most so many bytes, at least one.
#[derive(Clone, Debug)]
struct Padded(u8);

/// The maximum is `max`, and 1 for 0.
pub(super) fn reference(_shape: u8, max: u8) -> Box<dyn Reference> {
    Box::new(Padded(max.max(1)))
}

impl Reference for Padded {
    fn codec(&self) -> AnyCodec {
        AnyCodec::custom(self.clone())
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let inverted = message.iter().map(|byte| !byte);
        std::iter::once(message.len() as u8).chain(inverted).collect()
    }

    fn first(&self, input: &[u8]) -> First {
        match input {
            [] => First::Waiting,
            [0, ..] => First::Skip(1),
            [length, ..] if *length > self.0 => First::Oversize(None),
            [length, rest @ ..] => match rest.get(..usize::from(*length)) {
                Some(message) => {
                    First::Message(message.iter().map(|byte| !byte).collect(), message.len() + 1)
                }
                None => First::Waiting,
            },
        }
    }
}

impl Codec for Padded {
    fn max_message(&self) -> usize {
        self.0.into()
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        let message = frame.payload_slice();
        if message.is_empty() {
            let why = String::from("it is empty, which is padding");
            return Err(ErrorKind::Unrepresentable { codec: "Padded", why }.into());
        }
        let inverted: Vec<u8> = message.iter().map(|byte| !byte).collect();
        frame.put(&[inverted.len() as u8]);
        frame.put(&inverted);
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let padding = input.iter().take_while(|byte| **byte == 0).count();
        if padding > 0 {
            return Ok(Decoded::Skip { consumed: padding });
        }
        let Some(length) = input.first().copied().map(usize::from) else {
            return Ok(Decoded::More { total: 1 });
        };
        if length > self.max_message() {
            let limit = self.max_message();
            return Err(ErrorKind::Oversize { length: length as u64, limit }.into());
        }
        match input.get(1..=length) {
            Some(inverted) => Ok(Decoded::Made {
                message: inverted.iter().map(|byte| !byte).collect(),
                consumed: length + 1,
            }),
            None => Ok(Decoded::More { total: length + 1 }),
        }
    }
}

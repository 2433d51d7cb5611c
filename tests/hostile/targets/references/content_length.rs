//! Headers, of which one tells a length; an empty line; then so many bytes.

use anysock_framing::{AnyCodec, ContentLength};

use super::{First, Reference, maximum};

struct Headers {
    max_headers: usize,
    max: usize,
}

/// The shape is the most bytes that the headers may have, but that what is sent can be received.
pub(super) fn reference(shape: u8, max: u8) -> Box<dyn Reference> {
    Box::new(Headers { max_headers: usize::from(shape).max(40), max: maximum(max) })
}

impl Reference for Headers {
    fn codec(&self) -> AnyCodec {
        ContentLength::new().max(self.max).max_headers(self.max_headers).into()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let headers = format!("Content-Length: {}\r\n\r\n", message.len());
        [headers.as_bytes(), message].concat()
    }

    fn first(&self, input: &[u8]) -> First {
        let blank = (0..input.len()).find(|&at| input[at..].starts_with(b"\r\n\r\n"));
        let length = blank.map_or(input.len(), |at| at + 4);
        if length > self.max_headers {
            return First::Malformed;
        }
        let Some(blank) = blank else { return First::Waiting };
        match announced(&input[..blank]) {
            None => First::Malformed,
            Some(announced) if announced > self.max as u64 => {
                First::Oversize(Some(length as u128 + u128::from(announced)))
            }
            Some(announced) => match input.get(length..length + announced as usize) {
                Some(message) => First::Message(message.to_vec(), length + message.len()),
                None => First::Waiting,
            },
        }
    }
}

/// One by one, with a letter for each byte, so that text can be split.
fn announced(headers: &[u8]) -> Option<u64> {
    let text: String = headers.iter().map(|byte| char::from(*byte)).collect();
    let mut lengths = Vec::new();
    for header in text.split("\r\n") {
        let (name, value) = header.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            let value = value.trim_matches([' ', '\t']);
            let is_number = value.chars().all(|digit| digit.is_ascii_digit());
            lengths.push(value.parse().ok().filter(|_| is_number)?);
        }
    }
    match lengths[..] {
        [length] => Some(length),
        _ => None,
    }
}

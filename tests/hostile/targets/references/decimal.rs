//! A length in decimal and a mark, then so many bytes, and what stands behind them.

use anysock_framing::{AnyCodec, Netstring, OctetCounted};

use super::{First, Reference, maximum};

struct Decimal {
    mark: u8,
    behind: &'static [u8],
    carries_empty: bool,
    codec: AnyCodec,
    max: usize,
}

/// Netstrings.
pub(super) fn netstring(_shape: u8, max: u8) -> Box<dyn Reference> {
    let max = maximum(max);
    let codec = Netstring::new().max(max).into();
    Box::new(Decimal { mark: b':', behind: b",", carries_empty: true, codec, max })
}

/// Octet counting, as of syslog.
pub(super) fn octets(_shape: u8, max: u8) -> Box<dyn Reference> {
    let max = maximum(max);
    let codec = OctetCounted::new().max(max).into();
    Box::new(Decimal { mark: b' ', behind: b"", carries_empty: false, codec, max })
}

impl Reference for Decimal {
    fn codec(&self) -> AnyCodec {
        self.codec.clone()
    }

    fn encode(&self, message: &[u8]) -> Vec<u8> {
        let length = message.len().to_string();
        [length.as_bytes(), &[self.mark], message, self.behind].concat()
    }

    fn first(&self, input: &[u8]) -> First {
        let count = input.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let digits = std::str::from_utf8(&input[..count]).unwrap();
        let has_zero_in_front = count > 1 && digits.starts_with('0');
        let is_too_large = count > 0 && digits.parse::<u64>().is_err();
        if has_zero_in_front || is_too_large {
            return First::Malformed;
        }
        let Some(mark) = input.get(count) else { return First::Waiting };
        if *mark != self.mark || count == 0 {
            return First::Malformed;
        }
        let length: u64 = digits.parse().unwrap();
        if length > self.max as u64 {
            let marks = count + 1 + self.behind.len();
            return First::Oversize(Some(marks as u128 + u128::from(length)));
        }
        if length == 0 && !self.carries_empty {
            return First::Malformed;
        }
        let start = count + 1;
        let end = start + length as usize;
        let Some(behind) = input.get(end..end + self.behind.len()) else { return First::Waiting };
        if behind != self.behind {
            return First::Malformed;
        }
        First::Message(input[start..end].to_vec(), end + behind.len())
    }
}

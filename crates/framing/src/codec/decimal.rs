//! Lengths that are written in decimal, before a mark.

use std::ops::ControlFlow;

use crate::FrameWriter;

/// As many digits as an unsigned 64-bit integer takes.
const MOST_DIGITS: usize = 20;

/// A length and its mark, at the beginning of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) value: u64,
    /// How many bytes it takes, the mark included.
    pub(super) written: usize,
}

/// The number before `mark`, or that more input is needed; or what is wrong with it.
///
/// Only as netstrings and syslog write it: digits alone, and a zero at the front only of zero itself.
pub(super) fn read(input: &[u8], mark: u8) -> ControlFlow<Result<Decimal, String>> {
    let mut value = 0_u64;
    for (index, &byte) in input.iter().enumerate() {
        match byte {
            b'0'..=b'9' if index == MOST_DIGITS => {
                return wrong("the length has more than 20 digits");
            }
            b'0'..=b'9' if index == 1 && value == 0 => {
                return wrong("the length begins with a zero");
            }
            b'0'..=b'9' => {
                let more =
                    value.checked_mul(10).and_then(|ten| ten.checked_add((byte - b'0').into()));
                match more {
                    Some(more) => value = more,
                    None => return wrong("the length takes more than 64 bits"),
                }
            }
            _ if byte == mark && index > 0 => {
                return ControlFlow::Break(Ok(Decimal { value, written: index + 1 }));
            }
            _ => {
                let (found, mark) = (byte.escape_ascii(), mark.escape_ascii());
                return wrong(format!("'{found}' stands where a length and '{mark}' should"));
            }
        }
    }
    ControlFlow::Continue(())
}

/// Writes the number, and what stands behind it.
pub(super) fn write(frame: &mut FrameWriter<'_>, value: usize, mark: &[u8]) {
    let (mut digits, mut first, mut left) = ([0; MOST_DIGITS], MOST_DIGITS, value);
    loop {
        first -= 1;
        digits[first] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    frame.put(&digits[first..]);
    frame.put(mark);
}

fn wrong(why: impl Into<String>) -> ControlFlow<Result<Decimal, String>> {
    ControlFlow::Break(Err(why.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(input: &str) -> (u64, usize) {
        match read(input.as_bytes(), b':') {
            ControlFlow::Break(Ok(decimal)) => (decimal.value, decimal.written),
            other => panic!("{input}: {other:?}"),
        }
    }

    #[test]
    fn a_number_is_read_up_to_its_mark() {
        assert_eq!(good("0:"), (0, 2));
        assert_eq!(good("10:9"), (10, 3));
        assert_eq!(good("18446744073709551615:"), (u64::MAX, 21));
        for begun in ["", "1", "18446744073709551615"] {
            assert_eq!(read(begun.as_bytes(), b':'), ControlFlow::Continue(()), "{begun}");
        }
    }

    #[test]
    fn what_is_no_number_is_known_by_the_first_byte_that_says_so() {
        for (input, why) in [
            (":", "':' stands where"),
            ("x", "'x' stands where a length and ':' should"),
            ("1 ", "' ' stands where"),
            ("-", "'-' stands where"),
            ("\n", r"'\n' stands where"),
            ("00", "begins with a zero"),
            ("01", "begins with a zero"),
            ("18446744073709551616", "more than 64 bits"),
            ("111111111111111111111", "more than 20 digits"),
        ] {
            match read(input.as_bytes(), b':') {
                ControlFlow::Break(Err(said)) => assert!(said.contains(why), "{input}: {said}"),
                other => panic!("{input}: {other:?}"),
            }
        }
    }
}

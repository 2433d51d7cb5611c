//! Messages behind a block of headers, of which `Content-Length` tells how long they are.

use std::fmt;

use memchr::memmem;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length, decimal};
use crate::{Error, ErrorKind, FrameWriter};

/// The longest block of headers, in bytes, unless it is told another.
const DEFAULT_MAX_HEADERS: usize = 4 * 1024;

/// The longest block that is sent, with a length of 20 digits.
const MOST_SENT: usize = 40;

const NAME: &str = "Content-Length";

/// Ends a header.
const END: &[u8] = b"\r\n";

/// Ends the headers.
const BLANK: &[u8] = b"\r\n\r\n";

/// Each message behind a block of headers with its length, as language servers and debug adapters
/// speak (the base protocol of the Language Server Protocol,
/// <https://microsoft.github.io/language-server-protocol>).
///
/// ```text
/// Content-Length: 5\r\n
/// \r\n
/// hello
/// ```
///
/// Names of headers are read in any case; headers of other names are passed over, and not sent. The
/// maximum of a message is 1 MiB unless set, that of its headers [4 KiB](Self::max_headers). Too long a
/// message is refused as soon as its headers are there; with a [`Resync`](crate::Resync) it is skipped.
/// Headers without a length, with two, or too long are malformed, and the stream is out of step.
///
/// ```
/// use anysock_framing::{ContentLength, encode_frame};
/// assert_eq!(encode_frame(&mut ContentLength::new(), "{}")?, "Content-Length: 2\r\n\r\n{}");
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Debug)]
pub struct ContentLength {
    max: usize,
    max_headers: usize,
    /// In how many bytes of the input no end of the headers begins.
    searched: usize,
}

impl ContentLength {
    /// Messages of at most 1 MiB.
    pub const fn new() -> Self {
        Self { max: DEFAULT_MAX, max_headers: DEFAULT_MAX_HEADERS, searched: 0 }
    }

    /// The longest message, in bytes, without its headers.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    /// The longest block of headers that is received, in bytes, the empty line included. Never less
    /// than the 40 that are sent at most.
    #[must_use]
    pub const fn max_headers(mut self, bytes: usize) -> Self {
        self.max_headers = if bytes < MOST_SENT { MOST_SENT } else { bytes };
        self
    }

    /// How long the headers are with their empty line, if that is here.
    fn headers(&mut self, input: &[u8]) -> Result<Option<usize>, Error> {
        // Less input than was searched is another input.
        let from = if self.searched <= input.len() { self.searched } else { 0 };
        let found = memmem::find(&input[from..], BLANK).map(|at| from + at + BLANK.len());
        let (length, limit) = (found.unwrap_or(input.len()), self.max_headers);
        if length > limit {
            return Err(malformed(format!("its headers are longer than {limit} bytes")));
        }
        // Found again, should the message not be here yet.
        self.searched = found.unwrap_or(input.len() + 1).saturating_sub(BLANK.len());
        Ok(found)
    }
}

impl Default for ContentLength {
    fn default() -> Self {
        Self::new()
    }
}

/// The clone has the same maxima, and begins a stream of its own.
impl Clone for ContentLength {
    fn clone(&self) -> Self {
        Self { searched: 0, ..*self }
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it.
impl fmt::Display for ContentLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad("content-length")
    }
}

impl Codec for ContentLength {
    fn max_message(&self) -> usize {
        // Headers and message together must fit a usize as well.
        self.max.min(usize::MAX / 2)
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max_message())?;
        frame.put(NAME.as_bytes());
        frame.put(b": ");
        decimal::write(frame, frame.payload_len(), BLANK);
        frame.payload();
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let Some(headers) = self.headers(input)? else {
            return Ok(Decoded::More { total: BLANK.len().max(input.len() + 1) });
        };
        let length = announced(&input[..headers])?;
        let limit = self.max_message();
        if length > limit as u64 {
            return Err(ErrorKind::Oversize { length, limit }.into());
        }
        let found = Decoded::frame(headers..headers + length as usize, input.len());
        if matches!(found, Decoded::Frame { .. }) {
            self.searched = 0;
        }
        Ok(found)
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        let headers = self.headers(input);
        self.searched = 0;
        let Ok(Some(headers)) = headers else { return FrameEnd::Unknown };
        match announced(&input[..headers]) {
            // It was refused for being too long, for nothing behind the headers is looked at.
            Ok(length) => FrameEnd::At(length.saturating_add(headers as u64)),
            Err(_) => FrameEnd::Unknown,
        }
    }
}

/// The length that the headers tell, which end with an empty line.
fn announced(headers: &[u8]) -> Result<u64, Error> {
    let (mut found, mut rest) = (None, &headers[..headers.len() - END.len()]);
    while let Some(end) = memmem::find(rest, END) {
        let line = &rest[..end];
        rest = &rest[end + END.len()..];
        let Some(colon) = memchr::memchr(b':', line) else {
            return Err(malformed(format!("\"{}\" is no header", shown(line))));
        };
        if !line[..colon].eq_ignore_ascii_case(NAME.as_bytes()) {
            continue;
        }
        let value = trimmed(&line[colon + 1..]);
        // No sign, which a number may have elsewhere.
        let digits = value.iter().all(u8::is_ascii_digit).then_some(value);
        let length = digits.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(length) = length else {
            return Err(malformed(format!("its {NAME} is \"{}\", no number", shown(value))));
        };
        if found.replace(length).is_some() {
            return Err(malformed(format!("it has two headers {NAME}")));
        }
    }
    found.ok_or_else(|| malformed(format!("there is no header {NAME}")))
}

/// Without the blanks around it.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The beginning of it, fit to be printed.
fn shown(bytes: &[u8]) -> impl fmt::Display {
    bytes[..bytes.len().min(40)].escape_ascii()
}

fn malformed(why: String) -> Error {
    ErrorKind::Malformed { codec: "content-length", why }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    fn whole(payload: std::ops::Range<usize>) -> Decoded {
        Decoded::Frame { consumed: payload.end, payload }
    }

    #[test]
    fn a_request_as_the_protocol_shows_it() {
        let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}";
        let wire = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let mut codec = ContentLength::new();
        assert_eq!(encode_frame(&mut codec, body).unwrap(), wire);
        assert_eq!(codec.decode(wire.as_bytes()).unwrap(), whole(22..wire.len()));
        assert_eq!(codec.decode(b"Content-Length: 0\r\n\r\n").unwrap(), whole(21..21));
    }

    #[test]
    fn the_request_that_the_debug_adapter_protocol_shows() {
        // Of its overview, "Base protocol": 119 bytes, its lines ended as those of the headers.
        let body = [
            "{",
            "    \"seq\": 153,",
            "    \"type\": \"request\",",
            "    \"command\": \"next\",",
            "    \"arguments\": {",
            "        \"threadId\": 3",
            "    }",
            "}",
        ]
        .join("\r\n");
        let wire = encode_frame(&mut ContentLength::new(), &body[..]).unwrap();
        assert_eq!(wire, format!("Content-Length: 119\r\n\r\n{body}"));
        assert_eq!(ContentLength::new().decode(&wire).unwrap(), whole(23..142));
    }

    #[test]
    fn other_headers_and_other_cases_are_passed_over() {
        for headers in [
            "Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n",
            "content-length:2\r\nContent-Type: x\r\n\r\n",
            "CONTENT-LENGTH: \t02 \r\n\r\n",
        ] {
            let wire = format!("{headers}{{}}");
            let found = ContentLength::new().decode(wire.as_bytes()).unwrap();
            assert_eq!(found, whole(headers.len()..wire.len()), "{headers}");
        }
    }

    #[test]
    fn headers_that_tell_no_length_are_malformed() {
        for (headers, why) in [
            ("\r\n\r\n", "is no header"),
            ("Content-Length: 5\n\r\n\r\n", "no number"),
            ("Content-Length : 5\r\n\r\n", "there is no header"),
            ("X: 1\nContent-Length: 5\r\n\r\n", "there is no header"),
            ("Content-Type: x\r\n\r\n", "there is no header"),
            ("Content-Length\r\n\r\n", "is no header"),
            ("Content-Length: \r\n\r\n", "no number"),
            ("Content-Length: +5\r\n\r\n", "no number"),
            ("Content-Length: -5\r\n\r\n", "no number"),
            ("Content-Length: 5x\r\n\r\n", "no number"),
            ("Content-Length: 18446744073709551616\r\n\r\n", "no number"),
            ("Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "two headers"),
            ("GET / HTTP/1.1\r\n\r\n", "is no header"),
        ] {
            let error = ContentLength::new().decode(headers.as_bytes()).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{headers}: {error}");
            assert!(error.to_string().contains(why), "{headers}: {error}");
            let end = ContentLength::new().find_end(headers.as_bytes());
            assert_eq!(end, FrameEnd::Unknown, "{headers}");
        }
    }

    #[test]
    fn headers_are_received_up_to_their_maximum() {
        let wire = b"Content-Type: some\r\nContent-Length: 2\r\n\r\n{}";
        let mut codec = ContentLength::new().max_headers(41);
        for end in 0..wire.len() {
            let found = codec.decode(&wire[..end]).unwrap();
            assert!(matches!(found, Decoded::More { total } if total > end));
        }
        assert_eq!(codec.decode(wire).unwrap(), whole(41..43));
        let error = ContentLength::new().max_headers(40).decode(wire).unwrap_err();
        assert!(error.to_string().contains("longer than 40 bytes"), "{error}");
        let longest = format!("Content-Length: {}\r\n\r\n", u64::MAX);
        let error = ContentLength::new().max_headers(0).decode(longest.as_bytes()).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { .. }), "{error}");
        assert_eq!(longest.len(), MOST_SENT);
        let begun = vec![b'x'; 4 * 1024];
        let more = Decoded::More { total: begun.len() + 1 };
        assert_eq!(ContentLength::new().decode(&begun).unwrap(), more);
        let error = ContentLength::new().decode(&vec![b'x'; 4 * 1024 + 1]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Malformed { .. }), "{error}");
    }

    #[test]
    fn a_clone_begins_a_stream_of_its_own() {
        let mut codec = ContentLength::new();
        codec.decode(b"Content-Length: 5\r\nX-Y: some more of it").unwrap();
        let wire = b"Content-Length: 2\r\n\r\n{} and what comes behind it";
        assert_eq!(codec.clone().decode(wire).unwrap(), whole(21..23));
    }

    #[test]
    fn less_input_than_before_is_another_input() {
        let mut codec = ContentLength::new();
        let begun = b"Content-Type: something\r\nContent-Length: 5\r\n";
        assert_eq!(codec.decode(begun).unwrap(), Decoded::More { total: begun.len() + 1 });
        assert_eq!(codec.decode(b"Content-Length: 0\r\n\r\n").unwrap(), whole(21..21));
    }

    #[test]
    fn too_long_a_message_is_refused_by_its_headers_alone() {
        let mut codec = ContentLength::new().max(9);
        let headers = b"Content-Length: 10\r\n\r\n";
        let error = codec.decode(headers).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 10, limit: 9 }), "{error}");
        assert_eq!(codec.find_end(headers), FrameEnd::At(32));
        let most = b"Content-Length: 18446744073709551615\r\n\r\n";
        assert_eq!(codec.find_end(most), FrameEnd::At(u64::MAX));
    }
}

//! Messages that end with a delimiter: lines, NUL, any byte string.

use std::fmt;
use std::sync::Arc;

use memchr::memchr;
use memchr::memmem::Finder;

use super::{Codec, DEFAULT_MAX, Decoded, FrameEnd, check_length};
use crate::{Error, ErrorKind, FrameWriter};

/// Each message followed by a delimiter, which must not occur in it.
///
/// ```text
/// lines    h e l l o \n         a CR before it is removed on receipt
/// crlf     h e l l o \r \n
/// nul      h e l l o \0
/// "--"     h e l l o - -
/// ```
///
/// [`lines`](Self::lines) are those of POSIX.1 (XBD 3.206), and of syslog where octets are not counted
/// (RFC 6587, section 3.4.2); [`crlf`](Self::crlf) those of mail (RFC 5321, section 2.3.8);
/// [`nul`](Self::nul) ends what `find -print0` prints and `xargs -0` reads.
///
/// A message that would not arrive as it is, because the delimiter would be found earlier, is
/// refused at sending. The maximum is 1 MiB unless set; the delimiter does not count. Too long a
/// message is refused as soon as more bytes than that have arrived, delimiter or not; with a
/// [`Resync`](crate::Resync) it is skipped up to the next delimiter. Nothing can be malformed.
///
/// ```
/// use anysock_framing::{Delimited, ErrorKind, encode_frame};
///
/// let mut codec = Delimited::lines();
/// assert_eq!(encode_frame(&mut codec, "hello")?, "hello\n");
/// let refused = encode_frame(&mut codec, "two\nlines").unwrap_err();
/// assert!(matches!(refused.kind(), ErrorKind::Unrepresentable { .. }));
/// # Ok::<_, anysock_framing::Error>(())
/// ```
#[derive(Debug)]
pub struct Delimited {
    // Shared, so that the codecs of a thousand connections hold one delimiter.
    delimiter: Arc<Finder<'static>>,
    /// The delimiter once more, if it is one byte: most are, and are looked for without asking it.
    byte: Option<u8>,
    flavor: Flavor,
    unterminated: bool,
    max: usize,
    /// In how many bytes of the input no delimiter begins. Without it, input that arrives byte
    /// by byte would be searched again and again.
    searched: usize,
}

/// A delimiter of no bytes, which marks nothing.
///
/// ```
/// use anysock_framing::{Delimited, EmptyDelimiter};
/// assert_eq!(Delimited::new(b"").unwrap_err(), EmptyDelimiter);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("a delimiter needs at least one byte")]
pub struct EmptyDelimiter;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    Lines,
    Crlf,
    Nul,
    Other,
}

impl Delimited {
    /// Messages that end with `delimiter`.
    ///
    /// # Errors
    ///
    /// [`EmptyDelimiter`].
    ///
    /// ```
    /// use anysock_framing::{Delimited, encode_frame};
    /// let mut codec = Delimited::new("--")?;
    /// assert_eq!(encode_frame(&mut codec, "hello")?, "hello--");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(delimiter: impl AsRef<[u8]>) -> Result<Self, EmptyDelimiter> {
        match delimiter.as_ref() {
            [] => Err(EmptyDelimiter),
            delimiter => Ok(Self::of(delimiter, Flavor::Other)),
        }
    }

    /// Lines: messages that end with LF. On receipt a CR before it is taken for a part of the
    /// line end and removed, so a message that itself ends with CR is refused at sending.
    pub fn lines() -> Self {
        Self::of(b"\n", Flavor::Lines)
    }

    /// Messages that end with CR LF; either may occur alone.
    pub fn crlf() -> Self {
        Self::of(b"\r\n", Flavor::Crlf)
    }

    /// Messages that end with a NUL byte.
    pub fn nul() -> Self {
        Self::of(b"\0", Flavor::Nul)
    }

    /// The longest message, in bytes, without the delimiter.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = bytes;
        self
    }

    /// Whether a last message without a delimiter is a message; if not, as without this, it is
    /// [`CutOff`](ErrorKind::CutOff), for nobody can tell whether it is complete.
    #[must_use]
    pub const fn unterminated(mut self, accepted: bool) -> Self {
        self.unterminated = accepted;
        self
    }

    /// What ends a message.
    pub fn delimiter(&self) -> &[u8] {
        self.delimiter.needle()
    }

    fn of(delimiter: &[u8], flavor: Flavor) -> Self {
        let byte = match delimiter {
            [byte] => Some(*byte),
            _ => None,
        };
        Self {
            delimiter: Arc::new(Finder::new(delimiter).into_owned()),
            byte,
            flavor,
            unterminated: false,
            max: DEFAULT_MAX,
            searched: 0,
        }
    }

    const fn name(&self) -> &'static str {
        match self.flavor {
            Flavor::Lines => "lines",
            Flavor::Crlf => "crlf",
            Flavor::Nul => "nul",
            Flavor::Other => "delimited",
        }
    }

    /// How long it is.
    #[inline]
    fn length(&self) -> usize {
        self.byte.map_or_else(|| self.delimiter().len(), |_| 1)
    }

    #[inline(always)]
    fn find(&self, input: &[u8]) -> Option<usize> {
        match self.byte {
            Some(byte) => memchr(byte, input),
            None => self.delimiter.find(input),
        }
    }

    /// How long a message that ends at `end` is: without the CR that is part of a line's end.
    #[inline(always)]
    fn trimmed(&self, input: &[u8], end: usize) -> usize {
        let cr = self.flavor == Flavor::Lines && input[..end].ends_with(b"\r");
        end - usize::from(cr)
    }

    /// How long the message is at least of which `input` is the beginning, given that no
    /// delimiter begins in its first `searched` bytes.
    fn at_least(&self, input: &[u8], searched: usize) -> usize {
        let end = (searched..input.len())
            .find(|&end| self.delimiter().starts_with(&input[end..]))
            .unwrap_or(input.len());
        self.trimmed(input, end)
    }

    fn check_received(&self, length: usize) -> Result<usize, Error> {
        if length <= self.max {
            return Ok(length);
        }
        Err(ErrorKind::Oversize { length: length as u64, limit: self.max }.into())
    }

    /// How long the next message is and how much it took, where that is plain: it ends with one byte,
    /// is here whole, was not looked at before and is not too long. Most are so.
    #[inline(always)]
    fn next_of_byte(&self, input: &[u8]) -> Option<(usize, usize)> {
        let byte = self.byte.filter(|_| self.searched == 0)?;
        let end = memchr(byte, input)?;
        let length = self.trimmed(input, end);
        (length <= self.max).then_some((length, end + 1))
    }

    /// As [`Codec::decode`], of any message.
    #[inline(never)]
    fn search(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let length = self.length();
        // Less input than was searched is another input.
        let from = if self.searched <= input.len() { self.searched } else { 0 };
        if let Some(found) = self.find(&input[from..]) {
            self.searched = 0;
            let end = from + found;
            let payload = 0..self.check_received(self.trimmed(input, end))?;
            return Ok(Decoded::Frame { payload, consumed: end + length });
        }
        self.searched = input.len().saturating_sub(length - 1);
        if input.len() > self.max {
            self.check_received(self.at_least(input, self.searched))?;
        }
        // Nothing ends before a delimiter is here, and nothing is too long up to the maximum.
        let total = length.min(self.max.saturating_add(1));
        Ok(Decoded::More { total: total.max(input.len() + 1) })
    }

    #[cold]
    fn unrepresentable(&self, why: &'static str) -> Error {
        ErrorKind::Unrepresentable { codec: self.name(), why: why.into() }.into()
    }

    /// Whether the end of the payload and the beginning of the delimiter make a delimiter together
    /// ("xa" and "aa"), as they may if the rest of the delimiter is how it begins.
    fn begins_in(&self, payload: &[u8]) -> bool {
        let delimiter = self.delimiter();
        (1..delimiter.len()).any(|split| {
            delimiter.starts_with(&delimiter[split..]) && payload.ends_with(&delimiter[..split])
        })
    }

    #[inline(always)]
    fn check_sent(&self, payload: &[u8]) -> Result<(), &'static str> {
        if self.find(payload).is_some() {
            return Err("the delimiter occurs in it");
        }
        if self.byte.is_none() && self.begins_in(payload) {
            return Err("its end would be taken for a part of the delimiter");
        }
        if self.flavor == Flavor::Lines && payload.ends_with(b"\r") {
            return Err("it ends with CR, which would be removed on receipt");
        }
        Ok(())
    }
}

/// The clone has the same delimiter and maximum, and begins a stream of its own.
impl Clone for Delimited {
    fn clone(&self) -> Self {
        Self {
            delimiter: Arc::clone(&self.delimiter),
            byte: self.byte,
            flavor: self.flavor,
            unterminated: self.unterminated,
            max: self.max,
            searched: 0,
        }
    }
}

/// The name, as [`AnyCodec`](crate::AnyCodec) reads it, or the delimiter.
impl fmt::Display for Delimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.flavor {
            Flavor::Other => write!(f, "delimited by \"{}\"", self.delimiter().escape_ascii()),
            _ => f.pad(self.name()),
        }
    }
}

impl Codec for Delimited {
    fn max_message(&self) -> usize {
        self.max
    }

    #[inline(always)]
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        check_length(frame, self.max)?;
        if let Err(why) = self.check_sent(frame.payload_slice()) {
            return Err(self.unrepresentable(why));
        }
        frame.payload();
        match self.byte {
            Some(byte) => frame.put(&[byte]),
            None => frame.put(self.delimiter()),
        }
        Ok(())
    }

    #[inline(always)]
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        match self.next_of_byte(input) {
            Some((length, consumed)) => Ok(Decoded::Frame { payload: 0..length, consumed }),
            None => self.search(input),
        }
    }

    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        self.searched = 0;
        if !self.unterminated {
            return Err(ErrorKind::CutOff { held: input.len() }.into());
        }
        let payload = 0..self.check_received(self.trimmed(input, input.len()))?;
        Ok(Decoded::Frame { payload, consumed: input.len() })
    }

    fn find_end(&mut self, input: &[u8]) -> FrameEnd {
        self.searched = 0;
        let length = self.length();
        match self.find(input) {
            Some(end) => FrameEnd::At((end + length) as u64),
            None => FrameEnd::Beyond(input.len().saturating_sub(length - 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_frame;

    fn frame(end: usize, consumed: usize) -> Decoded {
        Decoded::Frame { payload: 0..end, consumed }
    }

    fn refused(codec: &mut Delimited, payload: &str) -> bool {
        match encode_frame(codec, payload).map_err(Error::into_kind) {
            Ok(_) => false,
            Err(ErrorKind::Unrepresentable { .. }) => true,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_message_that_would_end_early_is_refused() {
        let mut codec = Delimited::new("aa").unwrap();
        assert!(refused(&mut codec, "xaay"));
        assert!(refused(&mut codec, "xa"));
        assert!(refused(&mut codec, "a"));
        assert!(!refused(&mut codec, "ax"));
        let mut codec = Delimited::new("abcab").unwrap();
        assert!(refused(&mut codec, "xabc"));
        assert!(!refused(&mut codec, "xab"));
        let mut codec = Delimited::crlf();
        assert!(refused(&mut codec, "x\r\ny"));
        assert!(!refused(&mut codec, "x\r"));
        assert!(!refused(&mut codec, "\nx"));
        let mut codec = Delimited::lines();
        assert!(refused(&mut codec, "x\n"));
        assert!(refused(&mut codec, "x\r"));
        assert!(!refused(&mut codec, "x\ry"));
        assert!(refused(&mut Delimited::nul(), "\0"));
    }

    #[test]
    fn the_lines_of_mail_and_of_syslog() {
        // RFC 5321, appendix D.1; RFC 6587, 3.4.2, with an example of RFC 5424, 6.5.
        let greeting = "220 foo.com Simple Mail Transfer Service Ready";
        let event = "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - \
                     %% It's time to make the do-nuts.";
        for (mut codec, line, end) in [
            (Delimited::crlf(), greeting, "\r\n"),
            (Delimited::lines(), greeting, "\n"),
            (Delimited::lines(), event, "\n"),
            (Delimited::nul(), event, "\0"),
        ] {
            let wire = [line, end].concat();
            assert_eq!(encode_frame(&mut codec, line).unwrap(), wire, "{codec}");
            let whole = frame(line.len(), wire.len());
            assert_eq!(codec.decode(wire.as_bytes()).unwrap(), whole, "{codec}");
        }
        // RFC 5321, 2.3.8: neither alone ends a line.
        assert_eq!(Delimited::crlf().decode(b"250\rOK\n\r\n").unwrap(), frame(7, 9));
    }

    #[test]
    fn lines_remove_one_cr_and_crlf_keeps_lone_ones() {
        assert_eq!(Delimited::lines().decode(b"a\r\r\n").unwrap(), frame(2, 4));
        assert_eq!(Delimited::lines().decode(b"\n").unwrap(), frame(0, 1));
        assert_eq!(Delimited::crlf().decode(b"a\n\r\r\n").unwrap(), frame(3, 5));
    }

    #[test]
    fn a_message_of_just_the_maximum_passes_while_its_delimiter_arrives() {
        let mut lines = Delimited::lines().max(3);
        for part in [&b"abc"[..], b"abc\r"] {
            assert_eq!(lines.decode(part).unwrap(), Decoded::More { total: part.len() + 1 });
        }
        assert_eq!(lines.decode(b"abc\r\n").unwrap(), frame(3, 5));
        let mut dashes = Delimited::new("---").unwrap().max(3);
        for part in [&b"abc-"[..], b"abc--"] {
            assert_eq!(dashes.decode(part).unwrap(), Decoded::More { total: part.len() + 1 });
        }
        assert_eq!(dashes.decode(b"abc---").unwrap(), frame(3, 6));
    }

    #[test]
    fn one_byte_too_many_is_oversize_before_the_delimiter() {
        for (mut codec, input) in [
            (Delimited::lines(), &b"abcd"[..]),
            (Delimited::lines(), b"abcd\n"),
            (Delimited::lines(), b"abc\rx"),
            (Delimited::lines(), b"abc\r\r"),
            (Delimited::nul(), b"abcd"),
            (Delimited::crlf(), b"abcd"),
            (Delimited::crlf(), b"abc\rx"),
            (Delimited::new("---").unwrap(), b"abc-x"),
        ] {
            codec = codec.max(3);
            let error = codec.decode(input).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Oversize { length: 4.., limit: 3 }));
            match codec.find_end(input) {
                FrameEnd::At(end) => assert_eq!(end, input.len() as u64),
                FrameEnd::Beyond(done) => {
                    assert_eq!(input.len() - done, codec.delimiter().len() - 1, "{codec}");
                }
                FrameEnd::Unknown => panic!("{codec} knows its delimiter"),
            }
        }
    }

    #[test]
    fn a_maximum_shorter_than_the_delimiter_is_enforced_before_as_much_as_that_is_here() {
        let mut codec = Delimited::new("------").unwrap().max(2);
        assert_eq!(codec.decode(b"a").unwrap(), Decoded::More { total: 3 });
        let error = codec.decode(b"abc").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 3, limit: 2 }), "{error}");
        let mut codec = Delimited::new("------").unwrap();
        assert_eq!(codec.decode(b"a").unwrap(), Decoded::More { total: 6 });
    }

    #[test]
    fn a_delimiter_without_a_name_is_printed_escaped() {
        assert_eq!(Delimited::new(b"-\n").unwrap().to_string(), r#"delimited by "-\n""#);
    }

    #[test]
    fn what_was_searched_is_not_searched_again() {
        let mut codec = Delimited::new("--").unwrap();
        codec.decode(b"abc-").unwrap();
        assert_eq!(codec.searched, 3);
        assert_eq!(codec.decode(b"abc--").unwrap(), frame(3, 5));
        assert_eq!(codec.searched, 0);
        codec.decode(b"abcdef").unwrap();
        assert_eq!(codec.clone().decode(b"--abcdef").unwrap(), frame(0, 2));
        assert_eq!(codec.decode(b"--").unwrap(), frame(0, 2));
    }

    #[test]
    fn an_unterminated_end_is_cut_off_unless_accepted() {
        let error = Delimited::lines().decode_end(b"abc").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::CutOff { held: 3 }), "{error}");
        let mut codec = Delimited::lines().unterminated(true).max(3);
        assert_eq!(codec.decode_end(b"abc").unwrap(), frame(3, 3));
        assert_eq!(codec.decode_end(b"abc\r").unwrap(), frame(3, 4));
        let mut codec = Delimited::crlf().unterminated(true).max(3);
        codec.decode(b"abc\r").unwrap();
        let error = codec.decode_end(b"abc\r").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 4, .. }), "{error}");
    }
}

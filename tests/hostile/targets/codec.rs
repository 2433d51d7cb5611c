//! Codecs: a stream, cut anywhere, against a plain reading of the same bytes.
//!
//! An input is the shape of a codec, its maximum, where to cut, and the stream; for `codec_resync` the
//! number of the codec stands before that.

use anysock_framing::{AnyCodec, Codec, Decoded, Error, ErrorKind, encode_frame};

use super::references::{FAMILIES, First, Make, Reference, resync};
use super::script::Script;
use super::{Tried, framed};

/// Longer streams are not given byte by byte.
const SHORT: usize = 600;

/// A codec, a stream for it, and what a plain reading says of its first bytes, however many.
pub(super) struct Case<'a> {
    pub(super) codec: AnyCodec,
    pub(super) stream: &'a [u8],
    reference: Box<dyn Reference>,
    messages: Vec<Vec<u8>>,
}

/// What is known of the beginning of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Whole messages.
    pub(super) messages: usize,
    /// The bytes that are done with.
    pub(super) consumed: usize,
    /// Frames that are given up, or begun to be.
    pub(super) discarded: u64,
    /// Their bytes that are done with.
    pub(super) discarded_bytes: u64,
    pub(super) verdict: Verdict,
}

/// How far the reference has read.
#[derive(Clone, Copy)]
struct Reading {
    /// Up to the first frame that is not over.
    known: Known,
    /// So many bytes of that one are given up.
    given_up: Option<usize>,
}

/// How the last bytes of a stream end, which are no whole frame.
#[derive(Debug)]
pub(super) enum Last {
    Message(Vec<u8>),
    Error(Error),
    /// They are given up, and whether a frame begins with them.
    GivenUp(bool),
}

/// How it goes on behind the whole messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Waiting,
    Oversize,
    Malformed,
}

/// When a codec is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// After each piece, also if there is less than it wanted.
    Always,
    /// Once there is as much as it wanted.
    WhenWanted,
}

/// In one piece, byte by byte, and cut as the input says.
pub(super) fn run(make: Make, input: &[u8]) -> Tried {
    run_of(&make, input)
}

/// The same, and in two pieces that are cut at every place.
pub(super) fn run_all(make: Make, input: &[u8]) -> Tried {
    run_all_of(&make, input)
}

/// As [`run`], of a codec that goes on behind what is too long or malformed.
pub(super) fn run_resync(input: &[u8]) -> Tried {
    let Some((number, input)) = input.split_first() else { return Tried::default() };
    run_of(&|shape, max| resync(family(*number)(shape, max)), input)
}

/// As [`run_all`], likewise.
pub(super) fn run_all_resync(input: &[u8]) -> Tried {
    let Some((number, input)) = input.split_first() else { return Tried::default() };
    run_all_of(&|shape, max| resync(family(*number)(shape, max)), input)
}

/// That with this number, beginning anew behind the last.
fn family(number: u8) -> Make {
    FAMILIES[usize::from(number) % FAMILIES.len()].1
}

fn run_of(make: &dyn Fn(u8, u8) -> Box<dyn Reference>, input: &[u8]) -> Tried {
    let mut script = Script(input);
    let [shape, max, cuts] = [(); 3].map(|()| script.byte());
    let case = Case::new(make(shape, max), script.rest());
    case.check_sending();
    let (length, step) = (case.stream.len(), usize::from(cuts) + 1);
    let mut tried = case.try_cut(&[length]).and(case.try_cut(&uneven(length, step)));
    if length <= SHORT {
        tried = tried.and(case.try_cut(&(1..=length).collect::<Vec<_>>()));
    }
    tried
}

fn run_all_of(make: &dyn Fn(u8, u8) -> Box<dyn Reference>, input: &[u8]) -> Tried {
    let mut tried = run_of(make, input);
    let Some((&[shape, max, _], stream)) = input.split_first_chunk() else { return tried };
    let case = Case::new(make(shape, max), stream);
    for cut in 1..stream.len() {
        tried = tried.and(case.try_cut(&[cut, stream.len()]));
    }
    tried
}

/// Ends of pieces of different lengths up to `step`, or of more where they would be many.
pub(super) fn uneven(length: usize, step: usize) -> Vec<usize> {
    let (mut ends, mut end) = (vec![], 0);
    let step = step.max(length / 50);
    while end < length {
        end = (end + 1 + (ends.len() * 7 + step) % step.max(2)).min(length);
        ends.push(end);
    }
    ends
}

impl<'a> Case<'a> {
    fn new(reference: Box<dyn Reference>, stream: &'a [u8]) -> Self {
        let mut case = Self { codec: reference.codec(), stream, reference, messages: Vec::new() };
        case.messages = case.read(stream, &mut Reading::nothing());
        case
    }

    /// What is known of the first bytes, as far as each of `ends`.
    pub(super) fn known(&self, ends: &[usize]) -> Vec<Known> {
        let mut reading = Reading::nothing();
        let each = |end: &usize| {
            self.read(&self.stream[..*end], &mut reading);
            reading.so_far()
        };
        let all: Vec<_> = ends.iter().map(each).collect();
        // Whoever reads all at once must come to the same end: this is about the reference itself.
        let whole = self.whole().so_far();
        assert_eq!(all.last().copied().unwrap_or(whole), whole, "{}: the reference", self.codec);
        all
    }

    fn whole(&self) -> Reading {
        let mut whole = Reading::nothing();
        self.read(self.stream, &mut whole);
        whole
    }

    /// Goes on in `input` from what is known of it; what it finds.
    fn read(&self, input: &[u8], reading: &mut Reading) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        let Reading { known, given_up } = reading;
        while known.verdict == Verdict::Waiting && known.consumed < input.len() {
            *given_up = None;
            match self.reference.first(&input[known.consumed..]) {
                First::Message(message, consumed) => {
                    known.messages += 1;
                    known.consumed += consumed;
                    found.push(message);
                }
                First::Skip(consumed) => known.consumed += consumed,
                First::GivenUp(bytes, true) => known.give_up(bytes),
                First::GivenUp(bytes, false) => {
                    *given_up = Some(bytes);
                    break;
                }
                First::Waiting => break,
                First::Oversize(_) => known.verdict = Verdict::Oversize,
                First::Malformed => known.verdict = Verdict::Malformed,
            }
        }
        found
    }

    /// Gives the stream to the codec, and to a framed transport, in pieces that end there.
    fn try_cut(&self, ends: &[usize]) -> Tried {
        let known = self.known(ends);
        self.decode(ends, &known, Asked::Always);
        self.decode(ends, &known, Asked::WhenWanted);
        Tried::ways(2).and(framed::run(self, ends, &known))
    }

    fn decode(&self, ends: &[usize], known: &[Known], asked: Asked) {
        let mut codec = self.codec.clone();
        let (mut now, mut wanted) = (Known::nothing(), 1);
        for (end, known) in ends.iter().zip(known) {
            let input = &self.stream[..*end];
            while now.verdict == Verdict::Waiting && now.consumed < *end {
                let rest = &input[now.consumed..];
                if asked == Asked::WhenWanted && rest.len() < wanted {
                    break;
                }
                match codec.decode(rest) {
                    Ok(Decoded::More { total }) => {
                        assert!(
                            total > rest.len(),
                            "{codec} wants {total}, and has {}",
                            rest.len()
                        );
                        wanted = total;
                        break;
                    }
                    Ok(found) => {
                        assert!(rest.len() >= wanted, "{codec} wanted more than it needed");
                        wanted = 1;
                        self.note(found, rest, &mut now);
                    }
                    Err(error) => now.verdict = self.verdict(&error),
                }
            }
            assert_eq!(now, *known, "{codec}, {asked:?}, {ends:?}, {end} bytes of it");
        }
        if now.verdict == Verdict::Waiting && now.consumed < self.stream.len() {
            let rest = &self.stream[now.consumed..];
            let last = match codec.decode_end(rest) {
                Ok(Decoded::Discard { consumed, begins }) => {
                    assert_eq!(consumed, rest.len(), "{codec}");
                    Last::GivenUp(begins)
                }
                Ok(found) => {
                    let (message, consumed) = taken(found, rest);
                    assert_eq!(consumed, rest.len(), "{codec}");
                    Last::Message(message.expect("the end is no padding"))
                }
                Err(error) => Last::Error(error),
            };
            self.check_last(last, rest);
        }
    }

    /// What the codec has found is what there is.
    fn note(&self, found: Decoded, rest: &[u8], now: &mut Known) {
        if let Decoded::Discard { consumed, begins } = found {
            assert!((1..=rest.len()).contains(&consumed), "{consumed} of {} bytes", rest.len());
            now.discarded += u64::from(begins);
            now.discarded_bytes += consumed as u64;
            now.consumed += consumed;
            return;
        }
        let (message, consumed) = taken(found, rest);
        if let Some(message) = message {
            self.check_message(now.messages, &message);
            now.messages += 1;
        }
        now.consumed += consumed;
    }

    /// The message with this number, from 0 on, is this one.
    pub(super) fn check_message(&self, number: usize, message: &[u8]) {
        let expected = self.messages.get(number).map(Vec::as_slice);
        assert_eq!(Some(message), expected, "{}: message {number}", self.codec);
        assert!(message.len() <= self.codec.max_message(), "{}: message {number}", self.codec);
    }

    /// What is left when the stream ends is this.
    pub(super) fn check_last(&self, last: Last, rest: &[u8]) {
        let codec = &self.codec;
        let reading = self.whole();
        let expected = match reading.given_up {
            Some(bytes) => return check_given_up(&last, bytes == 0),
            None => self.reference.last(rest),
        };
        match (last, expected) {
            (Last::Message(message), First::Message(expected, _)) => {
                assert_eq!(message, expected, "{codec}");
            }
            (Last::Error(error), First::Oversize(_)) => {
                assert_eq!(self.verdict(&error), Verdict::Oversize, "{codec}");
            }
            (Last::Error(error), First::Waiting) => assert!(
                matches!(error.kind(), ErrorKind::CutOff { held } if *held == rest.len()),
                "{codec}: {error}, of {} bytes",
                rest.len()
            ),
            (last, First::GivenUp(..)) => check_given_up(&last, true),
            (last, expected) => panic!("{codec}: {last:?} instead of {expected:?} at the end"),
        }
    }

    pub(super) fn verdict(&self, error: &Error) -> Verdict {
        assert!(error.is_fatal(), "{}: {error}", self.codec);
        match error.kind() {
            ErrorKind::Oversize { length, limit } => {
                assert_eq!(*limit, self.codec.max_message(), "{}", self.codec);
                assert!(*length > *limit as u64, "{}: {error}", self.codec);
                Verdict::Oversize
            }
            ErrorKind::Malformed { codec, .. } => {
                let name = self.codec.to_string();
                let name = name.strip_prefix("resync:").unwrap_or(&name);
                assert!(name.starts_with(codec), "{name} by {codec}");
                Verdict::Malformed
            }
            other => panic!("{}: {other}", self.codec),
        }
    }

    /// What can be sent is what arrives as it is, the stream itself as a message among it, and is
    /// written as the reference does.
    fn check_sending(&self) {
        let some = self.messages.iter().take(16).map(Vec::as_slice);
        let mut wire = Vec::new();
        let mut sent = Vec::new();
        for message in some.chain([self.stream, &[]]) {
            let written = self.reference.encode(message);
            let arrives = self.reference.first(&written);
            let is_whole = arrives == First::Message(message.to_vec(), written.len());
            match encode_frame(&mut self.codec.clone(), message).map_err(Error::into_kind) {
                Ok(frame) => {
                    assert!(is_whole, "{} sends {message:?}, {arrives:?}", self.codec);
                    assert_eq!(frame, written, "{}", self.codec);
                    wire.extend_from_slice(&frame);
                    sent.push(message.to_vec());
                }
                Err(ErrorKind::TooLong { length, limit }) => {
                    assert_eq!((length, limit), (message.len(), self.codec.max_message()));
                    assert!(length > limit, "{}", self.codec);
                }
                Err(ErrorKind::Unrepresentable { .. }) => {
                    assert!(!is_whole, "{} refuses {message:?}", self.codec);
                }
                Err(other) => panic!("{}: {other}", self.codec),
            }
        }
        let mut reading = Reading::nothing();
        assert_eq!(self.read(&wire, &mut reading), sent, "{}: sent in a row", self.codec);
        let known = reading.so_far();
        assert_eq!((known.consumed, known.verdict), (wire.len(), Verdict::Waiting));
    }
}

impl Known {
    pub(super) fn nothing() -> Self {
        let verdict = Verdict::Waiting;
        Self { messages: 0, consumed: 0, discarded: 0, discarded_bytes: 0, verdict }
    }

    fn give_up(&mut self, bytes: usize) {
        self.discarded += 1;
        self.discarded_bytes += bytes as u64;
        self.consumed += bytes;
    }
}

impl Reading {
    fn nothing() -> Self {
        Self { known: Known::nothing(), given_up: None }
    }

    /// With what is given up already of the frame that is not over.
    fn so_far(mut self) -> Known {
        if let Some(bytes @ 1..) = self.given_up {
            self.known.give_up(bytes);
        }
        self.known
    }
}

fn check_given_up(last: &Last, begins: bool) {
    assert!(matches!(last, Last::GivenUp(counted) if *counted == begins), "{last:?}, {begins}");
}

/// The message that was found, if it was one, and how many bytes are done with.
fn taken(found: Decoded, rest: &[u8]) -> (Option<Vec<u8>>, usize) {
    let (message, consumed) = match found {
        Decoded::Frame { payload, consumed } => {
            assert!(payload.end <= consumed, "{payload:?} reaches beyond {consumed}");
            (Some(rest[payload].to_vec()), consumed)
        }
        Decoded::Made { message, consumed } => (Some(message.to_vec()), consumed),
        Decoded::Skip { consumed } => (None, consumed),
        Decoded::Discard { .. } => panic!("it is noted elsewhere"),
        Decoded::More { .. } => panic!("nothing more will come"),
    };
    assert!((1..=rest.len()).contains(&consumed), "{consumed} of {} bytes", rest.len());
    (message, consumed)
}

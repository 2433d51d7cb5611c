//! The same streams through `Framed`, whose buffer holds no more than it says.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use anysock_framing::{Error, ErrorKind, Framed, Guaranteed, Io, Message, RecvHalf, Stats};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Tried;
use super::codec::{Case, Known, Last, Verdict};

/// Waits until more of the stream is let go.
pub(super) struct Pieces {
    stream: Vec<u8>,
    at: usize,
    /// How much is let go; [`ENDED`] is all and the end.
    until: Arc<AtomicUsize>,
}

pub(super) const ENDED: usize = usize::MAX;

/// What ARCHITECTURE.md allows to one that waits for the rest of a message.
fn allowed(at_hand: usize) -> usize {
    4 * at_hand + if at_hand < 2 * 1024 { 0 } else { 8 * 1024 }
}

/// Gives the stream in pieces that end there.
pub(super) fn run(case: &Case<'_>, ends: &[usize], known: &[Known]) -> Tried {
    let until = Arc::new(AtomicUsize::new(0));
    let pieces = Pieces::new(case.stream, &until);
    let mut framed = Framed::new(Io::new(pieces), case.codec.clone());
    let mut tried = Tried::ways(1);
    let mut count = 0;
    for (end, known) in ends.iter().zip(known) {
        until.store(*end, Ordering::Relaxed);
        let outcome = receive(case, &mut framed, &mut count);
        let at = || format!("{}, {ends:?}, {end} bytes of it", case.codec);
        assert_eq!(count, known.messages, "{}", at());
        assert_eq!(
            discarded(&framed.stats()),
            (known.discarded, known.discarded_bytes),
            "{}",
            at()
        );
        match outcome {
            Poll::Pending => assert_eq!(known.verdict, Verdict::Waiting, "{}", at()),
            Poll::Ready(Err(error)) => {
                assert_eq!(case.verdict(&error), known.verdict, "{}", at());
                check_over(&mut framed, &error, known);
                return tried;
            }
            Poll::Ready(Ok(())) => panic!("{}: it ended", at()),
        }
        let (held, at_hand) = (framed.stats().held, end - known.consumed);
        assert!(held <= allowed(at_hand), "{}: {held} bytes are held for {at_hand}", at());
        tried = tried.holding(held, allowed(at_hand));
    }
    until.store(ENDED, Ordering::Relaxed);
    check_end(case, &mut framed, count, known.last().copied().unwrap_or_else(Known::nothing));
    tried
}

fn discarded(stats: &Stats) -> (u64, u64) {
    (stats.discarded, stats.discarded_bytes)
}

/// The end, in order or not, and the same once more.
fn check_end(
    case: &Case<'_>,
    framed: &mut (impl Receives + Guaranteed),
    mut count: usize,
    known: Known,
) {
    let rest = &case.stream[known.consumed..];
    let last = match framed.poll() {
        Poll::Ready(Ok(Some(message))) => Last::Message(message.to_vec()),
        Poll::Ready(Err(error)) => Last::Error(error),
        Poll::Ready(Ok(None)) if rest.is_empty() => return,
        Poll::Ready(Ok(None)) => {
            let (frames, bytes) = discarded(&framed.stats());
            assert_eq!(bytes, known.discarded_bytes + rest.len() as u64, "{}", case.codec);
            Last::GivenUp(frames > known.discarded)
        }
        Poll::Pending => panic!("{}: it waits behind the end", case.codec),
    };
    assert!(!rest.is_empty(), "{}: {last:?} of nothing", case.codec);
    let again = match &last {
        Last::Error(error) => Some(error.to_string()),
        _ => None,
    };
    case.check_last(last, rest);
    let after = receive(case, framed, &mut count);
    let after = match after {
        Poll::Ready(done) => done.err().map(|error| error.to_string()),
        Poll::Pending => panic!("{}: it waits behind the end", case.codec),
    };
    assert_eq!(after, again, "{}: for ever after", case.codec);
}

/// Messages until there are none.
fn receive(
    case: &Case<'_>,
    framed: &mut impl Receives,
    count: &mut usize,
) -> Poll<Result<(), Error>> {
    loop {
        match framed.poll()? {
            Poll::Ready(Some(message)) => {
                case.check_message(*count, &message);
                *count += 1;
            }
            Poll::Ready(None) => return Poll::Ready(Ok(())),
            Poll::Pending => return Poll::Pending,
        }
    }
}

/// After an error nothing is held, and the same comes again.
fn check_over(framed: &mut (impl Receives + Guaranteed), error: &Error, known: &Known) {
    assert_eq!(framed.stats().held, 0);
    assert_eq!(discarded(&framed.stats()), (known.discarded, known.discarded_bytes));
    match framed.poll() {
        Poll::Ready(Err(again)) => assert_eq!(again.to_string(), error.to_string()),
        other => panic!("{other:?} after {error}"),
    }
    assert!(!matches!(error.kind(), ErrorKind::CutOff { .. }));
}

/// Receiving, without a task that would be woken.
pub(super) trait Receives {
    fn poll(&mut self) -> Poll<Result<Option<Message>, Error>>;
}

impl<R: RecvHalf> Receives for R {
    fn poll(&mut self) -> Poll<Result<Option<Message>, Error>> {
        self.poll_recv(&mut Context::from_waker(Waker::noop()))
    }
}

impl Pieces {
    pub(super) fn new(stream: &[u8], until: &Arc<AtomicUsize>) -> Self {
        Self { stream: stream.to_vec(), at: 0, until: Arc::clone(until) }
    }
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let until = self.until.load(Ordering::Relaxed);
        let most = until.min(self.stream.len()) - self.at;
        if most == 0 && until != ENDED {
            return Poll::Pending;
        }
        let end = self.at + most.min(buffer.remaining());
        buffer.put_slice(&self.stream[self.at..end]);
        self.at = end;
        Poll::Ready(Ok(()))
    }
}

/// Nothing is sent.
impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

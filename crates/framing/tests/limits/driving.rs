//! What an unsplit wrapper does for its own side while it makes somebody wait.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_async::StreamSocket;
use anysock_framing::{
    Attached, Error, ErrorKind, Framed, Guaranteed, Guarantees, Halves, LengthDelimited, MaxLength,
    Message, Payload, Quota, Rate, RecvExt, RecvHalf, SendExt, SendHalf, Stats, Transport,
};
use tokio::time::timeout;
use tokio_test::{assert_pending, task};

type Stream = Framed<StreamSocket, LengthDelimited>;

fn streams() -> (Stream, Stream) {
    let (a, b) = StreamSocket::pair().unwrap();
    (Framed::new(a, LengthDelimited::u16()), Framed::new(b, LengthDelimited::u16()))
}

/// One message, and then none for longer than any test takes.
fn one() -> Quota {
    Quota::bytes(1, 1)
}

/// No test waits for ever.
async fn arrives(from: &mut Stream) -> Message {
    let message = timeout(Duration::from_secs(60), from.recv()).await.expect("this hangs");
    message.unwrap().unwrap()
}

#[tokio::test]
async fn what_was_fed_leaves_while_receiving_waits_for_its_quota() {
    let (mut a, b) = streams();
    let mut b = Rate::new(b).received(one());
    a.send(vec![0; 10_000]).await.unwrap();
    b.recv().await.unwrap();
    b.feed("the answer").await.unwrap();
    assert_pending!(task::spawn(b.recv()).poll());
    assert_eq!(arrives(&mut a).await, "the answer");
}

#[tokio::test]
async fn what_was_fed_leaves_while_sending_waits_for_its_quota() {
    let (mut a, b) = streams();
    let mut b = Rate::new(b).sent(one());
    b.feed(vec![1; 10_000]).await.unwrap();
    assert_pending!(task::spawn(b.feed("later")).poll());
    assert_eq!(arrives(&mut a).await.len(), 10_000);
}

#[tokio::test]
async fn what_was_fed_leaves_before_a_message_too_long_is_reported() {
    let (mut a, b) = streams();
    let mut b = MaxLength::new(b).received(4);
    a.send("too long").await.unwrap();
    b.feed("the answer").await.unwrap();
    b.recv().await.unwrap_err();
    assert_eq!(arrives(&mut a).await, "the answer");
}

#[tokio::test]
async fn a_flush_that_fails_meanwhile_is_told_by_the_next_flush() {
    let mut limited = Rate::new(Losing::with(1)).received(one());
    limited.recv().await.unwrap().unwrap();
    assert_pending!(task::spawn(limited.recv()).poll());
    assert_pending!(task::spawn(limited.recv()).poll());
    let error = limited.flush().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)));
    limited.flush().await.unwrap();
}

#[tokio::test]
async fn a_flush_that_fails_meanwhile_is_told_before_the_end() {
    let mut limited = MaxLength::new(Losing::with(1)).received(4);
    let error = limited.recv().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Truncated { .. }));
    let error = limited.recv().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)));
    assert!(limited.recv().await.unwrap().is_none());
}

#[tokio::test]
async fn a_flush_that_failed_before_splitting_is_told_by_the_sending_half() {
    let mut limited = Rate::new(Losing::with(1)).received(one());
    limited.recv().await.unwrap().unwrap();
    assert_pending!(task::spawn(limited.recv()).poll());
    let (mut sending, _receiving) = Box::new(limited).split_boxed();
    let error = sending.flush().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(_)));
    sending.flush().await.unwrap();
}

/// Receives some messages and the end; its first flush was refused.
#[derive(Debug)]
struct Losing {
    input: VecDeque<Message>,
    failure: Option<Error>,
}

impl Losing {
    fn with(messages: usize) -> Self {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let message = || Message::from(bytes::Bytes::from_static(&[0; 10_000]));
        let input = std::iter::repeat_with(message).take(messages).collect();
        Self { input, failure: Some(ErrorKind::Refused(refused).into()) }
    }
}

impl Guaranteed for Losing {
    fn guarantees(&self) -> Guarantees {
        Guarantees::BOUNDARIES
    }

    fn stats(&self) -> Stats {
        Stats { received: 1, received_bytes: 10_000, ..Stats::default() }
    }
}

impl SendHalf for Losing {
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(&mut self, _: Payload<'_>, _: &mut Attached) -> Result<(), Error> {
        Ok(())
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(self.failure.take().map_or(Ok(()), Err))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.poll_flush(cx)
    }

    fn max_message(&self) -> usize {
        100_000
    }
}

impl RecvHalf for Losing {
    fn poll_recv(&mut self, _: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        Poll::Ready(Ok(self.input.pop_front()))
    }
}

impl Transport for Losing {
    fn split_boxed(self: Box<Self>) -> Halves {
        let Self { input, failure } = *self;
        let sending = Self { input: VecDeque::new(), failure };
        (Box::new(sending), Box::new(Self { input, failure: None }))
    }
}

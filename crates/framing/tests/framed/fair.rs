//! Law 10: a stream that is always ready does not keep its task from yielding.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anysock_framing::{
    Codec, Decoded, Error, FrameWriter, Framed, Guaranteed, Io, LengthDelimited, RecvExt, RecvHalf,
    SendExt,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_test::{assert_pending, assert_ready_ok, task};

use crate::fake::{Fake, Read};
use crate::within;

/// More messages than any budget; a receiver that never yields ends after them, convicted.
const MANY: usize = 20_000;

/// Reads of so many bytes are always ready, as are writes.
#[derive(Debug)]
struct Ready {
    byte: u8,
    left: usize,
    at_a_time: usize,
}

impl AsyncRead for Ready {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let length = self.left.min(self.at_a_time).min(buffer.remaining());
        buffer.put_slice(&vec![self.byte; length]);
        self.left -= length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Ready {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn ready(at_a_time: usize) -> Framed<Io<Ready>, LengthDelimited> {
    Framed::new(Io::new(Ready { byte: 0, left: MANY, at_a_time }), LengthDelimited::u8())
}

#[tokio::test]
async fn recv_yields_by_the_budget_however_much_is_there() {
    within(async {
        for at_a_time in [1, MANY] {
            tokio::task::yield_now().await;
            let mut framed = ready(at_a_time);
            let mut count = 0;
            let mut flood = task::spawn(async {
                while framed.recv().await.unwrap().is_some() {
                    count += 1;
                }
            });
            assert_pending!(flood.poll());
            drop(flood);
            assert!((1..=128).contains(&count), "{count} messages, {at_a_time} bytes at a time");
        }
    })
    .await;
}

#[tokio::test]
async fn a_flooded_handler_that_is_slow_lets_timers_fire() {
    within(async {
        let mut framed = ready(MANY);
        let timer = tokio::spawn(tokio::time::sleep(Duration::from_millis(1)));
        // A task of its own: whoever is not spawned has the reactor asked with each turn.
        let flood = tokio::spawn(async move {
            let mut count = 0;
            while !timer.is_finished() && framed.recv().await.unwrap().is_some() {
                count += 1;
                let began = Instant::now();
                while began.elapsed() < Duration::from_micros(100) {
                    std::hint::spin_loop();
                }
            }
            count
        });
        let count = flood.await.unwrap();
        assert!(
            count <= 1000,
            "{count} messages, each 100 us of work, before a timer of 1 ms fired"
        );
    })
    .await;
}

#[tokio::test]
async fn recv_many_yields_by_the_budget_however_much_is_asked_for() {
    within(async {
        let mut framed = ready(MANY);
        let mut messages = Vec::new();
        let mut flood = task::spawn(async {
            while framed.recv_many(&mut messages, MANY).await.unwrap() > 0 {}
        });
        assert_pending!(flood.poll());
        drop(flood);
        assert!((1..=128).contains(&messages.len()), "{}", messages.len());
    })
    .await;
}

#[tokio::test]
async fn a_long_message_in_tiny_pieces_yields_by_the_budget() {
    within(async {
        let stream = Ready { byte: 1, left: MANY, at_a_time: 1 };
        // All the bytes are one message of 0x01010101 bytes, a part of which comes.
        let mut framed = Framed::new(Io::new(stream), LengthDelimited::u32().max(usize::MAX));
        assert_pending!(task::spawn(framed.recv()).poll());
    })
    .await;
}

#[tokio::test]
async fn sending_yields_by_the_budget_however_much_is_taken() {
    within(async {
        let mut framed = ready(1);
        let mut count = 0;
        let mut flood = task::spawn(async {
            while count < MANY {
                framed.send("hello").await.unwrap();
                count += 1;
            }
        });
        assert_pending!(flood.poll());
        drop(flood);
        assert!((1..=128).contains(&count), "{count}");
    })
    .await;
}

#[tokio::test]
async fn receivers_that_wait_leave_the_budget_to_those_that_do_not() {
    within(async {
        let mut idle: Vec<_> = (0..1000).map(|_| Fake::framed()).collect();
        let (mut busy, fake) = Fake::framed();
        fake.reads(Read::Bytes(b"\x01a".to_vec()));
        let mut all = task::spawn(poll_fn(|cx| {
            assert!(idle.iter_mut().all(|(framed, _)| framed.poll_recv(cx).is_pending()));
            busy.poll_recv(cx)
        }));
        assert_eq!(assert_ready_ok!(all.poll()).unwrap(), "a");
    })
    .await;
}

/// Every zero byte is padding.
#[derive(Clone, Debug)]
struct Padded;

impl Codec for Padded {
    fn max_message(&self) -> usize {
        1
    }
    fn encode(&mut self, _: &mut FrameWriter<'_>) -> Result<(), Error> {
        unreachable!("nothing is sent")
    }
    fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> {
        Ok(Decoded::Skip { consumed: 1 })
    }
}

#[tokio::test]
async fn a_flood_of_padding_yields_by_the_budget() {
    within(async {
        let mut framed = Framed::new(Io::new(Ready { byte: 0, left: MANY, at_a_time: 8 }), Padded);
        assert_pending!(task::spawn(framed.recv()).poll());
    })
    .await;
}

/// Every byte is given up.
#[derive(Clone, Debug)]
struct Rubbish;

impl Codec for Rubbish {
    fn max_message(&self) -> usize {
        1
    }
    fn encode(&mut self, _: &mut FrameWriter<'_>) -> Result<(), Error> {
        unreachable!("nothing is sent")
    }
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        match input.len() {
            0 => Ok(Decoded::More { total: 1 }),
            _ => Ok(Decoded::Discard { consumed: 1, begins: false }),
        }
    }
}

#[tokio::test]
async fn a_flood_of_what_is_no_message_yields_by_the_byte_where_reads_are_long() {
    within(async {
        let fake = Fake::new();
        fake.handle().reads(Read::Endless(0));
        let mut framed = Framed::new(fake, Rubbish);
        let mut before = 0;
        for _ in 0..20 {
            // With a budget of its own each time.
            tokio::task::yield_now().await;
            let mut flood = task::spawn(framed.recv());
            assert_pending!(flood.poll());
            assert!(flood.is_woken());
            drop(flood);
            let discarded = framed.stats().discarded_bytes;
            assert!(discarded - before <= 1024 * 1024, "{} bytes", discarded - before);
            before = discarded;
        }
        assert!(before > 5 * 1024 * 1024, "reads are long, {before}");
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_never_waits_lets_others_have_their_turn_with_each_full_queue() {
    let (mut framed, _fake) = Fake::framed();
    for _ in 0..3 {
        let mut fed = 0;
        while task::spawn(framed.feed(&[0; 255])).poll().is_ready() {
            fed += 256;
            assert!(fed <= 160 * 1024, "{fed} bytes without a pause");
        }
        assert_eq!(framed.stats().unsent, 0, "what was due is written before the pause");
    }
}

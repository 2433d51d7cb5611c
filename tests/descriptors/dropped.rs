//! Futures that are dropped at every poll.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anysock_core::{Ancillary, Cell};
use anysock_framing::{Guaranteed, LengthDelimited};
use anysock_framing::{Message, RecvExt, RecvHalf, SendExt, Transport, encode_frame};

use crate::cells::{next, pair, raw_and_framed, run};
use crate::raw;
use crate::tokens::{attached, make};

over_the_unix_cells! {
    a_receiving_future_may_be_dropped_at_every_poll,
    a_sending_future_may_be_dropped_at_every_poll,
}

/// Polls the future of the next message once, and drops it.
fn once(from: &mut (impl RecvHalf + ?Sized)) -> Option<Message> {
    match pin!(from.recv()).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(message) => Some(message.unwrap().expect("not the end")),
        Poll::Pending => None,
    }
}

fn a_receiving_future_may_be_dropped_at_every_poll(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        for count in [0, 1, 253, 0, 2] {
            let (along, tokens) = attached(count);
            assert!(once(&mut b).is_none());
            a.send_with("message", along).await.unwrap();
            let mut message = loop {
                match once(&mut b) {
                    Some(message) => break message,
                    // The reactor has not told yet.
                    None => tokio::task::yield_now().await,
                }
            };
            tokens.check(&message.take_descriptors());
            tokens.assert_closed();
            assert!(once(&mut b).is_none());
        }
    });
}

#[test]
fn on_a_stream_between_any_two_bytes_of_the_frame() {
    run(async {
        let codec = LengthDelimited::u32();
        let frame = encode_frame(&mut codec.clone(), "a message").unwrap();
        let (near, far) = raw_and_framed(codec, Ancillary::DESCRIPTORS);
        let mut far: Box<dyn Transport + Send> = Box::new(far);
        for with in 0..frame.len() {
            // Descriptors with one of the bytes, and with the last one.
            let ((one, tokens), (other, more)) = (make(3), make(2));
            let mut received = Vec::new();
            for (at, byte) in frame.iter().enumerate() {
                let is_last = at + 1 == frame.len();
                if at == with && !is_last {
                    raw::send(&near, &[*byte], &one);
                } else {
                    raw::send(&near, &[*byte], if is_last { &other } else { &[] });
                }
                for _ in 0..3 {
                    received.extend(once(&mut far));
                    tokio::task::yield_now().await;
                }
            }
            drop((one, other));
            let mut message = match received.pop() {
                Some(message) => message,
                None => next(&mut far).await,
            };
            assert_eq!(message, "a message");
            let expected = if with + 1 < frame.len() { tokens.and(more) } else { more };
            expected.check(&message.take_descriptors());
            expected.assert_closed();
        }
        assert_eq!(far.stats().closed_descriptors, 0);
    });
}

fn a_sending_future_may_be_dropped_at_every_poll(cell: Cell) {
    for polls in 0..8 {
        run(async {
            let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
            let long = vec![b'x'; a.max_message().min(100_000)];
            // Filled first, so that it has to wait.
            let mut fed = 0;
            while fed < 8 {
                let mut feeding = pin!(a.send(&long[..]));
                match feeding.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(sent) => sent.unwrap(),
                    Poll::Pending => break,
                }
                fed += 1;
            }
            let (along, tokens) = attached(3);
            {
                let mut sending = pin!(a.send_with("with descriptors", along));
                for _ in 0..polls {
                    let poll = sending.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    if poll.is_ready() {
                        break;
                    }
                    // Some room is made between.
                    let _ = once(&mut b);
                    tokio::task::yield_now().await;
                }
            }
            let last = async { a.send("last").await.unwrap() };
            let receiving = async {
                let mut with = 0;
                loop {
                    let mut message = next(&mut b).await;
                    match &message[..] {
                        b"last" => break with,
                        b"with descriptors" => {
                            tokens.check(&message.take_descriptors());
                            with += 1;
                        }
                        _ => assert!(message.take_descriptors().is_empty()),
                    }
                }
            };
            let ((), with) = tokio::join!(last, receiving);
            assert!(with <= 1, "it came {with} times");
            tokens.assert_closed();
        });
    }
}

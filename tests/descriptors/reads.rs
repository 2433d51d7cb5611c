//! Every size of reads, and writes that are taken in part.

use anysock_core::{Ancillary, Socket, Type};
use anysock_framing::{
    Framed, Guaranteed, LengthDelimited, RecvExt, SendExt, Varint, encode_frame,
};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::cells::{assert_plain, next, run, streams};
use crate::sips::Sips;
use crate::tokens::{attached, make};
use crate::{cells, raw};

/// Descriptors with each of some messages, and how long these are.
const MESSAGES: [(usize, usize); 8] =
    [(0, 5), (2, 3), (1, 0), (0, 0), (3, 7), (253, 1), (253, 2), (0, 4)];

#[test]
fn whatever_the_size_of_reads_descriptors_are_of_the_message_they_were_sent_with() {
    let longest = MESSAGES.iter().map(|(_, length)| 4 + length).sum();
    for most in 1..=longest {
        run(async {
            let (a, b) = streams(Ancillary::DESCRIPTORS);
            let mut a = Framed::new(a, LengthDelimited::u32());
            let mut b = Framed::new(Sips::of(b, vec![most]), LengthDelimited::u32());
            let mut all = Vec::new();
            for (count, length) in MESSAGES {
                let (along, tokens) = attached(count);
                a.feed_with("x".repeat(length), along).await.unwrap();
                all.push(tokens);
            }
            a.flush().await.unwrap();
            for ((_, length), tokens) in MESSAGES.into_iter().zip(all) {
                let mut message = next(&mut b).await;
                assert_eq!(message.len(), length);
                tokens.check(&message.take_descriptors());
                tokens.assert_closed();
            }
        });
    }
}

#[test]
fn a_foreign_reader_finds_descriptors_with_bytes_of_their_frame_alone() {
    let longest = MESSAGES.iter().map(|(_, length)| 4 + length).sum();
    for most in 1..=longest {
        run(async {
            let (near, far) = Socket::pair(Type::Stream).unwrap();
            let stream = anysock_async::StreamSocket::new(near).unwrap();
            let mut near = Framed::new(stream, LengthDelimited::u32());
            let (mut frames, mut at) = (Vec::new(), 0);
            for (count, length) in MESSAGES {
                let (along, tokens) = attached(count);
                near.feed_with("x".repeat(length), along).await.unwrap();
                frames.push((at..at + 4 + length, count, tokens));
                at += 4 + length;
            }
            near.flush().await.unwrap();
            let (mut read, mut brought) = (0, 0);
            while read < at {
                let received = far.recv_message(&mut vec![0; most]).unwrap();
                read += received.length;
                if received.descriptors.is_empty() {
                    continue;
                }
                let last = frames.iter().find(|(range, ..)| range.contains(&(read - 1)));
                let (_, _, tokens) = last.unwrap();
                tokens.check(&received.descriptors);
                brought += received.descriptors.len();
            }
            assert_eq!(brought, MESSAGES.iter().map(|(count, _)| count).sum::<usize>());
            frames.iter().for_each(|(.., tokens)| tokens.assert_closed());
        });
    }
}

#[test]
fn a_write_that_is_taken_in_part_passes_descriptors_once() {
    run(async {
        let (a, b) = streams(Ancillary::DESCRIPTORS);
        let mut a = Framed::new(a, LengthDelimited::u32().max(1 << 24));
        let mut b = Framed::new(b, LengthDelimited::u32().max(1 << 24));
        let long = Bytes::from(vec![b'x'; 3_000_000]);
        let (counts, mut all) = ([3, 0, 253, 1], Vec::new());
        let attach = counts.map(|count| {
            let (along, tokens) = attached(count);
            all.push(tokens);
            along
        });
        let sending = async {
            for (number, along) in attach.into_iter().enumerate() {
                match number % 2 {
                    0 => a.feed_with(long.clone(), along).await.unwrap(),
                    _ => a.feed_with(&long[..2_000_000], along).await.unwrap(),
                }
                a.feed("between").await.unwrap();
            }
            a.flush().await.unwrap();
        };
        let receiving = async {
            for tokens in &all {
                let mut message = next(&mut b).await;
                assert!(message.len() >= 2_000_000);
                tokens.check(&message.take_descriptors());
                assert_plain(next(&mut b).await, &b"between"[..]);
            }
        };
        tokio::join!(sending, receiving);
        all.iter().for_each(|tokens| tokens.assert_closed());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Descriptors and length of each message, and whether it is flushed at once; sizes of reads.
    #[test]
    fn any_traffic_in_reads_of_any_size_keeps_descriptors_with_their_messages(
        traffic in vec((prop_oneof![3 => Just(0), 2 => 1_usize..4, 1 => 200_usize..254],
            prop_oneof![0_usize..10, 0_usize..6000], any::<bool>()), 1..12),
        reads in vec(prop_oneof![1_usize..20, 1_usize..8000], 1..10),
    ) {
        run(async {
            let (a, b) = streams(cells::BOTH);
            let mut a = Framed::new(a, Varint::new());
            let mut b = Framed::new(Sips::of(b, reads), Varint::new());
            let mut all = Vec::new();
            let sending = async {
                for (count, length, flush) in &traffic {
                    let (along, tokens) = attached(*count);
                    all.push(tokens);
                    a.feed_with(vec![b'x'; *length], along).await.unwrap();
                    if *flush {
                        a.flush().await.unwrap();
                    }
                }
                a.flush().await.unwrap();
            };
            let receiving = async {
                let mut messages = Vec::new();
                while messages.len() < traffic.len() {
                    messages.push(next(&mut b).await);
                }
                messages
            };
            let ((), messages) = tokio::join!(sending, receiving);
            for ((mut message, (_, length, _)), tokens) in messages.into_iter().zip(&traffic).zip(all) {
                assert_eq!(message.len(), *length);
                assert_eq!(message.credentials().unwrap().pid, Some(std::process::id()));
                tokens.check(&message.take_descriptors());
                tokens.assert_closed();
            }
        });
    }
}

#[test]
fn no_more_descriptors_wait_to_be_sent_than_one_message_has_and_those_before_it() {
    run(async {
        let (a, b) = streams(Ancillary::DESCRIPTORS);
        let mut a = Framed::new(a, LengthDelimited::u32());
        let mut b = Framed::new(b, LengthDelimited::u32());
        // The kernel has no more room, and nobody reads.
        let frame = encode_frame(&mut LengthDelimited::u32(), vec![b'x'; 1000]).unwrap();
        let mut filling = 0;
        while a.stream().socket().send(&frame).is_ok() {
            filling += 1;
        }
        let mut all = Vec::new();
        loop {
            let (along, tokens) = attached(100);
            let feeding = a.feed_with("small", along);
            tokio::select! {
                biased;
                fed = feeding => fed.unwrap(),
                () = tokio::task::yield_now() => break,
            }
            all.push(tokens);
        }
        assert_eq!(all.len(), 3, "messages of 100 descriptors each");
        assert!(a.stats().unsent < 100);
        let flushing = async { a.flush().await.unwrap() };
        let receiving = async {
            for _ in 0..filling {
                assert_plain(next(&mut b).await, &frame[4..]);
            }
            for tokens in &all {
                tokens.check(&next(&mut b).await.take_descriptors());
            }
        };
        tokio::join!(flushing, receiving);
    });
}

#[test]
fn plain_bytes_behind_descriptors_of_a_foreign_sender_are_of_their_own_messages() {
    for most in 1..=30 {
        run(async {
            let (near, far) = Socket::pair(Type::Stream).unwrap();
            far.ask(Ancillary::DESCRIPTORS, true).unwrap();
            let stream = anysock_async::StreamSocket::new(far).unwrap();
            let mut far = Framed::new(Sips::of(stream, vec![most]), LengthDelimited::u8());
            let (descriptors, tokens) = make(2);
            raw::send(&near, b"\x03one", &[]);
            raw::send(&near, b"\x03two", &descriptors);
            raw::send(&near, b"\x05three\x04four", &[]);
            drop(descriptors);
            for (expected, count) in [("one", 0), ("two", 2), ("three", 0), ("four", 0)] {
                let mut message = cells::next(&mut far).await;
                assert_eq!(message, expected);
                assert_eq!(message.take_descriptors().len(), count, "{expected}, {most} at a time");
            }
            tokens.assert_closed();
            drop(near);
            assert!(far.recv().await.unwrap().is_none());
        });
    }
}

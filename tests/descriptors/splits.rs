//! Every split of the frame that carries descriptors, by a sender that is not ours.

use std::os::fd::OwnedFd;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anysock_async::StreamSocket;
use anysock_core::{Ancillary, Socket};
use anysock_framing::{
    Codec, Delimited, Framed, Guaranteed, LengthDelimited, Message, RecvExt, Varint, encode_frame,
};

use crate::cells::{next, raw_and_framed, run};
use crate::raw;
use crate::tokens::{Tokens, make};

/// When the receiver looks.
#[derive(Clone, Copy, PartialEq)]
enum Looks {
    /// Once all is sent.
    Late,
    /// After each call of the sender.
    AfterEach,
}

#[test]
fn descriptors_with_either_part_of_a_frame_of_known_length_are_of_its_message() {
    every_split(LengthDelimited::u32());
    every_split(LengthDelimited::u8());
    every_split(Varint::new());
}

#[test]
fn descriptors_with_either_part_of_a_line_are_of_its_message() {
    every_split(Delimited::lines());
    every_split(Delimited::crlf());
}

fn every_split<C: Codec + Clone>(codec: C) {
    let frame = encode_frame(&mut codec.clone(), "the message").unwrap();
    for cut in 0..=frame.len() {
        for (first, second) in [(2, 0), (0, 3), (2, 3), (253, 0), (0, 253)] {
            for looks in [Looks::Late, Looks::AfterEach] {
                // On a stream descriptors without bytes are nothing.
                let first = if cut == 0 { 0 } else { first };
                let second = if cut == frame.len() { 0 } else { second };
                run(split(codec.clone(), &frame, cut, [first, second], looks));
            }
        }
    }
}

/// Plain frames around one that is sent in two calls, with so many descriptors each.
async fn split<C: Codec + Clone>(
    mut codec: C,
    frame: &[u8],
    cut: usize,
    counts: [usize; 2],
    looks: Looks,
) {
    let what = format!("cut at {cut}, with {counts:?}");
    let before = encode_frame(&mut codec, "before").unwrap();
    let after = encode_frame(&mut codec, "after").unwrap();
    let (near, mut far) = raw_and_framed(codec, Ancillary::DESCRIPTORS);
    let ([first, second], tokens) = make_both(counts);
    let mut messages = Vec::new();
    for (bytes, descriptors) in
        [(&before[..], vec![]), (&frame[..cut], first), (&frame[cut..], second), (&after, vec![])]
    {
        raw::send(&near, bytes, &descriptors);
        drop(descriptors);
        if looks == Looks::AfterEach {
            messages.extend(std::iter::from_fn(|| now(&mut far)));
        }
    }
    while messages.len() < 3 {
        messages.push(next(&mut far).await);
    }
    for (message, expected) in messages.iter().zip(["before", "the message", "after"]) {
        assert_eq!(*message, expected, "{what}");
    }
    let theirs = messages.iter_mut().map(Message::take_descriptors).collect::<Vec<_>>();
    assert_eq!((theirs[0].len(), theirs[2].len()), (0, 0), "{what}");
    tokens.check(&theirs[1]);
    drop(theirs);
    tokens.assert_closed();
    assert_eq!(far.stats().closed_descriptors, 0);
}

fn make_both(counts: [usize; 2]) -> ([Vec<OwnedFd>; 2], Tokens) {
    let [(first, tokens), (second, more)] = counts.map(make);
    ([first, second], tokens.and(more))
}

/// The next message, if it is here.
fn now<C: Codec + Clone>(far: &mut Framed<StreamSocket, C>) -> Option<Message> {
    match pin!(far.recv()).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(message) => Some(message.unwrap().expect("not the end")),
        Poll::Pending => None,
    }
}

#[test]
fn a_header_that_was_sent_plain_and_merges_with_the_payload_does_not_matter() {
    run(async {
        let (near, mut far) = raw_and_framed(LengthDelimited::u16(), Ancillary::DESCRIPTORS);
        let (descriptors, tokens) = make(2);
        raw::send(&near, b"\0\x05plain\0\x05", &[]);
        raw::send(&near, b"bring", &descriptors);
        raw::send(&near, b"\0\x04", &[]);
        let (more, others) = make(1);
        raw::send(&near, b"more", &more);
        assert_eq!(next(&mut far).await.take_descriptors().len(), 0);
        tokens.check(&next(&mut far).await.take_descriptors());
        others.check(&next(&mut far).await.take_descriptors());
    });
}

#[test]
fn bytes_that_were_sent_out_of_band_of_descriptors_are_all_read_without_another_event() {
    run(async {
        let (near, far) = Socket::pair(anysock_core::Type::Stream).unwrap();
        far.ask(Ancillary::DESCRIPTORS, true).unwrap();
        let mut far = Framed::new(StreamSocket::new(far).unwrap(), Delimited::lines());
        // It waits first, so that the reactor is asked from here on.
        raw::send(&near, b"first\n", &[]);
        assert_eq!(next(&mut far).await, "first");
        assert!(now(&mut far).is_none());
        for number in 0..20 {
            let (descriptors, _tokens) = make(1);
            raw::send(&near, format!("line {number}\n").as_bytes(), &descriptors);
        }
        for number in 0..20 {
            let mut message = next(&mut far).await;
            assert_eq!(message, format!("line {number}"));
            assert_eq!(message.take_descriptors().len(), 1);
        }
    });
}

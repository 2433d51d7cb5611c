//! Too little room, and too few descriptors left.

use std::fs::File;

use anysock_core::{Ancillary, Cell, Socket, Type};
use anysock_framing::{Codec, ErrorKind, Framed, Guaranteed, LengthDelimited, RecvExt, SendExt};

use crate::cells::{assert_plain, next, pair, run};
use crate::limits::limit_descriptors;
use crate::tokens::{attached, make};
use crate::{alone, raw};

over_the_unix_cells! {
    at_the_limit_of_descriptors_a_message_is_lost_alone_and_nothing_is_left_open,
}

/// All descriptors that this process may still have, but for `left`.
fn use_up(left: usize) -> Vec<File> {
    limit_descriptors(1024);
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken.truncate(taken.len() - left);
    taken
}

fn at_the_limit_of_descriptors_a_message_is_lost_alone_and_nothing_is_left_open(cell: Cell) {
    let test = "shortage::at_the_limit_of_descriptors_a_message_is_lost_alone_and_nothing_is_left_\
                open";
    let name = cell.to_string().replace('-', "_");
    if !alone::here(&format!("{test}::{name}")) {
        return;
    }
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::DESCRIPTORS);
        for left in [0, 1, 2, 3] {
            let mut tokens = Vec::new();
            for (message, count) in
                [("before", 0), ("lost", 4), ("between", 0), ("also lost", 5), ("after", 0)]
            {
                let (along, those) = attached(count);
                a.feed_with(message, along).await.unwrap();
                tokens.push(those);
            }
            a.flush().await.unwrap();
            let taken = use_up(left);
            assert_plain(next(&mut b).await, "before");
            for (length, then) in [(4, "between"), (9, "after")] {
                let is_lost = |error: &ErrorKind| {
                    let expected = (length, left);
                    matches!(error, ErrorKind::DescriptorsLost { length, taken }
                        if (*length, *taken) == expected)
                };
                let error = b.recv().await.unwrap_err();
                assert!(is_lost(error.kind()) && !error.is_fatal(), "{error}, with {left} left");
                // Also where it is met on the way: not before those that are ahead of it.
                let mut messages = Vec::new();
                assert_eq!(b.recv_many(&mut messages, 10).await.unwrap(), 1);
                assert_plain(messages.remove(0), then);
            }
            drop(taken);
            tokens.iter().for_each(|those| those.assert_closed());
            let (along, those) = attached(4);
            a.send_with("enough again", along).await.unwrap();
            those.check(&next(&mut b).await.take_descriptors());
        }
        assert_eq!(b.stats().truncated, 8);
        assert_eq!(b.stats().closed_descriptors, 2 * (1 + 2 + 3));
    });
}

#[test]
fn descriptors_that_are_lost_before_the_end_are_told_before_it() {
    let test = "shortage::descriptors_that_are_lost_before_the_end_are_told_before_it";
    if !alone::here(test) {
        return;
    }
    run(async {
        let (a, b) = crate::cells::streams(Ancillary::DESCRIPTORS);
        let (mut a, b) = (Framed::new(a, Unhurried), Framed::new(b, Unhurried));
        let (_sending, mut receiving) = b.split();
        let (along, tokens) = attached(2);
        a.send_with("lost", along).await.unwrap();
        a.send("last").await.unwrap();
        drop(a);
        let taken = use_up(1);
        let error = receiving.recv().await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::DescriptorsLost { taken: 1, .. }), "{error}");
        assert_eq!(next(&mut receiving).await, "last");
        assert!(receiving.recv().await.unwrap().is_none());
        drop(taken);
        tokens.assert_closed();
    });
}

/// Messages of four bytes, that it finds at the end alone.
#[derive(Clone, Debug)]
struct Unhurried;

impl Codec for Unhurried {
    fn max_message(&self) -> usize {
        4
    }
    fn encode(
        &mut self,
        frame: &mut anysock_framing::FrameWriter<'_>,
    ) -> Result<(), anysock_framing::Error> {
        frame.payload();
        Ok(())
    }
    fn decode(&mut self, input: &[u8]) -> Result<anysock_framing::Decoded, anysock_framing::Error> {
        Ok(anysock_framing::Decoded::More { total: input.len() + 1 })
    }
    fn decode_end(
        &mut self,
        input: &[u8],
    ) -> Result<anysock_framing::Decoded, anysock_framing::Error> {
        Ok(anysock_framing::Decoded::frame(0..4, input.len()))
    }
}

#[test]
fn a_foreign_reader_with_too_little_room_leaves_nothing_open_here() {
    run(async {
        for count in [2, 3, 253] {
            let (near, far) = Socket::pair(Type::Stream).unwrap();
            let stream = anysock_async::StreamSocket::new(near).unwrap();
            let mut near = Framed::new(stream, LengthDelimited::u32());
            let (along, tokens) = attached(count);
            near.send_with("message", along).await.unwrap();
            // Two have room where there is one, for the sake of alignment.
            assert_eq!(raw::receive_with_room(&far, 1), (2, count > 2));
            tokens.assert_closed();
        }
    });
}

#[test]
fn a_foreign_sender_of_too_many_is_refused_by_the_kernel() {
    let (near, _far) = Socket::pair(Type::Stream).unwrap();
    let (descriptors, tokens) = make(254);
    let mut with = anysock_core::Outgoing::default();
    with.descriptors = &descriptors;
    let error = near.send_message(&[std::io::IoSlice::new(b"x")], &with).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    tokens.check(&descriptors);
}

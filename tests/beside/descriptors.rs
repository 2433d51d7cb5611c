//! Descriptors arrive with their message and with no other, and none is left open.

use anysock::framing::Payload;
use anysock::prelude::*;
use anysock::{Ancillary, Attached, Cell, ErrorKind};

use crate::alone;
use crate::links::{
    Link, Witness, accepted, attached, can_be_refused, expect, expect_with, over_the_links,
};

const ASKED: Ancillary = Ancillary::DESCRIPTORS;

over_the_links!(zero_to_253_descriptors_arrive_with_one_message);

async fn zero_to_253_descriptors_arrive_with_one_message(link: Link) {
    let (mut near, mut far) = link.open(ASKED).await;
    for count in [0, 1, 2, 3, 64, 252, 253] {
        let (attached, witnesses) = attached(count);
        near.feed("before").await.unwrap();
        near.feed_with(vec![7; count], attached).await.unwrap();
        near.feed("behind").await.unwrap();
        near.flush().await.unwrap();
        assert!(!witnesses.iter().any(Witness::is_closed), "on their way");

        expect_with(far.recv().await.unwrap().unwrap(), &[]);
        let mut message = far.recv().await.unwrap().unwrap();
        assert_eq!(message, vec![7; count]);
        let descriptors = message.take_descriptors();
        expect(&descriptors, &witnesses);
        expect_with(far.recv().await.unwrap().unwrap(), &[]);
        assert!(!witnesses.iter().any(Witness::is_closed), "the receiver has them");
        drop(descriptors);
        witnesses.iter().for_each(Witness::expect_closed);
    }
}

over_the_links!(an_empty_message_carries_descriptors_too);

async fn an_empty_message_carries_descriptors_too(link: Link) {
    let (mut near, mut far) = link.open(ASKED).await;
    let (attached, witnesses) = attached(2);
    near.send_with("", attached).await.unwrap();
    let message = far.recv().await.unwrap().unwrap();
    assert!(message.is_empty());
    expect_with(message, &witnesses);
}

over_the_links!(each_of_a_hundred_messages_has_its_own);

async fn each_of_a_hundred_messages_has_its_own(link: Link) {
    let (mut near, mut far) = link.open(ASKED).await;
    let sending = tokio::spawn(async move {
        let mut all = Vec::new();
        for number in 0..100 {
            let (attached, witnesses) = attached(number % 3);
            // A long one is not copied, a short one is.
            let length = if number % 7 == 0 { 5000 } else { number };
            near.feed_with(vec![number as u8; length], attached).await.unwrap();
            if number % 10 == 9 {
                near.flush().await.unwrap();
            }
            all.push(witnesses);
        }
        (all, near)
    });
    let mut messages = Vec::new();
    while messages.len() < 100 {
        assert_ne!(far.recv_many(&mut messages, 100).await.unwrap(), 0);
    }
    let (all, _near) = sending.await.unwrap();
    for (number, (message, witnesses)) in messages.into_iter().zip(&all).enumerate() {
        assert!(message.iter().all(|byte| usize::from(*byte) == number));
        expect_with(message, witnesses);
    }
    all.iter().flatten().for_each(Witness::expect_closed);
}

over_the_links!(what_nobody_receives_is_closed_with_the_transport);

async fn what_nobody_receives_is_closed_with_the_transport(link: Link) {
    let (mut near, mut far) = link.open(ASKED).await;
    let mut all = Vec::new();
    // Some are handed out, some received and not handed out, some in the kernel's queue.
    for _ in 0..6 {
        let (attached, witnesses) = attached(10);
        near.send_with("passed", attached).await.unwrap();
        all.extend(witnesses);
    }
    let message = far.recv().await.unwrap().unwrap();
    // Fed and never flushed.
    let (attached, unsent) = attached(3);
    near.feed_with("unsent", attached).await.unwrap();
    drop(message);
    drop((near, far));
    all.iter().chain(&unsent).for_each(Witness::expect_closed);
}

over_the_links!(a_receiver_that_did_not_ask_costs_the_sender_that_message_alone);

async fn a_receiver_that_did_not_ask_costs_the_sender_that_message_alone(link: Link) {
    let (mut near, mut far) = link.open(Ancillary::NONE).await;
    let (attached, witnesses) = attached(3);
    near.feed("before").await.unwrap();
    near.feed_with("refused", attached).await.unwrap();
    near.feed("behind").await.unwrap();
    let flushed = near.flush().await;
    let mut expected = vec!["before", "refused", "behind"];
    if can_be_refused() {
        let error = flushed.unwrap_err();
        let ErrorKind::Dropped { length: 7, source } = error.kind() else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::PermissionDenied);
        assert!(!error.is_fatal() && error.to_string().contains("receive_descriptors"), "{error}");
        assert_eq!(near.stats().dropped, 1);
        expected.remove(1);
    }
    for text in expected {
        let message = far.recv().await.unwrap().unwrap();
        assert_eq!(message, text);
        assert!(message.arrival().is_none());
    }
    witnesses.iter().for_each(Witness::expect_closed);
}

over_the_links!(more_than_253_are_refused_with_their_message_and_left_alone);

async fn more_than_253_are_refused_with_their_message_and_left_alone(link: Link) {
    let (mut near, mut far) = link.open(ASKED).await;
    let (mut attached, witnesses) = attached(254);
    let mut message = String::from("too many");
    let refused = near.start_send(Payload::Owned(&mut message), &mut attached).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::NotAttachable { .. }), "{refused}");
    assert!(refused.to_string().contains("253"), "{refused}");
    assert_eq!((message.as_str(), attached.descriptors().len()), ("too many", 254));
    assert!(!witnesses.iter().any(Witness::is_closed));
    near.send("next").await.unwrap();
    expect_with(far.recv().await.unwrap().unwrap(), &[]);
}

/// What no socket of the cell can send is refused by name, and left alone.
fn refused_where_it_cannot_go(cell: Cell) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = crate::support::Directory::new();
        let mut listener = anysock::bind(crate::support::endpoint(cell, &directory)).await.unwrap();
        let mut near = anysock::connect(listener.endpoint()).await.unwrap();
        near.send("hello").await.unwrap();
        let far = listener.accept().await.unwrap();
        let udp = Cell::IPV4_DATAGRAM == cell || Cell::IPV6_DATAGRAM == cell;
        let unix = cell.domain == anysock::Domain::Unix;
        for mut end in [near, far] {
            let (one, witness) = attached(1);
            let all: [(Attached, bool, &str); 4] = [
                (one, unix, "descriptor"),
                (Attached::nothing().traffic_class(1), udp, "traffic class"),
                (Attached::nothing().hop_limit(1), udp, "hop limit"),
                (Attached::nothing().source([127, 0, 0, 1].into()), udp, "source address"),
            ];
            for (mut attached, is_carried, what) in all {
                if is_carried || (unix && cell.kind == anysock::Type::Stream) {
                    continue;
                }
                let refused = end.start_send(Payload::Slice(b"no"), &mut attached).unwrap_err();
                assert!(matches!(refused.kind(), ErrorKind::NotAttachable { .. }));
                let said = refused.to_string();
                assert!(!refused.is_fatal() && said.contains(what), "{said}");
                if cell.kind != anysock::Type::Stream {
                    assert!(said.contains(&cell.to_string()), "{said}");
                }
                assert!(!attached.is_empty());
                assert_eq!(attached.descriptors().is_empty(), witness[0].is_closed());
            }
            if cell == Cell::IPV4_DATAGRAM {
                let mut v6 = Attached::nothing().source("::1".parse().unwrap());
                let refused = end.start_send(Payload::Slice(b"no"), &mut v6).unwrap_err();
                assert!(refused.to_string().contains("IPv6"), "{refused}");
            }
        }
        drop(listener);
        directory.assert_empty();
    });
}

crate::support::over_the_matrix!(refused_where_it_cannot_go);

/// With each message 20 come, and 60 messages wait.
const MANY: (usize, usize) = (20, 60);

#[test]
fn a_seqpacket_connection_holds_the_descriptors_of_one_message() {
    held("a_seqpacket_connection_holds_the_descriptors_of_one_message", || async {
        let (mut near, mut far) = Link::SeqPacket.open(ASKED).await;
        let mut all = Vec::new();
        for _ in 0..MANY.1 {
            let (attached, witnesses) = attached(MANY.0);
            near.send_with("passed", attached).await.unwrap();
            all.push(witnesses);
        }
        let before = open();
        drop(far.recv().await.unwrap().unwrap());
        assert!(open() <= before + 253, "{} were received", open() - before);
        for witnesses in &all[1..] {
            expect_with(far.recv().await.unwrap().unwrap(), witnesses);
        }
        all.iter().flatten().for_each(Witness::expect_closed);
    });
}

#[test]
fn a_datagram_peer_that_does_not_receive_holds_253_at_most() {
    held("a_datagram_peer_that_does_not_receive_holds_253_at_most", || async {
        let (mut near, mut far) = Link::Accepted.open(ASKED).await;
        let mut all = Vec::new();
        for _ in 0..MANY.1 {
            let (attached, witnesses) = attached(MANY.0);
            near.send_with("passed", attached).await.unwrap();
            all.push(witnesses);
        }
        // All were heard once this one was, and the descriptors of 12 find room.
        let kept = 253 / MANY.0;
        for witnesses in &all[kept..] {
            while !witnesses.iter().all(Witness::is_closed) {
                tokio::task::yield_now().await;
            }
        }
        assert!(!all[..kept].iter().flatten().any(Witness::is_closed));
        for witnesses in &all[..kept] {
            expect_with(far.recv().await.unwrap().unwrap(), witnesses);
        }
        assert_eq!(far.stats().dropped, (MANY.1 - kept) as u64);
        near.send("next").await.unwrap();
        assert_eq!(far.recv().await.unwrap().unwrap(), "next");
        // There is room again.
        let (attached, witnesses) = attached(253);
        near.send_with("passed", attached).await.unwrap();
        expect_with(far.recv().await.unwrap().unwrap(), &witnesses);
    });
}

#[tokio::test]
async fn a_datagram_listener_bounds_the_descriptors_of_all_its_peers() {
    let limits = anysock::PeerLimits { descriptors: 5, ..anysock::PeerLimits::default() };
    let mut listener = anysock::bind("unix-dgram:").peer_limits(limits).await.unwrap();
    listener.as_socket().unwrap().socket().ask(ASKED, true).unwrap();
    let mut peers = Vec::new();
    for number in 0..3 {
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let (attached, witnesses) = attached(2);
        client.send_with("hello", attached).await.unwrap();
        // A stranger who brings too many is a peer all the same.
        let peer = listener.accept().await.unwrap();
        if number == 2 {
            crate::links::in_time(witnesses[0].closed()).await;
            assert_eq!(peer.stats().dropped, 1);
        } else {
            assert_eq!(peer.stats().dropped, 0);
            peers.push((peer, witnesses, client));
        }
    }
    let (mut peer, witnesses, _client) = peers.pop().unwrap();
    expect_with(peer.recv().await.unwrap().unwrap(), &witnesses);
    // What it took counts until it comes again, or is gone.
    drop(peer);
    let mut client = anysock::connect(listener.endpoint()).await.unwrap();
    let (attached, witnesses) = attached(3);
    client.send_with("hello", attached).await.unwrap();
    let mut heard = listener.accept().await.unwrap();
    expect_with(heard.recv().await.unwrap().unwrap(), &witnesses);
}

/// How many descriptors this process has open.
fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs a test alone, where nobody else opens descriptors, and sees that none is left.
fn held<F: Future<Output = ()>>(name: &str, test: fn() -> F) {
    if !alone::here() {
        return alone::run_again(&format!("descriptors::{name}"));
    }
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What a process opens once and keeps, for its first runtime, is no leak.
    drop(runtime());
    let before = open();
    runtime().block_on(crate::links::in_time(test()));
    assert_eq!(open(), before);
    let _ = accepted;
}

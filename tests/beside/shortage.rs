//! Descriptors for which there is no room.

use std::fs::File;

use anysock::core::{Outgoing, RecvBatch};
use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{Ancillary, ErrorKind};

use crate::alone;
use crate::links::{Link, Witness, attached, expect_with, in_time};

const ASKED: Ancillary = Ancillary::DESCRIPTORS;

/// Runs a test alone, for it takes all descriptors that there are.
fn short(name: &str, link: Link) {
    if !alone::here() {
        return alone::run_again(&format!("shortage::{name}"));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(in_time(costs_one_message(link)));
}

#[test]
fn seqpacket_at_the_limit_of_open_files_loses_the_message_alone() {
    short("seqpacket_at_the_limit_of_open_files_loses_the_message_alone", Link::SeqPacket);
}

#[test]
fn datagrams_at_the_limit_of_open_files_lose_the_message_alone() {
    short("datagrams_at_the_limit_of_open_files_lose_the_message_alone", Link::Datagram);
}

#[test]
fn accepted_datagrams_at_the_limit_of_open_files_lose_the_message_alone() {
    short("accepted_datagrams_at_the_limit_of_open_files_lose_the_message_alone", Link::Accepted);
}

async fn costs_one_message(link: Link) {
    let (mut near, mut far) = link.open(ASKED).await;
    let (five, lost) = attached(5);
    let (two, kept) = attached(2);
    near.feed_with("lost", five).await.unwrap();
    near.feed("plain").await.unwrap();
    near.feed_with("kept", two).await.unwrap();
    near.flush().await.unwrap();
    let mut files = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        files.push(file);
    }
    files.truncate(files.len() - 2);

    let error = far.recv().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::DescriptorsLost { length: 4, taken: 2 }), "{error}");
    assert!(!error.is_fatal() && error.to_string().contains("RLIMIT_NOFILE"), "{error}");
    // Of those that were taken and of those that were not, none is left.
    lost.iter().for_each(Witness::expect_closed);
    let stats = far.stats();
    assert_eq!((stats.truncated, stats.received), (1, u64::from(link != Link::Datagram)));
    assert_eq!(stats.closed_descriptors, 2);

    // To look at them takes one descriptor more.
    files.truncate(files.len() - 2);
    assert_eq!(far.recv().await.unwrap().unwrap(), "plain");
    expect_with(far.recv().await.unwrap().unwrap(), &kept);
    kept.iter().for_each(Witness::expect_closed);
}

#[tokio::test]
async fn descriptors_that_are_no_longer_asked_for_are_closed_and_their_message_arrives() {
    for kind in ["unix-seqpacket:", "unix-dgram:"] {
        let mut listener = anysock::bind(kind).await.unwrap();
        let socket = |listener: &anysock::Listener, on| {
            listener.as_socket().unwrap().socket().ask(ASKED, on).unwrap();
        };
        socket(&listener, true);
        let mut near = anysock::connect(listener.endpoint()).await.unwrap();
        let (attached, witnesses) = attached(3);
        near.send_with("passed", attached).await.unwrap();
        // Nobody has read yet: the reader of datagrams is another task of this thread.
        socket(&listener, false);
        let mut far = match kind {
            "unix-seqpacket:" => {
                let far = listener.accept().await.unwrap();
                far.as_socket().unwrap().ask(ASKED, false).unwrap();
                far
            }
            _ => listener.accept().await.unwrap(),
        };
        let message = far.recv().await.unwrap().unwrap();
        assert_eq!(message, "passed");
        assert!(message.arrival().is_none());
        witnesses.iter().for_each(Witness::expect_closed);
    }
}

#[tokio::test]
async fn a_batch_closes_descriptors_and_says_so() {
    let (near, far) = DatagramSocket::pair().unwrap();
    far.socket().ask(ASKED, true).unwrap();
    for count in [1, 4, 5, 100] {
        let (attached, witnesses) = attached(count);
        let with = Outgoing::default().with_attached(&attached);
        near.send_with(b"passed", &with).await.unwrap();
        near.send(b"plain").await.unwrap();
        drop(attached);
        let mut batch = RecvBatch::new();
        assert_eq!(in_time(far.recv_batch(&mut batch, 100, 32)).await.unwrap(), 2);
        let mut one = batch.next().unwrap();
        let along = one.along();
        assert_eq!((one.bytes(), along.descriptors.len()), (&b"passed"[..], 0));
        assert!(along.control_truncated);
        assert!(!batch.next().unwrap().along().control_truncated);
        witnesses.iter().for_each(Witness::expect_closed);
    }
}

#[tokio::test]
async fn a_batch_that_is_not_looked_at_leaves_no_descriptor_open() {
    let (near, far) = DatagramSocket::pair().unwrap();
    far.socket().ask(ASKED, true).unwrap();
    let (attached, witnesses) = attached(3);
    let with = Outgoing::default().with_attached(&attached);
    near.send_with(b"passed", &with).await.unwrap();
    drop(attached);
    let mut batch = RecvBatch::new();
    assert_eq!(in_time(far.recv_batch(&mut batch, 100, 32)).await.unwrap(), 1);
    drop(batch);
    witnesses.iter().for_each(Witness::expect_closed);
}

//! Sockets of which somebody else has asked for more than this side did, before they were handed
//! over: systemd's `Timestamping=`, for one.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anysock::core::{Outgoing, Socket, Type, UnixAddr};
use anysock::prelude::*;
use anysock::{Cell, Connection, Gate};

use crate::links::in_time;

fn adopted(socket: Socket) -> Connection {
    anysock::adopt(OwnedFd::from(socket)).connection().unwrap()
}

#[tokio::test]
async fn an_empty_message_is_none_the_less_one_where_times_come_along_unasked() {
    let (near, far) = Socket::pair(Type::SeqPacket).unwrap();
    far.set_receive_timestamp(true).unwrap();
    let (mut near, mut far) = (adopted(near), adopted(far));
    for message in ["", "one", "", ""] {
        near.feed(message).await.unwrap();
    }
    near.flush().await.unwrap();
    for message in ["", "one", "", ""] {
        assert_eq!(in_time(far.recv()).await.unwrap().unwrap(), message);
    }
    drop(near);
    assert!(in_time(far.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn an_empty_message_is_one_where_times_are_asked_for_behind_the_librarys_back() {
    let (near, far) = Socket::pair(Type::SeqPacket).unwrap();
    let same = far.try_clone().unwrap();
    let far = anysock::sockets::SeqPacketSocket::new(far).unwrap();
    let (mut near, mut far) = (adopted(near), anysock::Packets::new(far));
    same.set_receive_timestamp(true).unwrap();
    near.send("").await.unwrap();
    assert_eq!(in_time(far.recv()).await.unwrap().unwrap(), "");
    drop(near);
    assert!(in_time(far.recv()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_gate_knows_who_sends_where_times_come_along_unasked() {
    let made = Socket::open(Cell::UNIX_DATAGRAM).unwrap();
    made.bind(&UnixAddr::Unnamed.into()).unwrap();
    made.set_receive_timestamp(true).unwrap();
    let mut listener = anysock::adopt(OwnedFd::from(made)).listen().unwrap();
    let own = std::process::id();
    listener.allow(Gate::nobody().when(move |peer| peer.pid == Some(own))).unwrap();
    let mut client = anysock::connect(listener.endpoint()).await.unwrap();
    client.send("hello").await.unwrap();
    let mut peer = in_time(listener.accept()).await.unwrap();
    assert_eq!(in_time(peer.recv()).await.unwrap().unwrap(), "hello");
    assert_eq!(listener.stats().refused, 0);
}

/// On a thread of its own nothing else is received, which would close them.
#[tokio::test]
async fn descriptors_that_nobody_asked_for_are_closed_with_their_message() {
    let (near, far) = Socket::pair(Type::SeqPacket).unwrap();
    let mut far = adopted(far);
    let (passed, mut other) = UnixStream::pair().unwrap();
    let passed = [OwnedFd::from(passed)];
    let mut with = Outgoing::default();
    with.descriptors = &passed;
    near.send_message(&[std::io::IoSlice::new(b"hello")], &with).unwrap();
    drop(passed);
    assert_eq!(in_time(far.recv()).await.unwrap().unwrap(), "hello");
    other.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    assert_eq!(other.read(&mut [0]).expect("it is still open"), 0);
}

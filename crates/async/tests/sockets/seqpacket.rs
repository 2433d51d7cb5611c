//! Seqpacket sockets: empty messages, the end, and the reset that comes too early.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;

use anysock_async::{Packet, SeqPacketSocket};
use anysock_core::Shutdown;

use crate::fixture::{poll_once, within};

#[tokio::test]
async fn unix_seqpacket_tells_empty_messages_from_the_end() {
    let (mut near, far) = SeqPacketSocket::pair().unwrap();
    for message in ["", "one", "", ""] {
        far.send(message.as_bytes()).await.unwrap();
    }
    far.shutdown_now(Shutdown::Write).unwrap();
    within(async {
        let mut buffer = [0; 8];
        assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, 0);
        assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, 3);
        assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, 0);
        let last = poll_fn(|cx| near.poll_recv_packet(cx, 8)).await.unwrap();
        assert!(matches!(last, Some(Packet::Message(message)) if message.is_empty()));
        for _ in 0..3 {
            assert!(near.recv(&mut buffer).await.unwrap().is_none());
            assert!(poll_fn(|cx| near.poll_recv_packet(cx, 8)).await.unwrap().is_none());
        }
    })
    .await;
}

#[tokio::test]
async fn unix_seqpacket_delivers_queued_messages_before_reset() {
    let (near, far) = SeqPacketSocket::pair().unwrap();
    near.send(b"unread").await.unwrap();
    for message in ["one", "", "three"] {
        far.send(message.as_bytes()).await.unwrap();
    }
    drop(far);
    within(async {
        let mut buffer = [0; 8];
        for length in [3, 0, 5] {
            assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, length);
        }
        for _ in 0..2 {
            let end = near.recv(&mut buffer).await.unwrap_err();
            assert_eq!(end.kind(), ErrorKind::ConnectionReset);
        }
    })
    .await;
}

#[tokio::test]
async fn unix_seqpacket_reports_after_the_messages_a_reset_that_a_send_met() {
    let (near, far) = SeqPacketSocket::pair().unwrap();
    near.send(b"unread").await.unwrap();
    far.send(b"final reply").await.unwrap();
    drop(far);
    let (mut receiving, mut sending) = near.into_split();
    within(async {
        for _ in 0..2 {
            poll_fn(|cx| sending.poll_send(cx, b"too late")).await.unwrap_err();
        }
        let reply = poll_fn(|cx| receiving.poll_recv_packet(cx, 16)).await.unwrap();
        assert!(matches!(reply, Some(Packet::Message(message)) if message == "final reply"));
        for _ in 0..2 {
            poll_fn(|cx| receiving.poll_recv_packet(cx, 16)).await.unwrap_err();
        }
    })
    .await;
}

#[tokio::test]
async fn unix_seqpacket_reports_a_truncated_message_and_goes_on() {
    let (mut near, far) = SeqPacketSocket::pair().unwrap();
    far.send(b"too long").await.unwrap();
    far.send(b"short").await.unwrap();
    let packet = within(poll_fn(|cx| near.poll_recv_packet(cx, 5))).await.unwrap();
    assert!(matches!(packet, Some(Packet::Truncated { length: 8 })));
    let packet = within(poll_fn(|cx| near.poll_recv_packet(cx, 5))).await.unwrap();
    assert!(matches!(packet, Some(Packet::Message(message)) if message == "short"));
}

#[tokio::test]
async fn unix_seqpacket_takes_the_largest_message_and_refuses_a_longer_one() {
    let (near, far) = SeqPacketSocket::pair().unwrap();
    let most = near.max_message().unwrap();
    let message = vec![7; most + 1];
    let refused = near.send(&message).await.unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(libc::EMSGSIZE));
    near.send(&message[..most]).await.unwrap();
    let mut buffer = vec![0; most + 1];
    assert_eq!(within(far.recv(&mut buffer)).await.unwrap().unwrap().length, most);
}

#[tokio::test]
async fn unix_seqpacket_loses_nothing_to_a_dropped_future() {
    let (near, far) = SeqPacketSocket::pair().unwrap();
    let mut buffer = [0; 8];
    assert!(poll_once(pin!(near.recv(&mut buffer))).await.is_pending());
    far.send(b"kept").await.unwrap();
    assert_eq!(within(near.recv(&mut buffer)).await.unwrap().unwrap().length, 4);
    // A send that was blocked and dropped has sent nothing.
    let mut sent = 0;
    while poll_once(pin!(far.send(b"filler"))).await.is_ready() {
        sent += 1;
        tokio::task::yield_now().await;
    }
    drop(far);
    for _ in 0..sent {
        assert_eq!(within(near.recv(&mut buffer)).await.unwrap().unwrap().length, 6);
    }
    assert!(within(near.recv(&mut buffer)).await.unwrap().is_none());
}

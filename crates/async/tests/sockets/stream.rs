//! Stream sockets: half close, halves, and vectored writes.

use std::io::{ErrorKind, IoSlice, Write};

use anysock_async::{Accepted, Connected, PeerLimits, StreamSocket};
use anysock_core::{Cell, Outgoing, Shutdown, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::fixture::{bind, connect};

async fn pair(cell: Cell) -> (StreamSocket, StreamSocket) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let connected = connect(cell.kind, &listener.local_addr().unwrap()).await.unwrap();
    let Connected::Stream(near) = connected else { unreachable!() };
    let Accepted::Stream(far) = listener.accept().await.unwrap() else { unreachable!() };
    (near, far)
}

async fn half_close_lets_the_other_direction_go_on(cell: Cell) {
    let (mut near, mut far) = pair(cell).await;
    near.write_all(b"question").await.unwrap();
    near.shutdown().await.unwrap();
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "question");
    far.write_all(b"answer").await.unwrap();
    drop(far);
    text.clear();
    near.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "answer");
    // Once the peer is gone there is nothing left to end, which is no error.
    near.shutdown().await.unwrap();
}

per_cell! { half_close_lets_the_other_direction_go_on {
    unix_stream_half_close_lets_the_other_direction_go_on => UNIX_STREAM,
    ipv4_stream_half_close_lets_the_other_direction_go_on => IPV4_STREAM,
    ipv6_stream_half_close_lets_the_other_direction_go_on => IPV6_STREAM,
} }

async fn a_blocked_half_does_not_stop_the_other(cell: Cell) {
    let (near, far) = pair(cell).await;
    let (mut receiving, mut sending) = near.into_split();
    let (mut far_receiving, mut far_sending) = far.into_split();
    let big = vec![7; 16 << 20];
    let blocked = tokio::spawn(async move {
        sending.write_all(&big).await.unwrap();
        sending.shutdown().await.unwrap();
    });
    for _ in 0..100 {
        far_sending.write_all(b"x").await.unwrap();
        assert_eq!(receiving.read(&mut [0; 8]).await.unwrap(), 1);
    }
    assert!(!blocked.is_finished());
    let mut all = Vec::new();
    far_receiving.read_to_end(&mut all).await.unwrap();
    assert_eq!(all.len(), 16 << 20);
    blocked.await.unwrap();
}

per_cell! { a_blocked_half_does_not_stop_the_other {
    unix_stream_a_blocked_half_does_not_stop_the_other => UNIX_STREAM,
    ipv4_stream_a_blocked_half_does_not_stop_the_other => IPV4_STREAM,
    ipv6_stream_a_blocked_half_does_not_stop_the_other => IPV6_STREAM,
} }

async fn writes_slices_in_one_go(cell: Cell) {
    let (mut near, mut far) = pair(cell).await;
    assert!(near.is_write_vectored());
    let slices = [IoSlice::new(b"head "), IoSlice::new(b""), IoSlice::new(b"tail")];
    assert_eq!(near.write_vectored(&slices).await.unwrap(), 9);
    near.shutdown_now(Shutdown::Write).unwrap();
    let mut text = String::new();
    far.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "head tail");
}

per_cell! { writes_slices_in_one_go {
    unix_stream_writes_slices_in_one_go => UNIX_STREAM,
    ipv4_stream_writes_slices_in_one_go => IPV4_STREAM,
    ipv6_stream_writes_slices_in_one_go => IPV6_STREAM,
} }

async fn reads_data_before_a_reset(cell: Cell) {
    let (mut near, mut far) = pair(cell).await;
    near.write_all(b"unread").await.unwrap();
    far.write_all(b"data").await.unwrap();
    far.read_exact(&mut [0; 1]).await.unwrap();
    drop(far);
    let mut buffer = [0; 8];
    assert_eq!(near.read(&mut buffer).await.unwrap(), 4);
    assert_eq!(near.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

per_cell! { reads_data_before_a_reset {
    unix_stream_reads_data_before_a_reset => UNIX_STREAM,
    ipv4_stream_reads_data_before_a_reset => IPV4_STREAM,
    ipv6_stream_reads_data_before_a_reset => IPV6_STREAM,
} }

/// Passes a descriptor from one end.
fn pass_descriptor(from: &StreamSocket) -> std::io::Result<usize> {
    let descriptors = [std::fs::File::open("/dev/null")?.into()];
    let mut with = Outgoing::default();
    with.descriptors = &descriptors;
    from.socket().send_message(&[IoSlice::new(b"x")], &with)
}

#[tokio::test]
async fn a_stream_that_nobody_asked_to_take_descriptors_has_the_kernel_refuse_them() {
    let (plain, _) = Socket::pair(Type::Stream).unwrap();
    if !plain.set_pass_descriptors(false).unwrap() {
        // Not by a macro that the test harness captures.
        let _ = writeln!(std::io::stderr(), "skipped: this kernel knows no SO_PASSRIGHTS");
        return;
    }
    for (near, far) in [StreamSocket::pair().unwrap(), pair(Cell::UNIX_STREAM).await] {
        for from in [&near, &far] {
            let error = pass_descriptor(from).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        }
    }
}

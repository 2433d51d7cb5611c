//! When a socket is registered with the reactor, and what that takes.

use std::os::fd::{AsFd, AsRawFd};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anysock_async::{Accepted, Connected, PeerLimits, SeqPacketSocket, StreamSocket};
use anysock_core::RecvBlock;
use anysock_core::{Cell, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fixture::{bind, connect, poll_once, within};

/// Whether any reactor of this process watches `socket`, as proc(5) tells: by the inode, since the
/// number may also have been that of a descriptor whose duplicate is watched still.
fn is_watched(socket: &impl AsFd) -> bool {
    let number = socket.as_fd().as_raw_fd();
    let link = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap();
    let inode = link.to_str().and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']'));
    let inode: u64 = inode.unwrap().parse().unwrap();
    let told = format!("ino:{inode:x} ");
    let open = std::fs::read_dir("/proc/self/fdinfo").unwrap();
    // Descriptors of other tests come and go meanwhile.
    open.filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .any(|info| info.lines().any(|line| line.starts_with("tfd:") && line.contains(&told)))
}

#[test]
fn an_unsplit_connection_is_no_larger_than_a_cache_line() {
    assert!(size_of::<StreamSocket>() <= 64);
    assert!(size_of::<SeqPacketSocket>() <= 64);
}

#[tokio::test]
async fn a_connection_that_never_waits_is_never_registered() {
    within(async {
        let mut listener = bind(Cell::UNIX_STREAM, &PeerLimits::default()).await;
        let addr = listener.local_addr().unwrap();
        let Connected::Stream(mut near) = connect(Type::Stream, &addr).await.unwrap() else {
            unreachable!()
        };
        near.write_all(b"one message").await.unwrap();
        near.shutdown().await.unwrap();
        let Accepted::Stream(mut far) = listener.accept().await.unwrap() else { unreachable!() };
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one message");
        assert!(!is_watched(&near));
        assert!(!is_watched(&far));
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_registered_when_it_first_waits() {
    within(async {
        let (mut near, mut far) = StreamSocket::pair().unwrap();
        assert!(!is_watched(&near));
        assert!(poll_once(pin!(near.read(&mut [0; 8]))).await.is_pending());
        assert!(is_watched(&near));
        far.write_all(b"hello").await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(near.read(&mut buffer).await.unwrap(), 5);
        // The writer has waited for nothing.
        assert!(!is_watched(&far));
    })
    .await;
}

#[tokio::test]
async fn halves_that_wait_at_the_same_time_register_once() {
    within(async {
        let (near, far) = StreamSocket::pair().unwrap();
        let (mut receiving, mut sending) = near.into_split();
        let big = vec![7; 4 << 20];
        let writing = tokio::spawn(async move { sending.write_all(&big).await });
        let reading = tokio::spawn(async move { receiving.read(&mut [0; 8]).await });
        let (mut far_receiving, mut far_sending) = far.into_split();
        far_receiving.read_exact(&mut vec![0; 4 << 20]).await.unwrap();
        far_sending.write_all(b"hello").await.unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(reading.await.unwrap().unwrap(), 5);
    })
    .await;
}

#[test]
fn waiting_outside_of_a_runtime_is_an_error_that_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mut near, _far) = runtime.block_on(async { StreamSocket::pair() }).unwrap();
    let mut cx = Context::from_waker(Waker::noop());
    let mut block = RecvBlock::new();
    block.reserve(8).unwrap();
    let Poll::Ready(Err(error)) = near.poll_recv_block(&mut cx, &mut block, 8) else {
        panic!("it waits for nobody");
    };
    assert!(error.to_string().contains("tokio runtime"), "{error}");
}

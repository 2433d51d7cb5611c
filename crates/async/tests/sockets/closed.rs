//! Waiting until the peer is gone, beside whoever reads and writes.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use anysock_async::{
    Accepted, Closed, Connected, Departure, Packet, PeerLimits, SeqPacketRecv, SeqPacketSend,
    StreamRecv, StreamSend,
};
use anysock_core::{Cell, Domain, RecvBlock, Shutdown, Socket};
use tokio::io::AsyncWrite;

use crate::fixture::{bind, client, connect, poll_once, within};

/// A connection in halves.
struct Near {
    halves: Halves,
    duplicate: Socket,
}

enum Halves {
    Stream(StreamRecv, StreamSend),
    SeqPacket(SeqPacketRecv, SeqPacketSend),
}

impl Near {
    /// A connection, and its far end without a runtime.
    async fn new(cell: Cell) -> (Self, Socket) {
        let mut listener = bind(cell, &PeerLimits::default()).await;
        let at = listener.local_addr().unwrap();
        let (duplicate, halves) = match connect(cell.kind, &at).await.unwrap() {
            Connected::Stream(socket) => {
                let duplicate = socket.socket().try_clone();
                let (receiving, sending) = socket.into_split();
                (duplicate, Halves::Stream(receiving, sending))
            }
            Connected::SeqPacket(socket) => {
                let duplicate = socket.socket().try_clone();
                let (receiving, sending) = socket.into_split();
                (duplicate, Halves::SeqPacket(receiving, sending))
            }
            Connected::Datagram(_) => unreachable!("it has no connection"),
        };
        let far = match listener.accept().await.unwrap() {
            Accepted::Stream(socket) => socket.socket().try_clone(),
            Accepted::SeqPacket(socket) => socket.socket().try_clone(),
            Accepted::Peer(_) => unreachable!("it has no connection"),
        };
        (Self { halves, duplicate: duplicate.unwrap() }, far.unwrap())
    }

    fn closed(&self) -> Closed {
        match &self.halves {
            Halves::Stream(receiving, _) => receiving.closed().unwrap(),
            Halves::SeqPacket(receiving, _) => receiving.closed().unwrap(),
        }
    }

    fn closed_of_sending(&self) -> Closed {
        match &self.halves {
            Halves::Stream(_, sending) => sending.closed().unwrap(),
            Halves::SeqPacket(_, sending) => sending.closed().unwrap(),
        }
    }

    /// What comes, as text; nothing at the end.
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<Option<String>>> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match &mut self.halves {
            Halves::Stream(receiving, _) => {
                let mut block = RecvBlock::new();
                block.reserve(64).unwrap();
                let read = receiving.poll_recv_block(cx, &mut block, 64);
                read.map_ok(|length| (length > 0).then(|| text(block.unread())))
            }
            Halves::SeqPacket(receiving, _) => {
                let packet = receiving.poll_recv_packet(cx, 64);
                packet.map_ok(|packet| match packet? {
                    Packet::Message(message) => Some(text(&message)),
                    lost => unreachable!("it was short: {lost:?}"),
                })
            }
        }
    }

    async fn recv(&mut self) -> std::io::Result<Option<String>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    async fn send(&mut self, message: &[u8]) {
        let sent = poll_fn(|cx| match &mut self.halves {
            Halves::Stream(_, sending) => Pin::new(sending).poll_write(cx, message).map_ok(drop),
            Halves::SeqPacket(_, sending) => sending.poll_send(cx, message),
        });
        sent.await.unwrap();
    }
}

/// How a peer that closes has gone, as far as the cell tells.
fn departure(cell: Cell) -> Departure {
    if cell.domain == Domain::Unix { Departure::HungUp } else { Departure::Ended }
}

async fn resolves_with_data_unread_and_again_for_who_asks_later(cell: Cell) {
    let (mut near, far) = Near::new(cell).await;
    let mut closed = near.closed();
    assert!(poll_once(Pin::new(&mut closed)).await.is_pending());
    far.send(b"unread").unwrap();
    assert!(poll_once(Pin::new(&mut closed)).await.is_pending());
    drop(far);
    assert_eq!(closed.await, departure(cell));
    assert_eq!(near.closed().await, departure(cell));
    assert_eq!(near.closed_of_sending().await, departure(cell));
    assert_eq!(near.recv().await.unwrap().as_deref(), Some("unread"));
    assert_eq!(near.recv().await.unwrap(), None);
    assert_eq!(near.closed().await, departure(cell));
}

per_cell! { resolves_with_data_unread_and_again_for_who_asks_later {
    unix_stream_closed_resolves_with_data_unread_and_again_for_who_asks_later => UNIX_STREAM,
    unix_seqpacket_closed_resolves_with_data_unread_and_again_for_who_asks_later => UNIX_SEQPACKET,
    ipv4_stream_closed_resolves_with_data_unread_and_again_for_who_asks_later => IPV4_STREAM,
    ipv6_stream_closed_resolves_with_data_unread_and_again_for_who_asks_later => IPV6_STREAM,
} }

/// How often a task was woken.
#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn woken(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

async fn leaves_the_reader_its_waker_and_is_not_woken_by_data(cell: Cell) {
    let (mut near, far) = Near::new(cell).await;
    let [reader, watcher] = [(); 2].map(|()| Arc::new(Count::default()));
    let [reading, watching] = [&reader, &watcher].map(|count| Waker::from(Arc::clone(count)));
    let (mut reading, mut watching) =
        (Context::from_waker(&reading), Context::from_waker(&watching));
    let mut closed = near.closed();
    for round in 1..=3 {
        // Either may come first.
        if round % 2 == 0 {
            assert!(Pin::new(&mut closed).poll(&mut watching).is_pending());
        }
        assert!(near.poll_recv(&mut reading).is_pending());
        if round % 2 == 1 {
            assert!(Pin::new(&mut closed).poll(&mut watching).is_pending());
        }
        far.send(b"data").unwrap();
        while reader.woken() < round {
            tokio::task::yield_now().await;
        }
        assert!(
            matches!(near.poll_recv(&mut reading), Poll::Ready(Ok(Some(text))) if text == "data")
        );
        assert_eq!(watcher.woken(), 0, "woken by data");
    }
    assert!(near.poll_recv(&mut reading).is_pending());
    drop(far);
    while reader.woken() < 4 || watcher.woken() < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(closed.await, departure(cell));
    assert_eq!(near.recv().await.unwrap(), None);
}

per_cell! { leaves_the_reader_its_waker_and_is_not_woken_by_data {
    unix_stream_closed_leaves_the_reader_its_waker_and_is_not_woken_by_data => UNIX_STREAM,
    unix_seqpacket_closed_leaves_the_reader_its_waker_and_is_not_woken_by_data => UNIX_SEQPACKET,
    ipv4_stream_closed_leaves_the_reader_its_waker_and_is_not_woken_by_data => IPV4_STREAM,
    ipv6_stream_closed_leaves_the_reader_its_waker_and_is_not_woken_by_data => IPV6_STREAM,
} }

async fn tells_a_half_close_from_a_close_where_the_kernel_does(cell: Cell) {
    let (mut near, far) = Near::new(cell).await;
    let (mut closed, mut past) = (near.closed(), near.closed().past_half_close());
    assert!(poll_once(Pin::new(&mut past)).await.is_pending());
    far.shutdown(Shutdown::Write).unwrap();
    assert_eq!(near.recv().await.unwrap(), None);
    if cell.domain == Domain::Unix {
        assert!(poll_once(Pin::new(&mut closed)).await.is_pending());
    } else {
        assert_eq!((&mut closed).await, Departure::Ended);
    }
    assert!(poll_once(Pin::new(&mut past)).await.is_pending());
    // The peer reads the replies, and is still there.
    near.send(b"reply").await;
    let mut buffer = [0; 8];
    while far.recv(&mut buffer).is_err() {
        tokio::task::yield_now().await;
    }
    assert!(poll_once(Pin::new(&mut past)).await.is_pending());
    drop(far);
    if cell.domain != Domain::Unix {
        // Nothing tells that a peer who has ended has closed as well, until he is sent something.
        assert!(poll_once(Pin::new(&mut past)).await.is_pending());
        near.send(b"still there?").await;
    }
    assert_eq!(past.await, Departure::HungUp);
    if cell.domain == Domain::Unix {
        assert_eq!(closed.await, Departure::HungUp);
    }
}

per_cell! { tells_a_half_close_from_a_close_where_the_kernel_does {
    unix_stream_closed_does_not_resolve_on_a_half_close => UNIX_STREAM,
    unix_seqpacket_closed_does_not_resolve_on_a_half_close => UNIX_SEQPACKET,
    ipv4_stream_closed_resolves_on_a_half_close_which_looks_like_a_close => IPV4_STREAM,
    ipv6_stream_closed_resolves_on_a_half_close_which_looks_like_a_close => IPV6_STREAM,
} }

async fn resolves_on_a_reset(cell: Cell) {
    let (mut near, far) = Near::new(cell).await;
    let closed = near.closed();
    near.send(b"never read").await;
    while far.unread_bytes().unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    drop(far);
    assert_eq!(closed.await, Departure::HungUp);
    assert_eq!(near.recv().await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

per_cell! { resolves_on_a_reset {
    unix_stream_closed_resolves_on_a_reset => UNIX_STREAM,
    unix_seqpacket_closed_resolves_on_a_reset => UNIX_SEQPACKET,
    ipv4_stream_closed_resolves_on_a_reset => IPV4_STREAM,
    ipv6_stream_closed_resolves_on_a_reset => IPV6_STREAM,
} }

async fn resolves_when_a_duplicate_shuts_both_directions_down(cell: Cell) {
    let (near, _far) = Near::new(cell).await;
    let duplicate = &near.duplicate;
    let mut closed = near.closed();
    assert!(poll_once(Pin::new(&mut closed)).await.is_pending());
    duplicate.shutdown(Shutdown::Read).unwrap();
    for _ in 0..3 {
        tokio::task::yield_now().await;
        assert!(poll_once(Pin::new(&mut closed)).await.is_pending(), "the peer is still there");
    }
    duplicate.shutdown(Shutdown::Write).unwrap();
    assert_eq!(closed.await, Departure::HungUp);
}

per_cell! { resolves_when_a_duplicate_shuts_both_directions_down {
    unix_stream_closed_resolves_when_a_duplicate_shuts_both_directions_down => UNIX_STREAM,
    unix_seqpacket_closed_resolves_when_a_duplicate_shuts_both_directions_down => UNIX_SEQPACKET,
    ipv4_stream_closed_resolves_when_a_duplicate_shuts_both_directions_down => IPV4_STREAM,
    ipv6_stream_closed_resolves_when_a_duplicate_shuts_both_directions_down => IPV6_STREAM,
} }

async fn keeps_no_connection_open_that_this_side_has_dropped(cell: Cell) {
    let (near, far) = Near::new(cell).await;
    let (mut polled, never_polled) = (near.closed(), near.closed());
    assert!(poll_once(Pin::new(&mut polled)).await.is_pending());
    let polled = tokio::spawn(polled);
    drop(near);
    // Both are still held, and the peer sees the end.
    let mut buffer = [0; 8];
    let end = loop {
        match far.recv(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => tokio::task::yield_now().await,
            end => break end.unwrap(),
        }
    };
    assert_eq!(end, 0);
    assert_eq!(polled.await.unwrap(), Departure::Dropped);
    assert_eq!(never_polled.await, Departure::Dropped);
}

per_cell! { keeps_no_connection_open_that_this_side_has_dropped {
    unix_stream_closed_keeps_no_connection_open_that_this_side_has_dropped => UNIX_STREAM,
    unix_seqpacket_closed_keeps_no_connection_open_that_this_side_has_dropped => UNIX_SEQPACKET,
    ipv4_stream_closed_keeps_no_connection_open_that_this_side_has_dropped => IPV4_STREAM,
    ipv6_stream_closed_keeps_no_connection_open_that_this_side_has_dropped => IPV6_STREAM,
} }

async fn wakes_everybody_who_waits(cell: Cell) {
    let (near, far) = Near::new(cell).await;
    let given_up = near.closed();
    let waiting: Vec<_> = (0..5).map(|_| tokio::spawn(near.closed())).collect();
    let mut dropped = near.closed();
    assert!(poll_once(Pin::new(&mut dropped)).await.is_pending());
    tokio::task::yield_now().await;
    drop((dropped, given_up));
    drop(far);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), departure(cell));
    }
}

per_cell! { wakes_everybody_who_waits {
    unix_stream_closed_wakes_everybody_who_waits => UNIX_STREAM,
    unix_seqpacket_closed_wakes_everybody_who_waits => UNIX_SEQPACKET,
    ipv4_stream_closed_wakes_everybody_who_waits => IPV4_STREAM,
    ipv6_stream_closed_wakes_everybody_who_waits => IPV6_STREAM,
} }

/// How many descriptors of this process are the socket.
fn descriptors(socket: &Socket) -> usize {
    let link = |number: &str| std::fs::read_link(format!("/proc/self/fd/{number}"));
    let inode = link(&socket.as_raw_fd().to_string()).unwrap();
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        // Descriptors of other tests come and go meanwhile.
        link(name.to_str().unwrap()).is_ok_and(|other| other == inode)
    })
    .count()
}

async fn takes_one_descriptor_while_somebody_waits(cell: Cell) {
    let (near, _far) = Near::new(cell).await;
    let duplicate = &near.duplicate;
    assert_eq!(descriptors(duplicate), 2);
    let (one, two) = (near.closed(), near.closed_of_sending());
    assert_eq!(descriptors(duplicate), 3);
    drop(one);
    assert_eq!(descriptors(duplicate), 3);
    drop(two);
    assert_eq!(descriptors(duplicate), 2);
    drop(near.closed());
    assert_eq!(descriptors(duplicate), 2);
}

per_cell! { takes_one_descriptor_while_somebody_waits {
    unix_stream_closed_takes_one_descriptor_while_somebody_waits => UNIX_STREAM,
    unix_seqpacket_closed_takes_one_descriptor_while_somebody_waits => UNIX_SEQPACKET,
    ipv4_stream_closed_takes_one_descriptor_while_somebody_waits => IPV4_STREAM,
    ipv6_stream_closed_takes_one_descriptor_while_somebody_waits => IPV6_STREAM,
} }

async fn is_refused(cell: Cell) {
    let listener = bind(cell, &PeerLimits::default()).await;
    let error = client(&listener).await.closed().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains(&cell.to_string()), "{error}");
}

per_cell! { is_refused {
    unix_datagram_closed_is_refused => UNIX_DATAGRAM,
    ipv4_datagram_closed_is_refused => IPV4_DATAGRAM,
    ipv6_datagram_closed_is_refused => IPV6_DATAGRAM,
} }

#[test]
fn a_runtime_that_ends_is_no_reason_to_wait_for_ever() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (one, other) = (runtime(), runtime());
    let (near, _far) = other.block_on(within(Near::new(Cell::UNIX_STREAM)));
    let guard = other.enter();
    let closed = near.closed();
    drop(guard);
    let waiting = one.spawn(closed);
    one.block_on(tokio::task::yield_now());
    drop(other);
    assert_eq!(one.block_on(within(waiting)).unwrap(), Departure::Dropped);
}

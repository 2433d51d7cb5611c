//! Trying again for a while before waiting.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use anysock_async::{
    DatagramSocket, LONGEST_BUSY_POLL, Packet, PeerLimits, SeqPacketSocket, StreamSocket,
};
use anysock_core::RecvBlock;
use anysock_core::{Cell, Type};
use tokio::io::AsyncWriteExt;

use crate::fixture::{bind, fresh};

/// A socket that polls busily, and its far end.
enum Ends {
    Stream(StreamSocket, StreamSocket),
    Datagram(DatagramSocket, DatagramSocket),
    SeqPacket(SeqPacketSocket, SeqPacketSocket),
}

impl Ends {
    async fn new(cell: Cell) -> Self {
        let ends = match cell.kind {
            Type::Stream => {
                let (near, far) = StreamSocket::pair().unwrap();
                Self::Stream(near, far)
            }
            Type::SeqPacket => {
                let (near, far) = SeqPacketSocket::pair().unwrap();
                Self::SeqPacket(near, far)
            }
            Type::Datagram => {
                let bound = || DatagramSocket::bind(&fresh(cell.domain), &Default::default());
                let (near, far) = (bound().unwrap(), bound().unwrap());
                near.connect(&far.local_addr().unwrap()).unwrap();
                far.connect(&near.local_addr().unwrap()).unwrap();
                Self::Datagram(near, far)
            }
        };
        match &ends {
            Self::Stream(near, _) => near.set_busy_poll(LONGEST_BUSY_POLL),
            Self::Datagram(near, _) => near.set_busy_poll(LONGEST_BUSY_POLL),
            Self::SeqPacket(near, _) => near.set_busy_poll(LONGEST_BUSY_POLL),
        }
        .unwrap();
        ends
    }

    async fn send(&mut self, text: &str) {
        match self {
            Self::Stream(_, far) => far.write_all(text.as_bytes()).await.unwrap(),
            Self::Datagram(_, far) => far.send(text.as_bytes()).await.unwrap(),
            Self::SeqPacket(_, far) => far.send(text.as_bytes()).await.unwrap(),
        }
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<String> {
        let packet = match self {
            Self::Stream(near, _) => {
                let mut block = RecvBlock::new();
                block.reserve(64).unwrap();
                let read = near.poll_recv_block(cx, &mut block, 64);
                return read.map(|_| String::from_utf8(block.unread().to_vec()).unwrap());
            }
            Self::Datagram(near, _) => near.poll_recv_packet(cx, 64),
            Self::SeqPacket(near, _) => near.poll_recv_packet(cx, 64),
        };
        packet.map(|packet| match packet.unwrap().unwrap() {
            Packet::Message(message) => String::from_utf8(message.to_vec()).unwrap(),
            _ => unreachable!(),
        })
    }

    async fn recv(&mut self) -> String {
        std::future::poll_fn(|cx| self.poll_recv(cx)).await
    }
}

#[derive(Debug, Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Polls for as long as each turn asks for the next one; how often that was.
fn poll_until_parked(ends: &mut Ends) -> usize {
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    let mut turns = 0;
    loop {
        assert!(ends.poll_recv(&mut Context::from_waker(&waker)).is_pending());
        if count.0.load(Ordering::Relaxed) == turns {
            return turns;
        }
        turns += 1;
        assert_eq!(count.0.load(Ordering::Relaxed), turns, "one wake a turn");
    }
}

async fn tries_again_for_a_while_and_parks(cell: Cell) {
    let mut ends = Ends::new(cell).await;
    for _ in 0..3 {
        // tokio's budget is not what ends it.
        let parked = tokio::task::unconstrained(async { poll_until_parked(&mut ends) });
        assert!(parked.await > 0);
        assert_eq!(poll_until_parked(&mut ends), 0, "it was parked");
        ends.send("after it was parked").await;
        assert_eq!(ends.recv().await, "after it was parked");
    }
}

per_cell! { tries_again_for_a_while_and_parks {
    unix_stream_tries_again_for_a_while_and_parks => UNIX_STREAM,
    unix_datagram_tries_again_for_a_while_and_parks => UNIX_DATAGRAM,
    unix_seqpacket_tries_again_for_a_while_and_parks => UNIX_SEQPACKET,
    ipv4_datagram_tries_again_for_a_while_and_parks => IPV4_DATAGRAM,
} }

async fn gives_way_to_its_neighbours_and_receives_meanwhile(cell: Cell) {
    let mut ends = Ends::new(cell).await;
    for _ in 0..100 {
        let mut is_first = true;
        let text = std::future::poll_fn(|cx| {
            let received = ends.poll_recv(cx);
            if std::mem::take(&mut is_first) {
                assert!(received.is_pending());
                // As a neighbour would between two turns.
                assert!(pin!(ends.send("meanwhile")).poll(cx).is_ready());
            }
            received
        });
        assert_eq!(text.await, "meanwhile");
        tokio::task::yield_now().await;
    }
}

per_cell! { gives_way_to_its_neighbours_and_receives_meanwhile {
    unix_stream_gives_way_to_its_neighbours_and_receives_meanwhile => UNIX_STREAM,
    unix_datagram_gives_way_to_its_neighbours_and_receives_meanwhile => UNIX_DATAGRAM,
    unix_seqpacket_gives_way_to_its_neighbours_and_receives_meanwhile => UNIX_SEQPACKET,
    ipv4_datagram_gives_way_to_its_neighbours_and_receives_meanwhile => IPV4_DATAGRAM,
} }

#[tokio::test]
async fn a_timer_and_a_neighbour_run_beside_many_that_poll_busily() {
    crate::fixture::within(async {
        let mut echoing = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let (near, far) = StreamSocket::pair().unwrap();
            for (mut io, first) in [(near, true), (far, false)] {
                io.set_busy_poll(LONGEST_BUSY_POLL).unwrap();
                echoing.spawn(async move {
                    let mut ball = [7; 1];
                    if first {
                        io.write_all(&ball).await.unwrap();
                    }
                    loop {
                        tokio::io::AsyncReadExt::read_exact(&mut io, &mut ball).await.unwrap();
                        io.write_all(&ball).await.unwrap();
                    }
                });
            }
        }
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert!(echoing.try_join_next().is_none(), "one has failed");
    })
    .await;
}

#[tokio::test]
async fn busy_polling_for_long_is_refused() {
    let (near, _far) = StreamSocket::pair().unwrap();
    let too_long = LONGEST_BUSY_POLL + Duration::from_nanos(1);
    assert_eq!(near.set_busy_poll(too_long).unwrap_err().kind(), ErrorKind::InvalidInput);
    let mut listener = bind(Cell::UNIX_STREAM, &PeerLimits::default()).await;
    assert_eq!(listener.set_busy_poll(too_long).unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_datagram_listener_refuses_to_poll_busily() {
    let mut listener = bind(Cell::IPV4_DATAGRAM, &PeerLimits::default()).await;
    let refused = listener.set_busy_poll(LONGEST_BUSY_POLL).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

//! A peer that was accepted, and what is known of what it has sent.

use std::future::poll_fn;
use std::io;
use std::task::Poll;

use anysock_async::{DatagramPeer, Packet, PeerLimits};

pub(super) struct Accept {
    peer: DatagramPeer,
    /// The number of the last message.
    last: Option<u32>,
    received: u64,
}

impl Accept {
    pub(super) fn new(peer: DatagramPeer) -> Self {
        Self { peer, last: None, received: 0 }
    }

    /// How many messages were received.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// How many bytes wait.
    pub(super) fn held(&self) -> usize {
        self.peer.held()
    }

    /// Receives what is there, and checks that it is this peer's; how much it was.
    pub(super) async fn receive(
        &mut self,
        count: usize,
        limits: &PeerLimits,
        who: Option<u8>,
    ) -> u64 {
        let before = self.received;
        for _ in 0..count {
            let next = poll_fn(|cx| match self.peer.poll_recv_packet(cx) {
                Poll::Ready(packet) => Poll::Ready(Some(packet)),
                Poll::Pending => Poll::Ready(None),
            });
            match next.await {
                None => break,
                Some(Ok(Some(packet))) => {
                    self.received += 1;
                    self.check(packet, limits, who);
                }
                Some(Ok(None)) => panic!("the peer has ended"),
                // The network's word on what it was answered.
                Some(Err(error)) => {
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused, "{error}");
                }
            }
        }
        let count = self.received - before;
        // No reader comes between.
        assert!(count <= limits.queue_messages as u64, "{count} messages waited");
        count
    }

    fn check(&mut self, packet: Packet, limits: &PeerLimits, who: Option<u8>) {
        match packet {
            Packet::Message(message) => {
                assert!(message.len() <= limits.max_message);
                let Some((number, rest)) = message.split_first_chunk() else {
                    return assert!(message.is_empty());
                };
                let number = u32::from_ne_bytes(*number);
                assert!(self.last.is_none_or(|last| last < number), "{number} was late");
                self.last = Some(number);
                let who = who.or(rest.first().copied());
                assert!(rest.iter().all(|byte| Some(*byte) == who), "another's message");
            }
            Packet::Truncated { length } => assert!(length > limits.max_message),
            other => panic!("{other:?}"),
        }
    }

    /// Sends something, which fails where nobody is: that is this peer's affair alone.
    pub(super) async fn answer(&mut self) {
        let sent = poll_fn(|cx| match self.peer.poll_send(cx, b"an answer") {
            Poll::Ready(sent) => Poll::Ready(Some(sent)),
            Poll::Pending => Poll::Ready(None),
        });
        match sent.await {
            // It waits for room.
            None | Some(Ok(())) => {}
            Some(Err(error)) => assert!(
                matches!(
                    error.kind(),
                    // Nobody is there any more, it has no name, or does not read.
                    io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::AddrNotAvailable
                        | io::ErrorKind::TimedOut
                ),
                "{error}"
            ),
        }
    }
}

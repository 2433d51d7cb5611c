//! What sendmmsg(2) and recvmmsg(2) do at best: one thread that alternates between them, no
//! reactor, no runtime, and nothing between the calls and the consumer.

use std::io::ErrorKind;
use std::time::Instant;

use anysock_core::{Outgoing, RecvBatch, Socket, Type};

use crate::ends::Consumer;
use crate::harness::Contender;

/// A contender over two unix sockets of this type that are connected to each other.
pub(crate) fn contender(name: &'static str, kind: Type, message: &'static [u8]) -> Contender {
    Contender::new(name, move || {
        let (near, far) = Socket::pair(kind).expect("a socket pair");
        let mut consumer = Consumer::new(message);
        let mut batch = RecvBatch::new();
        batch.ask(false, false);
        Box::new(move |count| {
            let start = Instant::now();
            let mut unsent = count;
            while consumer.taken() < count {
                unsent -= send(&near, message, unsent);
                receive(&far, &mut batch, &mut consumer);
            }
            let elapsed = start.elapsed();
            consumer.settle(count);
            elapsed.as_secs_f64()
        })
    })
}

/// Sends as many as the kernel takes; how many.
fn send(socket: &Socket, message: &'static [u8], most: usize) -> usize {
    let mut sent = 0;
    while sent < most {
        let packets = std::iter::repeat_n(message, (most - sent).min(RecvBatch::MOST));
        match socket.send_batch(packets, &Outgoing::default()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            some => sent += some.expect("sending"),
        }
    }
    sent
}

/// Receives all that is there.
fn receive(socket: &Socket, batch: &mut RecvBatch, consumer: &mut Consumer) {
    loop {
        match batch.recv(socket, 2048, RecvBatch::MOST) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            received => received.expect("receiving"),
        };
        while let Some(packet) = batch.next() {
            consumer.take(packet.bytes());
        }
        if !batch.is_full() {
            return;
        }
    }
}

//! One packet, received to its size.

use std::cell::RefCell;
use std::io;

use anysock_core::{Message, Received, Socket};
use bytes::Bytes;

/// One packet from a socket that keeps boundaries.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Packet, SeqPacketSocket};
///
/// let (mut a, mut b) = SeqPacketSocket::pair()?;
/// a.send(b"too long").await?;
/// let packet = std::future::poll_fn(|cx| b.poll_recv_packet(cx, 3)).await?;
/// assert!(matches!(packet, Some(Packet::Truncated { length: 8 })));
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub enum Packet {
    /// A whole message.
    Message(Message),
    /// A message that was longer than the receiver allows, and is lost.
    Truncated {
        /// Its real length, in bytes.
        length: usize,
    },
}

thread_local! {
    /// Where the kernel writes a packet whose length is not known yet. One for all sockets of a
    /// thread, so that an idle socket holds none.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Receives one packet of at most `most` bytes, in an allocation of its size.
pub(crate) fn receive(socket: &Socket, most: usize) -> io::Result<(Packet, Received)> {
    SCRATCH.with_borrow_mut(|scratch| {
        // One byte more, so that a buffer of no bytes never stands for a message of some.
        let room = most.saturating_add(1);
        if scratch.len() < room {
            scratch.try_reserve(room - scratch.len())?;
            scratch.resize(room, 0);
        }
        let received = socket.recv_message(&mut scratch[..room])?;
        let packet = if received.length > most {
            Packet::Truncated { length: received.length }
        } else {
            Packet::Message(Bytes::copy_from_slice(&scratch[..received.length]).into())
        };
        Ok((packet, received))
    })
}

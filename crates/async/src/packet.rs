//! Packets, received to their size: one, or a batch by one system call.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;

use anysock_core::{Message, Outgoing, Received, RecvBatch, Socket};
use bytes::{Bytes, BytesMut};

use crate::offload::Segmentation;

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

thread_local! {
    static BATCH: RefCell<RecvBatch> = const { RefCell::new(RecvBatch::new()) };
}

/// How a batch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// There may be more.
    No,
    /// There was no more.
    Yes,
    /// The peer's end was among it; nothing comes after.
    Ended,
}

/// What one batch is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// The longest message, in bytes.
    pub(crate) most: usize,
    /// Up to so many packets.
    pub(crate) count: usize,
    /// Whether the kernel puts datagrams together.
    pub(crate) offload: bool,
}

impl Wanted {
    /// Room for one packet. A byte more than the longest, so that one which is too long is not
    /// taken for it; with offload, all that the kernel puts together.
    fn room(self) -> usize {
        let room = self.most.saturating_add(1);
        if self.offload { room.max(64 * 1024) } else { room }
    }

    /// How many at a time; with offload a few already hold hundreds of datagrams.
    fn slots(self) -> usize {
        self.count.clamp(1, if self.offload { 4 } else { RecvBatch::MOST })
    }
}

/// One datagram of a batch, and what came with it.
pub(crate) enum Arrived<'a> {
    /// The bytes.
    Whole(&'a [u8]),
    /// Longer than was wanted, and by how much it is long in all.
    TooLong(usize),
}

/// Receives what is wanted, by one system call, and hands it to `take` one by one, together
/// with how many came in the batch. `take` says whether to go on.
pub(crate) fn receive_each(
    socket: &Socket,
    wanted: Wanted,
    mut take: impl FnMut(Arrived<'_>, &Received, usize) -> bool,
) -> io::Result<Drained> {
    BATCH.with_borrow_mut(|batch| {
        let got = batch.recv(socket, wanted.room(), wanted.slots())?;
        while let Some(one) = batch.next() {
            let length = one.received.length;
            let size = one.segment.unwrap_or(length);
            let is_taken = if one.received.is_truncated() || size > wanted.most {
                take(Arrived::TooLong(size), &one.received, got)
            } else if length > size {
                let count = length.div_ceil(size);
                one.bytes
                    .chunks(size)
                    .all(|one_of_them| take(Arrived::Whole(one_of_them), &one.received, count))
            } else {
                take(Arrived::Whole(one.bytes), &one.received, got)
            };
            if !is_taken {
                return Ok(Drained::Ended);
            }
        }
        Ok(if batch.is_full() { Drained::No } else { Drained::Yes })
    })
}

/// Receives what is wanted and appends it to `packets`, in a few allocations of the size of
/// what came.
pub(crate) fn receive_batch(
    socket: &Socket,
    wanted: Wanted,
    packets: &mut VecDeque<Packet>,
    is_end: fn(&Received) -> bool,
) -> io::Result<Drained> {
    let mut block = BytesMut::new();
    receive_each(socket, wanted, |arrived, received, count| {
        let is_end = is_end(received);
        if !is_end {
            packets.push_back(match arrived {
                Arrived::Whole(bytes) => Packet::Message(put(&mut block, bytes, count).into()),
                Arrived::TooLong(length) => Packet::Truncated { length },
            });
        }
        !is_end
    })
}

/// Sends the first of `messages` by one system call; how many were sent, at least one.
pub(crate) fn send_batch(
    socket: &Socket,
    messages: &VecDeque<Bytes>,
    with: &Outgoing<'_>,
) -> io::Result<usize> {
    socket.send_batch(messages.iter().map(|message| &message[..]), with)
}

/// As [`send_batch`], by a run of equal datagrams where there is one.
pub(crate) fn send_run(
    socket: &Socket,
    messages: &VecDeque<Bytes>,
    with: &Outgoing<'_>,
    segmentation: &mut Segmentation,
) -> io::Result<usize> {
    match segmentation.send(socket, messages, with)? {
        Some(sent) => Ok(sent),
        None => send_batch(socket, messages, with),
    }
}

/// Copies `bytes` into the block that the packets of a batch share, of which there are `count`.
fn put(block: &mut BytesMut, bytes: &[u8], count: usize) -> Bytes {
    if bytes.is_empty() {
        return Bytes::new();
    }
    if count == 1 {
        return Bytes::copy_from_slice(bytes);
    }
    if block.capacity() < bytes.len() {
        *block = BytesMut::with_capacity((bytes.len() * count).min(SHARED).max(bytes.len()));
    }
    block.extend_from_slice(bytes);
    block.split().freeze()
}

/// The most memory that a held message of a batch keeps alive beside its own, in bytes.
const SHARED: usize = 64 * 1024;

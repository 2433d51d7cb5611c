//! Packets, received to their size: one, or a batch by one system call.

use std::cell::RefCell;
use std::io::{self, IoSlice};

use crate::Inbox;
use crate::inbox::Copier;
use crate::offload::Segmentation;
use anysock_core::{Ancillary, Batched, Message, Outbox, Outgoing, Received, RecvBatch, Socket};

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
#[non_exhaustive]
pub enum Packet {
    /// A whole message.
    Message(Message),
    /// A message that was longer than the receiver allows, and is lost.
    Truncated {
        /// Its real length, in bytes.
        length: usize,
    },
    /// A message that came with more descriptors than could be taken, and is lost. Those that
    /// were taken are closed.
    DescriptorsLost {
        /// Its length, in bytes.
        length: usize,
        /// How many descriptors could be taken.
        taken: usize,
    },
}

thread_local! {
    /// Where the kernel writes a packet whose length is not known yet. One for all sockets of a
    /// thread, so that an idle socket holds none.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Receives one packet of at most `most` bytes, in an allocation of its size, with what the socket
/// asks for; `None` if it is the end.
pub(crate) fn receive(
    socket: &Socket,
    most: usize,
    is_end: fn(&Received) -> bool,
) -> io::Result<Option<Packet>> {
    receive_one(socket, most).map(|(packet, received)| match is_end(&received) {
        true => None,
        false => Some(with_along(packet, received, socket.asked())),
    })
}

/// A packet with all that came along and was asked for, or what has become of it without.
pub(crate) fn with_along(packet: Packet, received: Received, asked: Ancillary) -> Packet {
    match packet {
        Packet::Message(_) if received.has_lost(asked) => {
            Packet::DescriptorsLost { length: received.length, taken: received.descriptors.len() }
        }
        Packet::Message(message) => Packet::Message(match received.into_arrival(asked) {
            Some(arrival) => message.with_arrival(arrival),
            None => message,
        }),
        lost => lost,
    }
}

/// Receives one packet of at most `most` bytes, in an allocation of its size, and what came along.
pub(crate) fn receive_one(socket: &Socket, most: usize) -> io::Result<(Packet, Received)> {
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
            Packet::Message(Message::copied(&scratch[..received.length]))
        };
        Ok((packet, received))
    })
}

thread_local! {
    /// The room of all sockets of a thread, so that an idle socket holds none.
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
    /// Whether the source of each packet is wanted.
    pub(crate) sources: bool,
    /// Whether what comes in control messages is wanted: needed with offload.
    pub(crate) control: bool,
    /// What of it is handed on.
    pub(crate) asked: Ancillary,
}

impl Wanted {
    /// Whether packets are received one at a time: each may bring 253 descriptors, and a batch
    /// would bring more than may wait here.
    pub(crate) fn is_single(&self) -> bool {
        self.asked.contains(Ancillary::DESCRIPTORS)
    }
}

/// With offload a few packets already hold hundreds of datagrams.
const OFFLOADED: usize = 8;

/// Receives what is wanted, by one system call, and hands it to `take` packet by packet, with the
/// size of the datagrams in it. `take` says whether to go on.
pub(crate) fn receive_each(
    socket: &Socket,
    wanted: Wanted,
    mut take: impl FnMut(Batched<'_>, usize) -> bool,
) -> io::Result<Drained> {
    BATCH.with_borrow_mut(|batch| {
        let count = if wanted.offload { wanted.count.min(OFFLOADED) } else { wanted.count };
        batch.ask(wanted.sources, wanted.control);
        // A byte more than the longest, so that one which is too long is not taken for it.
        batch.recv(socket, wanted.most.saturating_add(1), count)?;
        while let Some(one) = batch.next() {
            let segment = if wanted.offload { one.segment() } else { None };
            let size = segment.unwrap_or(one.length());
            if !take(one, size) {
                return Ok(Drained::Ended);
            }
        }
        Ok(if batch.is_full() { Drained::No } else { Drained::Yes })
    })
}

/// Receives what is wanted and puts it into `inbox`, in the blocks in which it came or in a few
/// allocations of its size.
pub(crate) fn receive_batch(
    socket: &Socket,
    wanted: Wanted,
    inbox: &mut Inbox,
    is_end: fn(&Received) -> bool,
) -> io::Result<Drained> {
    if wanted.is_single() {
        return Ok(match receive(socket, wanted.most, is_end)? {
            Some(packet) => {
                inbox.push(packet);
                Drained::No
            }
            None => Drained::Ended,
        });
    }
    let mut copier = Copier::new(inbox);
    receive_each(socket, wanted, |mut one, size| {
        let length = one.length();
        if length == 0 || !wanted.asked.is_empty() {
            let mut received = one.along();
            if is_end(&received) {
                return false;
            }
            received.source = one.source();
            copier.along(received.into_arrival(wanted.asked));
        }
        if one.is_truncated() || size > wanted.most {
            // Of several only the last may be shorter than it may be.
            let whole = if one.is_truncated() { 0 } else { length % size };
            (0..length / size).for_each(|_| copier.truncated(size));
            match whole {
                0 => {}
                1.. if whole > wanted.most => copier.truncated(whole),
                1.. => copier.copy(&one.bytes()[length - whole..], whole, || 0),
            }
        } else if let Some(block) = one.lend() {
            copier.lent(block, size);
        } else {
            copier.copy(one.bytes(), size, || one.left_bytes());
        }
        true
    })
}

/// Sends the first of `outbox` by one system call, as many as are alike; how many were sent, at
/// least one.
pub(crate) fn send_batch(
    socket: &Socket,
    outbox: &Outbox,
    with: &Outgoing<'_>,
) -> io::Result<usize> {
    match outbox.attached() {
        None => socket.send_batch(outbox.alike(), with),
        Some(attached) => send_attached(socket, outbox, &with.with_attached(attached)),
    }
}

/// As [`send_batch`], with what is attached. Descriptors are those of one message.
fn send_attached(socket: &Socket, outbox: &Outbox, with: &Outgoing<'_>) -> io::Result<usize> {
    match (with.descriptors, outbox.front()) {
        ([_, ..], Some(packet)) => socket.send_message(&[IoSlice::new(packet)], with).map(|_| 1),
        _ => socket.send_batch(outbox.alike(), with),
    }
}

/// As [`send_batch`], by a run of equal datagrams where there is one.
pub(crate) fn send_run(
    socket: &Socket,
    outbox: &Outbox,
    with: &Outgoing<'_>,
    segmentation: &mut Segmentation,
) -> io::Result<usize> {
    match segmentation.send(socket, outbox, with)? {
        Some(sent) => Ok(sent),
        None => send_batch(socket, outbox, with),
    }
}

//! Many packets by one system call.

use std::io;
use std::os::fd::AsFd;

use crate::{Domain, Received, Socket, sys};

/// Room for many packets, used again for each receive: recvmmsg(2).
///
/// The room is virtual until packets are written to it: a megabyte that is reserved and filled
/// with small packets costs the pages of the small packets.
///
/// ```
/// use anysock_core::{Outgoing, RecvBatch, Socket, Type};
///
/// let (a, b) = Socket::pair(Type::Datagram)?;
/// let sent = a.send_batch([&b"one"[..], b"", b"three"].into_iter(), &Outgoing::default())?;
/// assert_eq!(sent, 3);
///
/// let mut batch = RecvBatch::new();
/// assert_eq!(batch.recv(&b, 64, 8)?, 3);
/// let lengths: Vec<_> = std::iter::from_fn(|| batch.next().map(|one| one.bytes.len())).collect();
/// assert_eq!(lengths, [3, 0, 5]);
/// # Ok::<_, std::io::Error>(())
/// ```
pub struct RecvBatch {
    bytes: Vec<u8>,
    size: usize,
    headers: sys::Headers,
    asked: usize,
    received: usize,
    next: usize,
}

/// One packet of a [`RecvBatch`], or several of one size that the kernel put together.
///
/// ```
/// fn count(one: &anysock_core::Batched<'_>) -> usize {
///     one.segment.map_or(1, |size| one.bytes.len().div_ceil(size.max(1)).max(1))
/// }
/// ```
#[derive(Debug)]
pub struct Batched<'a> {
    /// The bytes, as far as there was room.
    pub bytes: &'a [u8],
    /// The real length, and what came along.
    pub received: Received,
    /// The size of each datagram but the last, if the kernel put several together; never 0.
    pub segment: Option<usize>,
}

impl RecvBatch {
    /// The most packets that one call takes or gives.
    pub const MOST: usize = sys::MOST;

    /// The most memory that is reserved, in bytes, unless one packet needs more.
    const ROOM: usize = Self::MOST * (64 * 1024 + 1);

    /// No packets, and no room yet.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            size: 0,
            headers: sys::Headers::new(),
            asked: 0,
            received: 0,
            next: 0,
        }
    }

    /// Receives up to `count` packets of at most `size` bytes each: recvmmsg(2). How many there
    /// are; what was not taken of the batch before is dropped. Long packets are asked for fewer at a
    /// time; [`is_full`](Self::is_full) tells whether there may be more.
    ///
    /// # Errors
    ///
    /// Those of the system call; [`OutOfMemory`](io::ErrorKind::OutOfMemory).
    pub fn recv(&mut self, socket: &Socket, size: usize, count: usize) -> io::Result<usize> {
        self.drop_rest();
        // A slot of no bytes would be none.
        let size = size.max(1);
        let count = count.clamp(1, (Self::ROOM / size).clamp(1, Self::MOST));
        let room = size * count;
        if self.bytes.len() < room {
            self.bytes = zeroed(room)?;
        }
        (self.size, self.asked) = (size, count);
        let is_unix = socket.cell().domain == Domain::Unix;
        let bytes = &mut self.bytes[..room];
        self.received = self.headers.recv(socket.as_fd(), bytes, size, is_unix)?;
        Ok(self.received)
    }

    /// Whether the last call brought all that it had room for, so that there may be more; if
    /// not, it has taken all that was there.
    pub fn is_full(&self) -> bool {
        self.received == self.asked
    }

    /// Packets received and not taken yet.
    pub fn left(&self) -> usize {
        self.received - self.next
    }

    /// The next packet.
    #[expect(clippy::should_implement_trait, reason = "what it gives borrows from the batch")]
    pub fn next(&mut self) -> Option<Batched<'_>> {
        if self.left() == 0 {
            return None;
        }
        let n = self.next;
        self.next += 1;
        let (received, segment) = self.headers.take(n, self.size);
        let start = n * self.size;
        let bytes = &self.bytes[start..start + received.copied];
        Some(Batched { bytes, received, segment: segment.filter(|size| *size > 0) })
    }

    fn drop_rest(&mut self) {
        while self.next().is_some() {}
        (self.asked, self.received, self.next) = (0, 0, 0);
    }
}

/// Zeroed memory. What the ordinary room takes comes untouched from the system, so that only
/// the pages written to are ever backed; more than that may be refused.
fn zeroed(length: usize) -> io::Result<Vec<u8>> {
    if length <= RecvBatch::ROOM {
        return Ok(vec![0; length]);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    Ok(bytes)
}

impl Default for RecvBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for RecvBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecvBatch").field("left", &self.left()).finish_non_exhaustive()
    }
}

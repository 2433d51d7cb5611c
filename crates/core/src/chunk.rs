//! What one read of a byte stream brought.

/// What one read of a byte stream brought.
///
/// ```
/// use anysock_core::{Socket, Type};
/// let (a, b) = Socket::pair(Type::Stream)?;
/// a.send(b"hello")?;
/// let mut buffer = Vec::with_capacity(64);
/// let chunk = b.recv_chunk(&mut buffer)?;
/// assert_eq!((chunk.length, chunk.fell_short), (5, true));
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Chunk {
    /// Bytes that were read; 0 at the end.
    pub length: usize,
    /// The buffer was not filled, and nothing came along at which the kernel would have stopped.
    /// There was no more then, unless an urgent byte (`MSG_OOB`, tcp(7)) stands before it.
    pub fell_short: bool,
}

impl Chunk {
    pub(crate) fn new(length: usize, room: usize, came_along: bool) -> Self {
        Self { length, fell_short: 0 < length && length < room && !came_along }
    }
}

//! Which direction of a connection ends.

/// Which direction of a connection is shut down.
///
/// ```
/// use anysock_core::{Shutdown, Socket, Type};
/// let (a, b) = Socket::pair(Type::Stream)?;
/// a.shutdown(Shutdown::Write)?;
/// assert_eq!(b.recv(&mut [0; 8])?, 0);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// Nothing more is received.
    Read,
    /// Nothing more is sent: the peer sees the end.
    Write,
    /// Neither.
    Both,
}

//! A stream socket that is asked while somebody else has it.

use std::io;
use std::ops::Deref;
use std::sync::Arc;

use anysock_core::Socket;

use crate::calls::{Calls, Direction};
use crate::closed::Closed;
use crate::registered::Registered;

/// Asks a [`StreamSocket`](crate::StreamSocket) that somebody else has, or its halves; made by
/// [`StreamSocket::with_handle`](crate::StreamSocket::with_handle).
///
/// It costs no descriptor of its own, and keeps that of the socket open: what is to end the
/// connection by being dropped has to be dropped together with its handles.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Departure, StreamHandle, StreamSocket};
///
/// let (near, far) = StreamSocket::pair()?;
/// let (near, handle): (StreamSocket, StreamHandle) = near.with_handle();
/// let (_receiving, _sending) = near.into_split();
/// drop(far);
/// assert_eq!(handle.closed()?.await, Departure::HungUp);
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct StreamHandle {
    io: Arc<Registered>,
}

impl StreamHandle {
    pub(super) fn new(io: Arc<Registered>) -> Self {
        Self { io }
    }

    /// As [`StreamSocket::socket`](crate::StreamSocket::socket).
    pub fn socket(&self) -> &Socket {
        self.io.socket()
    }

    /// As [`StreamSocket::closed`](crate::StreamSocket::closed).
    ///
    /// # Errors
    ///
    /// Those of duplicating and registering the descriptor.
    pub fn closed(&self) -> io::Result<Closed> {
        self.io.closed()
    }

    /// As [`StreamSocket::abort`](crate::StreamSocket::abort).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) on unix.
    pub fn abort(&self) -> io::Result<()> {
        self.io.abort()
    }

    /// As [`StreamSocket::send_calls`](crate::StreamSocket::send_calls).
    pub fn send_calls(&self) -> Calls {
        self.io.calls(Direction::Send)
    }

    /// As [`StreamSocket::receive_calls`](crate::StreamSocket::receive_calls).
    pub fn receive_calls(&self) -> Calls {
        self.io.calls(Direction::Receive)
    }
}

/// A socket that a stream has to itself, or that handles are asked about as well.
#[derive(Debug)]
pub(super) enum Io {
    Own(Registered),
    Shared(Arc<Registered>),
}

impl Deref for Io {
    type Target = Registered;

    #[inline(always)]
    fn deref(&self) -> &Registered {
        match self {
            Self::Own(io) => io,
            Self::Shared(io) => io,
        }
    }
}

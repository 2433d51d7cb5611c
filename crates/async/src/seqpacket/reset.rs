//! The end of a connection, told from an empty message, and a reset, kept back until then.

use std::io;

use anysock_core::Received;

use crate::registered::Registered;

/// Receives. A reset is recorded, and what is queued behind it received.
pub(super) fn past_reset<R>(
    io: &Registered,
    mut receive: impl FnMut() -> io::Result<R>,
) -> io::Result<R> {
    match receive() {
        Err(error) if is_reset(&error) => {
            io.record_reset(&error);
            receive()
        }
        received => received,
    }
}

/// Tells the end from an empty message: only a message comes with its sender's credentials, or with
/// more than there was room for.
pub(super) fn is_end(received: &Received) -> bool {
    received.length == 0 && received.credentials.is_none() && !received.control_truncated
}

/// The end: an orderly one, or that of a reset.
pub(super) fn end<R>(io: &Registered) -> io::Result<Option<R>> {
    io.reset().map_or(Ok(None), Err)
}

pub(super) fn record(io: &Registered, error: &io::Error) {
    if is_reset(error) {
        io.record_reset(error);
    }
}

fn is_reset(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe)
}

//! A cell observed in a thread of its own, so that not even one that wedges its thread keeps the
//! others from being seen.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anysock::Cell;

use crate::report::Row;

/// What `observe` finds of a cell; that it failed, if it takes longer than `deadline`.
pub(crate) fn watched(
    cell: Cell,
    deadline: Duration,
    observe: impl FnOnce() -> Row + Send + 'static,
) -> Row {
    let (sender, receiver) = mpsc::channel();
    // A thread that hangs is left behind, and ends with the process.
    std::thread::spawn(move || drop(sender.send(observe())));
    receiver.recv_timeout(deadline).unwrap_or_else(|error| match error {
        RecvTimeoutError::Timeout => Row::failed(cell, format!("no end within {deadline:?}")),
        RecvTimeoutError::Disconnected => Row::failed(cell, "its thread panicked"),
    })
}

//! When these servers end.

use std::io;

use anysock::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

/// What Ctrl-C or SIGTERM begins.
pub(crate) fn shutdown() -> io::Result<Shutdown> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = Shutdown::new();
    let begins = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        begins.begin();
    });
    Ok(shutdown)
}

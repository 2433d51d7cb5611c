//! tokio's cooperative budget, spent where no tokio resource spends it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

/// Spends one unit of the task's budget; pending, and woken at once, when none is left.
///
/// Whoever hands out messages without asking the reactor for each calls this once a message,
/// so that a flooded task yields to its neighbours.
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    pin!(tokio::task::coop::consume_budget()).poll(cx)
}

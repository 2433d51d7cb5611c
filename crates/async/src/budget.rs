//! tokio's cooperative budget, spent where no tokio resource spends it.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

/// Spends one unit of the task's budget; pending, and woken at once, when none is left.
///
/// Whoever hands out messages without asking the reactor for each calls this once a message,
/// so that a flooded task yields to its neighbours.
///
/// ```
/// use std::collections::VecDeque;
/// use std::task::{Context, Poll, ready};
///
/// /// Hands out what is here already.
/// fn poll_next<T>(queue: &mut VecDeque<T>, cx: &mut Context<'_>) -> Poll<Option<T>> {
///     ready!(anysock_async::poll_budget(cx));
///     Poll::Ready(queue.pop_front())
/// }
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// # let mut queue = VecDeque::from([1]);
/// # assert_eq!(std::future::poll_fn(|cx| poll_next(&mut queue, cx)).await, Some(1));
/// # });
/// # Ok::<_, std::io::Error>(())
/// ```
pub fn poll_budget(cx: &mut Context<'_>) -> Poll<()> {
    pin!(tokio::task::coop::consume_budget()).poll(cx)
}

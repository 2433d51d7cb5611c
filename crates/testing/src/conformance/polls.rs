//! Futures polled a counted number of times.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_framing::{Error, SendExt, SendHalf};
use tokio::task::coop::unconstrained;

use super::trial::is_loss;

/// Polls `future` at most `polls` times, whenever it asks to be, and drops it then.
pub(crate) async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// What `future` gives at its first poll.
///
/// tokio's budget is left out of it: a task that has spent its share would be told to wait.
pub(crate) async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    unconstrained(at_most(1, future)).await
}

/// Whether another message can be taken only once the peer has read.
pub(crate) async fn is_blocked<T: SendHalf + ?Sized>(half: &mut T) -> Result<bool, Error> {
    for _ in 0..3 {
        match at_once(half.ready()).await {
            Some(Err(error)) if !is_loss(half.guarantees(), &error) => return Err(error),
            Some(_) => return Ok(false),
            None => {}
        }
        // A first poll may only have asked the reactor.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(true)
}

/// A future that counts how often it is polled.
#[derive(Debug)]
pub(crate) struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicUsize>,
}

impl<F: Future> Counted<F> {
    /// The future, and where its polls are counted.
    pub(crate) fn new(future: F) -> (Self, Arc<AtomicUsize>) {
        let polls = Arc::default();
        (Self { future: Box::pin(future), polls: Arc::clone(&polls) }, polls)
    }
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(cx)
    }
}

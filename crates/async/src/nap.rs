//! A pause that grows: what is left where no event tells when to try again.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::Sleep;

/// Pauses that double from `first` to `longest`, until reset.
#[derive(Debug)]
pub(crate) struct Nap {
    first: Duration,
    longest: Duration,
    next: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Nap {
    pub(crate) const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first, sleep: None }
    }

    /// Waits for the pause at hand to end; the next one will be longer.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let pause = self.next;
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
        ready!(sleep.as_mut().poll(cx));
        self.sleep = None;
        self.next = (self.next * 2).min(self.longest);
        Poll::Ready(())
    }

    /// Sleeps through one pause.
    pub(crate) async fn take(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }

    /// What was waited for has come: the next pause is short again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
        self.sleep = None;
    }
}

//! What is counted: messages one way, and messages there and back, on one runtime.

use std::sync::Arc;
use std::time::Duration;

use anysock::BoxTransport;
use anysock::prelude::*;
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::link::Link;

/// How long anything may take before it is held to be lost.
const LOST: Duration = Duration::from_secs(60);

/// Packets on their way at a time: fewer than any queue holds, so that none is lost.
const BURST: usize = 64;

/// From here on a sender gives bytes that need not be copied.
const OWNED: usize = 4 << 10;

/// What is done with each message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    /// Fed, and dropped as soon as it was received.
    Fed,
    /// Fed, and held by the receiver until it has so many.
    Held(usize),
    /// Sent, echoed and received, before the next.
    RoundTrip,
}

/// A link whose ends are given to two tasks, over and over.
pub(crate) struct Workshop {
    runtime: Runtime,
    link: Link,
    work: Work,
    message: &'static [u8],
    idle: Option<(BoxTransport, BoxTransport)>,
}

impl Workshop {
    pub(crate) fn new(link: Link, work: Work, size: usize) -> Self {
        let runtime = runtime();
        let idle = Some(runtime.block_on(within_reason(link.open())));
        Self { runtime, link, work, message: vec![7; size].leak(), idle }
    }

    /// Does the work with so many messages.
    pub(crate) fn run(&mut self, count: usize) {
        let (near, far) = self.idle.take().expect("the last run has ended");
        let message = self.message;
        let ends = match self.work {
            Work::Fed => self.one_way(near, far, count, 1),
            Work::Held(most) => self.one_way(near, far, count, most),
            Work::RoundTrip => self.both(ask(near, message, count), echo(far, count)),
        };
        self.idle = Some(ends);
    }

    fn one_way(
        &self,
        near: BoxTransport,
        far: BoxTransport,
        count: usize,
        most: usize,
    ) -> (BoxTransport, BoxTransport) {
        // The kernel holds back who writes to a stream, and one burst is everything.
        let burst = if self.link == Link::UnixStream { count } else { BURST };
        let window = Window { free: Arc::new(Semaphore::new(1)), burst };
        let sending = feed(near, window.clone(), self.message, count);
        self.both(sending, receive(far, window, self.message.len(), count, most))
    }

    fn both(
        &self,
        one: impl Future<Output = BoxTransport> + Send + 'static,
        other: impl Future<Output = BoxTransport> + Send + 'static,
    ) -> (BoxTransport, BoxTransport) {
        self.runtime.block_on(within_reason(async {
            tokio::try_join!(tokio::spawn(one), tokio::spawn(other)).expect("no task panics")
        }))
    }
}

/// The one runtime on which both ends live, so that who is polled when is always the same.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

pub(crate) async fn within_reason<T>(work: impl Future<Output = T>) -> T {
    timeout(LOST, work).await.expect("nothing is lost")
}

/// Lets one burst at a time be on its way.
#[derive(Clone, Debug)]
struct Window {
    free: Arc<Semaphore>,
    burst: usize,
}

async fn feed(
    mut to: BoxTransport,
    window: Window,
    message: &'static [u8],
    count: usize,
) -> BoxTransport {
    for fed in 0..count {
        if fed % window.burst == 0 {
            to.flush().await.unwrap();
            window.free.acquire().await.unwrap().forget();
        }
        if message.len() < OWNED {
            to.feed(message).await.unwrap();
        } else {
            to.feed(Bytes::from_static(message)).await.unwrap();
        }
    }
    to.flush().await.unwrap();
    to
}

async fn receive(
    mut from: BoxTransport,
    window: Window,
    size: usize,
    count: usize,
    most: usize,
) -> BoxTransport {
    let mut held = Vec::with_capacity(most);
    for received in 1..=count {
        let message = from.recv().await.unwrap().unwrap();
        assert_eq!(message.len(), size);
        held.push(message);
        if held.len() == most {
            held.clear();
        }
        if received % window.burst == 0 {
            window.free.add_permits(1);
        }
    }
    from
}

async fn ask(mut to: BoxTransport, message: &'static [u8], count: usize) -> BoxTransport {
    for _ in 0..count {
        to.send(message).await.unwrap();
        assert_eq!(to.recv().await.unwrap().unwrap(), message);
    }
    to
}

async fn echo(mut from: BoxTransport, count: usize) -> BoxTransport {
    for _ in 0..count {
        let message = from.recv().await.unwrap().unwrap();
        from.send(message).await.unwrap();
    }
    from
}

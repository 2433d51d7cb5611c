//! Two ends of one conversation, what opens them, and how to wait for them.

use std::convert::Infallible;
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use anysock::{BoxTransport, Guarantees};

/// Why nothing could be observed.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Two ends that talk to each other.
pub(crate) struct Link {
    /// The end that connected.
    pub(crate) client: BoxTransport,
    /// The end that was accepted.
    pub(crate) peer: BoxTransport,
    /// Whether there was a peer before the first message.
    pub(crate) made_first: bool,
}

/// What opens links of one kind.
pub(crate) trait Open {
    /// Opens a link whose ends have heard of each other.
    async fn open(&mut self) -> Result<Link, Failure>;

    /// Opens none any more, so that a peer that is closed leaves nobody in its place.
    fn stop(&mut self);
}

impl Link {
    /// What both ends promise.
    pub(crate) fn promised(&self) -> Guarantees {
        both(&self.client, &self.peer)
    }
}

/// What both ends promise.
pub(super) fn both(a: &BoxTransport, b: &BoxTransport) -> Guarantees {
    a.guarantees() - (a.guarantees() - b.guarantees())
}

/// How long to wait for something until it is said not to happen: long if it is promised, so
/// that a busy machine breaks no promise.
pub(super) fn patience(promised: bool) -> Duration {
    if promised { Duration::from_secs(3) } else { Duration::from_millis(150) }
}

/// Sends until receiving is done.
pub(super) async fn receive_while<T>(
    sending: impl Future<Output = ()>,
    receiving: impl Future<Output = T>,
) -> T {
    let sending = async {
        sending.await;
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        biased;
        done = receiving => done,
        never = sending => match never {},
    }
}

//! One law tried on one transport: its checks, each with a deadline.

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use anysock_framing::{Error, ErrorKind, Guarantees, SendHalf, Transport};

use super::patience::Patience;
use super::sample::Source;
use super::stop::{Stop, Verdict};
use super::subject::{Offer, Subject};

/// Unsent bytes from which on a transport makes its sender wait.
pub(crate) const HIGH_WATERMARK: usize = 160 * 1024;

/// How long nothing may come before it is taken that nothing will.
pub(crate) const QUIET: Duration = Duration::from_millis(20);

/// How long a datagram that may get lost is waited for.
pub(crate) const FLIGHT: Duration = Duration::from_millis(250);

/// Says how a check goes on, to those who watch.
#[derive(Debug)]
pub(crate) enum Event {
    /// This check begins.
    Begun(&'static str),
    /// The check that had begun ended so.
    Ended(&'static str, Verdict),
}

/// A subject, and the rules by which its transport is tried.
#[derive(Debug)]
pub(crate) struct Trial<S> {
    pub(crate) subject: Arc<S>,
    pub(crate) patience: Patience,
    events: Sender<Event>,
}

impl<S: Subject> Trial<S> {
    /// Tells the progress to `events`.
    pub(crate) fn new(subject: Arc<S>, patience: Patience, events: Sender<Event>) -> Self {
        Self { subject, patience, events }
    }

    /// Makes one check.
    pub(crate) async fn check(&self, name: &'static str, check: impl Future<Output = Verdict>) {
        // Nobody listens any more once the watchdog has given up; nothing is left to say then.
        let _ = self.events.send(Event::Begun(name));
        // Boxed, or one law's future would hold those of all its checks on the stack.
        // Each wait has its own deadline, which says more; this one is for a check of many.
        let whole = Patience(2 * self.patience.0);
        let verdict = whole.within("the whole check", Box::pin(check)).await;
        let _ = self.events.send(Event::Ended(name, verdict.and_then(|verdict| verdict)));
    }

    /// A fresh pair.
    pub(crate) async fn pair(&self) -> Offer<(S::Transport, S::Transport)> {
        self.patience.within("connecting", self.subject.pair()).await?
    }

    /// Messages that `half` can send.
    pub(crate) fn source(&self, half: &impl SendHalf) -> Source<'_, S> {
        Source::new(&self.subject, half.max_message())
    }
}

/// What is promised for messages between two ends: what both promise.
pub(crate) fn between(near: &impl Transport, far: &impl Transport) -> Guarantees {
    let (near, far) = (near.guarantees(), far.guarantees());
    near - (near - far)
}

/// There is nothing to check unless `given` holds `required`.
pub(crate) fn needs(given: Guarantees, required: Guarantees) -> Result<(), Stop> {
    match required - given {
        Guarantees::NONE => Ok(()),
        missing => Err(Stop::not_applicable(format!("it does not promise: {missing}"))),
    }
}

/// Whether `error` only says that a message was lost, of a transport where that may happen.
pub(crate) fn is_loss(given: Guarantees, error: &Error) -> bool {
    let lost = matches!(error.kind(), ErrorKind::Dropped { .. } | ErrorKind::Refused(_));
    lost && !given.reliable()
}

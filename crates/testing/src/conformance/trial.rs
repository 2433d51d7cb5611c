//! One law tried on one transport: its checks, each with a deadline.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use anysock_framing::{
    AsPayload, Error, ErrorKind, Guaranteed, Guarantees, Message, RecvExt, RecvHalf, SendExt,
    SendHalf, Transport, TrySendError,
};
use bytes::Bytes;
use tokio::time::timeout;

use super::polls::is_blocked;
use super::sample::Source;
use super::stop::{Stop, Verdict, ensure};
use super::subject::{Offer, Subject};

/// Unsent bytes from which on a transport makes its sender wait.
pub(crate) const HIGH_WATERMARK: usize = 128 * 1024;

/// How long nothing may come before it is taken that nothing will.
pub(crate) const QUIET: Duration = Duration::from_millis(20);

/// How long a datagram that may get lost is waited for.
pub(crate) const FLIGHT: Duration = Duration::from_millis(250);

/// A sender that may lose messages instead of waiting is not tried beyond this.
const ENOUGH: usize = 1024 * 1024;

/// A reliable sender that was never made to wait for so many bytes has no bound.
const TOO_MUCH: usize = 32 * 1024 * 1024;

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

/// Which messages were given to a peer that reads nothing, and what came of it.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) messages: Vec<Bytes>,
    /// Whether the sender has to wait now.
    pub(crate) blocked: bool,
}

/// A message that was refused, and the messages that were not.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) message: Bytes,
    pub(crate) back: TrySendError<Bytes>,
    pub(crate) accepted: Vec<Bytes>,
}

/// How long to wait for what must come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience(pub(crate) Duration);

impl Patience {
    /// What `future` gives.
    pub(crate) async fn within<F: Future>(
        self,
        what: impl Display,
        future: F,
    ) -> Result<F::Output, Stop> {
        let late = |_| Stop::failed(format!("{what} did not end within {:?}", self.0));
        timeout(self.0, future).await.map_err(late)
    }

    /// What `future` gives, which is not an error.
    pub(crate) async fn ok<T>(
        self,
        what: impl Display,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Stop> {
        let output = self.within(&what, future).await?;
        output.map_err(|error| Stop::failed(format!("{what} failed: {error}")))
    }

    /// The error that `future` gives.
    pub(crate) async fn err<T>(
        self,
        what: impl Display,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<Error, Stop> {
        match self.within(&what, future).await? {
            Ok(_) => Err(Stop::failed(format!("{what} went well, an error was due"))),
            Err(error) => Ok(error),
        }
    }

    /// Sends.
    pub(crate) async fn send<T: SendHalf + ?Sized>(
        self,
        half: &mut T,
        message: impl AsPayload,
    ) -> Result<(), Stop> {
        self.sent(half.guarantees(), "sending", half.send(message)).await
    }

    /// Feeds.
    pub(crate) async fn feed<T: SendHalf + ?Sized>(
        self,
        half: &mut T,
        message: impl AsPayload,
    ) -> Result<(), Stop> {
        self.sent(half.guarantees(), "feeding", half.feed(message)).await
    }

    /// Flushes, to the end.
    pub(crate) async fn flush<T: SendHalf + ?Sized>(self, half: &mut T) -> Result<(), Stop> {
        let given = half.guarantees();
        while let Err(error) = self.within("flushing", half.flush()).await? {
            ensure!(is_loss(given, &error), "flushing failed: {error}");
        }
        Ok(())
    }

    /// Awaits what sends; a message may get lost where that is allowed.
    pub(crate) async fn sent(
        self,
        given: Guarantees,
        what: impl Display,
        sending: impl Future<Output = Result<(), Error>>,
    ) -> Result<(), Stop> {
        match self.within(&what, sending).await? {
            Err(error) if !is_loss(given, &error) => {
                Err(Stop::failed(format!("{what} failed: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Receives a message, not the end.
    pub(crate) async fn recv<T: RecvHalf + ?Sized>(self, half: &mut T) -> Result<Message, Stop> {
        let message = self.ok("receiving", half.recv()).await?;
        message.ok_or_else(|| Stop::failed("the end came, a message was due"))
    }

    /// Receives the end, which stays the end.
    pub(crate) async fn end<T: RecvHalf + ?Sized>(self, half: &mut T) -> Verdict {
        const TIMES: u64 = 4;
        for time in 1..=TIMES {
            if let Some(message) = self.ok("receiving the end", half.recv()).await? {
                let length = message.len();
                return Err(Stop::failed(format!(
                    "a message of {length} bytes came where the end was due, poll {time}"
                )));
            }
        }
        Ok(TIMES)
    }

    /// Ascertains that nothing more has come.
    pub(crate) async fn silence<T: RecvHalf + ?Sized>(self, half: &mut T) -> Result<(), Stop> {
        match timeout(QUIET, half.recv()).await {
            Err(_) => Ok(()),
            Ok(Ok(Some(message))) => {
                Err(Stop::failed(format!("{} bytes more than was sent arrived", message.len())))
            }
            Ok(Ok(None)) => Err(Stop::failed("the end came, the peer had not closed")),
            Ok(Err(error)) => Err(Stop::failed(format!("after the last message: {error}"))),
        }
    }

    /// Gives `half` messages, for a peer that reads nothing, until it has to wait or, if it may
    /// lose messages, they are enough.
    pub(crate) async fn fill<S: Subject, T: SendHalf + ?Sized>(
        self,
        half: &mut T,
        source: &mut Source<'_, S>,
    ) -> Result<Filled, Stop> {
        let reliable = half.guarantees().reliable();
        let limit = if reliable { TOO_MUCH } else { ENOUGH };
        let mut filled = Filled { messages: Vec::new(), blocked: false };
        let mut bytes = 0;
        while bytes < limit {
            if self.within("asking for room", is_blocked(half)).await?? {
                filled.blocked = true;
                return Ok(filled);
            }
            let message = source.bulky()?;
            self.feed(half, message.clone()).await?;
            bytes += message.len();
            filled.messages.push(message);
        }
        ensure!(!reliable, "{bytes} bytes were taken for a peer that reads nothing");
        Ok(filled)
    }

    /// As [`fill`](Self::fill); there is nothing to check if the sender never has to wait.
    pub(crate) async fn block<S: Subject, T: SendHalf + ?Sized>(
        self,
        half: &mut T,
        source: &mut Source<'_, S>,
    ) -> Result<Vec<Bytes>, Stop> {
        let mut messages = Vec::new();
        loop {
            let filled = self.fill(half, source).await?;
            let more = filled.messages.len();
            messages.extend(filled.messages);
            if !filled.blocked {
                return Err(Stop::not_applicable("a sender never has to wait"));
            }
            // TCP finds room for more some time after it has said that there is none.
            if more == 0 {
                return Ok(messages);
            }
            tokio::time::sleep(QUIET).await;
        }
    }

    /// A message that is refused because the sender has to wait, and what was accepted before.
    pub(crate) async fn refuse<S: Subject, T: SendHalf + ?Sized>(
        self,
        half: &mut T,
        source: &mut Source<'_, S>,
    ) -> Result<Refused, Stop> {
        const TRIES: usize = 50;
        let mut accepted = Vec::new();
        for _ in 0..TRIES {
            accepted.extend(self.block(half, source).await?);
            let message = source.short()?;
            match half.try_send(message.clone()) {
                Err(back) => return Ok(Refused { message, back, accepted }),
                // The kernel may have found room just then.
                Ok(()) => accepted.push(message),
            }
        }
        Err(Stop::failed("try_send accepts what ready() waits with"))
    }
}

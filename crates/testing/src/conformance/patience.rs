//! Waits with a deadline: what must come, comes in time or is a failure with a name.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use anysock_framing::{
    AsPayload, Error, Guarantees, Message, RecvExt, RecvHalf, SendExt, SendHalf,
};
use tokio::time::timeout;

use super::stop::{Stop, Verdict, ensure};
use super::trial::{QUIET, is_loss};

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
}

//! Messages for a peer that reads nothing, until the sender has to wait.

use anysock_framing::{SendExt, SendHalf, TrySendError};
use bytes::Bytes;

use super::patience::Patience;
use super::polls::is_blocked;
use super::sample::Source;
use super::stop::{Stop, ensure};
use super::subject::Subject;
use super::trial::QUIET;

/// A sender that may lose messages instead of waiting is not tried beyond this.
const ENOUGH: usize = 1024 * 1024;

/// A reliable sender that was never made to wait for so many bytes has no bound: the kernel alone
/// may hold `tcp_rmem` and `tcp_wmem`, 36 MiB where memory is large.
const TOO_MUCH: usize = 64 * 1024 * 1024;

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

impl Patience {
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

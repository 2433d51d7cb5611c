//! Law 8: any future may be dropped at any point.
//!
//! Each operation is polled not at all, once, twice, and so on until it completes, and dropped
//! there; then the transport is used on, by another task and by other calls. The count says at
//! how many points something was dropped.

use anysock_framing::{Error, RecvExt, SendExt, Transport};
use bytes::Bytes;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::law_08_receiving;
use super::ledger::Ledger;
use super::patience::Patience;
use super::polls::at_most;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{FLIGHT, QUIET, Trial, between, is_loss};

/// An operation that takes more polls than this is not followed to its end.
pub(super) const MOST_POLLS: usize = 64;

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("ready", sending(trial, Operation::Ready)).await;
    trial.check("feed", sending(trial, Operation::Feed)).await;
    trial.check("send", sending(trial, Operation::Send)).await;
    trial.check("flush", sending(trial, Operation::Flush)).await;
    trial.check("close", closing(trial)).await;
    trial.check("ready, taken over", ready_taken_over(trial)).await;
    law_08_receiving::check(trial).await;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Ready,
    Feed,
    Send,
    Flush,
}

impl Operation {
    /// Polls the operation so often; `None` if it was dropped before it completed.
    async fn poll<T: Transport>(
        self,
        polls: usize,
        near: &mut T,
        message: Bytes,
    ) -> Option<Result<(), Error>> {
        match self {
            Self::Ready => at_most(polls, near.ready()).await,
            Self::Feed => at_most(polls, near.feed(message)).await,
            Self::Send => at_most(polls, near.send(message)).await,
            Self::Flush => at_most(polls, near.flush()).await,
        }
    }

    /// What is known of its message.
    fn enter(self, completed: bool, message: &Bytes, ledger: &mut Ledger) {
        match self {
            // It takes none.
            Self::Ready | Self::Flush => {}
            // Accepted by the call that completes, or not at all.
            Self::Feed if !completed => {}
            // Accepted perhaps, and then sent whole.
            Self::Send if !completed => ledger.perhaps_sent(message),
            Self::Feed | Self::Send => ledger.sent(message),
        }
    }
}

/// Operations that wait, since the peer does not read at first.
async fn sending<S: Subject>(trial: &Trial<S>, operation: Operation) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let patience = trial.patience;
    let mut ledger = Ledger::new(given);
    let mut drops = 0;
    for polls in 0..MOST_POLLS {
        // Where messages may get lost nothing ever waits: the operation itself is all there is.
        if given.reliable() {
            let filled = patience.fill(&mut near, &mut source).await?;
            filled.messages.iter().for_each(|message| ledger.sent(message));
        }
        let doubtful = source.short()?;
        let last = source.short()?;
        let reading = read_until(patience, far, last.clone());
        let what = format!("an operation polled {polls} times at most");
        let polled = operation.poll(polls, &mut near, doubtful.clone());
        let completed = match patience.within(&what, polled).await? {
            Some(Err(error)) if !is_loss(given, &error) => return Err(error.into()),
            Some(_) => true,
            None => false,
        };
        operation.enter(completed, &doubtful, &mut ledger);
        ledger.sent(&last);
        near = by_another_task(patience, near, last).await?;
        let received;
        (far, received) = patience.within("the receiver", reading).await???;
        received
            .iter()
            .try_for_each(|message| ledger.arrived(message))
            .map_err(|stop| Stop::failed(format!("after a drop at poll {polls}: {stop}")))?;
        ledger.settle()?;
        if completed {
            ensure!(ledger.count() > 0, "nothing arrived");
            return Ok(drops);
        }
        drops += 1;
    }
    Ok(drops)
}

/// Sends in another task, whose waker has to replace that of the dropped future.
async fn by_another_task<T: Transport + Send + 'static>(
    patience: Patience,
    mut near: T,
    message: Bytes,
) -> Result<T, Stop> {
    let task = tokio::spawn(async move {
        patience.send(&mut near, message).await?;
        Ok::<_, Stop>(near)
    });
    patience.within("a send after the drop", task).await??
}

type Reading<T> = JoinHandle<Result<(T, Vec<Bytes>), Stop>>;

/// Receives in a task of its own up to `last`, or as long as something comes: others may come
/// behind it where no order is kept.
fn read_until<T: Transport + Send + 'static>(
    patience: Patience,
    mut far: T,
    last: Bytes,
) -> Reading<T> {
    tokio::spawn(async move {
        let mut received = Vec::new();
        let given = far.guarantees();
        let mut wait = if given.reliable() { patience.0 } else { FLIGHT };
        loop {
            if received.last() == Some(&last) {
                // Where it may have overtaken others, these are still to come.
                if given.ordered() {
                    break;
                }
                wait = FLIGHT;
            }
            match timeout(wait, far.recv()).await {
                Ok(message) => match message? {
                    Some(message) => received.push(message.into_bytes()),
                    None => break,
                },
                Err(_) => break,
            }
        }
        Ok((far, received))
    })
}

/// Dropped at any point, and called again, it still closes after the last message.
async fn closing<S: Subject>(trial: &Trial<S>) -> Verdict {
    let patience = trial.patience;
    let mut drops = 0;
    for polls in 0..MOST_POLLS {
        let (mut near, mut far) = trial.pair().await?;
        let given = between(&near, &far);
        let mut source = trial.source(&near);
        let messages = if given.reliable() {
            patience.fill(&mut near, &mut source).await?.messages
        } else {
            source.shorts(1)?
        };
        let mut ledger = Ledger::of(given, &messages);
        let reading = tokio::spawn(async move {
            patience.receive_all(&mut far, &mut ledger).await?;
            if given.end_of_file() {
                patience.end(&mut far).await?;
            }
            patience.ok("closing the far end", far.close()).await
        });
        let what = format!("a close polled {polls} times at most");
        let polled = at_most(polls, near.close());
        let completed = match patience.within(&what, polled).await? {
            Some(outcome) => outcome.map(|()| true)?,
            None => false,
        };
        let again = tokio::spawn(async move { near.close().await });
        patience.within("a close after the drop", again).await???;
        let read = patience.within("the receiver", reading).await??;
        read.map_err(|stop| Stop::failed(format!("after a drop at poll {polls}: {stop}")))?;
        if completed {
            return Ok(drops);
        }
        drops += 1;
    }
    Ok(drops)
}

/// A task waits for room in vain and gives up; the one that waits after it is woken.
async fn ready_taken_over<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let patience = trial.patience;
    let mut messages = patience.block(&mut near, &mut source).await?;
    // The kernel may have found room since.
    while at_most(1, near.ready()).await.transpose()?.is_some() {
        messages.extend(patience.block(&mut near, &mut source).await?);
    }
    let last = source.short()?;
    let mut ledger = Ledger::of(given, &messages);
    ledger.sent(&last);
    let waiting = tokio::spawn(async move {
        patience.send(&mut near, last).await?;
        Ok::<_, Stop>(near)
    });
    tokio::time::sleep(QUIET).await;
    let count = patience.receive_all(&mut far, &mut ledger).await?;
    patience.within("the task that took over a dropped ready", waiting).await???;
    Ok(count)
}

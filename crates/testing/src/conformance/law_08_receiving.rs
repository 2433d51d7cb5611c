//! Law 8, for the calls that receive.

use anysock_framing::{Guaranteed, Guarantees, RecvExt, SendExt};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::law_08_cancel_safe::MOST_POLLS;
use super::ledger::Ledger;
use super::polls::at_most;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{FLIGHT, QUIET, Trial, between};

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("recv", receiving(trial, false)).await;
    trial.check("recv_many", receiving(trial, true)).await;
    trial.check("recv, byte by byte", byte_by_byte(trial)).await;
    trial.check("recv, taken over", taken_over(trial)).await;
}

/// A receiver that waits while messages come in, small and large.
async fn receiving<S: Subject>(trial: &Trial<S>, many: bool) -> Verdict {
    /// A message may get lost where that is allowed, but not each time.
    const TRIES: usize = 5;
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&far);
    let patience = trial.patience;
    let mut drops = 0;
    let mut tries = 0;
    let mut polls = 0;
    while polls < MOST_POLLS {
        let messages = [source.large()?, source.short()?, source.bulky()?];
        let mut ledger = Ledger::of(given, &messages);
        let sending = tokio::spawn(async move {
            for message in messages {
                patience.send(&mut far, message).await?;
            }
            Ok::<_, Stop>(far)
        });
        let what = format!("receiving, polled {polls} times at most");
        let mut got = Vec::new();
        let completed = if many {
            let polled = at_most(polls, near.recv_many(&mut got, 2));
            patience.within(&what, polled).await?.transpose()?.is_some()
        } else {
            let message = patience.within(&what, at_most(polls, near.recv())).await?.transpose()?;
            let completed = message.is_some();
            got.extend(message.flatten());
            completed
        };
        ensure!(completed || got.is_empty(), "a recv that did not resolve gave a message");
        got.iter().try_for_each(|message| ledger.arrived(message))?;

        // Other calls, and another task, find what the dropped one may have begun.
        patience.ok("ready after the drop", near.ready()).await?;
        patience.flush(&mut near).await?;
        let rest = tokio::spawn(async move {
            let received = patience.receive_all(&mut near, &mut ledger).await;
            (near, received, ledger)
        });
        let (back, received, ledger) = patience.within("receiving after the drop", rest).await??;
        near = back;
        received.map_err(|stop| Stop::failed(format!("after a drop at poll {polls}: {stop}")))?;
        far = patience.within("the sender", sending).await???;

        tries += 1;
        if !ledger.is_complete() {
            ensure!(tries < TRIES, "a drop at poll {polls} lost a message {TRIES} times");
            continue;
        }
        if completed {
            return Ok(drops);
        }
        (drops, polls, tries) = (drops + 1, polls + 1, 0);
    }
    Ok(drops)
}

/// A frame that arrives in single bytes, each of which wakes the receiver in vain.
async fn byte_by_byte<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut raw = trial.subject.raw().await?;
    let messages = trial.source(&raw.near).shorts(4)?;
    let mut ledger = Ledger::of(raw.near.guarantees() | Guarantees::RELIABLE, &messages);
    let mut drops = 0;
    for message in &messages {
        for byte in raw.frame(message) {
            raw.wire.write_all(&[byte]).await?;
            raw.wire.flush().await?;
            if let Some(message) = at_most(1, raw.near.recv()).await.transpose()?.flatten() {
                ledger.arrived(&message)?;
            }
            drops += 1;
        }
    }
    trial.patience.receive_all(&mut raw.near, &mut ledger).await?;
    Ok(drops)
}

/// A task waits in vain and gives up; the one that waits after it is woken.
async fn taken_over<S: Subject>(trial: &Trial<S>) -> Verdict {
    /// A message may get lost where that is allowed.
    const TRIES: usize = 5;
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&far);
    ensure!(at_most(1, near.recv()).await.is_none(), "an idle recv gave something");
    let mut waiting = tokio::spawn(async move { near.recv().await });
    tokio::time::sleep(QUIET).await;
    for _ in 0..TRIES {
        trial.patience.send(&mut far, source.short()?).await?;
        let time = if given.reliable() { trial.patience.0 } else { FLIGHT };
        if let Ok(message) = timeout(time, &mut waiting).await {
            ensure!(message??.is_some(), "the end came, the peer had not closed");
            return Ok(1);
        }
        ensure!(!given.reliable(), "the task that took over a dropped recv was not woken");
    }
    Err(Stop::failed(format!("{TRIES} messages did not wake the task that took over a recv")))
}

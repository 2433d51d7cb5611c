//! Law 5: what is promised is kept.

use anysock_framing::{ErrorKind, Guaranteed, Guarantees, RecvExt, SendExt, Transport};
use tokio::time::timeout;

use super::delivery::Sending;
use super::ledger::Ledger;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{FLIGHT, Trial, between, needs};

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("require", require(trial)).await;
    trial.check("overrun, near to far", overrun(trial, false)).await;
    trial.check("overrun, far to near", overrun(trial, true)).await;
    trial.check("close keeps what was sent", close_keeps(trial)).await;
    trial.check("drop tears nothing", drop_tears_nothing(trial)).await;
    trial.check("a lost peer is told", lost_peer(trial)).await;
}

/// Every promise, asked for singly and with all others.
async fn require<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, far) = trial.pair().await?;
    let all = Guarantees::RELIABLE
        | Guarantees::ORDERED
        | Guarantees::BOUNDARIES
        | Guarantees::CONNECTION_ORIENTED
        | Guarantees::END_OF_FILE;
    let mut count = 0;
    for end in [&near, &far] {
        let given = end.guarantees();
        ensure!(end.require(given).is_ok(), "what is promised ({given}) is refused");
        for wanted in all.iter().map(|(one, _)| one).chain([all]) {
            let missing = wanted - given;
            let answer = end.require(wanted);
            match answer.map_err(anysock_framing::Error::into_kind) {
                Ok(()) => ensure!(missing.is_empty(), "it claims to be {missing} as well"),
                Err(ErrorKind::Unmet { missing: said, given: also }) => ensure!(
                    (said, also) == (missing, given) && !missing.is_empty(),
                    "wanted {wanted}: it says that {said} is missing and {also} given"
                ),
                Err(other) => return Err(Stop::failed(format!("require failed: {other}"))),
            }
            count += 1;
        }
    }
    let given = near.guarantees();
    let (sender, receiver) = Box::new(near).split_boxed();
    ensure!(sender.guarantees() == given, "the sending half promises something else");
    ensure!(receiver.guarantees() == given, "the receiving half promises something else");
    Ok(count + 2)
}

/// More than all buffers hold, for a receiver that sleeps and then wakes.
async fn overrun<S: Subject>(trial: &Trial<S>, back: bool) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    if back {
        (near, far) = (far, near);
    }
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let patience = trial.patience;
    let filled = patience.fill(&mut near, &mut source).await?;
    let rest = source.shorts(50)?;
    let mut ledger = Ledger::of(given, &filled.messages);
    rest.iter().for_each(|message| ledger.sent(message));
    let give = patience.give(&mut near, &rest, Sending::Feed);
    let (count, ()) = patience.receive_during(&mut far, &mut ledger, give).await?;
    if given.reliable() {
        patience.silence(&mut far).await?;
        return Ok(count);
    }
    // What is left may have come after the receiver had given up; order holds all the same.
    while let Ok(message) = timeout(FLIGHT, far.recv()).await {
        match message? {
            Some(message) => ledger.arrived(&message)?,
            None => break,
        }
    }
    ensure!(ledger.count() > 0, "not one of {} messages arrived", ledger.len());
    Ok(ledger.count())
}

/// The closer has not read what it received, and still does not destroy what it sent.
async fn close_keeps<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::RELIABLE)?;
    let patience = trial.patience;
    // Few, for a socket whose queue holds ten.
    let unread = trial.source(&far).shorts(5)?;
    patience.give(&mut far, &unread, Sending::Feed).await?;
    let mut source = trial.source(&near);
    let messages = patience.fill(&mut near, &mut source).await?.messages;

    let closing = tokio::spawn(async move {
        let closed = near.close().await;
        drop(near);
        closed
    });
    // Asleep: the closer is done for, if it does not wait.
    tokio::time::sleep(super::trial::QUIET).await;
    let count = patience.receive_all(&mut far, &mut Ledger::of(given, &messages)).await?;
    if given.end_of_file() {
        patience.end(&mut far).await?;
    }
    patience.ok("closing the far end", far.close()).await?;
    patience.ok("closing", async { closing.await.map_err(std::io::Error::other)? }).await?;
    Ok(count)
}

/// Dropping discards what was not flushed: the last messages, each of them whole.
async fn drop_tears_nothing<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut count = 0;
    for blocked in [false, true] {
        let (mut near, mut far) = trial.pair().await?;
        let given = between(&near, &far);
        let mut source = trial.source(&near);
        let mut messages = Vec::new();
        if blocked {
            messages = trial.patience.fill(&mut near, &mut source).await?.messages;
        } else {
            for _ in 0..5 {
                let message = source.short()?;
                trial.patience.feed(&mut near, message.clone()).await?;
                messages.push(message);
            }
        }
        drop(near);

        let mut ledger = Ledger::new(given - Guarantees::RELIABLE);
        messages.iter().for_each(|message| ledger.sent(message));
        // The end, an error and silence are all in order: but no part of a message is.
        while let Ok(Ok(Some(message))) = timeout(FLIGHT, far.recv()).await {
            ledger.arrived(&message)?;
        }
        if given.reliable() && given.ordered() {
            ledger.ensure_prefix()?;
        }
        count += ledger.count() + 1;
    }
    Ok(count)
}

/// Who sends to a peer that is gone learns of it, where there is a connection: from sending, or,
/// where the kernel takes what nobody will get (multipath TCP), from receiving.
async fn lost_peer<S: Subject>(trial: &Trial<S>) -> Verdict {
    /// The kernel may take the first ones.
    const TRIES: u64 = 100;
    let (mut near, far) = trial.pair().await?;
    needs(between(&near, &far), Guarantees::CONNECTION_ORIENTED)?;
    drop(far);
    let mut source = trial.source(&near);
    for tries in 1..=TRIES {
        let sending = near.send(source.short()?);
        match trial.patience.within("sending to nobody", sending).await? {
            Err(error) => {
                ensure!(error.is_fatal(), "a lost connection says that it survives: {error}");
                return Ok(tries);
            }
            Ok(()) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
        }
    }
    let told = trial.patience.within("receiving from nobody", near.recv()).await?;
    ensure!(
        !matches!(told, Ok(Some(_))),
        "{TRIES} messages were sent to nobody, and neither an error came nor the end"
    );
    Ok(TRIES)
}

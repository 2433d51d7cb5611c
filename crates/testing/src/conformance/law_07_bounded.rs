//! Law 7: memory is bounded, whatever the peer does.

use anysock_framing::{AsPayload, Attached, ErrorKind, Guaranteed, RecvExt, SendExt, SendHalf};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::ledger::Ledger;
use super::polls::{at_once, is_blocked};
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{FLIGHT, HIGH_WATERMARK, Trial, between};

/// The most that frames one message.
const FRAMING: usize = 64;

/// Received bytes that may be held in any case.
const HELD: usize = 8 * 1024;

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("unsent", unsent(trial)).await;
    trial.check("start_send without ready", without_ready(trial)).await;
    trial.check("held, of a flood", flood(trial)).await;
    trial.check("held, of little", little(trial)).await;
    trial.check("held, of an announcement", announced(trial)).await;
    trial.check("idle", idle(trial)).await;
}

fn ensure_unsent(half: &impl SendHalf, message: usize) -> Result<(), Stop> {
    let unsent = half.stats().unsent;
    let most = HIGH_WATERMARK + message + FRAMING;
    ensure!(unsent <= most, "{unsent} bytes are unsent, the bound is {most}");
    Ok(())
}

/// At most the high watermark and one message, for a peer that reads nothing.
async fn unsent<S: Subject>(trial: &Trial<S>) -> Verdict {
    /// More than every buffer of a reliable transport, and of one that loses messages.
    const LIMIT: [usize; 2] = [4 * 1024 * 1024, 32 * 1024 * 1024];
    let (mut near, far) = trial.pair().await?;
    let reliable = between(&near, &far).reliable();
    let mut source = trial.source(&near);
    let (mut bytes, mut count) = (0, 0);
    // Small ones first: what counts is bytes, not messages.
    while bytes < LIMIT[usize::from(reliable)] {
        if is_blocked(&mut near).await? {
            return Ok(count);
        }
        let message = if count < 500 { source.short()? } else { source.large()? };
        trial.patience.feed(&mut near, message.clone()).await?;
        ensure_unsent(&near, message.len())?;
        bytes += message.len();
        count += 1;
    }
    ensure!(!reliable, "{bytes} bytes were taken for a peer that reads nothing");
    Ok(count)
}

/// Who does not ask is refused, at the latest when the bound is reached.
async fn without_ready<S: Subject>(trial: &Trial<S>) -> Verdict {
    const LIMIT: usize = 4 * HIGH_WATERMARK;
    let (mut near, _far) = trial.pair().await?;
    let mut source = trial.source(&near);
    let (mut bytes, mut count) = (0, 0);
    while bytes < LIMIT {
        let mut message = source.bulky()?;
        let length = message.len();
        match near.start_send(message.as_payload(), &mut Attached::default()) {
            Ok(()) => ensure_unsent(&near, length)?,
            Err(error) => {
                ensure!(
                    matches!(error.kind(), ErrorKind::NotReady) && !error.is_fatal(),
                    "one message too many met another error: {error}"
                );
                ensure!(message.len() == length, "the refused message was touched");
                return Ok(count + 1);
            }
        }
        bytes += length;
        count += 1;
    }
    Err(Stop::failed(format!("{bytes} bytes were taken without one flush, and never refused")))
}

/// The peer sends all it can: what is held is a multiple of that, whenever it is looked at.
async fn flood<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&far);
    let messages = trial.patience.fill(&mut far, &mut source).await?.messages;
    let sent: usize = messages.iter().map(|message| message.len() + FRAMING).sum();
    let mut ledger = Ledger::of(given, &messages);
    let drive = tokio::spawn(async move { far.flush().await.map(|()| far) });
    let mut count = 0;
    while let Ok(message) = timeout(FLIGHT, near.recv()).await {
        let Some(message) = message? else { break };
        ledger.arrived(&message)?;
        let held = near.stats().held;
        ensure!(held <= HELD + 4 * sent, "{held} bytes are held, of {sent} that were sent");
        count += 1;
        if ledger.is_complete() {
            break;
        }
    }
    let _far = trial.patience.within("flushing", drive).await???;
    ledger.settle()?;
    // It lets go of its buffer when it finds that there is no more.
    ensure!(at_once(near.recv()).await.is_none(), "more arrived than was sent");
    let held = near.stats().held;
    ensure!(held == 0, "{held} bytes are held after the last message");
    Ok(count)
}

/// A few small messages do not make it hold the maximum.
async fn little<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let messages = trial.source(&far).shorts(5)?;
    let sent: usize = messages.iter().map(|message| message.len() + FRAMING).sum();
    for message in &messages {
        trial.patience.feed(&mut far, message.clone()).await?;
    }
    trial.patience.flush(&mut far).await?;
    let mut count = 0;
    while count < messages.len() as u64 {
        let Ok(message) = timeout(FLIGHT, near.recv()).await else { break };
        ensure!(message?.is_some(), "the end came, the peer had not closed");
        let held = near.stats().held;
        ensure!(held <= HELD + 4 * sent, "{held} bytes are held, of {sent} that were sent");
        count += 1;
    }
    ensure!(count > 0, "nothing arrived");
    Ok(count)
}

/// A peer that announces much and sends little gets no more than little reserved.
async fn announced<S: Subject>(trial: &Trial<S>) -> Verdict {
    /// Enough for any header.
    const SENT: usize = 24;
    let mut raw = trial.subject.raw().await?;
    let longest = trial.source(&raw.near).of(raw.near.max_message());
    let longest =
        longest.ok_or_else(|| Stop::not_applicable("the longest message has no sample"))?;
    let frame = raw.frame(&longest);
    let sent = SENT.min(frame.len() - 1);
    let mut count = 0;
    for byte in &frame[..sent] {
        raw.wire.write_all(&[*byte]).await?;
        raw.wire.flush().await?;
        let waited = timeout(std::time::Duration::from_millis(1), raw.near.recv()).await;
        ensure!(waited.is_err(), "a message came of {} bytes", count + 1);
        let held = raw.near.stats().held;
        let most = HELD + 4 * sent;
        ensure!(held <= most, "{held} bytes are held where {sent} were sent, the bound is {most}");
        count += 1;
    }
    Ok(count)
}

/// Who has nothing to do holds nothing.
async fn idle<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let messages = trial.source(&near).shorts(8)?;
    let patience = trial.patience;
    patience.exchange(&mut near, &mut far, &messages).await?;
    patience.exchange(&mut far, &mut near, &messages).await?;
    for (end, name) in [(&mut near, "near"), (&mut far, "far")] {
        ensure!(at_once(end.recv()).await.is_none(), "an idle recv gave something");
        let stats = end.stats();
        ensure!(
            (stats.unsent, stats.held) == (0, 0),
            "the idle {name} end holds {} bytes to be sent, {} received",
            stats.unsent,
            stats.held
        );
    }
    Ok(2)
}

//! Law 9: errors are typed, and say truthfully whether the transport survives.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anysock_framing::{
    Attached, Error, ErrorKind, Guaranteed, Guarantees, RecvExt, SendExt, SendHalf,
};

use super::filling::Refused;
use super::ledger::Ledger;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{FLIGHT, Trial, between};

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("survivable refusals", refusals(trial)).await;
    trial.check("not ready", not_ready(trial)).await;
    trial.check("closed", closed(trial)).await;
    trial.check("not attachable", not_attachable(trial)).await;
    trial.check("a message too long to receive", too_long_to_receive(trial)).await;
    trial.check("a peer that was away", peer_was_away(trial)).await;
    trial.check("after a fatal error", after_fatal(trial)).await;
}

/// Who survives by his own word delivers, in both directions.
async fn survives<S: Subject>(
    trial: &Trial<S>,
    error: &Error,
    near: &mut S::Transport,
    far: &mut S::Transport,
) -> Verdict {
    ensure!(!error.is_fatal(), "the error says that it is fatal: {error}");
    let messages = trial.source(near).shorts(2)?;
    let blame = |stop| match stop {
        Stop::Failed(why) => Stop::failed(format!("after the survivable \"{error}\": {why}")),
        other => other,
    };
    trial.patience.exchange(near, far, &messages).await.map_err(blame)?;
    trial.patience.exchange(far, near, &messages).await.map_err(blame)?;
    Ok(2)
}

/// Too long, and unrepresentable, by every way of sending.
async fn refusals<S: Subject>(trial: &Trial<S>) -> Verdict {
    const LIMIT: usize = 16 * 1024 * 1024;
    let (mut near, mut far) = trial.pair().await?;
    let mut messages = trial.subject.unrepresentable();
    if near.max_message() < LIMIT {
        messages.push(vec![b'x'; near.max_message() + 1]);
    }
    let mut count = 0;
    for message in messages {
        let sent = trial.patience.err("sending", near.send(&message[..])).await?;
        count += survives(trial, &sent, &mut near, &mut far).await?;
        let fed = trial.patience.err("feeding", near.feed(message.clone())).await?;
        count += survives(trial, &fed, &mut near, &mut far).await?;
        let Err(back) = near.try_send(message) else {
            return Err(Stop::failed("try_send accepted what send refuses"));
        };
        count += survives(trial, &back.error, &mut near, &mut far).await?;
    }
    Ok(count)
}

async fn not_ready<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let mut source = trial.source(&near);
    let Refused { back, accepted, .. } = trial.patience.refuse(&mut near, &mut source).await?;
    ensure!(matches!(back.error.kind(), ErrorKind::NotReady), "not ready met: {}", back.error);
    let mut ledger = Ledger::of(between(&near, &far), &accepted);
    let flush = trial.patience.flush(&mut near);
    trial.patience.receive_during(&mut far, &mut ledger, flush).await?;
    survives(trial, &back.error, &mut near, &mut far).await
}

/// After closing, sending says so, and says it again.
async fn closed<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let close = trial.patience.ok("closing", near.close());
    let close_far = trial.patience.ok("closing the far end", far.close());
    tokio::try_join!(close, close_far)?;
    let message = trial.source(&near).short()?;
    for _ in 0..3 {
        let error = trial.patience.err("sending after close", near.send(&message)).await?;
        ensure!(
            matches!(error.kind(), ErrorKind::Closed) && !error.is_fatal(),
            "sending after close met another error: {error}"
        );
    }
    trial.patience.ok("closing again", near.close()).await?;
    Ok(3)
}

/// A descriptor, and a source address: carried, refused by name, or dropped where the cell carries
/// it and this peer does not take it.
async fn not_attachable<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let mut count = 0;
    let attached = [
        Attached::nothing().descriptor(File::open("/dev/null")?),
        Attached::nothing().source(IpAddr::V4(Ipv4Addr::LOCALHOST)),
    ];
    for attached in attached {
        let message = trial.source(&near).short()?;
        let sending = near.send_with(message.clone(), attached);
        match trial.patience.within("sending with something attached", sending).await? {
            Err(error) => {
                let is_refused = match error.kind() {
                    ErrorKind::NotAttachable { .. } => true,
                    ErrorKind::Dropped { source, .. } => matches!(
                        source.kind(),
                        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput
                    ),
                    _ => false,
                };
                ensure!(is_refused, "what cannot be attached met another error: {error}");
                count += survives(trial, &error, &mut near, &mut far).await?;
            }
            Ok(()) => {
                let mut ledger = Ledger::of(between(&near, &far), &[message]);
                count += trial.patience.receive_all(&mut far, &mut ledger).await?;
            }
        }
    }
    Ok(count)
}

/// Where it survives that, it goes on; where not, it says so from then on.
async fn too_long_to_receive<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.subject.pair_with_max(100, 200).await?;
    let message = trial.source(&far).of(200);
    let message = message.ok_or_else(|| Stop::failed("the subject has no sample"))?;
    trial.patience.send(&mut far, message).await?;
    let error = trial.patience.err("receiving a message too long", near.recv()).await?;
    if !error.is_fatal() {
        return survives(trial, &error, &mut near, &mut far).await;
    }
    stays_dead(trial, &mut near).await
}

/// The host of a datagram's receiver said that nobody is there: no reason to die.
async fn peer_was_away<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.subject.refused().await?;
    // It may come out of any call, once; then it is over.
    let mut count = 0;
    for _ in 0..3 {
        let message = trial.source(&near).short()?;
        match trial.patience.within("sending", near.send(message)).await? {
            Err(error) if error.is_fatal() => {
                return Err(Stop::failed(format!(
                    "a refused message is said to be fatal: {error}"
                )));
            }
            _ => count += 1,
        }
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_millis(5), near.recv()).await {
            ensure!(!error.is_fatal(), "a refused message is said to be fatal: {error}");
        }
    }
    while tokio::time::timeout(FLIGHT, far.recv()).await.is_ok() {}
    let messages = trial.source(&near).shorts(3)?;
    let there = trial.patience.exchange(&mut near, &mut far, &messages).await?;
    let back = trial.patience.exchange(&mut far, &mut near, &messages).await?;
    Ok(count + there + back)
}

/// A transport that is done for says so to everyone who asks, and at once.
async fn after_fatal<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut near = trial.subject.reset(&[]).await?;
    ensure!(
        near.guarantees().contains(Guarantees::CONNECTION_ORIENTED),
        "a connection was broken where none is promised"
    );
    let error = trial.patience.err("receiving after a reset", near.recv()).await?;
    ensure!(error.is_fatal(), "a reset says that the transport survives: {error}");
    let dead = stays_dead(trial, &mut near).await?;
    // Sending fails as well, and closing ends, one way or the other.
    let message = trial.source(&near).short()?;
    let mut failed = false;
    for _ in 0..10 {
        let sent = trial.patience.within("sending after a reset", near.send(&message)).await?;
        ensure!(!(failed && sent.is_ok()), "a send went well after one had failed for good");
        failed |= sent.is_err_and(|error| error.is_fatal());
        if failed {
            continue;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ensure!(failed, "ten messages were sent over a connection that was reset");
    let _ = trial.patience.within("closing after a reset", near.close()).await?;
    Ok(dead + 3)
}

async fn stays_dead<S: Subject>(trial: &Trial<S>, near: &mut S::Transport) -> Verdict {
    for _ in 0..3 {
        let again = trial.patience.within("receiving after a fatal error", near.recv()).await?;
        match again {
            Ok(Some(_)) => return Err(Stop::failed("a message came after a fatal error")),
            Err(error) if !error.is_fatal() => {
                return Err(Stop::failed(format!("what was fatal now survives: {error}")));
            }
            _ => {}
        }
    }
    Ok(3)
}

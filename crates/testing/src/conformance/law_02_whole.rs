//! Law 2: a message is accepted whole or refused whole, at both ends.

use std::fs::File;

use anysock_framing::{
    AsPayload, Attached, Error, ErrorKind, Guaranteed, RecvExt, SendExt, SendHalf, Stats,
    TrySendError,
};
use bytes::Bytes;

use super::filling::Refused;
use super::polls::at_once;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::Trial;

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("too long to send", too_long(trial)).await;
    trial.check("too long, with a descriptor", attached(trial)).await;
    trial.check("given back", given_back(trial)).await;
    trial.check("longer than is received", longer_than_received(trial)).await;
}

/// One byte more than can be sent.
fn excess(half: &impl SendHalf) -> Result<Bytes, Stop> {
    const LIMIT: usize = 64 * 1024 * 1024;
    let max = half.max_message();
    if max > LIMIT {
        return Err(Stop::not_applicable("the longest message is too long to be tried"));
    }
    Ok(vec![b'x'; max + 1].into())
}

/// Gives `message` to `half` once it is ready, and says what is left of both.
async fn start<T: SendHalf>(
    half: &mut T,
    message: &mut Bytes,
    attached: &mut Attached,
) -> Result<(), Error> {
    half.ready().await?;
    half.start_send(message.as_payload(), attached)
}

/// Between two messages of a batch: they arrive, it leaves no trace.
async fn too_long<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let mut source = trial.source(&near);
    let patience = trial.patience;
    let (first, second) = (source.short()?, source.short()?);
    let long = excess(&near)?;

    patience.feed(&mut near, first.clone()).await?;
    let before = near.stats();
    let (mut message, mut along) = (long.clone(), Attached::nothing());
    let sending = start(&mut near, &mut message, &mut along);
    let error = patience.err("a message too long", sending).await?;
    // What was fed before may have left while it was waited for room.
    let after = near.stats();
    let counted = Stats { unsent: before.unsent, ..after };
    let is_same = counted == before && after.unsent <= before.unsent;
    ensure!(is_same, "it was counted: {after:?} after {before:?}");
    ensure!(message == long, "the refused message was touched");
    ensure!(!error.is_fatal(), "the error says that it is fatal: {error}");
    match error.kind() {
        ErrorKind::TooLong { length, limit } => ensure!(
            (*length, *limit) == (long.len(), near.max_message()),
            "the error names length {length} and limit {limit}"
        ),
        _ => return Err(Stop::failed(format!("a message too long met another error: {error}"))),
    }
    patience.feed(&mut near, second.clone()).await?;
    patience.flush(&mut near).await?;
    for expected in [first, second] {
        let got = patience.recv(&mut far).await?;
        ensure!(got == expected, "{} other bytes arrived", got.len());
    }
    patience.silence(&mut far).await?;
    Ok(5)
}

/// What is attached to a refused message is left alone, too.
async fn attached<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let mut source = trial.source(&near);
    let long = excess(&near)?;
    let (mut message, mut along) =
        (long.clone(), Attached::nothing().descriptor(File::open("/dev/null")?));
    let sending = start(&mut near, &mut message, &mut along);
    let error = trial.patience.err("a message too long, with a descriptor", sending).await?;
    ensure!(!error.is_fatal(), "the error says that it is fatal: {error}");
    ensure!(message == long, "the refused message was touched");
    ensure!(along.descriptors().len() == 1, "the attached descriptor was taken");
    trial.patience.exchange(&mut near, &mut far, &source.shorts(2)?).await?;
    Ok(3)
}

/// `try_send` gives back what it does not accept, too long or too early.
async fn given_back<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, _far) = trial.pair().await?;
    let mut source = trial.source(&near);
    let long = excess(&near)?;
    let Err(TrySendError { message, error }) = near.try_send(long.clone()) else {
        return Err(Stop::failed("a message too long was accepted by try_send"));
    };
    ensure!(message == long, "try_send gave another message back: {error}");
    match trial.patience.refuse(&mut near, &mut source).await {
        Err(Stop::NotApplicable(_)) => Ok(1),
        Err(stop) => Err(stop),
        Ok(Refused { message, back: TrySendError { message: back, error }, .. }) => {
            ensure!(message == back, "try_send gave another message back: {error}");
            let not_ready = matches!(error.kind(), ErrorKind::NotReady);
            ensure!(not_ready, "a message too early met another error: {error}");
            Ok(2)
        }
    }
}

/// The receiver takes less than the sender sends.
async fn longer_than_received<S: Subject>(trial: &Trial<S>) -> Verdict {
    const FAR: usize = 100;
    let (mut near, mut far) = trial.subject.pair_with_max(200, FAR).await?;
    let mut source = trial.source(&near);
    let patience = trial.patience;
    let mut of =
        |length| source.of(length).ok_or_else(|| Stop::failed("the subject has no sample"));
    let (fits, next) = (of(FAR)?, of(FAR)?);
    patience.exchange(&mut near, &mut far, &[fits]).await?;
    let mut checked = 1;
    for length in [FAR + 1, 200] {
        patience.send(&mut near, of(length)?).await?;
        let error = patience.err(format_args!("receiving {length} bytes"), far.recv()).await?;
        checked += 1;
        match error.kind() {
            ErrorKind::Truncated { length: said, limit } => {
                ensure!((*said, *limit) == (length, FAR), "{length} bytes met: {error}");
                ensure!(!error.is_fatal(), "a truncated message says that it is fatal");
                let counted = far.stats().truncated;
                ensure!(counted == checked - 1, "{counted} were counted as truncated");
            }
            ErrorKind::Oversize { length: said, limit } => {
                let fits = *said > FAR as u64 && *said <= length as u64;
                ensure!(fits && *limit == FAR, "{length} bytes met: {error}");
                ensure!(error.is_fatal(), "a stream out of step says that it survives");
                // Out of step for good: whatever comes next is no message.
                for _ in 0..3 {
                    if let Some(Ok(Some(_))) = at_once(far.recv()).await {
                        return Err(Stop::failed("a message came after a fatal error"));
                    }
                }
                return Ok(checked);
            }
            _ => return Err(Stop::failed(format!("{length} bytes met another error: {error}"))),
        }
    }
    patience.exchange(&mut near, &mut far, &[next]).await?;
    Ok(checked + 1)
}

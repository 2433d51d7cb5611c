//! Law 1: one message sent is one message received, byte for byte.

use anysock_framing::{ErrorKind, Guarantees, SendExt, SendHalf};

use super::delivery::{Receiving, Sending};
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{Trial, between};

/// Lengths at which headers, buffers and blocks begin or end.
const LENGTHS: [usize; 34] = [
    1, 2, 3, 7, 8, 9, 31, 32, 33, 63, 64, 65, 126, 127, 128, 254, 255, 256, 257, 1023, 1024, 1025,
    4095, 4096, 4097, 8191, 8192, 8193, 16_383, 16_384, 65_507, 65_535, 65_536, 65_537,
];

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    use {Receiving as R, Sending as S};
    trial.check("promised", promised(trial)).await;
    trial.check("sizes, sent owned", sizes(trial, S::Send, R::One, false)).await;
    trial.check("sizes, sent borrowed", sizes(trial, S::Borrowed, R::One, true)).await;
    trial.check("sizes, fed", sizes(trial, S::Feed, R::One, false)).await;
    trial.check("sizes, fed, many at once", sizes(trial, S::Feed, R::Many, true)).await;
    trial.check("unrepresentable", unrepresentable(trial)).await;
}

async fn promised<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, far) = trial.pair().await?;
    ensure!(between(&near, &far).contains(Guarantees::BOUNDARIES), "boundaries are not promised");
    Ok(1)
}

/// Messages of every critical size up to the largest, and of many others.
async fn sizes<S: Subject>(
    trial: &Trial<S>,
    sending: Sending,
    receiving: Receiving,
    back: bool,
) -> Verdict {
    /// The largest is tried up to here.
    const LIMIT: usize = 16 * 1024 * 1024;
    let (mut near, mut far) = trial.pair().await?;
    if back {
        (near, far) = (far, near);
    }
    let mut source = trial.source(&near);
    let max = near.max_message();
    let largest = [max.saturating_sub(1), max].into_iter().filter(|max| *max <= LIMIT);
    // 61 is prime to the powers of two, so that boundaries fall everywhere in the buffers.
    let others = (1..80).map(|step| step * 61 % 4099);
    let lengths = LENGTHS.into_iter().chain(others).chain(largest);
    let messages: Vec<_> = lengths.filter_map(|length| source.of(length)).collect();
    ensure!(!messages.is_empty(), "the subject has no samples");
    trial.patience.deliver(&mut near, &mut far, &messages, sending, receiving).await
}

/// What would not arrive as it is, is refused, and does no harm.
async fn unrepresentable<S: Subject>(trial: &Trial<S>) -> Verdict {
    let refused = trial.subject.unrepresentable();
    if refused.is_empty() {
        return Err(Stop::not_applicable("every message can be carried"));
    }
    let (mut near, mut far) = trial.pair().await?;
    let mut source = trial.source(&near);
    for message in &refused {
        let length = message.len();
        let error = trial.patience.err("sending", near.send(&message[..])).await?;
        ensure!(
            matches!(error.kind(), ErrorKind::Unrepresentable { .. }) && !error.is_fatal(),
            "{length} unrepresentable bytes met another error: {error}"
        );
        let Err(back) = near.try_send(message.clone()) else {
            return Err(Stop::failed(format!("{length} unrepresentable bytes were accepted")));
        };
        ensure!(back.message == *message, "try_send gave another message back");
        trial.patience.exchange(&mut near, &mut far, &source.shorts(2)?).await?;
    }
    Ok(2 * refused.len() as u64)
}

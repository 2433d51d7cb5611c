//! Law 3: an empty message is a message, alone and among others; never the end.

use anysock_framing::{ErrorKind, Guarantees, SendExt};
use bytes::Bytes;

use super::delivery::{Receiving, Sending};
use super::ledger::Ledger;
use super::stop::{Verdict, ensure};
use super::subject::Subject;
use super::trial::{Trial, between, needs};

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    if trial.subject.sample(0, 0).is_none() {
        return trial.check("refused", refused(trial)).await;
    }
    trial.check("alone", arrangement(trial, "e", Sending::Send)).await;
    trial.check("first and last", arrangement(trial, "emmeemme", Sending::Send)).await;
    trial.check("in a batch", arrangement(trial, "memeemmmeeeme", Sending::Feed)).await;
    trial.check("only such", arrangement(trial, &"e".repeat(60), Sending::Feed)).await;
    trial.check("before the end", before_the_end(trial)).await;
}

/// `e` is an empty message, `m` another one.
async fn arrangement<S: Subject>(trial: &Trial<S>, pattern: &str, sending: Sending) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let mut source = trial.source(&near);
    let messages: Result<Vec<_>, _> = pattern
        .bytes()
        .map(|letter| if letter == b'e' { Ok(Bytes::new()) } else { source.short() })
        .collect();
    let messages = messages?;
    let patience = trial.patience;
    let mut count = 0;
    for receiving in [Receiving::One, Receiving::Many] {
        count += patience.deliver(&mut near, &mut far, &messages, sending, receiving).await?;
        count += patience.deliver(&mut far, &mut near, &messages, sending, receiving).await?;
    }
    Ok(count)
}

/// The last one before the end is told from the end.
async fn before_the_end<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::RELIABLE | Guarantees::END_OF_FILE)?;
    let patience = trial.patience;
    let mut source = trial.source(&near);
    let messages = [source.short()?, Bytes::new(), Bytes::new()];
    patience.give(&mut near, &messages, Sending::Feed).await?;
    let receive = async {
        patience.receive_all(&mut far, &mut Ledger::of(given, &messages)).await?;
        patience.end(&mut far).await?;
        patience.ok("closing the far end", far.close()).await
    };
    tokio::try_join!(patience.ok("closing", near.close()), receive)?;
    Ok(messages.len() as u64)
}

/// Who cannot carry one says so.
async fn refused<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let error = trial.patience.err("sending nothing", near.send(b"")).await?;
    ensure!(
        matches!(error.kind(), ErrorKind::Unrepresentable { .. }),
        "an empty message met another error: {error}"
    );
    let messages = trial.source(&near).shorts(2)?;
    trial.patience.exchange(&mut near, &mut far, &messages).await?;
    Ok(2)
}

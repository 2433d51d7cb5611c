//! Law 4: the end is told from a break, and comes after the last message.

use anysock_framing::{
    ErrorKind, Guaranteed, Guarantees, RecvExt, RecvHalf, SendExt, SendHalf, Transport,
};
use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::delivery::Sending;
use super::ledger::Ledger;
use super::patience::Patience;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{Trial, between, needs};

/// Last messages of a peer that ends or breaks the connection.
const LAST: usize = 5;

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("orderly close", orderly(trial)).await;
    trial.check("both close", both(trial)).await;
    trial.check("dropped peer", dropped(trial)).await;
    trial.check("end of bytes", end_of_bytes(trial)).await;
    trial.check("cut off", cut_off(trial)).await;
    trial.check("reset", reset(trial, Met::Receiving)).await;
    trial.check("reset, met by a send", reset(trial, Met::Sending)).await;
    trial.check("reset, met by the other half", reset_halves(trial)).await;
}

/// Everything sent, then the end, for ever.
async fn orderly<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::END_OF_FILE)?;
    let patience = trial.patience;
    let messages = trial.source(&near).shorts(LAST)?;
    patience.give(&mut near, &messages, Sending::Feed).await?;
    let receive = async {
        let count = patience.receive_all(&mut far, &mut Ledger::of(given, &messages)).await?;
        let ends = patience.end(&mut far).await?;
        let ends = ends + patience.within("recv_many at the end", many_at_end(&mut far)).await??;
        patience.ok("closing the far end", far.close()).await?;
        Ok(count + ends)
    };
    let ((), count) = tokio::try_join!(patience.ok("closing", near.close()), receive)?;
    // The closer reads the end as well, once its peer has closed.
    Ok(count + patience.end(&mut near).await?)
}

async fn many_at_end(half: &mut impl RecvHalf) -> Verdict {
    let mut messages = Vec::new();
    let got = half.recv_many(&mut messages, 8).await?;
    ensure!(got == 0 && messages.is_empty(), "recv_many gave {got} messages at the end");
    Ok(1)
}

/// Neither waits for the other for ever.
async fn both<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    needs(between(&near, &far), Guarantees::END_OF_FILE)?;
    let patience = trial.patience;
    let mut source = trial.source(&near);
    patience.feed(&mut near, source.short()?).await?;
    patience.feed(&mut far, source.short()?).await?;
    let (closing, far_closing) =
        (patience.ok("closing", near.close()), patience.ok("closing the far end", far.close()));
    tokio::try_join!(closing, far_closing)?;
    Ok(1)
}

/// What was sent arrives from a peer that is dropped, too, and then nothing is waited for.
async fn dropped<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::RELIABLE | Guarantees::END_OF_FILE)?;
    let messages = trial.source(&near).shorts(LAST)?;
    trial.patience.give(&mut near, &messages, Sending::Send).await?;
    drop(near);
    if !trial.subject.drop_ends() {
        return cut_off_by_drop(trial, &mut far, &messages).await;
    }
    let count = trial.patience.receive_all(&mut far, &mut Ledger::of(given, &messages)).await?;
    trial.patience.end(&mut far).await.map(|ends| count + ends)
}

/// Where the end has to be said: what arrives is the beginning of what was sent, and then an error.
async fn cut_off_by_drop<S: Subject>(
    trial: &Trial<S>,
    far: &mut S::Transport,
    messages: &[Bytes],
) -> Verdict {
    let mut count = 0;
    loop {
        match trial.patience.within("what the dropped peer left", far.recv()).await? {
            Ok(Some(message)) => {
                let sent = messages.get(count).is_some_and(|sent| message == sent);
                ensure!(sent, "message {count} is not the one that was sent");
                count += 1;
            }
            Ok(None) => {
                return Err(Stop::failed(
                    "a peer that has not said its end looks like one that has",
                ));
            }
            Err(error) => {
                ensure!(error.is_fatal(), "the end of a dropped peer is survivable: {error}");
                return Ok(count as u64 + 1);
            }
        }
    }
}

/// Whole frames, then the end of the bytes.
async fn end_of_bytes<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut raw = trial.subject.raw().await?;
    let messages = trial.source(&raw.near).shorts(LAST)?;
    for message in &messages {
        let frame = raw.frame(message);
        raw.wire.write_all(&frame).await?;
    }
    raw.wire.shutdown().await?;
    let mut ledger = Ledger::of(raw.near.guarantees(), &messages);
    let count = trial.patience.receive_all(&mut raw.near, &mut ledger).await?;
    trial.patience.end(&mut raw.near).await.map(|ends| count + ends)
}

/// The bytes end at every place inside a frame.
async fn cut_off<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut cuts = 0;
    for cut in 1.. {
        let mut raw = trial.subject.raw().await?;
        let mut source = trial.source(&raw.near);
        let (whole, torn) = (source.short()?, source.short()?);
        let mut bytes = raw.frame(&whole);
        let frame = raw.frame(&torn);
        if cut >= frame.len() {
            break;
        }
        bytes.extend_from_slice(&frame[..cut]);
        raw.wire.write_all(&bytes).await?;
        raw.wire.shutdown().await?;

        let first = trial.patience.recv(&mut raw.near).await?;
        ensure!(first == whole, "the message before the cut did not arrive");
        let what = format!("a cut after {cut} bytes");
        let error = trial.patience.err(what, raw.near.recv()).await?;
        ensure!(
            matches!(error.kind(), ErrorKind::CutOff { .. }) && error.is_fatal(),
            "a cut after {cut} bytes met another error: {error}"
        );
        no_message_after(trial.patience, &mut raw.near).await?;
        cuts += 1;
    }
    Ok(cuts)
}

/// Which call is the first to meet the break.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Receiving,
    Sending,
}

/// The last words first, then the break, which never looks like an orderly end.
async fn reset<S: Subject>(trial: &Trial<S>, met: Met) -> Verdict {
    let (mut near, messages) = broken(trial).await?;
    if met == Met::Sending {
        send_until_error(trial, &mut near).await?;
    }
    let given = near.guarantees();
    let count = trial.patience.receive_all(&mut near, &mut Ledger::of(given, &messages)).await?;
    let error = trial.patience.err("receiving after a reset", near.recv()).await?;
    ensure!(error.is_fatal(), "a reset says that the transport survives: {error}");
    no_message_after(trial.patience, &mut near).await?;
    Ok(count + 1)
}

/// The sending half meets the break: the receiving half knows of it.
async fn reset_halves<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, messages) = broken(trial).await?;
    let given = near.guarantees();
    let (mut sender, mut receiver) = Box::new(near).split_boxed();
    send_until_error(trial, &mut sender).await?;
    let mut ledger = Ledger::of(given, &messages);
    let count = trial.patience.receive_all(&mut receiver, &mut ledger).await?;
    let error = trial.patience.err("receiving after a reset", receiver.recv()).await?;
    ensure!(error.is_fatal(), "a reset says that the transport survives: {error}");
    no_message_after(trial.patience, &mut receiver).await?;
    Ok(count + 1)
}

/// A transport whose peer has broken the connection, and what the peer sent before.
async fn broken<S: Subject>(trial: &Trial<S>) -> Result<(S::Transport, Vec<bytes::Bytes>), Stop> {
    let (measure, _far) = trial.pair().await?;
    let messages = trial.source(&measure).shorts(LAST)?;
    let words: Vec<_> = messages.iter().map(|message| message.to_vec()).collect();
    Ok((trial.subject.reset(&words).await?, messages))
}

async fn send_until_error<S: Subject>(
    trial: &Trial<S>,
    half: &mut (impl SendHalf + ?Sized),
) -> Result<(), Stop> {
    /// The first one may still be taken by a kernel that has not heard of it.
    const TRIES: usize = 50;
    let mut source = trial.source(&&mut *half);
    for _ in 0..TRIES {
        let sending = half.send(source.short()?);
        match trial.patience.within("sending after a reset", sending).await? {
            Ok(()) => tokio::time::sleep(std::time::Duration::from_millis(1)).await,
            Err(error) if error.is_fatal() => return Ok(()),
            Err(error) => {
                return Err(Stop::failed(format!("a broken connection says it survives: {error}")));
            }
        }
    }
    Err(Stop::failed("no send after a reset failed"))
}

/// However often it is asked.
async fn no_message_after(
    patience: Patience,
    half: &mut (impl RecvHalf + ?Sized),
) -> Result<(), Stop> {
    for _ in 0..3 {
        match timeout(patience.0, half.recv()).await {
            Ok(Ok(Some(_))) => return Err(Stop::failed("a message came after a fatal error")),
            Ok(_) => {}
            Err(_) => return Err(Stop::failed("receiving after a fatal error waits for ever")),
        }
    }
    Ok(())
}

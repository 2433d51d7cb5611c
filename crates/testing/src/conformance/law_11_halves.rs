//! Law 11: the halves never wait for each other.

use anysock_framing::{
    Error, ErrorKind, Guarantees, Halves, RecvExt, RecvHalf, SendExt, SendHalf, Transport,
};
use bytes::Bytes;

use super::delivery::Sending;
use super::ledger::Ledger;
use super::stop::{Verdict, ensure};
use super::subject::Subject;
use super::trial::{QUIET, Trial, between, needs};

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("a blocked sender, and the receiver", blocked(trial)).await;
    trial.check("full duplex", full_duplex(trial)).await;
    trial.check("a waiting receiver, while the sender acts", waiting_receiver(trial)).await;
    trial.check("receiving goes on after closing", closed(trial)).await;
    trial.check("a sender without its receiver", receiver_dropped(trial)).await;
}

fn split<T: Transport + 'static>(transport: T) -> Halves {
    Box::new(transport).split_boxed()
}

type Sender = Box<dyn SendHalf + Send>;
type Receiver = Box<dyn RecvHalf + Send>;

/// The peer does not read, but sends: that is received, and the blocked sender wakes later.
async fn blocked<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let (mut sender, mut receiver) = split(near);
    let patience = trial.patience;
    let mut filled = patience.block(&mut sender, &mut source).await?;
    let last = source.short()?;
    filled.push(last.clone());
    let sending = tokio::spawn(async move {
        let sent = patience.send(&mut sender, last).await;
        (sender, sent)
    });
    tokio::task::yield_now().await;

    let mut ledger = Ledger::new(given);
    for message in source.shorts(5)? {
        patience.send(&mut far, message.clone()).await?;
        ledger.sent(&message);
        // One after the other, so that the receiver has to be woken each time.
        patience.receive_all(&mut receiver, &mut ledger).await?;
    }
    let mut outgoing = Ledger::of(given, &filled);
    let count = patience.receive_all(&mut far, &mut outgoing).await?;
    let (_sender, sent) = patience.within("the sender that was blocked", sending).await??;
    sent?;
    Ok(ledger.count() + count)
}

/// Both directions at once, each with more than the buffers hold.
async fn full_duplex<S: Subject>(trial: &Trial<S>) -> Verdict {
    const COUNT: usize = 400;
    let (near, far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let mut messages = || (0..COUNT).map(|_| source.bulky()).collect::<Result<Vec<_>, _>>();
    let (there, back) = (messages()?, messages()?);
    let patience = trial.patience;
    let ((sender, mut receiver), (far_sender, mut far_receiver)) = (split(near), split(far));
    let give = |mut sender: Sender, messages: Vec<Bytes>| {
        let sending = tokio::spawn(async move {
            patience.give(&mut sender, &messages, Sending::Feed).await.map(|()| sender)
        });
        async { patience.within("the sender", sending).await?? }
    };
    let (give, give_back) = (give(sender, there.clone()), give(far_sender, back.clone()));
    let mut ledgers = (Ledger::of(given, &there), Ledger::of(given, &back));
    let ((count, _), (count_back, _)) = tokio::try_join!(
        patience.receive_during(&mut far_receiver, &mut ledgers.0, give),
        patience.receive_during(&mut receiver, &mut ledgers.1, give_back),
    )?;
    Ok(count + count_back)
}

/// Nothing that the sender does loses the receiver's waker.
async fn waiting_receiver<S: Subject>(trial: &Trial<S>) -> Verdict {
    const TRIES: u64 = 5;
    let (near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let (mut sender, receiver) = split(near);
    let patience = trial.patience;
    let mut waiting = park(receiver);
    for round in 0..TRIES {
        tokio::task::yield_now().await;
        // Blocked, woken, flushed; and closed in the end.
        let mut filled =
            Ledger::of(given, &patience.fill(&mut sender, &mut source).await?.messages);
        let flush = patience.flush(&mut sender);
        patience.receive_during(&mut far, &mut filled, flush).await?;
        if round == TRIES - 1 {
            patience.ok("closing the sending half", sender.close()).await?;
        }
        tokio::time::sleep(QUIET).await;
        ensure!(!waiting.is_finished(), "a recv ended, nothing had been sent");
        loop {
            patience.send(&mut far, source.short()?).await?;
            let time = if given.reliable() { patience.0 } else { super::trial::FLIGHT };
            match tokio::time::timeout(time, &mut waiting).await {
                Ok(done) => {
                    let (receiver, message) = done?;
                    ensure!(message?.is_some(), "the end came, the peer had not closed");
                    waiting = park(receiver);
                    break;
                }
                Err(_) => ensure!(!given.reliable(), "a recv that waited did not wake"),
            }
        }
    }
    Ok(TRIES)
}

type Parked = tokio::task::JoinHandle<(Receiver, Result<Option<anysock_framing::Message>, Error>)>;

fn park(mut receiver: Receiver) -> Parked {
    tokio::spawn(async move {
        let message = receiver.recv().await;
        (receiver, message)
    })
}

/// Closing the sending half ends that direction only.
async fn closed<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let (mut sender, mut receiver) = split(near);
    let patience = trial.patience;
    let message = source.short()?;
    patience.send(&mut sender, message.clone()).await?;
    patience.ok("closing the sending half", sender.close()).await?;
    let error = patience.err("sending after close", sender.send(&message)).await?;
    ensure!(
        matches!(error.kind(), ErrorKind::Closed),
        "sending after close met another error: {error}"
    );
    patience.receive_all(&mut far, &mut Ledger::of(given, &[message])).await?;
    if given.end_of_file() {
        patience.end(&mut far).await?;
    }
    let answers = source.shorts(5)?;
    patience.give(&mut far, &answers, Sending::Send).await?;
    drop(sender);
    let more = source.shorts(1)?;
    patience.give(&mut far, &more, Sending::Send).await?;
    let mut ledger = Ledger::of(given, &[answers, more].concat());
    let count = patience.receive_all(&mut receiver, &mut ledger).await?;
    ensure!(count > 0, "nothing arrived after the sending half was closed");
    Ok(count)
}

/// A sender that was blocked while its receiver went still wakes and sends.
async fn receiver_dropped<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::RELIABLE)?;
    let mut source = trial.source(&near);
    let (mut sender, receiver) = split(near);
    let patience = trial.patience;
    let mut filled = patience.block(&mut sender, &mut source).await?;
    let last = source.short()?;
    filled.push(last.clone());
    let sending = tokio::spawn(async move {
        let sent = patience.send(&mut sender, last).await;
        (sender, sent)
    });
    tokio::task::yield_now().await;
    drop(receiver);
    let count = patience.receive_all(&mut far, &mut Ledger::of(given, &filled)).await?;
    let (_sender, sent) = patience.within("the sender that was blocked", sending).await??;
    sent?;
    Ok(count)
}

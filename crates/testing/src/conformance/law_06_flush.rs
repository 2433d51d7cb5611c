//! Law 6: what was accepted leaves, without being asked twice.

use anysock_framing::{Guaranteed, Guarantees, RecvExt, SendExt, Transport};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::delivery::Sending;
use super::ledger::Ledger;
use super::polls::at_once;
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{QUIET, Trial, between, needs};

/// Messages that a client sends before it reads an answer.
const PIPELINED: usize = 100;

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    trial.check("send alone", send_alone(trial)).await;
    trial.check("feed, then recv", feed_then_recv(trial)).await;
    trial.check("answers before the end", answers_before_end(trial)).await;
    trial.check("answers before an error", answers_before_error(trial)).await;
    trial.check("a blocked flush, and recv", blocked_flush(trial)).await;
    trial.check("a blocked flush, and the end", blocked_before_end(trial)).await;
    trial.check("a blocked flush, and an error", blocked_before_error(trial)).await;
    trial.check("a flush that failed in recv", failed_flush(trial)).await;
}

/// `send` needs no other call.
async fn send_alone<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let messages = trial.source(&near).shorts(5)?;
    let mut ledger = Ledger::new(given);
    for message in &messages {
        ledger.sent(message);
        trial.patience.send(&mut near, message.clone()).await?;
        trial.patience.receive_all(&mut far, &mut ledger).await?;
    }
    ensure!(ledger.count() > 0, "not one of {} messages arrived", messages.len());
    Ok(ledger.count())
}

/// A `recv` that waits drives out what was fed.
async fn feed_then_recv<S: Subject>(trial: &Trial<S>) -> Verdict {
    const TRIES: usize = 5;
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    let mut ledger = Ledger::new(given);
    let mut answers = Vec::new();
    for _ in 0..TRIES {
        let fed = source.shorts(3)?;
        for message in &fed {
            trial.patience.feed(&mut near, message.clone()).await?;
            ledger.sent(message);
        }
        let parked = tokio::spawn(async move {
            let message = near.recv().await;
            (near, message)
        });
        trial.patience.receive_all(&mut far, &mut ledger).await?;
        // What it waited for; or what an earlier one had got already, when it was sent once more.
        let answer = source.short()?;
        answers.push(answer.clone());
        loop {
            trial.patience.send(&mut far, answer.clone()).await?;
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            if parked.is_finished() || given.reliable() {
                break;
            }
        }
        let (back, message) = trial.patience.within("the recv that waited", parked).await??;
        let is_answer = |message| answers.iter().any(|answer| message == *answer);
        ensure!(message?.is_some_and(is_answer), "recv gave something else");
        near = back;
        if given.reliable() {
            return Ok(ledger.count());
        }
    }
    ensure!(ledger.count() > 0, "what was fed did not leave during recv");
    Ok(ledger.count())
}

/// A client pipelines its requests and half closes: every answer leaves before the server
/// learns of the end, though it does nothing but receive, feed, and stop.
async fn answers_before_end<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (near, far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::RELIABLE | Guarantees::END_OF_FILE)?;
    let requests = trial.source(&near).shorts(PIPELINED)?;
    let server = tokio::spawn(echo(near, !trial.subject.drop_ends()));
    let (mut sender, mut receiver) = Box::new(far).split_boxed();
    let patience = trial.patience;
    let ask = async {
        patience.give(&mut sender, &requests, Sending::Feed).await?;
        patience.ok("half closing", sender.close()).await
    };
    let mut ledger = Ledger::of(given, &requests);
    let ((), count) = tokio::try_join!(ask, patience.receive_all(&mut receiver, &mut ledger))?;
    patience.within("the server's end", server).await???;
    patience.end(&mut receiver).await.map(|ends| count + ends)
}

/// Then drops its end, or closes it where that has to be said.
async fn echo<T: Transport>(mut peer: T, closes: bool) -> Result<(), anysock_framing::Error> {
    while let Some(message) = peer.recv().await? {
        peer.feed(message).await?;
    }
    if closes { peer.close().await } else { Ok(()) }
}

/// The same for a client whose last request is cut off: the server ends with an error.
async fn answers_before_error<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut raw = trial.subject.raw().await?;
    let requests = trial.source(&raw.near).shorts(PIPELINED)?;
    let frames: Vec<_> = requests.iter().map(|request| raw.frame(request)).collect();
    let expected = frames.concat();
    raw.wire.write_all(&expected).await?;
    raw.wire.write_all(&frames[0][..frames[0].len() - 1]).await?;
    raw.wire.shutdown().await?;
    let server = tokio::spawn(echo(raw.near, false));
    let mut answers = vec![0; expected.len()];
    let read = raw.wire.read_exact(&mut answers);
    let read = trial.patience.within("the answers", read).await?;
    ensure!(read.is_ok(), "the bytes ended before all answers had come");
    ensure!(answers == expected, "the answers are not those of the requests");
    let ended = trial.patience.within("the server's end", server).await??;
    ensure!(ended.is_err(), "a cut off request was reported as an orderly end");
    Ok(PIPELINED as u64)
}

/// The peer does not read: what it sends is received all the same, and nothing is lost.
async fn blocked_flush<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let patience = trial.patience;
    let mut source = trial.source(&near);
    let unsent = patience.block(&mut near, &mut source).await?;
    let incoming = source.shorts(5)?;
    let mut ledger = Ledger::new(given);
    for message in &incoming {
        patience.send(&mut far, message.clone()).await?;
        ledger.sent(message);
    }
    let count = patience.receive_all(&mut near, &mut ledger).await?;
    let mut ledger = Ledger::of(given, &unsent);
    let flush = patience.flush(&mut near);
    let (more, ()) = patience.receive_during(&mut far, &mut ledger, flush).await?;
    Ok(count + more)
}

/// The end is reported once everything is out: who stops then leaves nothing behind.
async fn blocked_before_end<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, far) = trial.pair().await?;
    let given = between(&near, &far);
    needs(given, Guarantees::RELIABLE | Guarantees::END_OF_FILE)?;
    let patience = trial.patience;
    let mut source = trial.source(&near);
    let mut ledger = Ledger::of(given, &patience.block(&mut near, &mut source).await?);
    let (mut sender, mut receiver) = Box::new(far).split_boxed();
    patience.ok("half closing", sender.close()).await?;
    let server = tokio::spawn(echo(near, false));
    tokio::time::sleep(QUIET).await;
    let count = patience.receive_all(&mut receiver, &mut ledger).await?;
    patience.within("the server's end", server).await???;
    Ok(count)
}

/// The same for a client that ends inside a message.
async fn blocked_before_error<S: Subject>(trial: &Trial<S>) -> Verdict {
    let mut raw = trial.subject.raw().await?;
    let patience = trial.patience;
    let mut source = trial.source(&raw.near);
    let torn = raw.frame(&source.short()?);
    let messages = patience.block(&mut raw.near, &mut source).await?;
    let frames: Vec<_> = messages.iter().map(|message| raw.frame(message)).collect();
    raw.wire.write_all(&torn[..torn.len() - 1]).await?;
    raw.wire.shutdown().await?;
    let server = tokio::spawn(echo(raw.near, false));
    tokio::time::sleep(QUIET).await;
    let mut bytes = vec![0; frames.iter().map(Vec::len).sum()];
    let read = patience.within("what was sent", raw.wire.read_exact(&mut bytes)).await?;
    ensure!(read.is_ok(), "the bytes ended before all that was sent had come");
    ensure!(bytes == frames.concat(), "other bytes came than were sent");
    let ended = patience.within("the server's end", server).await??;
    ensure!(ended.is_err(), "a cut off message was reported as an orderly end");
    Ok(messages.len() as u64)
}

/// The peer has broken the connection while something was to be sent: what it said comes
/// first, and the failure is not forgotten.
async fn failed_flush<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (measure, _far) = trial.pair().await?;
    let mut source = trial.source(&measure);
    let messages = source.shorts(5)?;
    let words: Vec<_> = messages.iter().map(|message| message.to_vec()).collect();
    let mut near = trial.subject.reset(&words).await?;
    // Not ready any more is in order, too.
    let fed = at_once(near.feed(source.short()?)).await;
    let mut ledger = Ledger::of(near.guarantees(), &messages);
    let count = trial.patience.receive_all(&mut near, &mut ledger).await?;
    let ended = trial.patience.within("receiving after a reset", near.recv()).await?;
    let told = ended.is_err() || matches!(fed, Some(Err(_)));
    let message = Bytes::from_static(&[b'x'; 64]);
    let sent = trial.patience.within("sending after a reset", near.send(message)).await?;
    if sent.is_err() || told {
        return Ok(count + 1);
    }
    Err(Stop::failed("the failed flush was reported neither to a send nor at the end"))
}

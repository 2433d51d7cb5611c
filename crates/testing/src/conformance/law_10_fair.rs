//! Law 10: no transport starves or wedges its neighbours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anysock_framing::{Guarantees, RecvExt, SendExt};
use tokio::time::timeout;

use super::polls::{Counted, at_once, is_blocked};
use super::stop::{Stop, Verdict, ensure};
use super::subject::Subject;
use super::trial::{FLIGHT, Trial, between, is_loss, needs};

/// Messages handed out before a neighbour runs that is ready to: tokio's budget of 128, and slack.
/// Its scheduler of one thread may run the same task twice in a row.
const RECEIVED: u64 = 2 * 128 + 64;

/// Messages handed out before a neighbour runs that waits for the reactor to be asked, as those do
/// that yield by themselves.
const BEFORE_EVENTS: u64 = 33 * 128 + 64;

/// Messages sent before a neighbour runs. A sender is stopped by its buffers as well.
const SENT: u64 = 512;

/// Polls of a wait in [`WAIT`], in which nothing happens.
const POLLS: usize = 64;

const WAIT: Duration = Duration::from_millis(50);

pub(super) async fn check<S: Subject>(trial: &Trial<S>) {
    for neighbour in [Manner::Ready, Manner::Yielding] {
        trial.check("a flood, by recv", flood(trial, None, neighbour)).await;
        trial.check("a flood, by recv_many", flood(trial, Some(64), neighbour)).await;
    }
    trial.check("a sender in a loop", sender(trial)).await;
    trial.check("waiting to receive", waiting(trial)).await;
    trial.check("waiting for a peer that is gone", waiting_for_nobody(trial)).await;
    trial.check("waiting to send", waiting_to_send(trial, false)).await;
    trial.check("waiting to send to a peer that is gone", waiting_to_send(trial, true)).await;
}

/// How a neighbour lets others run.
#[derive(Clone, Copy, Debug)]
enum Manner {
    /// It is woken at once, and runs when its turn comes.
    Ready,
    /// It yields, and runs once the reactor was asked for events.
    Yielding,
}

impl Manner {
    /// The most messages that are handed out before it runs again.
    fn bound(self) -> u64 {
        match self {
            Self::Ready => RECEIVED,
            Self::Yielding => BEFORE_EVENTS,
        }
    }

    async fn rest(self) {
        match self {
            Self::Yielding => tokio::task::yield_now().await,
            Self::Ready => {
                let mut rested = false;
                std::future::poll_fn(|cx| {
                    if std::mem::replace(&mut rested, true) {
                        return std::task::Poll::Ready(());
                    }
                    cx.waker().wake_by_ref();
                    std::task::Poll::Pending
                })
                .await;
            }
        }
    }
}

/// A task that is always ready to run, and how much another did in between.
#[derive(Clone, Debug, Default)]
struct Neighbour(Arc<Turns>);

#[derive(Debug, Default)]
struct Turns {
    since: AtomicU64,
    most: AtomicU64,
    over: AtomicBool,
}

impl Neighbour {
    fn start(manner: Manner) -> Self {
        let neighbour = Self::default();
        let turns = Arc::clone(&neighbour.0);
        tokio::spawn(async move {
            while !turns.over.load(Ordering::Relaxed) {
                turns.since.store(0, Ordering::Relaxed);
                manner.rest().await;
            }
        });
        neighbour
    }

    /// So many messages were handled.
    fn waited(&self, messages: u64) {
        let since = self.0.since.fetch_add(messages, Ordering::Relaxed) + messages;
        self.0.most.fetch_max(since, Ordering::Relaxed);
    }

    /// The most that were handled between two of its turns.
    fn most(&self) -> u64 {
        self.0.most.load(Ordering::Relaxed)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

/// A receiver with as much at hand as the buffers hold.
async fn flood<S: Subject>(trial: &Trial<S>, many: Option<usize>, manner: Manner) -> Verdict {
    const FLOOD: u64 = 3 * BEFORE_EVENTS;
    let (mut near, mut far) = trial.pair().await?;
    let mut source = trial.source(&far);
    let mut sent = 0;
    while sent < FLOOD && !is_blocked(&mut far).await? {
        trial.patience.feed(&mut far, source.short()?).await?;
        sent += 1;
    }
    // Should it fail, the receiver will miss something.
    let _ = at_once(far.flush()).await;

    let neighbour = Neighbour::start(manner);
    let received = tokio::spawn({
        let neighbour = Neighbour(Arc::clone(&neighbour.0));
        async move {
            let mut received = 0;
            let mut batch = Vec::new();
            while received < sent {
                let got = match many {
                    None => match timeout(FLIGHT, near.recv()).await {
                        Ok(message) => u64::from(message?.is_some()),
                        Err(_) => 0,
                    },
                    Some(most) => match timeout(FLIGHT, near.recv_many(&mut batch, most)).await {
                        Ok(got) => got? as u64,
                        Err(_) => 0,
                    },
                };
                if got == 0 {
                    break;
                }
                batch.clear();
                neighbour.waited(got);
                received += got;
            }
            Ok::<_, anysock_framing::Error>(received)
        }
    });
    // The rest leaves while there is room.
    let drive = tokio::spawn(async move {
        let flushed = far.flush().await;
        (far, flushed)
    });
    let received = trial.patience.within("receiving the flood", received).await???;
    let most = neighbour.most();
    ensure!(
        most <= manner.bound(),
        "{most} messages were handed out before a neighbour could run, at most {} may be",
        manner.bound()
    );
    ensure!(received > 0, "nothing arrived");
    drop(drive);
    Ok(received)
}

/// A sender that never waits for anything but its own transport.
async fn sender<S: Subject>(trial: &Trial<S>) -> Verdict {
    const COUNT: u64 = 3000;
    let (mut near, mut far) = trial.pair().await?;
    let message = trial.source(&near).short()?;
    let patience = trial.patience;
    let neighbour = Neighbour::start(Manner::Yielding);
    let draining = tokio::spawn(async move { while let Ok(Some(_)) = far.recv().await {} });
    let sent = tokio::spawn({
        let neighbour = Neighbour(Arc::clone(&neighbour.0));
        async move {
            for _ in 0..COUNT {
                patience.send(&mut near, &message).await?;
                neighbour.waited(1);
            }
            Ok::<_, Stop>(near)
        }
    });
    let near = trial.patience.within("sending", sent).await???;
    let most = neighbour.most();
    ensure!(
        most <= SENT,
        "{most} messages were sent before a neighbour could run, at most {SENT} may be"
    );
    draining.abort();
    drop(near);
    Ok(COUNT)
}

/// Waiting costs nothing, and ends when there is something.
async fn waiting<S: Subject>(trial: &Trial<S>) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    // Something has passed, so that every waker and every readiness was used.
    let mut source = trial.source(&near);
    trial.patience.exchange(&mut near, &mut far, &source.shorts(2)?).await?;
    trial.patience.exchange(&mut far, &mut near, &source.shorts(2)?).await?;
    let (wait, polls) =
        Counted::new(async move { near.recv().await.map(|message| (near, message)) });
    let mut wait = tokio::spawn(wait);
    tokio::time::sleep(WAIT).await;
    ensure_idle(&polls)?;
    loop {
        trial.patience.send(&mut far, source.short()?).await?;
        let time = if given.reliable() { trial.patience.0 } else { FLIGHT };
        if let Ok(message) = timeout(time, &mut wait).await {
            ensure!(message??.1.is_some(), "the end came, the peer had not closed");
            return Ok(2);
        }
        ensure!(!given.reliable(), "a recv that waited did not wake for a message");
    }
}

/// Nor does waiting for a peer that is gone, whatever is reported of it.
async fn waiting_for_nobody<S: Subject>(trial: &Trial<S>) -> Verdict {
    /// Errors that a datagram socket may report of what was sent before, each once.
    const REPORTS: u64 = 8;
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    let mut source = trial.source(&near);
    trial.patience.exchange(&mut near, &mut far, &source.shorts(2)?).await?;
    drop(far);
    // Its host may answer with an error, and the kernel take no more.
    let _ = timeout(WAIT, near.send(source.short()?)).await;
    for report in 1..=REPORTS {
        let (wait, polls) = Counted::new(near.recv());
        let ended = timeout(WAIT, wait).await;
        ensure_idle(&polls)?;
        match ended {
            Ok(Ok(Some(_))) => return Err(Stop::failed("a message came from a peer that is gone")),
            Ok(Err(error)) if !error.is_fatal() => {}
            Ok(_) => return Ok(report),
            Err(_) => {
                ensure!(!given.connection_oriented(), "nobody said that the peer is gone");
                return Ok(report);
            }
        }
    }
    Err(Stop::failed(format!("{REPORTS} survivable errors came in a row, with nothing between")))
}

fn ensure_idle(polls: &AtomicUsize) -> Result<(), Stop> {
    let polls = polls.load(Ordering::Relaxed);
    ensure!(polls <= POLLS, "what waits was polled {polls} times in {WAIT:?}, for nothing");
    Ok(())
}

/// Nor does waiting for room, which ends as well.
async fn waiting_to_send<S: Subject>(trial: &Trial<S>, gone: bool) -> Verdict {
    let (mut near, mut far) = trial.pair().await?;
    let given = between(&near, &far);
    if gone {
        needs(given, Guarantees::CONNECTION_ORIENTED)?;
    }
    let mut source = trial.source(&near);
    let waiting = loop {
        trial.patience.block(&mut near, &mut source).await?;
        let (wait, polls) = Counted::new(async move {
            let ready = near.ready().await;
            (near, ready)
        });
        let wait = tokio::spawn(wait);
        tokio::time::sleep(WAIT).await;
        ensure_idle(&polls)?;
        if !wait.is_finished() {
            break wait;
        }
        // The kernel has found room after all, or what waited was dropped where that is allowed.
        let ready;
        (near, ready) = wait.await?;
        ready.or_else(|error| if is_loss(given, &error) { Ok(()) } else { Err(error) })?;
    };
    if gone {
        drop(far);
        let (_, ready) = trial.patience.within("a sender whose peer is gone", waiting).await??;
        ensure!(ready.is_err(), "a sender is ready for a peer that is gone");
        return Ok(2);
    }
    let draining = tokio::spawn(async move { while let Ok(Some(_)) = far.recv().await {} });
    let (_near, ready) = trial.patience.within("a sender whose peer reads", waiting).await??;
    draining.abort();
    match ready {
        Err(error) if !is_loss(given, &error) => Err(error.into()),
        _ => Ok(2),
    }
}

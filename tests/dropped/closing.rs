//! Closing, and waiting until the peer is gone, dropped at every poll.

use anysock::framing::{RecvExt, SendExt};
use anysock::{Departure, SendHalf};
use fastrand::Rng;
use futures_util::SinkExt;

use crate::links::End;
use crate::probe::{Probe, World, within};
use crate::prove::Trying;
use crate::stop::{Stop, Verdict, ensure};
use crate::traffic::Traffic;
use crate::values::{coded, typed};

/// `sink.close` is that of [`MessageSink`](anysock::MessageSink).
pub(crate) const CLOSING: [&str; 4] = ["close", "sink.close", "typed.close", "coded.close"];

/// Dropped and called again, it still closes after the last message, which arrives.
pub(crate) fn at_every_poll(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        for polls in 0..crate::probe::MOST_POLLS {
            if probe.is_over(polls) || close(probe, polls).await? {
                break;
            }
        }
        Ok(())
    })
}

async fn close(probe: &mut Probe, polls: u32) -> Verdict<bool> {
    let mut traffic = Traffic::open(probe).await?;
    let most = probe.rng.usize(0..8);
    traffic.fill(probe, most).await?;
    let reads = probe.rng.u8(1..8);
    let (near, mut far) = traffic.parts(reads, 1);
    far.may_end = true;
    let half = near.send_half();
    let closed = match probe.operation {
        "close" => probe.drop_at("close", polls, half.close(), &mut far).await?,
        "typed.close" => probe.drop_at("typed.close", polls, typed(half).close(), &mut far).await?,
        "coded.close" => probe.drop_at("coded.close", polls, coded(half).close(), &mut far).await?,
        _ => {
            let mut sink = half.into_sink::<bytes::Bytes>();
            probe.drop_at("sink.close", polls, sink.close(), &mut far).await?
        }
    };
    let has_ended = far.has_ended;
    let done = closed.transpose()?.is_some();
    let Traffic { mut near, mut far, shape, mut out, mut back } = traffic;
    // What the far end has not flushed has to be received, or it cannot close: a whole transport
    // that closes does that itself, of a split one the other half does.
    let (send, recv): (&mut (dyn SendHalf + Send), _) = match &mut near {
        End::Whole(transport) => (transport, None),
        End::Halves(send, recv) => (&mut **send, Some(recv)),
    };
    let again = async { Ok::<_, Stop>(send.close().await?) };
    let reading = async {
        let Some(recv) = recv else { return std::future::pending().await };
        while let Some(message) = recv.recv().await? {
            back.arrived(message)?;
        }
        std::future::pending::<Verdict>().await
    };
    let to_the_end = async {
        while !out.is_settled() {
            let message = far.recv_half().recv().await?;
            ensure!(message.is_some(), "lost: the end came before the last message");
            out.arrived(message.unwrap())?;
        }
        if shape.has_end && !has_ended {
            let message = far.recv_half().recv().await?;
            ensure!(message.is_none(), "a message came after the last one");
        }
        Ok(far.send_half().close().await?)
    };
    let all = async {
        tokio::select! {
            closed = async { tokio::try_join!(again, to_the_end) } => closed.map(drop),
            failed = reading => failed,
        }
    };
    within("a close after the drop", all).await??;
    let refused = near.send_half().try_send("after the end");
    ensure!(refused.is_err(), "a message was accepted after the end");
    drop((near, far));
    out.all_are_closed().await?;
    back.all_are_closed().await?;
    Ok(done)
}

/// Dropped, it takes nothing away from who asks after it, nor from who receives.
pub(crate) fn closed(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        for polls in 0..6 {
            if probe.is_over(polls) {
                break;
            }
            wait_until_gone(probe, polls).await?;
        }
        Ok(())
    })
}

/// The peer is there for a while, sends, and is dropped.
struct Leaving {
    end: Option<End>,
    turns: u32,
}

async fn wait_until_gone(probe: &mut Probe, polls: u32) -> Verdict {
    let mut traffic = Traffic::open(probe).await?;
    traffic.turn_round();
    // So little that the end fits behind it: TCP's comes once there is room.
    traffic.shape.longest = traffic.shape.longest.min(900);
    let most = probe.rng.usize(0..3);
    traffic.fill(probe, most).await?;
    within("a flush", flush_reading(&mut traffic)).await??;
    traffic.turn_round();
    let Traffic { mut near, far, mut back, .. } = traffic;
    let turns = probe.rng.u32(0..12);
    probe.note(("gone after", turns));
    let mut leaving = Leaving { end: Some(far), turns };
    let closed = near.send_half().closed()?;
    let gone = probe.drop_at("closed", polls, closed, &mut leaving).await?;
    ensure!(gone.is_none() || leaving.end.is_none(), "{gone:?}, and the peer is there");
    // Another one that waits meanwhile is dropped as well.
    let (waiting, other) = (near.recv_half().closed()?, near.send_half().closed()?);
    drop(other);
    drop(leaving);
    let departure = within("the peer's departure", waiting).await?;
    ensure!(departure != Departure::Dropped, "this side is there");
    while let Some(message) = within("what he sent", near.recv_half().recv()).await?? {
        back.arrived(message)?;
    }
    ensure!(back.is_settled(), "lost: the end came before the last message");
    let again = within("the peer's departure", near.send_half().closed()?).await?;
    ensure!(again != Departure::Dropped, "this side is there");
    drop(near);
    back.all_are_closed().await
}

/// Flushes the near end, of which the far one reads some.
async fn flush_reading(traffic: &mut Traffic) -> Verdict {
    let Traffic { near, far, out, .. } = traffic;
    let half = near.send_half();
    loop {
        tokio::select! {
            biased;
            flushed = half.flush() => return Ok(flushed?),
            message = far.recv_half().recv() => {
                out.arrived(message?.unwrap())?;
            }
        }
    }
}

impl World for Leaving {
    async fn turn(&mut self, _: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        self.turns = self.turns.saturating_sub(1);
        if self.turns == 0 && self.end.take().is_some() {
            return Ok(1);
        }
        Ok(0)
    }
}

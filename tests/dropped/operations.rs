//! The operations of a transport, each dropped at one poll, and what their promises say of it.

use std::io;

use anysock::framing::{RecvExt, SendExt};
use anysock::{CodedError, Error, Message};
use futures_util::{SinkExt, StreamExt};

use crate::ledger::{Ledger, Sent};
use crate::links::End;
use crate::probe::Probe;
use crate::stop::{Verdict, ensure};
use crate::traffic::{Far, Traffic};
use crate::values::{coded, typed};

/// Those that send. `sink.*` are those of [`MessageSink`](anysock::MessageSink), `typed.*` of
/// [`Typed`](anysock::Typed), `coded.*` of [`Coded`](anysock::Coded).
pub(crate) const SENDING: [&str; 17] = [
    "ready",
    "send",
    "send_with",
    "feed",
    "feed_with",
    "flush",
    "sink.send",
    "sink.feed",
    "sink.flush",
    "typed.send",
    "typed.feed",
    "typed.flush",
    "typed.sink.send",
    "coded.send",
    "coded.feed",
    "coded.flush",
    "coded.sink.send",
];

/// Those that receive; `stream.next` is that of [`MessageStream`](anysock::MessageStream).
pub(crate) const RECEIVING: [&str; 3] = ["recv", "recv_many", "stream.next"];

/// Those that receive values, which have no descriptors.
pub(crate) const VALUES: [&str; 4] = ["typed.recv", "typed.next", "coded.recv", "coded.next"];

impl Traffic {
    /// Does an operation at the near end and drops it at this poll, if it has not completed before;
    /// whether it has.
    pub(crate) async fn drop_at(
        &mut self,
        probe: &mut Probe,
        operation: &'static str,
        polls: u32,
    ) -> Verdict<bool> {
        if RECEIVING.contains(&operation) || VALUES.contains(&operation) {
            let sends = probe.rng.u8(1..4);
            let (near, mut far) = self.parts(2, sends);
            return receive(probe, operation, polls, near, &mut far).await;
        }
        let length = self.shape.length(&mut probe.rng);
        let takes_none = operation.ends_with("flush");
        if !takes_none && !self.shape.has_room(&self.out, length) {
            self.settle(probe).await?;
        }
        send(probe, operation, polls, length, self).await
    }
}

/// What a message that the operation was given is, should it be dropped.
fn if_dropped(operation: &str) -> Sent {
    match operation {
        // "The message either was not accepted at all, or is sent whole by a later call."
        "send_with" => Sent::Perhaps,
        _ if operation.ends_with("send") => Sent::Perhaps,
        // "The message was not accepted."
        _ => Sent::Never,
    }
}

async fn send(
    probe: &mut Probe,
    operation: &'static str,
    polls: u32,
    length: usize,
    traffic: &mut Traffic,
) -> Verdict<bool> {
    let has_message = !operation.ends_with("flush");
    let with = operation.ends_with("_with");
    let descriptors = if with && traffic.shape.descriptors { probe.rng.usize(1..4) } else { 0 };
    let reads = probe.rng.u8(1..8);
    let (message, attached) = traffic.out.make(length, descriptors);
    let number = traffic.out.len() - 1;
    if has_message {
        traffic.out.is(number, Sent::Perhaps)?;
        probe.note((operation, length, descriptors));
    }
    let (near, mut far) = traffic.parts(reads, 1);
    let half = near.send_half();
    let done = match operation {
        "ready" => {
            let ready = probe.drop_at(operation, polls, half.ready(), &mut far).await?;
            // It is possible at once now, and tells.
            if let Some(Ok(())) = &ready {
                half.try_send(message)?;
            }
            ready
        }
        "send" => probe.drop_at(operation, polls, half.send(message), &mut far).await?,
        "send_with" => {
            let sending = half.send_with(message, attached);
            probe.drop_at(operation, polls, sending, &mut far).await?
        }
        "feed" => probe.drop_at(operation, polls, half.feed(message), &mut far).await?,
        "feed_with" => {
            let feeding = half.feed_with(message, attached);
            probe.drop_at(operation, polls, feeding, &mut far).await?
        }
        "flush" => probe.drop_at(operation, polls, half.flush(), &mut far).await?,
        "sink.send" => {
            let mut sink = half.into_sink();
            probe.drop_at(operation, polls, sink.send(message), &mut far).await?
        }
        "sink.feed" => {
            let mut sink = half.into_sink();
            probe.drop_at(operation, polls, sink.feed(message), &mut far).await?
        }
        "sink.flush" => {
            let mut sink = half.into_sink::<bytes::Bytes>();
            probe.drop_at(operation, polls, sink.flush(), &mut far).await?
        }
        "typed.send" => {
            probe.drop_at(operation, polls, typed(half).send(&message), &mut far).await?
        }
        "typed.feed" => {
            probe.drop_at(operation, polls, typed(half).feed(&message), &mut far).await?
        }
        "typed.flush" => probe.drop_at(operation, polls, typed(half).flush(), &mut far).await?,
        "typed.sink.send" => {
            let mut sink = typed(half);
            probe.drop_at(operation, polls, SinkExt::send(&mut sink, message), &mut far).await?
        }
        "coded.flush" => probe.drop_at(operation, polls, coded(half).flush(), &mut far).await?,
        _ => {
            let mut items = coded(half);
            let done = match operation {
                "coded.send" => {
                    probe.drop_at(operation, polls, items.send(message), &mut far).await?
                }
                "coded.feed" => {
                    probe.drop_at(operation, polls, items.feed(message), &mut far).await?
                }
                "coded.sink.send" => {
                    let sending = SinkExt::send(&mut items, message);
                    probe.drop_at(operation, polls, sending, &mut far).await?
                }
                other => unreachable!("{other}"),
            };
            done.map(|done| done.map_err(in_transport))
        }
    };
    let done = done.transpose()?.is_some();
    if has_message {
        traffic.out.is(number, if done { Sent::Surely } else { if_dropped(operation) })?;
    }
    Ok(done)
}

async fn receive(
    probe: &mut Probe,
    operation: &'static str,
    polls: u32,
    near: &mut End,
    far: &mut Far<'_>,
) -> Verdict<bool> {
    let half = near.recv_half();
    let mut got: Vec<Message> = Vec::new();
    let done = match operation {
        "recv" => {
            let received = probe.drop_at(operation, polls, half.recv(), far).await?.transpose()?;
            let done = received.is_some();
            got.extend(received.flatten());
            done
        }
        "recv_many" => {
            let most = probe.rng.usize(1..6);
            let receiving = half.recv_many(&mut got, most);
            let count = probe.drop_at(operation, polls, receiving, far).await?.transpose()?;
            ensure!(
                count.unwrap_or(0) == got.len() && got.len() <= most,
                "it says {count:?} of at most {most}, and appended {}",
                got.len()
            );
            count.is_some()
        }
        "stream.next" => {
            let mut stream = half.into_stream();
            let next = probe.drop_at(operation, polls, stream.next(), far).await?;
            let done = next.is_some();
            got.extend(next.flatten().transpose()?);
            done
        }
        "typed.recv" => {
            let mut values = typed(half);
            let received = probe.drop_at(operation, polls, values.recv(), far).await?;
            let done = received.is_some();
            got.extend(received.transpose()?.flatten());
            done
        }
        "typed.next" => {
            let mut values = typed(half);
            let next = probe.drop_at(operation, polls, values.next(), far).await?;
            let done = next.is_some();
            got.extend(next.flatten().transpose()?);
            done
        }
        "coded.recv" => {
            let mut items = coded(half);
            let received = probe.drop_at(operation, polls, items.recv(), far).await?;
            let done = received.is_some();
            got.extend(received.transpose().map_err(in_transport)?.flatten());
            done
        }
        "coded.next" => {
            let mut items = coded(half);
            let next = probe.drop_at(operation, polls, items.next(), far).await?;
            let done = next.is_some();
            got.extend(next.flatten().transpose().map_err(in_transport)?);
            done
        }
        other => unreachable!("{other}"),
    };
    ensure!(!done || !got.is_empty(), "the end came, the other side had not closed");
    take(far.outgoing, got)?;
    Ok(done)
}

/// The codec has none of its own.
fn in_transport(error: CodedError<io::Error>) -> Error {
    match error {
        CodedError::Transport(error) => error,
        CodedError::Codec(error) => error.into(),
    }
}

fn take(ledger: &mut Ledger, got: Vec<Message>) -> Verdict {
    got.into_iter().try_for_each(|message| ledger.arrived(message).map(drop))
}

//! Every operation of every transport, dropped at every poll, one after the other and at random.

use crate::operations::{RECEIVING, SENDING};
use crate::probe::{MOST_POLLS, Probe};
use crate::prove::Trying;
use crate::traffic::Traffic;

/// So often it is followed from the first poll to its end, over one connection.
const ROUNDS: u32 = 4;

/// Not polled at all, once, twice and so on, until it completes; now and then an ordinary exchange.
pub(crate) fn at_every_poll(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let mut traffic = Traffic::open(probe).await?;
        let operation = probe.operation;
        let (mut begun, mut rounds) = (0, 0);
        for number in 0..ROUNDS * MOST_POLLS {
            let polls = number - begun;
            if probe.is_over(number) {
                break;
            }
            if !RECEIVING.contains(&operation) {
                // Beyond the watermark of what may be unsent, or only the kernel's buffer.
                let waits_for_room = operation.contains("feed") || operation == "ready";
                let most = probe.rng.usize(0..if waits_for_room { 60 } else { 8 });
                traffic.fill(probe, most).await?;
            }
            let done = traffic.drop_at(probe, operation, polls).await?;
            if done || probe.rng.u8(0..3) == 0 {
                traffic.settle(probe).await?;
            }
            if done || polls == MOST_POLLS {
                begun = number + 1;
                rounds += 1;
            }
            if rounds == ROUNDS {
                break;
            }
        }
        traffic.settle(probe).await?;
        traffic.finish().await
    })
}

/// Any operation at either end, dropped at any poll or not at all.
pub(crate) fn at_random(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let mut traffic = Traffic::open(probe).await?;
        let is_one_sided = probe.transport.starts_with("reconnecting");
        for step in 0..60 {
            if probe.is_over(step) {
                break;
            }
            let number = probe.rng.usize(0..SENDING.len() + RECEIVING.len());
            let operation = SENDING.iter().chain(&RECEIVING).nth(number).unwrap();
            let polls = match probe.rng.u8(0..10) {
                0 => MOST_POLLS,
                _ => probe.rng.u32(0..8),
            };
            traffic.drop_at(probe, operation, polls).await?;
            match probe.rng.u8(0..12) {
                0 => traffic.settle(probe).await?,
                1..=4 if !is_one_sided => traffic.turn_round(),
                5 => traffic.fill(probe, 6).await?,
                _ => {}
            }
        }
        traffic.settle(probe).await?;
        traffic.finish().await
    })
}

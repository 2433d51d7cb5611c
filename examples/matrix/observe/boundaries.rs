//! Are messages of many sizes, sent back to back, received as exactly these messages?

use anysock::BoxTransport;
use anysock::prelude::*;
use tokio::time::{Instant, timeout_at};

use super::Finding;
use super::link::{both, patience, receive_while};

/// Empty ones at the start, in a row, and between others; odd ones; both sides of a page and of
/// what an Ethernet frame carries.
const SIZES: [usize; 24] = [
    0, 0, 1, 1, 2, 3, 0, 5, 7, 13, 63, 64, 65, 0, 255, 256, 257, 999, 1_472, 1_473, 4_095, 4_096,
    4_097, 0,
];
/// How often a message is sent, so that one lost by chance does not count as one that cannot
/// pass.
const ROUNDS: usize = 3;

/// How many messages arrived as they were sent, and what else did.
#[derive(Debug)]
pub(super) struct Boundaries {
    sent: usize,
    kept: usize,
    largest: usize,
    wrong: Option<String>,
}

struct Sample {
    content: Vec<u8>,
    sent: usize,
    received: usize,
}

/// Sends messages of all sizes one way: the small ones together, then the largest two, each
/// alone, for one of them may be all that a queue holds.
pub(super) async fn exchange(from: &mut BoxTransport, to: &mut BoxTransport) -> Boundaries {
    let most = from.max_message();
    let sizes: Vec<_> = SIZES.into_iter().filter(|&size| size <= most).collect();
    let mut seen = Boundaries { sent: 0, kept: 0, largest: 0, wrong: None };
    for batch in [&sizes[..], &[most.saturating_sub(1)], &[most]] {
        seen = seen.and(exchange_batch(from, to, batch).await);
    }
    seen
}

async fn exchange_batch(
    from: &mut BoxTransport,
    to: &mut BoxTransport,
    sizes: &[usize],
) -> Boundaries {
    let patience = patience(both(from, to).reliable());
    let mut samples: Vec<_> = sizes.iter().enumerate().map(Sample::new).collect();
    let mut wrong = None;
    for _ in 0..ROUNDS {
        let missing = samples.iter_mut().filter(|sample| sample.received < 1);
        let outgoing: Vec<_> = missing
            .map(|sample| {
                sample.sent += 1;
                sample.content.clone()
            })
            .collect();
        if outgoing.is_empty() || wrong.is_some() {
            break;
        }
        // Errors of sending are seen by what does not arrive.
        let sending = async {
            for message in outgoing {
                let _ = from.feed(message).await;
            }
            while let Err(error) = from.flush().await {
                if error.is_fatal() {
                    break;
                }
            }
        };
        let receiving = async {
            let mut deadline = Instant::now() + patience;
            while wrong.is_none() && samples.iter().any(|sample| sample.received < 1) {
                match timeout_at(deadline, to.recv()).await {
                    Ok(Ok(Some(message))) => {
                        wrong = take(&mut samples, &message);
                        deadline = Instant::now() + patience;
                    }
                    Ok(Ok(None)) => wrong = Some("the end".into()),
                    Ok(Err(error)) if error.is_fatal() => wrong = Some(error.to_string()),
                    Ok(Err(_)) => {}
                    Err(_) => break,
                }
            }
        };
        receive_while(sending, receiving).await;
    }
    let kept = samples.iter().filter(|sample| sample.received > 0);
    Boundaries {
        sent: samples.len(),
        kept: kept.clone().count(),
        largest: kept.map(|sample| sample.content.len()).max().unwrap_or(0),
        wrong,
    }
}

/// Ticks off a message that was sent; says what it is if it was not.
fn take(samples: &mut [Sample], message: &[u8]) -> Option<String> {
    let open = |sample: &&mut Sample| sample.received < sample.sent && sample.content == message;
    match samples.iter_mut().find(open) {
        Some(sample) => {
            sample.received += 1;
            None
        }
        None => Some(format!("a message of {} bytes that was not sent", message.len())),
    }
}

impl Sample {
    /// Bytes that differ from message to message, so that neither a part of one nor two together
    /// pass for another.
    fn new((index, &size): (usize, &usize)) -> Self {
        let mut period: Vec<u8> = (0..=250).collect();
        period.rotate_left(index * 31 % 251);
        let mut content = period.repeat(size.div_ceil(251));
        content.truncate(size);
        Self { content, sent: 0, received: 0 }
    }
}

impl Boundaries {
    /// Both together.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            kept: self.kept + other.kept,
            largest: self.largest.max(other.largest),
            wrong: self.wrong.or(other.wrong),
        }
    }

    pub(super) fn largest(&self) -> usize {
        self.largest
    }

    pub(super) fn finding(&self) -> Finding {
        let mut seen = format!("{} of {} as sent", self.kept, self.sent);
        if let Some(wrong) = &self.wrong {
            seen += &format!(", and {wrong}");
        }
        Finding { kept: self.kept == self.sent && self.wrong.is_none(), seen }
    }
}

//! What arrives when the sender overruns a receiver that sleeps?
//!
//! ```text
//! send to the sleeping receiver ── the sender must wait ─────────┐
//!   │ a burst is out                                             v
//!   └──> wake the receiver, count ── nothing lost ──> again   wake the receiver, count: done
//!                                 └─ loss, bound ──> done
//! ```

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{BoxTransport, Error};
use tokio::time::{Instant, timeout, timeout_at};

use super::link::{patience, receive_while};
use super::{Failure, Finding};

/// Bytes of a message: enough to fill a buffer soon, little enough for any transport.
const SIZE: usize = 1_024;
/// Messages of the first burst; each burst is four times the last, to find loss early.
const FIRST_BURST: u64 = 256;
/// Messages of the last burst, 16 MiB.
const LAST_BURST: u64 = 16_384;
/// A sender waits if it got no further in so many looks in a row. One look alone could be the
/// machine being busy elsewhere.
const LOOKS: usize = 5;
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// How often "that was all" is said, in case that it is lost.
const REPEAT: Duration = Duration::from_millis(20);

/// What was seen in one direction.
#[derive(Debug, Default)]
pub(super) struct Overrun {
    sent: u64,
    came: u64,
    /// The sender had to wait for the receiver.
    waited: bool,
    /// The first message that came twice, or after a later one.
    disorder: Option<String>,
    /// What ended the conversation.
    broke: Option<String>,
}

/// Sends more and more to a sleeping receiver, which wakes up after each burst.
pub(super) async fn overrun(
    from: &mut BoxTransport,
    to: &mut BoxTransport,
) -> Result<Overrun, Failure> {
    if from.max_message() < SIZE {
        return Err(format!("at most {} bytes a message are too little", from.max_message()).into());
    }
    let mut seen = Overrun::default();
    let mut burst = FIRST_BURST;
    loop {
        let first = seen.sent;
        seen.send(from, burst).await;
        seen.wake(from, to, first).await;
        let done = seen.waited || seen.came < seen.sent || seen.broke.is_some();
        if done || burst >= LAST_BURST {
            return Ok(seen);
        }
        burst *= 4;
    }
}

/// Whether all arrived, both ways.
pub(super) fn reliable(there: &Overrun, back: &Overrun) -> Finding {
    let kept = there.is_complete() && back.is_complete();
    let (sent, came) = match (there.is_complete(), back.is_complete()) {
        (false, _) => (there.sent, there.came),
        (true, false) => (back.sent, back.came),
        (true, true) => (there.sent + back.sent, there.came + back.came),
    };
    let mut seen = format!("{came} of {sent} came");
    if kept && there.waited && back.waited {
        seen += ", sender waits";
    }
    if let Some(broke) = there.broke.as_ref().or(back.broke.as_ref()) {
        seen += &format!(", then {broke}");
    }
    Finding { kept, seen }
}

/// Whether what arrived was in order, and arrived once, both ways.
pub(super) fn ordered(there: &Overrun, back: &Overrun) -> Finding {
    let disorder = there.disorder.as_ref().or(back.disorder.as_ref());
    let seen = disorder.map_or_else(|| "in order".to_string(), String::clone);
    Finding { kept: disorder.is_none(), seen }
}

impl Overrun {
    fn is_complete(&self) -> bool {
        self.came == self.sent && self.broke.is_none()
    }

    /// Sends up to `burst` messages, until it has to wait.
    async fn send(&mut self, from: &mut BoxTransport, burst: u64) {
        let last = self.sent + burst;
        while self.sent < last && self.broke.is_none() {
            match unless_stuck(from.feed(message(self.sent))).await {
                Some(Ok(())) => self.sent += 1,
                Some(Err(error)) => self.meet(error),
                None => return self.waited = true,
            }
            match unless_stuck(from.flush()).await {
                Some(Ok(())) => {}
                Some(Err(error)) => self.meet(error),
                None => return self.waited = true,
            }
        }
    }

    /// An error that the transport survives shows in what does not arrive.
    fn meet(&mut self, error: Error) {
        if error.is_fatal() {
            self.broke.get_or_insert(error.to_string());
        }
    }

    /// Receives until the sender says that this was all, while it sends what is still in it.
    async fn wake(&mut self, from: &mut BoxTransport, to: &mut BoxTransport, first: u64) {
        let all = message(u64::MAX - self.sent);
        let sending = async {
            let mut ticks = tokio::time::interval(REPEAT);
            loop {
                ticks.tick().await;
                if from.send(&all).await.is_err_and(|error| error.is_fatal()) {
                    return;
                }
            }
        };
        let missing = vec![false; (self.sent - first) as usize];
        let mut arrived = Arrived { first, seen: missing, count: 0, next: first };
        let receiving = async {
            let mut deadline = Instant::now() + patience(true);
            loop {
                match timeout_at(deadline, to.recv()).await {
                    Ok(Ok(Some(message))) if message == all[..] => return,
                    Ok(Ok(Some(message))) => {
                        let before = arrived.count;
                        let disorder = arrived.take(&message);
                        self.disorder = self.disorder.take().or(disorder);
                        if arrived.count > before {
                            deadline = Instant::now() + patience(true);
                        }
                    }
                    Ok(Ok(None)) => return self.broke = Some("the end".into()),
                    Ok(Err(error)) if error.is_fatal() => {
                        return self.broke = Some(error.to_string());
                    }
                    Ok(Err(_)) => {}
                    Err(_) => return self.broke = Some("nothing more as it was sent".into()),
                }
            }
        };
        receive_while(sending, receiving).await;
        self.came += arrived.count;
    }
}

/// What arrived of one burst.
struct Arrived {
    first: u64,
    seen: Vec<bool>,
    count: u64,
    next: u64,
}

impl Arrived {
    /// Ticks off a message; says so if it comes twice or late. What is none of this burst was
    /// not sent like that, and is missing as it was sent.
    fn take(&mut self, arrived: &[u8]) -> Option<String> {
        let number = u64::from_be_bytes(*arrived.first_chunk()?);
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let seen = self.seen.get_mut(index)?;
        if arrived != message(number) {
            return None;
        }
        if std::mem::replace(seen, true) {
            return Some(format!("message {number} came twice"));
        }
        self.count += 1;
        if number < self.next {
            return Some(format!("message {number} came after {}", self.next - 1));
        }
        self.next = number + 1;
        None
    }
}

fn message(number: u64) -> Vec<u8> {
    let mut message = number.to_be_bytes().repeat(SIZE / 8);
    message[SIZE - 1] = 0xa5;
    message
}

/// What a future of sending resolves to, or `None` if it has to wait for the receiver.
async fn unless_stuck<F: Future>(sending: F) -> Option<F::Output> {
    let mut sending = pin!(sending);
    for _ in 0..LOOKS {
        if let Ok(done) = timeout(LOOK, &mut sending).await {
            return Some(done);
        }
    }
    None
}

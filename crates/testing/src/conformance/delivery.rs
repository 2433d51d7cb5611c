//! Messages sent from one end to the other, and checked as they arrive.

use std::cell::Cell;

use anysock_framing::{Message, RecvExt, RecvHalf, SendExt, SendHalf, Transport};
use bytes::Bytes;
use tokio::time::timeout;

use super::ledger::Ledger;
use super::patience::Patience;
use super::stop::{Stop, Verdict, ensure};
use super::trial::{FLIGHT, between};

/// How a run of messages is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sending {
    /// Each by `send`, owned.
    Send,
    /// Each by `send`, borrowed.
    Borrowed,
    /// All by `feed`, then one `flush`.
    Feed,
}

/// How a run of messages is received.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Receiving {
    /// Each by `recv`.
    One,
    /// By `recv_many`.
    Many,
}

/// At most so many messages by one `recv_many`.
pub(crate) const MOST: usize = 16;

impl Patience {
    /// Sends `messages` and checks that they arrive as they are, and nothing else: as many as,
    /// and in the order, promised. A message that may get lost is tried several times.
    pub(crate) async fn deliver<T: Transport>(
        self,
        near: &mut T,
        far: &mut T,
        messages: &[Bytes],
        sending: Sending,
        receiving: Receiving,
    ) -> Verdict {
        let given = between(near, far);
        if !given.reliable() {
            let mut ledger = Ledger::new(given);
            for chunk in chunks(messages) {
                self.deliver_lossy(near, far, chunk, sending, receiving, &mut ledger).await?;
            }
            return Ok(messages.len() as u64);
        }
        let mut ledger = Ledger::of(given, messages);
        let arrive = async {
            while !ledger.is_settled() {
                self.receive(far, &mut ledger, receiving).await?;
            }
            Ok(())
        };
        tokio::try_join!(self.give(near, messages, sending), arrive)?;
        self.silence(far).await?;
        ledger.settle()
    }

    /// As [`deliver`](Self::deliver), each by `send` and `recv`.
    pub(crate) async fn exchange<T: Transport>(
        self,
        near: &mut T,
        far: &mut T,
        messages: &[Bytes],
    ) -> Verdict {
        self.deliver(near, far, messages, Sending::Send, Receiving::One).await
    }

    /// Sends `messages`.
    pub(crate) async fn give<T: SendHalf + ?Sized>(
        self,
        half: &mut T,
        messages: &[Bytes],
        sending: Sending,
    ) -> Result<(), Stop> {
        let given = half.guarantees();
        for (index, message) in messages.iter().enumerate() {
            let what = format!("sending message {index} of {} bytes", message.len());
            match sending {
                Sending::Send => self.sent(given, what, half.send(message.clone())).await?,
                Sending::Borrowed => self.sent(given, what, half.send(&message[..])).await?,
                Sending::Feed => self.sent(given, what, half.feed(message.clone())).await?,
            }
        }
        self.flush(half).await
    }

    /// Receives what is on the `ledger`, once.
    pub(crate) async fn receive<T: RecvHalf + ?Sized>(
        self,
        half: &mut T,
        ledger: &mut Ledger,
        receiving: Receiving,
    ) -> Result<(), Stop> {
        for message in self.take(half, receiving).await? {
            ledger.arrived(&message)?;
        }
        Ok(())
    }

    /// Receives all that is on the `ledger` and has to arrive, or, where nothing has to, what
    /// comes.
    pub(crate) async fn receive_all<T: RecvHalf + ?Sized>(
        self,
        half: &mut T,
        ledger: &mut Ledger,
    ) -> Verdict {
        while !ledger.is_settled() {
            self.receive(half, ledger, Receiving::One).await?;
        }
        while !ledger.is_complete() {
            let Ok(message) = timeout(FLIGHT, half.recv()).await else { break };
            match message? {
                Some(message) => ledger.arrived(&message)?,
                None => break,
            }
        }
        ledger.settle()
    }

    /// Receives all that is on the `ledger` while `sending` goes on: a sender that may lose
    /// messages would wait in vain for a receiver that has given up.
    pub(crate) async fn receive_during<T: RecvHalf + ?Sized, R>(
        self,
        half: &mut T,
        ledger: &mut Ledger,
        sending: impl Future<Output = Result<R, Stop>>,
    ) -> Result<(u64, R), Stop> {
        let sent = Cell::new(false);
        let sending = async {
            let result = sending.await;
            sent.set(true);
            result
        };
        let receiving = async {
            while !sent.get() && !ledger.is_complete() {
                // Where it has to come, one wait must do: another poll would hide a lost waker.
                if !ledger.is_settled() {
                    self.receive(half, ledger, Receiving::One).await?;
                } else if let Ok(message) = timeout(FLIGHT, half.recv()).await {
                    let message = message?.ok_or_else(|| Stop::failed("the end came early"))?;
                    ledger.arrived(&message)?;
                }
            }
            self.receive_all(half, ledger).await
        };
        let (count, result) = tokio::try_join!(receiving, sending)?;
        Ok((count, result))
    }

    async fn take<T: RecvHalf + ?Sized>(
        self,
        half: &mut T,
        receiving: Receiving,
    ) -> Result<Vec<Message>, Stop> {
        let mut messages = Vec::new();
        match receiving {
            Receiving::One => messages.push(self.recv(half).await?),
            Receiving::Many => {
                let got = self.ok("receiving", half.recv_many(&mut messages, MOST)).await?;
                ensure!(
                    (1..=MOST).contains(&got) && got == messages.len(),
                    "recv_many of {MOST} said {got} and appended {}",
                    messages.len()
                );
            }
        }
        Ok(messages)
    }

    async fn deliver_lossy<T: Transport>(
        self,
        near: &mut T,
        far: &mut T,
        messages: &[Bytes],
        sending: Sending,
        receiving: Receiving,
        ledger: &mut Ledger,
    ) -> Result<(), Stop> {
        const TRIES: usize = 5;
        for _ in 0..TRIES {
            let (from, before) = (ledger.len(), ledger.count());
            messages.iter().for_each(|message| ledger.sent(message));
            // In order, one of many equal messages that was lost before is taken for a later one.
            let is_ordered = near.guarantees().ordered();
            let all_came = |ledger: &Ledger| {
                let came = ledger.count() - before;
                (is_ordered && came == messages.len() as u64) || ledger.is_complete_from(from)
            };
            // At once: what may lose messages may also make its sender wait for a reader.
            let given = Cell::new(false);
            let give = async {
                self.give(near, messages, sending).await?;
                given.set(true);
                Ok::<_, Stop>(())
            };
            let arrive = async {
                while !all_came(ledger) {
                    match timeout(FLIGHT, self.take(far, receiving)).await {
                        Ok(batch) => {
                            batch?.iter().try_for_each(|message| ledger.arrived(message))?;
                        }
                        Err(_) if given.get() => break,
                        Err(_) => {}
                    }
                }
                Ok(())
            };
            tokio::try_join!(give, arrive)?;
            if all_came(ledger) {
                return Ok(());
            }
        }
        Err(Stop::failed(format!("of {} messages some were lost, {TRIES} times", messages.len())))
    }
}

/// So few at once that no buffer overflows.
fn chunks(messages: &[Bytes]) -> impl Iterator<Item = &[Bytes]> {
    let mut rest = messages;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |message: &&Bytes| {
            bytes += message.len();
            bytes <= 32 * 1024
        };
        let count = rest.iter().take(8).take_while(fits).count().max(1);
        let (chunk, more) = rest.split_at_checked(count)?;
        rest = more;
        Some(chunk)
    })
}

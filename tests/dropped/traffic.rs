//! Numbered messages both ways over a link, and what is known of them.

use std::cell::RefCell;

use anysock::framing::{RecvExt, SendExt};
use anysock::{BoxTransport, RecvHalf, SendHalf};
use bytes::Bytes;
use fastrand::Rng;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use crate::ledger::{Ledger, Sent};
use crate::links::{End, Link, Shape};
use crate::probe::{Probe, World, once, within};
use crate::stop::{Stop, Verdict, ensure};

const EARLY: &str = "the end came, the other side had not closed";

/// A link, and the accounts of both directions.
pub(crate) struct Traffic {
    pub(crate) near: End,
    pub(crate) far: End,
    pub(crate) shape: Shape,
    /// From the near end to the far one.
    pub(crate) out: Ledger,
    /// From the far end to the near one.
    pub(crate) back: Ledger,
}

/// The far end, as it goes on while the near one is polled: it reads a little, sends a little, and
/// lets the reactor run.
pub(crate) struct Far<'a> {
    pub(crate) end: &'a mut End,
    pub(crate) incoming: &'a mut Ledger,
    pub(crate) outgoing: &'a mut Ledger,
    pub(crate) shape: Shape,
    /// Of ten steps, how many read and how many send.
    pub(crate) reads: u8,
    pub(crate) sends: u8,
    /// The end of the other one's messages has come.
    pub(crate) has_ended: bool,
    pub(crate) may_end: bool,
}

impl Traffic {
    pub(crate) async fn open(probe: &mut Probe) -> Verdict<Self> {
        let Link { near, far, shape } = Link::open(probe.transport, &mut probe.rng).await?;
        Ok(Self { near, far, shape, out: Ledger::new('>'), back: Ledger::new('<') })
    }

    /// The near end, its account, and the far one as a world around it.
    pub(crate) fn parts(&mut self, reads: u8, sends: u8) -> (&mut End, Far<'_>) {
        let Self { near, far, shape, out, back } = self;
        let far = Far {
            end: far,
            incoming: out,
            outgoing: back,
            shape: *shape,
            reads,
            sends,
            has_ended: false,
            may_end: false,
        };
        (near, far)
    }

    /// Exchanges the ends.
    pub(crate) fn turn_round(&mut self) {
        std::mem::swap(&mut self.near, &mut self.far);
        std::mem::swap(&mut self.out, &mut self.back);
    }

    /// Sends until something has to wait, or some messages; none of these calls waits.
    pub(crate) async fn fill(&mut self, probe: &mut Probe, most: usize) -> Verdict {
        for _ in 0..most {
            let length = self.shape.length(&mut probe.rng);
            if !self.shape.has_room(&self.out, length) {
                break;
            }
            let descriptors = self.shape.descriptors(&mut probe.rng);
            let (message, attached) = self.out.make(length, descriptors);
            let half = self.near.send_half();
            let fed = once(half.feed_with(message, attached)).await.transpose()?;
            self.out.last_is(if fed.is_some() { Sent::Surely } else { Sent::Never })?;
            probe.note(("fed", length, descriptors, fed.is_some()));
            if fed.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// An ordinary exchange after whatever was dropped: all that has to arrive does, once and in
    /// order, and so does a further message each way. Every future is polled only when it was
    /// woken itself.
    pub(crate) async fn settle(&mut self, probe: &mut Probe) -> Verdict {
        probe.note("settled");
        self.make_room(probe).await?;
        let short = self.shape.length(&mut Rng::with_seed(1)).min(self.shape.longest);
        let marker = |ledger: &mut Ledger| {
            let (message, _) = ledger.make(short, 0);
            ledger.last_is(Sent::Surely).map(|()| message)
        };
        let (there, back) = (marker(&mut self.out)?, marker(&mut self.back)?);
        let (out, incoming) = (RefCell::new(&mut self.out), RefCell::new(&mut self.back));
        let doing = FuturesUnordered::new();
        for (end, message, ledger, is_first) in
            [(&mut self.near, there, &incoming, true), (&mut self.far, back, &out, false)]
        {
            match end {
                End::Whole(transport) => {
                    doing.push(exchange(transport, message, ledger, is_first).boxed_local());
                }
                End::Halves(send, recv) => {
                    doing.push(give(send, message).boxed_local());
                    doing.push(receive_all(recv, ledger).boxed_local());
                }
            }
        }
        let all = within("an exchange after a drop", all_of(doing)).await;
        let what = || format!("after it: near {:?}, far {:?}", out.borrow(), incoming.borrow());
        all.and_then(|all| all).map_err(|mut stop| {
            if std::env::var_os("ANYSOCK_DROP").is_some() {
                stop.0.push_str(&what());
            }
            stop
        })
    }

    /// Has the far end read what a queue may drop if more comes.
    async fn make_room(&mut self, probe: &mut Probe) -> Verdict {
        if self.shape.window.is_none() {
            return Ok(());
        }
        let (near, mut far) = self.parts(10, 0);
        let flush = probe.drop_at("flush", u32::MAX, near.send_half().flush(), &mut far).await?;
        flush.transpose()?;
        let flush = within("a flush", self.far.send_half().flush());
        flush.await??;
        for (end, ledger) in [(&mut self.near, &mut self.back), (&mut self.far, &mut self.out)] {
            while !ledger.is_settled() {
                let message = within("what was sent", end.recv_half().recv()).await??;
                ledger.arrived(message.unwrap())?;
            }
        }
        Ok(())
    }

    /// Nothing more comes; and no descriptor stays open, once both ends are gone.
    pub(crate) async fn finish(mut self) -> Verdict {
        for _ in 0..2 {
            for (end, ledger) in [(&mut self.near, &mut self.back), (&mut self.far, &mut self.out)]
            {
                let message = once(end.recv_half().recv()).await.transpose()?;
                if let Some(Some(message)) = message {
                    ledger.arrived(message)?;
                }
            }
            tokio::task::yield_now().await;
        }
        let Self { near, far, out, back, .. } = self;
        drop((near, far));
        out.all_are_closed().await?;
        back.all_are_closed().await
    }
}

/// A whole transport cannot wait for both: one side sends first, the other one reads.
async fn exchange(
    transport: &mut BoxTransport,
    message: Bytes,
    ledger: &RefCell<&mut Ledger>,
    is_first: bool,
) -> Verdict {
    if is_first {
        transport.send(message).await?;
        return receive_all(transport, ledger).await;
    }
    receive_all(transport, ledger).await?;
    Ok(transport.send(message).await?)
}

async fn give<T: SendHalf + ?Sized>(half: &mut T, message: Bytes) -> Verdict {
    Ok(half.send(message).await?)
}

async fn receive_all<T: RecvHalf + ?Sized>(half: &mut T, ledger: &RefCell<&mut Ledger>) -> Verdict {
    while !ledger.borrow().is_settled() {
        receive(half, ledger).await?;
    }
    Ok(())
}

async fn receive<T: RecvHalf + ?Sized>(half: &mut T, ledger: &RefCell<&mut Ledger>) -> Verdict {
    let message = half.recv().await?;
    let Some(message) = message else { return Err(Stop::new(EARLY)) };
    ledger.borrow_mut().arrived(message).map(drop)
}

async fn all_of<F: Future<Output = Verdict>>(mut doing: FuturesUnordered<F>) -> Verdict {
    while let Some(done) = doing.next().await {
        done?;
    }
    Ok(())
}

impl Shape {
    /// Whether another message under way is sure not to be dropped by a queue.
    pub(crate) fn has_room(&self, ledger: &Ledger, length: usize) -> bool {
        let Some((messages, bytes)) = self.window else { return true };
        let (count, there) = ledger.in_flight();
        count < messages && there + length + 1024 * count <= bytes
    }
}

impl Far<'_> {
    async fn read(&mut self) -> Verdict<u64> {
        if self.has_ended {
            return Ok(0);
        }
        match once(self.end.recv_half().recv()).await.transpose()? {
            None => Ok(0),
            Some(Some(message)) => Ok(1 + self.incoming.arrived(message)? as u64),
            Some(None) => {
                ensure!(self.may_end, "{EARLY}");
                self.has_ended = true;
                Ok(1 << 40)
            }
        }
    }

    async fn send(&mut self, rng: &mut Rng) -> Verdict<u64> {
        let length =
            self.shape.length(rng).min(2000).max(if self.shape.is_fixed { 333 } else { 0 });
        let (count, _) = self.outgoing.in_flight();
        if count > 30 || !self.shape.has_room(self.outgoing, length) {
            return Ok(0);
        }
        let descriptors = self.shape.descriptors(rng);
        let (message, attached) = self.outgoing.make(length, descriptors);
        let half = self.end.send_half();
        let fed = once(half.feed_with(message, attached)).await.transpose()?;
        self.outgoing.last_is(if fed.is_some() { Sent::Surely } else { Sent::Never })?;
        let flushed = once(half.flush()).await.transpose()?;
        let what = 2 * u64::from(fed.is_some()) + u64::from(flushed.is_some());
        Ok((length as u64) << 8 | 4 | what)
    }
}

impl World for Far<'_> {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        let step = rng.u8(0..10);
        if step < self.reads {
            return self.read().await;
        }
        if self.has_ended {
            tokio::task::yield_now().await;
            once(self.end.send_half().close()).await.transpose()?;
            return Ok(0);
        }
        if step < self.reads + self.sends {
            return self.send(rng).await;
        }
        tokio::task::yield_now().await;
        // What this side could not flush at once is flushed in time.
        once(self.end.send_half().flush()).await.transpose()?;
        Ok(0)
    }
}

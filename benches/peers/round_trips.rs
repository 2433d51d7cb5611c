//! A message there and back, over and over, and what one such trip takes.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anysock::Transport;
use anysock::prelude::*;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::ends::Consumer;
use crate::harness::Contender;

/// How long a slice may take before something is held to be lost.
const LOST: Duration = Duration::from_secs(60);

/// What both ends of a round trip can do.
pub(crate) trait End: Send + 'static {
    fn send(&mut self, message: &'static [u8]) -> impl Future<Output = ()> + Send;
    fn recv(&mut self, consumer: &mut Consumer) -> impl Future<Output = ()> + Send;
}

/// One of our transports.
pub(crate) struct Ours<T>(pub(crate) T);

impl<T: Transport + Send + 'static> End for Ours<T> {
    async fn send(&mut self, message: &'static [u8]) {
        self.0.send(message).await.expect("sending");
    }

    async fn recv(&mut self, consumer: &mut Consumer) {
        consumer.take(&self.0.recv().await.expect("receiving").expect("a message"));
    }
}

/// tokio's stream and a buffer that both directions share: one write, and mostly one read.
pub(crate) struct ByHand {
    io: UnixStream,
    frame: Vec<u8>,
}

impl ByHand {
    const HEADER: usize = 4;

    pub(crate) fn new(io: UnixStream) -> Self {
        Self { io, frame: Vec::new() }
    }
}

impl End for ByHand {
    async fn send(&mut self, message: &'static [u8]) {
        self.frame.clear();
        self.frame.extend_from_slice(&(message.len() as u32).to_be_bytes());
        self.frame.extend_from_slice(message);
        self.io.write_all(&self.frame).await.expect("writing");
    }

    async fn recv(&mut self, consumer: &mut Consumer) {
        self.frame.clear();
        loop {
            if let Some((header, payload)) = self.frame.split_first_chunk::<{ Self::HEADER }>() {
                if payload.len() == u32::from_be_bytes(*header) as usize {
                    return consumer.take(payload);
                }
            }
            let read = self.io.read_buf(&mut self.frame).await.expect("reading");
            assert!(read > 0, "the peer is still there");
        }
    }
}

impl End for Framed<UnixStream, LengthDelimitedCodec> {
    async fn send(&mut self, message: &'static [u8]) {
        SinkExt::send(self, message).await.expect("sending");
    }

    async fn recv(&mut self, consumer: &mut Consumer) {
        consumer.take(&self.next().await.expect("a message").expect("receiving"));
    }
}

/// A contender whose unit of work is a round trip, at the median's cost.
///
/// The median, since one trip in many also pays for a timer or for another process.
pub(crate) fn contender<E: End>(
    name: &'static str,
    runtime: &Rc<Runtime>,
    message: &'static [u8],
    open: impl Fn() -> (E, E) + 'static,
) -> Contender {
    let runtime = Rc::clone(runtime);
    Contender::new(name, move || {
        let runtime = Rc::clone(&runtime);
        let consumer = || Consumer::new(message);
        let mut idle = Some((open(), consumer(), consumer()));
        Box::new(move |count| {
            let ((near, far), asking, echoing) = idle.take().expect("the last slice has ended");
            let there = ask(near, message, asking, count);
            let back = echo(far, message, echoing, count);
            let ((near, mut asking, mut times), (far, mut echoing)) = runtime.block_on(async {
                let both = async { tokio::try_join!(tokio::spawn(there), tokio::spawn(back)) };
                let joined = tokio::time::timeout(LOST, both).await;
                joined.expect("nothing is lost").expect("no task panics")
            });
            asking.settle(count);
            echoing.settle(count);
            idle = Some(((near, far), asking, echoing));
            let (_, median, _) = times.select_nth_unstable(count / 2);
            median.as_secs_f64() * count as f64
        })
    })
}

pub(crate) async fn ask<E: End>(
    mut to: E,
    message: &'static [u8],
    mut consumer: Consumer,
    count: usize,
) -> (E, Consumer, Vec<Duration>) {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        to.send(message).await;
        to.recv(&mut consumer).await;
        times.push(start.elapsed());
    }
    (to, consumer, times)
}

pub(crate) async fn echo<E: End>(
    mut from: E,
    message: &'static [u8],
    mut consumer: Consumer,
    count: usize,
) -> (E, Consumer) {
    for _ in 0..count {
        from.recv(&mut consumer).await;
        from.send(message).await;
    }
    (from, consumer)
}

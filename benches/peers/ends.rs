//! Two connected ends, the tasks over them, and the consumer that checks and copies.

use std::hint::black_box;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anysock::Options;
use anysock::sockets::{Accepted, Connected, StreamSocket};
use anysock_core::Type;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

use crate::harness::Contender;

/// How long a slice may take before something is held to be lost.
const LOST: Duration = Duration::from_secs(30);

/// The one runtime on which both ends live.
pub(crate) fn runtime() -> Rc<Runtime> {
    Rc::new(Builder::new_current_thread().enable_all().build().expect("a runtime"))
}

/// A message of so many bytes, which lives for ever, so that no contender counts references.
pub(crate) fn message(size: usize) -> &'static [u8] {
    let bytes: Vec<u8> = (0..size).map(|place| (place % 251) as u8).collect();
    bytes.leak()
}

/// Copies every message, and checks afterwards that they were what was sent.
#[derive(Debug)]
pub(crate) struct Consumer {
    message: &'static [u8],
    copy: Box<[u8]>,
    filled: usize,
    taken: usize,
    sum: usize,
}

impl Consumer {
    pub(crate) fn new(message: &'static [u8]) -> Self {
        Self { message, copy: vec![0; message.len()].into(), filled: 0, taken: 0, sum: 0 }
    }

    /// One whole message.
    #[inline]
    pub(crate) fn take(&mut self, message: &[u8]) {
        self.copy[..message.len()].copy_from_slice(message);
        self.count(message.len());
    }

    /// The next piece of a message, and whether it is complete by that.
    #[inline]
    pub(crate) fn take_piece(&mut self, piece: &[u8], is_last: bool) {
        let filled = self.filled + piece.len();
        self.copy[self.filled..filled].copy_from_slice(piece);
        self.filled = filled;
        if is_last {
            self.filled = 0;
            self.count(filled);
        }
    }

    #[inline]
    fn count(&mut self, length: usize) {
        let copy = black_box(&self.copy[..length]);
        self.sum += length + usize::from(copy[0]) + usize::from(copy[length - 1]);
        self.taken += 1;
    }

    /// How many messages were taken.
    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    /// Begins anew, after checking that exactly `count` whole messages were taken.
    pub(crate) fn settle(&mut self, count: usize) {
        let [first, .., last] = self.message else { panic!("messages have two bytes at least") };
        let each = self.message.len() + usize::from(*first) + usize::from(*last);
        assert_eq!((self.taken, self.sum, self.filled), (count, count * each, 0));
        assert_eq!(*self.copy, *self.message);
        (self.taken, self.sum) = (0, 0);
    }
}

/// A contender that sends from one task and receives in another.
///
/// Both are given their end, and hand it back for the next slice.
pub(crate) fn two_tasks<S, R, Sending, Receiving>(
    name: &'static str,
    runtime: &Rc<Runtime>,
    message: &'static [u8],
    open: impl Fn() -> (S, R) + 'static,
    send: impl Fn(S, &'static [u8], usize) -> Sending + Copy + 'static,
    receive: impl Fn(R, Consumer, usize) -> Receiving + Copy + 'static,
) -> Contender
where
    S: Send + 'static,
    R: Send + 'static,
    Sending: Future<Output = S> + Send + 'static,
    Receiving: Future<Output = (R, Consumer)> + Send + 'static,
{
    let runtime = Rc::clone(runtime);
    Contender::new(name, move || {
        let runtime = Rc::clone(&runtime);
        let mut idle = Some((open(), Consumer::new(message)));
        Box::new(move |count| {
            let ((near, far), consumer) = idle.take().expect("the last slice has ended");
            let (sending, receiving) = (send(near, message, count), receive(far, consumer, count));
            let start = Instant::now();
            let (near, (far, mut consumer)) = runtime.block_on(async {
                let both =
                    async { tokio::try_join!(tokio::spawn(sending), tokio::spawn(receiving)) };
                let joined = tokio::time::timeout(LOST, both).await;
                joined.expect("nothing is lost").expect("no task panics")
            });
            let elapsed = start.elapsed();
            consumer.settle(count);
            idle = Some(((near, far), consumer));
            elapsed.as_secs_f64()
        })
    })
}

/// Two ends of a TCP connection, by tokio.
pub(crate) fn tcp_pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let near = std::net::TcpStream::connect(listener.local_addr()?)?;
    let (far, _) = listener.accept()?;
    for end in [&near, &far] {
        end.set_nodelay(true)?;
        end.set_nonblocking(true)?;
    }
    Ok((TcpStream::from_std(near)?, TcpStream::from_std(far)?))
}

/// Two ends of a TCP connection, by anysock.
pub(crate) async fn our_tcp_pair() -> io::Result<(StreamSocket, StreamSocket)> {
    let any = std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    let options = Options::default().nodelay(true);
    let limits = anysock::PeerLimits::default();
    let mut listener = anysock::sockets::bind(&any, Type::Stream, &options, &limits).await?;
    let addr = listener.local_addr()?;
    let near = anysock::sockets::connect(&addr, Type::Stream, &options, LOST).await?;
    let far = std::future::poll_fn(|cx| listener.poll_accept(cx)).await?;
    match (near, far) {
        (Connected::Stream(near), Accepted::Stream(far)) => Ok((near, far)),
        _ => unreachable!("a stream was asked for"),
    }
}

//! Sockets that keep message boundaries, one way.

use std::array;
use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use anysock::sockets::{DatagramSocket, SeqPacketSocket};
use anysock::{Options, Packets, Type, prelude::*};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio_seqpacket::UnixSeqpacket;
use tokio_util::codec::BytesCodec;
use tokio_util::udp::UdpFramed;

use crate::ends::{Consumer, message, runtime, two_tasks};
use crate::harness::{Contender, Measured};
use crate::packet_limit;
use crate::report::{Bar, Claim, Report, Unit};
use crate::streams::{feed_ours, receive_ours};

/// Sizes, and the bars of unix datagrams and of seqpacket against one call per message.
const UNIX: [(usize, Bar, Bar); 2] =
    [(64, Bar::new(2.0, 2.0), Bar::new(2.0, 1.7)), (1200, Bar::new(2.0, 1.4), Bar::new(2.0, 1.75))];

/// Sizes, bursts of them, and the bars of UDP against one call per message and against batches.
const UDP: [(usize, usize, Bar, Bar); 2] =
    [(64, 512, Bar::none(), Bar::none()), (1200, 216, Bar::goal(20.0), Bar::goal(1.0))];

/// Room that all UDP sockets ask for. A burst fits even if the kernel grants the usual maximum
/// of 208 KiB, which it doubles: so nothing is lost, and a lost message would be noticed.
const ROOM: usize = 1 << 20;

/// The most bytes of one segmented send.
const SEGMENTED: usize = 65_507;

/// What the kernel puts together on receipt fits into this.
const SLOT: usize = 1 << 16;

const BY_TOKIO: &str = "tokio by hand";
const BY_SEQPACKET: &str = "tokio-seqpacket";
const BY_FRAMED: &str = "UdpFramed";
const BY_QUINN: &str = "quinn-udp";
const BY_CALLS: &str = "the calls alone";
const OURS: &str = "ours";
const AGAIN: &str = "ours again";

pub(crate) fn measure(report: &mut Report) {
    for (size, of_datagrams, of_seqpacket) in UNIX {
        if report.wants("unix datagram, fed") {
            measure_datagrams(report, size, of_datagrams);
        }
        if report.wants("unix seqpacket, fed") {
            measure_seqpacket(report, size, of_seqpacket);
        }
    }
    for (size, burst, to_tokio, to_quinn) in UDP {
        if report.wants("udp, fed") {
            measure_udp(report, size, burst, to_tokio, to_quinn);
        }
    }
}

fn measure_datagrams(report: &mut Report, size: usize, bar: Bar) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(size);
    let ours = || {
        let (near, far) = DatagramSocket::pair().expect("a socket pair");
        (Packets::paired(near), Packets::paired(far))
    };
    let peers = || UnixDatagram::pair().expect("a socket pair");
    let contenders = vec![
        two_tasks(
            BY_TOKIO,
            &runtime,
            message,
            peers,
            async |to: UnixDatagram, message, count| {
                for _ in 0..count {
                    to.send(message).await.expect("sending");
                }
                to
            },
            async |from: UnixDatagram, mut consumer: Consumer, count| {
                let mut buffer = [0; 2048];
                for _ in 0..count {
                    let length = from.recv(&mut buffer).await.expect("receiving");
                    consumer.take(&buffer[..length]);
                }
                (from, consumer)
            },
        ),
        two_tasks(OURS, &runtime, message, ours, feed_ours, receive_ours),
        two_tasks(AGAIN, &runtime, message, ours, feed_ours, receive_ours),
        packet_limit::contender(BY_CALLS, Type::Datagram, message),
    ];
    let measured = Measured::times(&contenders, 1, report.rounds());
    row(report, &measured, "unix datagram, fed", size, BY_TOKIO, bar);
    row(report, &measured, "unix datagram, fed", size, BY_CALLS, Bar::none());
    ceiling(report, &measured, "unix datagram, ceiling", size, BY_TOKIO);
}

fn measure_seqpacket(report: &mut Report, size: usize, bar: Bar) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(size);
    let ours = || {
        let (near, far) = SeqPacketSocket::pair().expect("a socket pair");
        (Packets::new(near), Packets::new(far))
    };
    let peers = || UnixSeqpacket::pair().expect("a socket pair");
    let contenders = vec![
        two_tasks(
            BY_SEQPACKET,
            &runtime,
            message,
            peers,
            async |to: UnixSeqpacket, message, count| {
                for _ in 0..count {
                    to.send(message).await.expect("sending");
                }
                to
            },
            async |from: UnixSeqpacket, mut consumer: Consumer, count| {
                let mut buffer = [0; 2048];
                for _ in 0..count {
                    let received = from.recv(&mut buffer).await.expect("receiving");
                    consumer.take(&buffer[..received.bytes_read()]);
                }
                (from, consumer)
            },
        ),
        two_tasks(OURS, &runtime, message, ours, feed_ours, receive_ours),
        two_tasks(AGAIN, &runtime, message, ours, feed_ours, receive_ours),
        packet_limit::contender(BY_CALLS, Type::SeqPacket, message),
    ];
    let measured = Measured::times(&contenders, 1, report.rounds());
    row(report, &measured, "unix seqpacket, fed", size, BY_SEQPACKET, bar);
    row(report, &measured, "unix seqpacket, fed", size, BY_CALLS, Bar::none());
    ceiling(report, &measured, "unix seqpacket, ceiling", size, BY_SEQPACKET);
}

fn measure_udp(report: &mut Report, size: usize, burst: usize, to_tokio: Bar, to_quinn: Bar) {
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(size);
    let contenders = vec![
        by_tokio(&runtime, message, burst),
        ours(OURS, &runtime, message, burst),
        by_framed(&runtime, message, burst),
        by_quinn(&runtime, message, burst),
        ours(AGAIN, &runtime, message, burst),
    ];
    let measured = Measured::times(&contenders, burst, report.rounds());
    row(report, &measured, "udp, fed", size, BY_TOKIO, to_tokio);
    row(report, &measured, "udp, fed", size, BY_QUINN, to_quinn);
    row(report, &measured, "udp, fed", size, BY_FRAMED, Bar::none());
}

fn row(report: &mut Report, measured: &Measured, what: &str, size: usize, against: &str, bar: Bar) {
    let spread = measured.spread(OURS, AGAIN);
    let claim = Claim { what, size, ours: OURS, against, unit: Unit::ThousandsPerSecond, bar };
    report.compare(measured, spread, claim);
}

/// How far even the calls alone are ahead of the peer.
fn ceiling(report: &mut Report, measured: &Measured, what: &str, size: usize, against: &str) {
    let spread = measured.spread(OURS, AGAIN);
    let (unit, bar) = (Unit::ThousandsPerSecond, Bar::none());
    report.compare(measured, spread, Claim { what, size, ours: BY_CALLS, against, unit, bar });
}

/// Lets one burst at a time be under way, so that the receiver's queue never overflows.
#[derive(Clone, Debug)]
struct Window {
    free: Arc<Semaphore>,
    burst: usize,
}

impl Window {
    fn new(burst: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(1)), burst }
    }

    /// Waits until the burst before was received.
    async fn open(&self) {
        self.free.acquire().await.expect("never closed").forget();
    }

    /// So many messages were received.
    fn received(&self, taken: usize) {
        if taken % self.burst == 0 {
            self.free.add_permits(1);
        }
    }
}

/// Two UDP sockets, connected to each other.
fn udp_pair() -> io::Result<(UdpSocket, UdpSocket)> {
    let bind = || {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        SockRef::from(&socket).set_recv_buffer_size(ROOM)?;
        socket.set_nonblocking(true)?;
        Ok::<_, io::Error>(socket)
    };
    let (near, far) = (bind()?, bind()?);
    near.connect(far.local_addr()?)?;
    far.connect(near.local_addr()?)?;
    Ok((UdpSocket::from_std(near)?, UdpSocket::from_std(far)?))
}

/// Two UDP sockets of ours, connected to each other.
pub(crate) fn our_udp_pair() -> io::Result<(DatagramSocket, DatagramSocket)> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    let options = Options::default().receive_buffer(ROOM);
    let near = DatagramSocket::bind(&any, &options)?;
    let far = DatagramSocket::bind(&any, &options)?;
    near.connect(&far.local_addr()?)?;
    far.connect(&near.local_addr()?)?;
    Ok((near, far))
}

type Ours = (Packets<DatagramSocket>, Window);
type Framed = (UdpFramed<BytesCodec>, Window);

fn ours(
    name: &'static str,
    runtime: &Rc<Runtime>,
    message: &'static [u8],
    burst: usize,
) -> Contender {
    let open = move || {
        let (near, far) = our_udp_pair().expect("a socket pair");
        let window = Window::new(burst);
        ((Packets::new(near), window.clone()), (Packets::new(far), window))
    };
    two_tasks(
        name,
        runtime,
        message,
        open,
        async |(mut to, window): Ours, message, count| {
            for _ in 0..count / window.burst {
                window.open().await;
                for _ in 0..window.burst {
                    to.feed(message).await.expect("feeding");
                }
                to.flush().await.expect("flushing");
            }
            (to, window)
        },
        async |(mut from, window): Ours, mut consumer: Consumer, count| {
            for taken in 1..=count {
                consumer.take(&from.recv().await.expect("receiving").expect("a message"));
                window.received(taken);
            }
            ((from, window), consumer)
        },
    )
}

fn by_tokio(runtime: &Rc<Runtime>, message: &'static [u8], burst: usize) -> Contender {
    let open = move || {
        let (near, far) = udp_pair().expect("a socket pair");
        let window = Window::new(burst);
        ((near, window.clone()), (far, window))
    };
    two_tasks(
        BY_TOKIO,
        runtime,
        message,
        open,
        async |(to, window): (UdpSocket, Window), message, count| {
            for _ in 0..count / window.burst {
                window.open().await;
                for _ in 0..window.burst {
                    to.send(message).await.expect("sending");
                }
            }
            (to, window)
        },
        async |(from, window): (UdpSocket, Window), mut consumer: Consumer, count| {
            let mut buffer = [0; 2048];
            for taken in 1..=count {
                let length = from.recv(&mut buffer).await.expect("receiving");
                consumer.take(&buffer[..length]);
                window.received(taken);
            }
            ((from, window), consumer)
        },
    )
}

fn by_framed(runtime: &Rc<Runtime>, message: &'static [u8], burst: usize) -> Contender {
    let open = move || {
        let (near, far) = udp_pair().expect("a socket pair");
        let wrap = |socket| UdpFramed::new(socket, BytesCodec::new());
        let window = Window::new(burst);
        ((wrap(near), window.clone()), (wrap(far), window))
    };
    two_tasks(
        BY_FRAMED,
        runtime,
        message,
        open,
        async |(mut to, window): Framed, message, count| {
            let destination = to.get_ref().peer_addr().expect("it is connected");
            for _ in 0..count / window.burst {
                window.open().await;
                for _ in 0..window.burst {
                    let message = Bytes::from_static(message);
                    to.feed((message, destination)).await.expect("feeding");
                }
                SinkExt::<(Bytes, SocketAddr)>::flush(&mut to).await.expect("flushing");
            }
            (to, window)
        },
        async |(mut from, window): Framed, mut consumer: Consumer, count| {
            for taken in 1..=count {
                let (message, _) = from.next().await.expect("a message").expect("receiving");
                consumer.take(&message);
                window.received(taken);
            }
            ((from, window), consumer)
        },
    )
}

/// A socket with segmentation and coalescing, and the block that many messages share.
struct Batched {
    socket: UdpSocket,
    state: UdpSocketState,
    block: Vec<u8>,
    window: Window,
}

impl Batched {
    fn new(socket: UdpSocket, window: Window, block: usize) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state, block: vec![0; block], window })
    }

    async fn send(&mut self, destination: SocketAddr, size: usize) -> io::Result<()> {
        let Self { socket, state, block, .. } = self;
        let transmit = Transmit {
            destination,
            ecn: None,
            contents: block,
            segment_size: Some(size),
            src_ip: None,
        };
        let call = || state.try_send((&*socket).into(), &transmit);
        socket.async_io(Interest::WRITABLE, call).await
    }

    async fn recv(&mut self, metas: &mut [RecvMeta; BATCH_SIZE]) -> io::Result<usize> {
        let Self { socket, state, block, .. } = self;
        let mut slots = block.chunks_mut(SLOT).map(IoSliceMut::new);
        let mut slots: [_; BATCH_SIZE] = array::from_fn(|_| slots.next().expect("a slot"));
        let call = || state.recv((&*socket).into(), &mut slots, metas);
        socket.async_io(Interest::READABLE, call).await
    }
}

fn by_quinn(runtime: &Rc<Runtime>, message: &'static [u8], burst: usize) -> Contender {
    let open = move || {
        let (near, far) = udp_pair().expect("a socket pair");
        let window = Window::new(burst);
        let near = Batched::new(near, window.clone(), 0).expect("a socket");
        let far = Batched::new(far, window, BATCH_SIZE * SLOT).expect("a socket");
        (near, far)
    };
    two_tasks(
        BY_QUINN,
        runtime,
        message,
        open,
        async |mut to: Batched, message, count| {
            let destination = to.socket.peer_addr().expect("it is connected");
            let segments = to.state.max_gso_segments().min(SEGMENTED / message.len());
            for _ in 0..count / to.window.burst {
                to.window.open().await;
                let mut unsent = to.window.burst;
                while unsent > 0 {
                    let together = segments.min(unsent);
                    to.block.clear();
                    (0..together).for_each(|_| to.block.extend_from_slice(message));
                    to.send(destination, message.len()).await.expect("sending");
                    unsent -= together;
                }
            }
            to
        },
        async |mut from: Batched, mut consumer: Consumer, count| {
            let mut metas = [RecvMeta::default(); BATCH_SIZE];
            while consumer.taken() < count {
                let received = from.recv(&mut metas).await.expect("receiving");
                for (slot, meta) in from.block.chunks(SLOT).zip(&metas[..received]) {
                    for message in slot[..meta.len].chunks(meta.stride) {
                        consumer.take(message);
                        from.window.received(consumer.taken());
                    }
                }
            }
            (from, consumer)
        },
    )
}

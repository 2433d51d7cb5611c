//! The transports: two ends of each, small of buffers, so that little goes on at a time.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anysock::framing::{AcceptExt, RecvExt, SendExt, memory};
use anysock::sockets::{DatagramSocket, StreamSocket};
use anysock::{
    Ancillary, AnyCodec, Backoff, BoxTransport, Connection, Delimited, Fixed, Framed, Io,
    LengthDelimited, Limits, Options, Packets, PeerLimits, Quota, RecvHalf, SendHalf, Varint,
};
use anysock_testing::impaired::{Chopped, Chopping, Impaired, Impairments, Seed};
use fastrand::Rng;

use crate::ledger::{LONGEST, SHORTEST};
use crate::stop::{Stop, Verdict};

/// Every transport, by the name that stands in `ANYSOCK_DROP`: what it is, and how it is wrapped.
///
/// | wrapped | |
/// |---|---|
/// | `halves` | split: both directions of both ends are on their own |
/// | `auto` | split, and the sending half flushes by itself |
/// | `limits` | under a quota each way, an idle time, deadlines and a longest message |
/// | `limited-halves` | that, and split |
pub(crate) const TRANSPORTS: [&str; 38] = [
    "unix-stream",
    "unix-stream/u16",
    "unix-stream/varint",
    "unix-stream/lines",
    "unix-stream/nul",
    "unix-stream/fixed",
    "unix-stream+halves",
    "unix-stream+auto",
    "unix-stream+limits",
    "unix-stream+limited-halves",
    "unix-seqpacket",
    "unix-seqpacket+halves",
    "unix-seqpacket+auto",
    "unix-seqpacket+limits",
    "unix-datagram",
    "unix-datagram+halves",
    "unix-datagram-peer",
    "unix-datagram-peer+halves",
    "ipv4-stream",
    "ipv4-stream/lines",
    "ipv4-stream+halves",
    "ipv6-stream",
    "ipv6-stream/varint",
    "ipv6-stream+auto",
    "ipv4-datagram-peer",
    "ipv4-datagram-peer+halves",
    "ipv6-datagram-peer",
    "ipv6-datagram-peer+auto",
    "memory",
    "memory+halves",
    "memory+limits",
    "chopped",
    "chopped+halves",
    "impaired",
    "reconnecting",
    "reconnecting+halves",
    "ipv4-stream+observed",
    "unix-seqpacket+observed-halves",
];

/// Those without descriptors.
pub(crate) const BARE: [&str; 8] = [
    "ipv4-stream",
    "ipv4-stream+halves",
    "ipv6-stream/varint",
    "ipv4-datagram-peer",
    "ipv6-datagram-peer+auto",
    "memory",
    "memory+limits",
    "chopped",
];

/// Both ends of a transport.
pub(crate) struct Link {
    pub(crate) near: End,
    pub(crate) far: End,
    pub(crate) shape: Shape,
}

/// One end.
pub(crate) enum End {
    Whole(BoxTransport),
    Halves(Box<dyn SendHalf + Send>, Box<dyn RecvHalf + Send>),
}

/// What may be sent over it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) longest: usize,
    /// All are of one length.
    pub(crate) is_fixed: bool,
    pub(crate) descriptors: bool,
    /// So many messages and bytes under way lose none, where a queue drops what is too much.
    pub(crate) window: Option<(usize, usize)>,
    pub(crate) has_end: bool,
    /// Whether it tells that the peer is gone.
    pub(crate) tells: bool,
}

/// The ones that `closed` is there for.
pub(crate) const TOLD: [&str; 9] = [
    "unix-stream",
    "unix-stream+halves",
    "unix-stream+limits",
    "unix-seqpacket",
    "unix-seqpacket+halves",
    "ipv4-stream",
    "ipv6-stream",
    "memory",
    "memory+halves",
];

impl Shape {
    /// A length, mostly short.
    pub(crate) fn length(&self, rng: &mut Rng) -> usize {
        if self.is_fixed {
            return self.longest;
        }
        let up_to = match rng.u8(0..10) {
            0..=4 => 100,
            5..=7 => 3000,
            _ => self.longest,
        };
        rng.usize(SHORTEST..=up_to.min(self.longest))
    }

    /// How many descriptors go along: mostly none.
    pub(crate) fn descriptors(&self, rng: &mut Rng) -> usize {
        match self.descriptors && rng.u8(0..4) == 0 {
            true => rng.usize(1..4),
            false => 0,
        }
    }
}

impl End {
    pub(crate) fn send_half(&mut self) -> &mut (dyn SendHalf + Send) {
        match self {
            Self::Whole(transport) => transport,
            Self::Halves(send, _) => &mut **send,
        }
    }

    pub(crate) fn recv_half(&mut self) -> &mut (dyn RecvHalf + Send) {
        match self {
            Self::Whole(transport) => transport,
            Self::Halves(_, recv) => &mut **recv,
        }
    }

    fn wrapped(self, how: &str) -> Self {
        match (self, how) {
            (Self::Whole(transport), "halves") => {
                let (send, recv) = transport.split_boxed();
                Self::Halves(send, recv)
            }
            (Self::Whole(transport), "auto") => {
                let (send, recv) = transport.split_boxed();
                Self::Halves(Box::new(send.auto_flush()), recv)
            }
            (end, "observed-halves") => end.wrapped("halves"),
            (end, "limited-halves") => end.wrapped("limits").wrapped("halves"),
            (Self::Whole(transport), "limits") => {
                let long = Duration::from_secs(300);
                // The quotas have it wait for a timer of a millisecond now and then.
                let limits = Limits::default()
                    .idle(long)
                    .read_deadline(long)
                    .write_deadline(long)
                    .rate(Quota::messages(20_000, 20))
                    .send_rate(Quota::messages(20_000, 20))
                    .max_message(60_000);
                Self::Whole(Box::new(limits.wrap(transport)))
            }
            (end, _) => end,
        }
    }
}

impl Link {
    /// Opens the transport of this name; which end is the near one, the dice say.
    pub(crate) async fn open(name: &str, rng: &mut Rng) -> Verdict<Self> {
        let (base, wrapped) = name.split_once('+').unwrap_or((name, ""));
        let (kind, codec) = base.split_once('/').unwrap_or((base, "u32"));
        let looking = wrapped.starts_with("observed").then(look);
        let (one, other, mut shape) = base_of(kind, codec, rng).await?;
        drop(looking);
        let (one, other) = (End::Whole(one).wrapped(wrapped), End::Whole(other).wrapped(wrapped));
        shape.longest =
            shape.longest.min(if wrapped.starts_with("limit") { 60_000 } else { usize::MAX });
        // The one that connects again is the one that is tried.
        let (mut near, mut far) =
            if kind != "reconnecting" && rng.bool() { (other, one) } else { (one, other) };
        let most = near.send_half().max_message().min(far.send_half().max_message());
        shape.longest = shape.longest.min(most);
        Ok(Self { near, far, shape })
    }
}

/// Has connections that are made meanwhile observed.
fn look() -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
    tracing::subscriber::set_default(subscriber.with_writer(std::io::sink).finish())
}

type Base = (BoxTransport, BoxTransport, Shape);

async fn base_of(kind: &str, codec: &str, rng: &mut Rng) -> Verdict<Base> {
    let mut shape = Shape {
        longest: LONGEST,
        is_fixed: codec == "fixed",
        descriptors: kind.starts_with("unix"),
        window: None,
        has_end: !kind.contains("datagram"),
        tells: false,
    };
    match codec {
        "lines" | "nul" => shape.longest = 8_000,
        _ if kind == "chopped" => shape.longest = 5_000,
        "u16" => shape.longest = 60_000,
        "fixed" => shape.longest = 333,
        _ => {}
    }
    let codec = codec_of(codec);
    let (one, other): (BoxTransport, BoxTransport) = match kind {
        "unix-datagram" => {
            let (one, other) = DatagramSocket::pair()?;
            for end in [&one, &other] {
                end.socket().ask(Ancillary::DESCRIPTORS, true)?;
                Options::default().send_buffer(8192).apply(end.socket())?;
            }
            (Box::new(Packets::paired(one)), Box::new(Packets::paired(other)))
        }
        "memory" => {
            let options = memory::Options::default().watermark(4000).max_queued(6);
            let (one, other) = options.pair();
            (Box::new(one), Box::new(other))
        }
        "chopped" => {
            let seed = Seed::new(rng.u64(..));
            let pieces = Chopping::none().pieces(1..=700).pending(0.4);
            if rng.bool() {
                let (one, other) = tokio::io::duplex(512);
                let chop =
                    |end, name| Chopped::new(Io::new(end), seed.of(name)).both(pieces.clone());
                let codec = LengthDelimited::u32();
                let one = Framed::new(chop(one, "one"), codec);
                (Box::new(one), Box::new(Framed::new(chop(other, "other"), codec)))
            } else {
                let (one, other) = StreamSocket::pair()?;
                let chop = |end, name| Chopped::new(end, seed.of(name)).both(pieces.clone());
                let codec = LengthDelimited::u32();
                let one = Framed::new(chop(one, "one"), codec);
                (Box::new(one), Box::new(Framed::new(chop(other, "other"), codec)))
            }
        }
        "impaired" => {
            let latency = Impairments::none().latency(Duration::from_millis(1));
            let (one, other) = memory::Options::default().watermark(8000).pair();
            let one = Impaired::new(one, Seed::new(rng.u64(..))).both(latency);
            (Box::new(one), Box::new(other))
        }
        "reconnecting" => {
            let mut listener = anysock::bind("unix:").options(small("unix:")).await?;
            let connect = anysock::connect(listener.endpoint()).options(small("unix:"));
            let client = connect.reconnecting(Backoff::default()).ends_with_peer().await?;
            (Box::new(client), Box::new(listener.accept().await?))
        }
        _ => {
            let (endpoint, window) = match kind {
                "unix-stream" => ("unix:", None),
                "unix-seqpacket" => ("unix-seqpacket:", None),
                "unix-datagram-peer" => ("unix-dgram:", Some((60, 120_000))),
                "ipv4-stream" => ("tcp://127.0.0.1:0", None),
                "ipv6-stream" => ("tcp://[::1]:0", None),
                "ipv4-datagram-peer" => ("udp://127.0.0.1:0", Some((24, 60_000))),
                "ipv6-datagram-peer" => ("udp://[::1]:0", Some((24, 60_000))),
                other => return Err(Stop::new(format_args!("there is no transport {other:?}"))),
            };
            shape.window = window;
            if kind.contains("datagram") {
                shape.longest = 20_000;
            }
            let (one, other) = accepted(endpoint, codec, shape.descriptors).await?;
            (Box::new(one), Box::new(other))
        }
    };
    shape.tells = one.closed().is_ok();
    Ok((one, other, shape))
}

/// A client of a listener, and the peer that it is there.
async fn accepted(
    endpoint: &str,
    codec: AnyCodec,
    descriptors: bool,
) -> Verdict<(Connection, Connection)> {
    // No reply is dropped because its receiver does not read for a while.
    let limits = PeerLimits { patience: Duration::from_secs(300), ..PeerLimits::default() };
    let datagrams = endpoint.contains("dgram") || endpoint.starts_with("udp");
    let options = if datagrams { Options::default() } else { small(endpoint) };
    let bind = anysock::bind(endpoint).codec(codec.clone()).options(options.clone());
    let mut listener = bind.peer_limits(limits).await?;
    if descriptors {
        listener.as_socket().unwrap().socket().ask(Ancillary::DESCRIPTORS, true)?;
    }
    let connect = anysock::connect(listener.endpoint()).codec(codec).options(options);
    let mut client = connect.await?;
    if descriptors {
        client.as_socket().unwrap().ask(Ancillary::DESCRIPTORS, true)?;
    }
    if datagrams {
        client.send("hello").await?;
    }
    let mut peer = listener.accept().await?;
    if datagrams {
        peer.recv().await?;
    }
    if descriptors && !datagrams {
        peer.as_socket().unwrap().ask(Ancillary::DESCRIPTORS, true)?;
    }
    Ok((client, peer))
}

/// Buffers in the kernel that hold little.
fn small(endpoint: &str) -> Options {
    let options = Options::default().send_buffer(8192);
    if endpoint.starts_with("tcp") { options.receive_buffer(8192) } else { options }
}

fn codec_of(name: &str) -> AnyCodec {
    match name {
        "u16" => LengthDelimited::u16().into(),
        "varint" => Varint::new().into(),
        "lines" => Delimited::lines().into(),
        "nul" => Delimited::nul().into(),
        "fixed" => Fixed::new(NonZeroUsize::new(333).unwrap()).into(),
        _ => LengthDelimited::u32().into(),
    }
}

/// A name in the abstract namespace, or of a path, that nobody else has.
pub(crate) fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("anysock-dropped-{what}-{}-{count}", std::process::id())
}

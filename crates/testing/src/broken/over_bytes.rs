//! Break laws 1, 4 and 7 over a stream of bytes: by a codec, and by a buffer.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use anysock_framing::{
    AnyCodec, Attached, Codec, Decoded, Delimited, Error, FrameWriter, Framed, Guaranteed,
    Guarantees, Halves, Io, LengthDelimited, Message, Payload, RecvHalf, SendHalf, Stats,
    Transport, encode_frame,
};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::specimen::Specimen;
use crate::conformance::{InPipe, Kit, Law, Offer, Raw, Subject};

/// A codec of lines that does not look for line ends in what it sends.
///
/// ```
/// use anysock_framing::encode_frame;
/// use anysock_testing::broken::LaxLines;
/// // Two messages arrive:
/// assert_eq!(encode_frame(&mut LaxLines::default(), "two\nlines").unwrap(), "two\nlines\n");
/// ```
#[derive(Clone, Debug)]
pub struct LaxLines(Delimited);

impl Default for LaxLines {
    fn default() -> Self {
        Self(Delimited::lines())
    }
}

impl Codec for LaxLines {
    fn max_message(&self) -> usize {
        self.0.max_message()
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        frame.payload();
        frame.put(b"\n");
        Ok(())
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        self.0.decode(input)
    }
}

/// A codec that takes a cut inside a message for the end.
///
/// ```
/// use anysock_framing::{Codec, Decoded};
/// use anysock_testing::broken::CutIsEnd;
/// let end = CutIsEnd::default().decode_end(b"\0\0\0\x05hel").unwrap();
/// assert_eq!(end, Decoded::Skip { consumed: 7 }); // nothing has happened
/// ```
#[derive(Clone, Debug, Default)]
pub struct CutIsEnd(LengthDelimited);

impl Codec for CutIsEnd {
    fn max_message(&self) -> usize {
        self.0.max_message()
    }

    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        self.0.encode(frame)
    }

    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        self.0.decode(input)
    }

    fn decode_end(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        Ok(Decoded::Skip { consumed: input.len() })
    }
}

/// A transport that reserves what the peer announces, before it has come.
///
/// ```
/// use anysock_testing::broken::ReservesAnnounced;
/// let (_a, _b) = ReservesAnnounced::pair();
/// ```
#[derive(Debug)]
pub struct ReservesAnnounced {
    framed: Framed<Io<Tap>, LengthDelimited>,
    announced: Arc<AtomicUsize>,
    buffer: Mutex<Vec<u8>>,
}

impl ReservesAnnounced {
    /// Two ends, connected to each other.
    pub fn pair() -> (Self, Self) {
        let (a, b) = tokio::io::duplex(64 * 1024);
        (Self::new(a), Self::new(b))
    }

    fn new(io: DuplexStream) -> Self {
        let announced = Arc::default();
        let tap = Tap { io, header: Vec::new(), announced: Arc::clone(&announced) };
        let framed = Framed::new(Io::new(tap), LengthDelimited::u32());
        Self { framed, announced, buffer: Mutex::default() }
    }
}

impl Guaranteed for ReservesAnnounced {
    fn guarantees(&self) -> Guarantees {
        self.framed.guarantees()
    }

    fn stats(&self) -> Stats {
        let mut buffer = self.buffer.lock().expect("nothing panics while this is held");
        buffer.reserve(self.announced.load(Ordering::Relaxed));
        self.framed.stats().merge(Stats { held: buffer.capacity(), ..Stats::default() })
    }
}

impl SendHalf for ReservesAnnounced {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.framed.poll_ready(cx)
    }

    fn start_send(&mut self, payload: Payload<'_>, attached: &mut Attached) -> Result<(), Error> {
        self.framed.start_send(payload, attached)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.framed.poll_flush(cx)
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.framed.poll_close(cx)
    }

    fn max_message(&self) -> usize {
        self.framed.max_message()
    }
}

impl RecvHalf for ReservesAnnounced {
    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        self.framed.poll_recv(cx)
    }
}

impl Transport for ReservesAnnounced {
    fn split_boxed(self: Box<Self>) -> Halves {
        Box::new(self.framed).split_boxed()
    }
}

/// Bytes, of which the first header is read along.
#[derive(Debug)]
struct Tap {
    io: DuplexStream,
    header: Vec<u8>,
    announced: Arc<AtomicUsize>,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        let missing = 4 - self.header.len();
        self.header.extend(buffer.filled()[before..].iter().take(missing));
        if let Some(header) = self.header.first_chunk() {
            self.announced.store(u32::from_be_bytes(*header) as usize, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// The last of these as a subject.
struct Reserving;

impl Subject for Reserving {
    type Transport = ReservesAnnounced;

    fn name(&self) -> String {
        "reserves what is announced".into()
    }

    async fn pair(&self) -> Offer<(ReservesAnnounced, ReservesAnnounced)> {
        Ok(ReservesAnnounced::pair())
    }

    async fn raw(&self) -> Offer<Raw<ReservesAnnounced>> {
        let (near, wire) = tokio::io::duplex(64 * 1024);
        Ok(Raw::new(ReservesAnnounced::new(near), wire, |message| {
            encode_frame(&mut LengthDelimited::u32(), message).expect("a sample is short").to_vec()
        }))
    }
}

pub(super) fn specimens() -> [Specimen; 3] {
    let lax = |kit: &Kit| {
        let codec = AnyCodec::custom(LaxLines::default());
        kit.check(InPipe::new(codec).named("lax lines").printable().refuses(["two\nlines"]))
    };
    let cut = |kit: &Kit| {
        kit.check(InPipe::new(AnyCodec::custom(CutIsEnd::default())).named("cut is end"))
    };
    let reserving = |kit: &Kit| kit.check(Reserving);
    [
        Specimen::new("sends a delimiter inside", Law::Boundaries, "an error was due", lax),
        Specimen::new("takes a cut for the end", Law::End, "an error was due", cut),
        Specimen::new(
            "reserves what is announced",
            Law::Bounded,
            "bytes are held where",
            reserving,
        ),
    ]
}

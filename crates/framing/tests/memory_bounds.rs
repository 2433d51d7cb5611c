//! Law 7, by a counting allocator: memory follows what was received, not what was announced.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use anysock_async::SeqPacketSocket;
use anysock_framing::{
    AnyCodec, ByteRecv, ByteSend, ByteStream, Framed, Guaranteed, Io, LengthDelimited, Message,
    Packets, RecvBlock, RecvExt, SendExt, Varint,
};
use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio_test::{assert_pending, assert_ready_ok, task};

/// Counts by thread, so that the tests do not disturb each other.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that is about to end has nothing to count any more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What is allocated now, beside what was `before`, and what the thread keeps for whoever receives
/// next, which is freed.
fn live(before: isize) -> usize {
    RecvBlock::free_kept_by_thread();
    usize::try_from(LIVE.get() - before).unwrap_or(0)
}

/// What was allocated at most since the last call, beside what was `before`.
fn peak(before: isize) -> usize {
    let peak = usize::try_from(PEAK.get() - before).unwrap_or(0);
    PEAK.set(LIVE.get());
    peak
}

/// Not buffers: wakers, reference counts, what the pipe itself allocates.
const SLACK: usize = 1024;

const LONG: usize = 16 * 1024 * 1024;

fn announcing() -> Vec<(AnyCodec, Vec<u8>)> {
    let length = LONG as u64;
    let big = length.to_be_bytes();
    let little = length.to_le_bytes();
    let varint = vec![0x80, 0x80, 0x80, 0x08];
    vec![
        (LengthDelimited::u32().max(LONG).into(), big[4..].to_vec()),
        (LengthDelimited::u32().little_endian().max(LONG).into(), little[..4].to_vec()),
        (LengthDelimited::u64().max(LONG).into(), big.to_vec()),
        (LengthDelimited::u64().little_endian().max(LONG).into(), little.to_vec()),
        (LengthDelimited::u24().max(LONG).into(), vec![0xff; 3]),
        (Varint::new().max(LONG).into(), varint),
        (AnyCodec::from(anysock_framing::Delimited::lines().max(LONG)), vec![b'x'; 4]),
    ]
}

/// Gives some bytes, then waits, then gives some again; it allocates nothing itself.
#[derive(Debug)]
struct Trickle {
    header: Vec<u8>,
    step: usize,
    left: usize,
    received: Arc<AtomicUsize>,
}

impl AsyncRead for Trickle {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left == 0 {
            self.left = self.step;
            return Poll::Pending;
        }
        let length = self.left.min(buffer.remaining());
        for _ in 0..length {
            let at = self.received.fetch_add(1, Ordering::Relaxed);
            buffer.put_slice(&[self.header.get(at).copied().unwrap_or(b'x')]);
        }
        self.left -= length;
        Poll::Ready(Ok(()))
    }
}

/// A peer that sends faster than is read: each read is filled, with frames of ten bytes.
#[derive(Debug, Default)]
struct Flood {
    sent: usize,
}

impl ByteRecv for Flood {
    fn poll_recv(
        &mut self,
        _: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let length = most.min(block.spare());
        for _ in 0..length {
            block.put_u8(b"\x0aten bytes.."[self.sent % 11]);
            self.sent += 1;
        }
        Poll::Ready(Ok(length))
    }
}

impl ByteSend for Flood {
    fn poll_send(&mut self, _: &mut Context<'_>, _: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        unreachable!("nothing is sent")
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_drain(
        &mut self,
        _: &mut Context<'_>,
        _: &mut RecvBlock,
        _: usize,
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl ByteStream for Flood {
    type Recv = Self;
    type Send = Self;
    fn split(self) -> (Self, Self) {
        unreachable!("it stays whole")
    }
}

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(60), test).await.expect("this hangs")
}

fn pipe(codec: AnyCodec) -> (DuplexStream, Framed<Io<DuplexStream>, AnyCodec>) {
    let (far, near) = tokio::io::duplex(64 * 1024);
    (far, Framed::new(Io::new(near), codec))
}

#[tokio::test]
async fn an_announced_giant_costs_no_more_than_what_has_come_of_it() {
    within(async {
        for (codec, header) in announcing() {
            for (step, steps) in [(1, 3000), (700, 600), (30_000, 40)] {
                let name = codec.to_string();
                let received = Arc::new(AtomicUsize::new(0));
                let trickle = Trickle {
                    header: header.clone(),
                    step,
                    left: step,
                    received: received.clone(),
                };
                let io = tokio::io::join(trickle, tokio::io::sink());
                let mut framed = Framed::new(Io::new(io), codec.clone());
                let before = LIVE.get();
                peak(before);
                for _ in 0..steps {
                    tokio::task::yield_now().await;
                    assert_pending!(task::spawn(framed.recv()).poll());
                    let (received, held) = (received.load(Ordering::Relaxed), framed.stats().held);
                    let (live, peak) = (live(before), peak(before));
                    let at = format!("{name}, {received} received: {held} held, {live} to {peak}");
                    let bound = 8 * 1024 + 4 * received;
                    assert!(held <= bound, "{at}");
                    assert!(live <= held + SLACK, "{at}");
                    assert!(peak <= bound + SLACK, "{at}");
                }
                assert_eq!(received.load(Ordering::Relaxed), step * steps);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_waits_with_nothing_at_hand_holds_nothing() {
    within(async {
        let (mut far, mut framed) = pipe(LengthDelimited::u32().into());
        let burst: Vec<u8> = (0..1000).flat_map(|_| *b"\0\0\0\x05hello").collect();
        far.write_all(&burst).await.unwrap();
        let before = LIVE.get();
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            drop(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap());
        }
        assert_pending!(task::spawn(framed.recv()).poll());
        assert_eq!(framed.stats().held, 0);
        assert!(live(before) <= SLACK, "{} allocated", live(before));
    })
    .await;
}

#[tokio::test]
async fn a_few_bytes_after_a_burst_do_not_keep_its_block() {
    within(async {
        let (mut far, mut framed) = pipe(LengthDelimited::u32().into());
        let burst: Vec<u8> = (0..6000).flat_map(|_| *b"\0\0\0\x05hello").collect();
        far.write_all(&burst).await.unwrap();
        far.write_all(b"\0\0\0\x05he").await.unwrap();
        let before = LIVE.get();
        let mut largest = 0;
        for _ in 0..6000 {
            tokio::task::yield_now().await;
            drop(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap());
            largest = largest.max(framed.stats().held);
            assert!(framed.stats().held + SLACK >= live(before), "it holds more than it says");
        }
        assert!(largest > 6000, "there was a burst: {largest}");
        assert_pending!(task::spawn(framed.recv()).poll());
        assert!(framed.stats().held <= 4 * 6, "{}", framed.stats().held);
        assert!(live(before) <= SLACK, "{} allocated", live(before));
        far.write_all(b"llo").await.unwrap();
        assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), "hello");
    })
    .await;
}

#[tokio::test]
async fn a_message_that_was_refused_for_its_length_leaves_nothing_held() {
    within(async {
        let (mut far, mut framed) = pipe(LengthDelimited::u32().max(10).into());
        far.write_all(&[0xff; 5000]).await.unwrap();
        framed.recv().await.unwrap_err();
        assert_eq!(framed.stats().held, 0);
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_has_flushed_holds_nothing() {
    within(async {
        let io = tokio::io::join(tokio::io::empty(), tokio::io::sink());
        let mut framed = Framed::new(Io::new(io), LengthDelimited::u32());
        // The thread has its one spare block from here on.
        framed.send(vec![0; 8000].as_slice()).await.unwrap();
        let before = LIVE.get();
        for _ in 0..100 {
            framed.feed("hello").await.unwrap();
        }
        framed.feed(vec![0; 5000]).await.unwrap();
        assert!(live(before) >= 5000);
        framed.flush().await.unwrap();
        assert!(live(before) <= SLACK, "{} allocated", live(before));
    })
    .await;
}

/// The largest block of a stream whose messages say how long they are: the longest read, and half
/// of that behind it.
const LARGEST_BLOCK: usize = 384 * 1024;

/// This message, the last one that is held, keeps `block` bytes, and only its own once it is copied
/// to its size.
fn keeps(message: Message, block: usize, before: isize) {
    let held = live(before);
    assert!((block..=block + SLACK).contains(&held), "{held} held, {block} in the block");
    let message = message.to_sized();
    let held = live(before);
    assert!((message.len()..=message.len() + SLACK).contains(&held), "{held} held");
}

#[tokio::test]
async fn a_held_message_keeps_its_block_and_a_sized_one_only_itself() {
    within(async {
        let before = LIVE.get();
        let mut framed = Framed::new(Flood::default(), LengthDelimited::u8());
        let mut message = framed.recv().await.unwrap().unwrap();
        let mut largest = framed.stats().held;
        // Until several reads were as long as they get.
        for _ in 0..200_000 {
            message = framed.recv().await.unwrap().unwrap();
            largest = largest.max(framed.stats().held);
        }
        assert_eq!(message, "ten bytes.");
        assert_eq!(largest, LARGEST_BLOCK);
        drop(framed);
        keeps(message, LARGEST_BLOCK, before);
    })
    .await;
}

#[tokio::test]
async fn a_held_packet_keeps_those_beside_it_and_a_sized_one_only_itself() {
    within(async {
        let (near, far) = SeqPacketSocket::pair().unwrap();
        let (mut near, mut far) = (Packets::new(near), Packets::new(far));
        let mut burst = async || {
            for _ in 0..32 {
                far.feed([7; 2000].as_slice()).await.unwrap();
            }
            far.flush().await.unwrap();
            let mut messages = Vec::new();
            while messages.len() < 32 {
                near.recv_many(&mut messages, 32).await.unwrap();
            }
            messages.pop().unwrap()
        };
        // The thread has its room for batches, and a block to send from, from here on.
        drop(burst().await);
        RecvBlock::free_kept_by_thread();
        let before = LIVE.get();
        let message = burst().await;
        keeps(message, 32 * 2000, before);
    })
    .await;
}

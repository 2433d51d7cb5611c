//! Vectored writes: what comes out is byte-exact, however little of it is taken at a time.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use anysock_framing::{
    Codec, Decoded, Error, FrameWriter, Framed, Guaranteed, Io, LengthDelimited, SendExt,
};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_test::{assert_ready_err, assert_ready_ok, task};

/// Takes so many bytes a write, across slices if it is vectored.
#[derive(Debug)]
struct Taker {
    most: usize,
    vectored: bool,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    bytes: Vec<u8>,
    writes: usize,
    most_slices: usize,
    addresses: Vec<usize>,
}

impl Taker {
    fn framed(
        most: usize,
        vectored: bool,
    ) -> (Framed<Io<Self>, LengthDelimited>, Arc<Mutex<Taken>>) {
        let taken = Arc::<Mutex<Taken>>::default();
        let taker = Self { most, vectored, taken: Arc::clone(&taken) };
        (Framed::new(Io::new(taker), LengthDelimited::u32()), taken)
    }
}

impl AsyncWrite for Taker {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.vectored || slices.len() == 1);
        assert!(slices.iter().all(|slice| !slice.is_empty()));
        let mut taken = self.taken.lock().unwrap();
        taken.writes += 1;
        taken.most_slices = taken.most_slices.max(slices.len());
        let mut left = self.most;
        for slice in slices {
            let length = slice.len().min(left);
            left -= length;
            taken.bytes.extend_from_slice(&slice[..length]);
            taken.addresses.push(slice.as_ptr() as usize);
        }
        Poll::Ready(Ok(self.most - left))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Taker {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

fn frames(messages: &[Bytes]) -> Vec<u8> {
    let frames = messages
        .iter()
        .map(|message| [&(message.len() as u32).to_be_bytes()[..], &message[..]].concat());
    frames.collect::<Vec<_>>().concat()
}

/// Small ones, which are copied together, and large ones, which are referenced.
fn mixed() -> Vec<Bytes> {
    [5, 0, 4096, 1, 5000, 4095, 4097, 0, 300]
        .iter()
        .enumerate()
        .map(|(index, &length)| Bytes::from(vec![index as u8; length]))
        .collect()
}

#[test]
fn writes_that_stop_at_every_offset_lose_and_repeat_nothing() {
    let messages = mixed();
    let expected = frames(&messages);
    for vectored in [true, false] {
        for most in (1..50).chain(4080..4120).chain([5000, 9000, 18_000, expected.len()]) {
            let (mut framed, taken) = Taker::framed(most, vectored);
            for message in &messages {
                assert_ready_ok!(task::spawn(framed.feed(message.clone())).poll());
            }
            assert_eq!(framed.stats().unsent, expected.len());
            assert_ready_ok!(task::spawn(framed.flush()).poll());
            assert!(taken.lock().unwrap().bytes == expected, "{most} at a time");
            assert_eq!(framed.stats().unsent, 0);
        }
    }
}

#[test]
fn small_messages_leave_in_one_write_and_large_ones_uncopied() {
    let (mut framed, taken) = Taker::framed(usize::MAX, true);
    let large = Bytes::from(vec![1; 4096]);
    let address = large.as_ptr() as usize;
    for message in [Bytes::from_static(b"one"), Bytes::from_static(b"two"), large] {
        assert_ready_ok!(task::spawn(framed.feed(message)).poll());
    }
    assert_ready_ok!(task::spawn(framed.feed("three")).poll());
    assert_ready_ok!(task::spawn(framed.flush()).poll());
    let taken = taken.lock().unwrap();
    assert_eq!((taken.writes, taken.most_slices), (1, 3));
    assert_eq!(taken.addresses[1], address);
}

#[test]
fn borrowed_messages_are_copied_however_large() {
    let (mut framed, taken) = Taker::framed(usize::MAX, true);
    let large = vec![1; 8192];
    assert_ready_ok!(task::spawn(framed.send(&large)).poll());
    let taken = taken.lock().unwrap();
    assert_eq!(taken.most_slices, 1);
    assert!(taken.bytes == frames(&[Bytes::from(large)]));
}

/// Marks before and after, so that there are more slices than large messages twice over.
#[derive(Clone, Debug)]
struct Bracketed;

impl Codec for Bracketed {
    fn max_message(&self) -> usize {
        10_000
    }
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        frame.put(b"<");
        frame.payload();
        frame.put(b">");
        Ok(())
    }
    fn decode(&mut self, _: &[u8]) -> Result<Decoded, Error> {
        unreachable!("nothing is received")
    }
}

#[test]
fn more_slices_than_one_write_takes_go_out_in_order() {
    // As many as fit below the watermark, and one beyond it.
    let messages: Vec<Bytes> = (0..32).map(|index| Bytes::from(vec![index; 4096])).collect();
    let expected: Vec<u8> =
        messages.iter().flat_map(|message| [b"<", &message[..], b">"].concat()).collect();
    for most in [usize::MAX, 100_000, 4097] {
        let taken = Arc::<Mutex<Taken>>::default();
        let taker = Taker { most, vectored: true, taken: Arc::clone(&taken) };
        let mut framed = Framed::new(Io::new(taker), Bracketed);
        for message in &messages {
            framed.try_send(message.clone()).unwrap();
        }
        assert_ready_ok!(task::spawn(framed.flush()).poll());
        let taken = taken.lock().unwrap();
        assert_eq!(taken.most_slices, 64);
        assert!(taken.bytes == expected, "{most} at a time");
    }
}

#[test]
fn a_stream_that_takes_nothing_has_failed_and_does_not_spin() {
    let (mut framed, _taken) = Taker::framed(0, true);
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(framed.send("hello")).poll());
        assert_eq!(error.io_kind(), Some(io::ErrorKind::WriteZero));
        assert!(error.is_fatal());
    }
}

#[test]
fn unsent_bytes_stay_below_the_watermark_and_one_message() {
    const WATERMARK: usize = 160 * 1024;
    let (mut framed, _taken) = Taker::framed(usize::MAX, true);
    let mut unsent = 0;
    while framed.try_send(vec![0; 1000]).is_ok() {
        unsent += 1004;
        assert_eq!(framed.stats().unsent, unsent);
        if unsent >= WATERMARK {
            break;
        }
    }
    assert!((WATERMARK..WATERMARK + 1004).contains(&unsent));
    // The next one finds no room, and makes some.
    framed.try_send(vec![0; 1000]).unwrap();
    assert_eq!(framed.stats().unsent, 1004);
}

//! A byte stream whose every step a test decides.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use anysock_framing::RecvBlock;
use anysock_framing::{ByteRecv, ByteSend, ByteStream, Framed, LengthDelimited};
use bytes::BufMut;

/// The stream; its clones are the same one, for the test to look at.
#[derive(Clone, Debug)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    /// How many of the halves are left; the test's own handles do not count.
    halves: Arc<()>,
}

#[derive(Debug)]
pub(crate) struct State {
    /// What reads give, one each; then they wait.
    pub(crate) input: VecDeque<Read>,
    /// What was written.
    pub(crate) output: Vec<u8>,
    /// How many bytes are taken before writing waits.
    pub(crate) room: usize,
    /// The most that one write takes.
    pub(crate) chunk: usize,
    /// What the next write fails with.
    pub(crate) failure: Option<i32>,
    /// Whether flushing waits.
    pub(crate) holds_back: bool,
    /// How much of the output was flushed.
    pub(crate) flushed: usize,
    pub(crate) shut_down: bool,
    /// Every other call waits a moment.
    pub(crate) hesitates: bool,
    hesitated: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Debug)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    /// The same byte for ever.
    Endless(u8),
    Error(i32),
    End,
}

impl Fake {
    pub(crate) fn new() -> Self {
        let state = State {
            input: VecDeque::new(),
            output: Vec::new(),
            room: usize::MAX,
            chunk: usize::MAX,
            failure: None,
            holds_back: false,
            flushed: 0,
            shut_down: false,
            hesitates: false,
            hesitated: false,
            reader: None,
            writer: None,
        };
        Self { state: Arc::new(Mutex::new(state)), halves: Arc::new(()) }
    }

    /// A framed stream with a byte of length, and what decides its steps.
    pub(crate) fn framed() -> (Framed<Self, LengthDelimited>, Handle) {
        let fake = Self::new();
        let handle = Handle(Arc::clone(&fake.state));
        (Framed::new(fake, LengthDelimited::u8()), handle)
    }

    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.state))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// The test's own view.
#[derive(Clone, Debug)]
pub(crate) struct Handle(Arc<Mutex<State>>);

impl Handle {
    /// Decides something, and wakes whoever waits.
    pub(crate) fn decide(&self, decide: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap();
        decide(&mut state);
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    pub(crate) fn reads(&self, read: Read) {
        self.decide(|state| state.input.push_back(read));
    }

    pub(crate) fn brings(&self, bytes: &[u8]) {
        self.reads(Read::Bytes(bytes.to_vec()));
    }

    pub(crate) fn output(&self) -> Vec<u8> {
        self.0.lock().unwrap().output.clone()
    }

    pub(crate) fn flushed(&self) -> usize {
        self.0.lock().unwrap().flushed
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.0.lock().unwrap().shut_down
    }
}

impl State {
    fn hesitate(&mut self, cx: &Context<'_>) -> Poll<()> {
        self.hesitated = self.hesitates && !self.hesitated;
        if self.hesitated {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn read(&mut self, cx: &Context<'_>, most: usize) -> Poll<io::Result<Vec<u8>>> {
        std::task::ready!(self.hesitate(cx));
        Poll::Ready(match self.input.pop_front() {
            Some(Read::Bytes(mut bytes)) => {
                let rest = bytes.split_off(bytes.len().min(most));
                if !rest.is_empty() {
                    self.input.push_front(Read::Bytes(rest));
                }
                Ok(bytes)
            }
            Some(Read::Endless(byte)) => {
                self.input.push_front(Read::Endless(byte));
                Ok(vec![byte; most])
            }
            Some(Read::Error(number)) => Err(io::Error::from_raw_os_error(number)),
            Some(Read::End) => {
                self.input.push_front(Read::End);
                Ok(Vec::new())
            }
            None => {
                self.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
        })
    }

    fn write(&mut self, cx: &Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        std::task::ready!(self.hesitate(cx));
        assert!(!slices.is_empty() && slices.len() <= 64);
        assert!(slices.iter().all(|slice| !slice.is_empty()));
        if let Some(number) = self.failure {
            return Poll::Ready(Err(io::Error::from_raw_os_error(number)));
        }
        let offered: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        let written = offered.len().min(self.chunk).min(self.room);
        if written == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.room -= written;
        self.output.extend_from_slice(&offered[..written]);
        Poll::Ready(Ok(written))
    }
}

impl ByteRecv for Fake {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        let spent = std::task::ready!(tokio::task::coop::poll_proceed(cx));
        assert!(most > 0 && block.spare() > 0, "there is no room to read into");
        let most = most.min(block.spare());
        let bytes = std::task::ready!(self.state().read(cx, most))?;
        spent.made_progress();
        block.put_slice(&bytes);
        Poll::Ready(Ok(bytes.len()))
    }
}

impl ByteSend for Fake {
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.state().write(cx, slices)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        std::task::ready!(state.hesitate(cx));
        if state.holds_back {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.flushed = state.output.len();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.state();
        std::task::ready!(state.hesitate(cx));
        state.shut_down = true;
        Poll::Ready(Ok(()))
    }

    fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        block: &mut RecvBlock,
        most: usize,
    ) -> Poll<io::Result<usize>> {
        match Arc::strong_count(&self.halves) {
            1 => self.poll_recv(cx, block, most),
            _ => Poll::Ready(Ok(0)),
        }
    }
}

impl ByteStream for Fake {
    type Recv = Self;
    type Send = Self;

    fn split(self) -> (Self, Self) {
        (self.clone(), self)
    }
}

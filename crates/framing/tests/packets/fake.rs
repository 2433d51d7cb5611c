//! A packet socket whose every step a test decides.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use anysock_async::Packet;
use anysock_framing::{Fault, Guarantees, PacketRecv, PacketSend, PacketSocket, Packets};

#[derive(Clone, Debug)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    guarantees: Guarantees,
    /// How many of the halves are left.
    halves: Arc<()>,
}

/// What the next send does; sends that nothing was decided for succeed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sent {
    Ok,
    Fails(Fault),
    FailsWith(Fault, i32),
}

#[derive(Debug, Default)]
struct State {
    sends: VecDeque<Sent>,
    sent: Vec<String>,
    blocks: bool,
    fault: Option<Fault>,
    input: VecDeque<io::Result<Packet>>,
    ended: bool,
    shut_down: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The test's own view.
#[derive(Clone, Debug)]
pub(crate) struct Handle(Arc<Mutex<State>>);

impl Fake {
    pub(crate) fn packets(guarantees: Guarantees) -> (Packets<Self>, Handle) {
        let state = Arc::<Mutex<State>>::default();
        let handle = Handle(Arc::clone(&state));
        (Packets::new(Self { state, guarantees, halves: Arc::new(()) }), handle)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Handle {
    pub(crate) fn sends(&self, sends: impl IntoIterator<Item = Sent>) {
        self.decide(|state| state.sends.extend(sends));
    }

    pub(crate) fn blocks(&self, blocks: bool) {
        self.decide(|state| state.blocks = blocks);
    }

    pub(crate) fn brings(&self, packet: Packet) {
        self.decide(|state| state.input.push_back(Ok(packet)));
    }

    pub(crate) fn recv_fails(&self, number: i32) {
        self.decide(|state| state.input.push_back(Err(io::Error::from_raw_os_error(number))));
    }

    pub(crate) fn ends(&self) {
        self.decide(|state| state.ended = true);
    }

    pub(crate) fn sent(&self) -> Vec<String> {
        self.0.lock().unwrap().sent.clone()
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.0.lock().unwrap().shut_down
    }

    fn decide(&self, decide: impl FnOnce(&mut State)) {
        let mut state = self.0.lock().unwrap();
        decide(&mut state);
        let wakers = [state.reader.take(), state.writer.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

impl PacketRecv for Fake {
    fn poll_recv(&mut self, cx: &mut Context<'_>, _: usize) -> Poll<io::Result<Option<Packet>>> {
        let mut state = self.state();
        match state.input.pop_front() {
            Some(received) => Poll::Ready(received.map(Some)),
            None if state.ended => Poll::Ready(Ok(None)),
            None => {
                state.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn survives(&self, error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::ConnectionRefused
    }
}

impl PacketSend for Fake {
    fn poll_send(&mut self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<()>> {
        let mut state = self.state();
        if state.blocks {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (fault, number) = match state.sends.pop_front() {
            None | Some(Sent::Ok) => {
                state.sent.push(String::from_utf8(packet.to_vec()).unwrap());
                return Poll::Ready(Ok(()));
            }
            Some(Sent::Fails(fault)) => (fault, libc::ECONNREFUSED),
            Some(Sent::FailsWith(fault, number)) => (fault, number),
        };
        state.fault = Some(fault);
        Poll::Ready(Err(io::Error::from_raw_os_error(number)))
    }

    fn fault(&self, _: &io::Error) -> Fault {
        self.state().fault.unwrap()
    }

    fn max_packet(&self) -> usize {
        60_000
    }

    fn shutdown(&mut self) -> io::Result<bool> {
        let has_end = self.guarantees.end_of_file();
        self.state().shut_down = has_end;
        Ok(has_end)
    }

    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Packet>>> {
        match Arc::strong_count(&self.halves) {
            1 => self.poll_recv(cx, 0),
            _ => Poll::Ready(Ok(None)),
        }
    }
}

impl PacketSocket for Fake {
    type Recv = Self;
    type Send = Self;

    fn guarantees(&self) -> Guarantees {
        self.guarantees
    }

    fn split(self) -> (Self, Self) {
        (self.clone(), self)
    }
}

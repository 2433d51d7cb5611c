//! A peer that is going to be killed.

use std::io::{self, IoSlice, Write};
use std::ops::RangeInclusive;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};

use anysock::{Addr, Cell, Domain, Socket, Type, UnixAddr};
use anysock_core::Outgoing;

use super::TOGETHER;
use crate::children::{kill_self, shared};
use crate::words::message;

/// All peers of a run: what each does follows from the seed and its index.
pub(super) struct Peers {
    cell: Cell,
    seed: u64,
    pub(super) count: usize,
    fates: &'static [AtomicU32],
    /// What is passed.
    passed: Vec<OwnedFd>,
}

/// What one peer does, and where it is killed.
#[derive(Debug)]
pub(super) struct Script {
    /// Right after it has begun to connect.
    pub(super) at_connecting: bool,
    /// After so many messages ...
    messages: u32,
    /// ... and, on a stream, so much of the next one, in thousandths.
    part: u16,
    /// Whether it reads the answer to each; else they wait for it when it dies.
    reads: bool,
    /// Descriptors that go with each message.
    descriptors: usize,
    /// It tells when it is there, and goes on until it is killed.
    pub(super) by_another: bool,
    /// The longest message.
    longest: usize,
}

impl Peers {
    pub(super) fn new(cell: Cell, seed: u64, count: usize) -> Self {
        let null = || std::fs::File::open("/dev/null").unwrap().into();
        let passed = (0..3).map(|_| null()).collect();
        Self { cell, seed, count, fates: shared(count * 3), passed }
    }

    pub(super) fn script(&self, index: usize) -> Script {
        let mut random = fastrand::Rng::with_seed(self.seed ^ (index as u64) << 32);
        let is_datagram = self.cell.kind == Type::Datagram;
        let at_connecting = random.u8(..8) == 0;
        Script {
            at_connecting,
            // Datagrams that nobody reads are lost beyond what a queue holds, to others as well.
            messages: random.u32(..if is_datagram { 6 } else { 24 }),
            part: if random.bool() { random.u16(..1000) } else { 0 },
            reads: random.bool(),
            descriptors: if self.cell.domain == Domain::Unix { random.usize(..4) } else { 0 },
            by_another: !at_connecting && random.u8(..3) == 0,
            longest: if is_datagram { 300 } else { [64, 2000, 40_000][random.usize(..3)] },
        }
    }

    /// Does what peer `index` does, until it is killed.
    pub(super) fn play(&self, index: usize, to: &Addr, tells: &UnixStream) {
        let script = self.script(index);
        let [state, sent, certain] = self.words(index);
        let socket = Socket::open(self.cell).unwrap();
        if (self.cell.domain, self.cell.kind) == (Domain::Unix, Type::Datagram) {
            socket.bind(&UnixAddr::Unnamed.into()).unwrap();
        }
        state.store(BEGUN, Ordering::Relaxed);
        let begun = begin(&socket, to);
        if script.at_connecting {
            kill_self();
        }
        if !begun {
            poll(&socket, libc::POLLOUT);
            assert!(socket.take_error().unwrap().is_none(), "cannot connect to {to}");
        }
        state.store(CONNECTED, Ordering::Relaxed);
        let most = script.messages + if self.cell.kind == Type::Datagram { 3 } else { 300 };
        let mut slot = Some((index % TOGETHER) as u8);
        // At the place where it dies; also where a server that waits for it makes it wait.
        let mut arrive = || match (script.by_another, slot.take()) {
            (false, _) => kill_self(),
            (true, Some(slot)) => { tells }.write_all(&[slot]).unwrap(),
            (true, None) => {}
        };
        for which in 0..most {
            let frame = self.frame(index, which, &script);
            if which == script.messages {
                if self.cell.kind == Type::Stream && !script.by_another {
                    let part = frame.len() * usize::from(script.part) / 1000;
                    send(&socket, &frame[..part], self.descriptors(&script), &mut arrive);
                }
                arrive();
            }
            send(&socket, &frame, self.descriptors(&script), &mut arrive);
            sent.store(which + 1, Ordering::Relaxed);
            if !self.is_tcp() || all_is_there(&socket) {
                certain.store(which + 1, Ordering::Relaxed);
            }
            if script.reads {
                poll(&socket, libc::POLLIN);
                let _ = socket.recv(&mut [0; 1500]);
            }
        }
        loop {
            poll(&socket, libc::POLLIN);
            let _ = socket.recv(&mut [0; 1500]);
        }
    }

    /// A message as it goes over the wire.
    fn frame(&self, index: usize, which: u32, script: &Script) -> Vec<u8> {
        let length = fastrand::Rng::with_seed(u64::from(which)).usize(8..=script.longest);
        let message = message(index as u32, which, length);
        match self.cell.kind {
            Type::Stream => [&(message.len() as u32).to_be_bytes()[..], &message].concat(),
            _ => message,
        }
    }

    fn descriptors(&self, script: &Script) -> &[OwnedFd] {
        &self.passed[..script.descriptors]
    }
}

/// Begins to connect; whether that is all.
fn begin(socket: &Socket, to: &Addr) -> bool {
    loop {
        match socket.connect(to) {
            Ok(()) => return true,
            Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => return false,
            // A full backlog, of which no event tells.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => panic!("cannot connect to {to}: {error}"),
        }
    }
}

/// Sends all of `bytes`, `descriptors` with the first of them; calls `waiting` whenever it has to
/// wait.
fn send(socket: &Socket, bytes: &[u8], descriptors: &[OwnedFd], waiting: &mut impl FnMut()) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let mut with = Outgoing::default();
        with.descriptors = if rest.len() == bytes.len() { descriptors } else { &[] };
        match socket.send_message(&[IoSlice::new(rest)], &with) {
            Ok(length) => rest = &rest[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                waiting();
                poll(socket, libc::POLLOUT);
            }
            Err(error) => panic!("cannot send: {error}"),
        }
    }
}

/// Waits for as long as it takes: whoever is to kill this process has a deadline.
fn poll(socket: &Socket, events: libc::c_short) {
    let mut asked = libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 };
    // SAFETY: the pointer describes one pollfd, which outlives the call.
    unsafe { libc::poll(&raw mut asked, 1, -1) };
}

const BEGUN: u32 = 1;
const CONNECTED: u32 = 2;

/// Whether the other kernel has acknowledged all that was sent: SIOCOUTQ, tcp(7).
fn all_is_there(socket: &Socket) -> bool {
    let mut left: libc::c_int = 0;
    // SAFETY: the pointer describes an int, which outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut left) };
    assert_eq!(result, 0, "{}", io::Error::last_os_error());
    left == 0
}

/// How far one has come, as it has told itself.
pub(super) struct Fate {
    /// Messages that were sent whole.
    pub(super) sent: u32,
    /// Those of them that no kernel can lose. TCP resets a connection that is closed with something
    /// unread, and then throws away what has not reached the other side yet.
    pub(super) certain: u32,
}

impl Peers {
    fn words(&self, index: usize) -> [&'static AtomicU32; 3] {
        [0, 1, 2].map(|word| &self.fates[index * 3 + word])
    }

    fn is_tcp(&self) -> bool {
        self.cell.domain != Domain::Unix && self.cell.kind == Type::Stream
    }

    pub(super) fn fate(&self, index: usize) -> Fate {
        let [_, sent, certain] = self.words(index).map(|word| word.load(Ordering::Relaxed));
        Fate { sent, certain }
    }

    /// How many have connected: of those killed while they were at it nobody knows.
    pub(super) fn connected(&self) -> RangeInclusive<u64> {
        let at_least = |state: u32| {
            let states = (0..self.count).map(|index| self.words(index)[0].load(Ordering::Relaxed));
            states.filter(|of| *of >= state).count() as u64
        };
        at_least(CONNECTED)..=at_least(BEGUN)
    }
}

//! One of those that race for a path, and what they share.

use std::future::IntoFuture;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{Addr, Cell, Endpoint, Listener, Socket, UnixAddr};
use anysock_core::{PathClaim, UnixPath};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::children::{Child, End, kill_self, shared};
use crate::words;

const DEADLINE: Duration = Duration::from_secs(20);

/// What a racer is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Order {
    /// Binds, and stays.
    Bind,
    /// Dies with the right to bind.
    DieBeforeBinding,
    /// Dies once it has bound, before it listens and with the right to bind.
    DieBeforeListening,
    /// Dies once it owns the path.
    DieAsOwner,
    /// Receives what the owner was sent, and lets go of the path.
    Release,
}

impl Order {
    const ALL: [Self; 5] = [
        Self::Bind,
        Self::DieBeforeBinding,
        Self::DieBeforeListening,
        Self::DieAsOwner,
        Self::Release,
    ];
    pub(super) const DEATHS: [Self; 3] =
        [Self::DieBeforeBinding, Self::DieBeforeListening, Self::DieAsOwner];
}

/// How it went for a racer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Outcome {
    /// Something else, which it has printed.
    Other,
    Owner,
    InUse,
    /// It had bound the path, and is dead.
    DiedAsOwner,
    /// It had the right to bind, and is dead.
    DiedBefore,
}

impl Outcome {
    const ALL: [Self; 5] =
        [Self::Other, Self::Owner, Self::InUse, Self::DiedAsOwner, Self::DiedBefore];
}

/// What they race for, and the words that they share.
pub(super) struct Course {
    cell: Cell,
    pub(super) endpoint: Endpoint,
    racers: usize,
    /// How many are at the gate.
    gate: &'static AtomicU32,
    /// How many owners there are, and were at most.
    owners: &'static [AtomicU32],
    outcomes: &'static [AtomicU32],
    /// The number that an owner was sent.
    received: &'static [AtomicU32],
}

impl Course {
    pub(super) fn new(cell: Cell, endpoint: Endpoint, racers: usize) -> Self {
        let (outcomes, received) = (shared(racers), shared(racers));
        let (gate, owners) = (&shared(1)[0], shared(2));
        Self { cell, endpoint, racers, gate, owners, outcomes, received }
    }

    /// Has the next race wait until all are there.
    pub(super) fn close_gate(&self) {
        self.gate.store(0, Ordering::SeqCst);
    }

    pub(super) fn outcome(&self, index: usize) -> Outcome {
        Outcome::ALL[self.outcomes[index].load(Ordering::SeqCst) as usize]
    }

    pub(super) fn received(&self, index: usize) -> u32 {
        self.received[index].load(Ordering::SeqCst)
    }

    pub(super) fn most_owners(&self) -> u32 {
        self.owners[1].load(Ordering::SeqCst)
    }

    /// Becomes the owner, and dies.
    pub(super) fn die_as_owner(&self) {
        let _listener = runtime().block_on(anysock::bind(&self.endpoint).into_future()).unwrap();
        kill_self();
    }

    /// Waits for all others, so that they begin at once.
    fn pass_gate(&self) {
        let until = Instant::now() + DEADLINE;
        self.gate.fetch_add(1, Ordering::SeqCst);
        while (self.gate.load(Ordering::SeqCst) as usize) < self.racers {
            assert!(Instant::now() < until, "not all are at the gate");
            std::thread::yield_now();
        }
    }

    fn has_owner(&self) {
        let now = self.owners[0].fetch_add(1, Ordering::SeqCst) + 1;
        self.owners[1].fetch_max(now, Ordering::SeqCst);
    }

    fn loses_owner(&self) {
        self.owners[0].fetch_sub(1, Ordering::SeqCst);
    }
}

/// A racer, as it is seen by who gives the orders.
pub(super) struct Racer {
    child: Child,
    line: UnixStream,
}

impl Racer {
    pub(super) fn start(course: &Course, index: usize) -> Self {
        let (line, far) = UnixStream::pair().unwrap();
        line.set_read_timeout(Some(DEADLINE)).unwrap();
        let seat = Seat { course, index, line: far, runtime: None, listener: None };
        Self { child: Child::fork(|| seat.obey()), line }
    }

    pub(super) fn order(&mut self, order: Order) {
        self.line.write_all(&[order as u8]).unwrap();
    }

    /// Waits until it has done what it was told to do, but for dying.
    pub(super) fn wait(&mut self) {
        self.line.read_exact(&mut [0]).expect("a racer is done in time");
    }

    pub(super) fn ended(self) -> End {
        self.child.wait()
    }
}

/// A racer, in its own process.
struct Seat<'a> {
    course: &'a Course,
    index: usize,
    line: UnixStream,
    runtime: Option<Runtime>,
    listener: Option<Listener>,
}

impl Seat<'_> {
    fn obey(mut self) {
        let mut order = [0];
        while self.line.read_exact(&mut order).is_ok() {
            match Order::ALL[usize::from(order[0])] {
                Order::Release => self.release(),
                order => self.race(order),
            }
            self.line.write_all(&[1]).unwrap();
        }
    }

    fn race(&mut self, order: Order) {
        // What belongs to the runtime is not to slow down the race.
        let runtime = self.runtime.get_or_insert_with(runtime);
        self.course.pass_gate();
        let outcome = match order {
            Order::DieBeforeBinding | Order::DieBeforeListening => self.claim_and_die(order),
            _ => match runtime.block_on(anysock::bind(&self.course.endpoint).into_future()) {
                Ok(listener) => {
                    self.listener = Some(listener);
                    self.course.has_owner();
                    if order == Order::DieAsOwner {
                        self.course.loses_owner();
                        self.die(Outcome::DiedAsOwner);
                    }
                    Outcome::Owner
                }
                Err(error) if error.io_kind() == Some(ErrorKind::AddrInUse) => Outcome::InUse,
                Err(error) => other(&error),
            },
        };
        self.course.outcomes[self.index].store(outcome as u32, Ordering::SeqCst);
    }

    /// As binding does it, step by step.
    fn claim_and_die(&mut self, order: Order) -> Outcome {
        let path = self.path();
        let until = Instant::now() + DEADLINE;
        let claim = loop {
            if let Some(claim) = PathClaim::try_new(&path).unwrap() {
                break claim;
            }
            assert!(Instant::now() < until, "the directory is locked");
            std::thread::sleep(Duration::from_micros(300));
        };
        if order == Order::DieBeforeBinding {
            self.die(Outcome::DiedBefore);
        }
        match claim.clear_stale() {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Outcome::InUse,
            Err(error) => return other(&error),
        }
        let socket = Socket::open(self.course.cell).unwrap();
        if let Err(error) = socket.bind(&Addr::from(UnixAddr::Path(path))) {
            return other(&error);
        }
        self.course.has_owner();
        self.course.loses_owner();
        self.die(Outcome::DiedAsOwner)
    }

    fn path(&self) -> UnixPath {
        match words::addr(&self.course.endpoint) {
            Addr::Unix(UnixAddr::Path(path)) => path,
            other => panic!("{other} is no path"),
        }
    }

    fn die(&mut self, outcome: Outcome) -> ! {
        self.course.outcomes[self.index].store(outcome as u32, Ordering::SeqCst);
        self.line.write_all(&[1]).unwrap();
        kill_self();
    }

    fn release(&mut self) {
        let (Some(mut listener), Some(runtime)) = (self.listener.take(), &self.runtime) else {
            return;
        };
        let received = async {
            let mut peer = listener.accept().await.unwrap();
            words::read(&peer.recv().await.unwrap().expect("a message comes first")).1
        };
        let received = runtime.block_on(async { timeout(DEADLINE, received).await });
        let received = received.expect("what was sent to the path comes to its owner");
        self.course.received[self.index].store(received, Ordering::SeqCst);
        self.course.loses_owner();
        runtime.block_on(async { drop(listener) });
    }
}

fn other(error: &impl std::fmt::Display) -> Outcome {
    eprintln!("binding has failed: {error}");
    Outcome::Other
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap_or_else(|error: io::Error| panic!("no runtime: {error}"))
}

//! Connections come and go, in every order of closing: neither end grows, in memory or descriptors.

use std::sync::Arc;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Cell, Connection, Domain, Endpoint, ErrorKind, PeerLimits, Phase, Shutdown, Type};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::effort::tell;
use crate::figures::{Grown, Held, descriptors_are};
use crate::part::{Run, per_cell};
use crate::{directory::Directory, words};

per_cell! { connections_that_come_and_go_leave_nothing_behind }

const DEADLINE: Duration = Duration::from_secs(20);
/// Clients at a time.
const TOGETHER: u32 = 8;
/// What all that have come and gone may leave behind, in bytes of the heap and of pages.
const HEAP: i64 = 64 << 10;
const PAGES: i64 = 2 << 20;
/// The server ends the connection with the answer to a message of this number.
const LAST: u32 = u32::MAX;

fn connections_that_come_and_go_leave_nothing_behind(run: &Run) {
    let count = run.effort.pick(400, 4000, 100_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let Seen { grown, served, ended_here } = runtime.block_on(churn(run, count));
    tell(
        &format!("connections that come and go leave nothing behind, {}", run.cell),
        format_args!("{count}, {served} served in all, {ended_here} ended by the server"),
        format_args!("0 descriptors, {grown}, both ends"),
        format_args!("0, heap {} KiB, pages {} KiB", HEAP >> 10, PAGES >> 10),
    );
}

struct Seen {
    /// The most over all stages.
    grown: Grown,
    served: u64,
    /// Connections that the server ended.
    ended_here: u32,
}

async fn churn(run: &Run, count: u32) -> Seen {
    let directory = Directory::new();
    let listeners = listeners(run.cell, &directory).await;
    let endpoints = listeners.iter().map(|listener| listener.endpoint().clone());
    let endpoints: Arc<[Endpoint]> = endpoints.collect();
    let shutdown = Shutdown::new();
    let serving = anysock::serve(listeners, answer).shutdown(shutdown.clone(), DEADLINE);
    let mut phases = serving.phases();
    let serving = tokio::spawn(serving.into_future());

    // How often it is looked at what is held.
    let stages = run.effort.pick(4, 10, 10);
    let stage = count / stages;
    // After this nothing is done for the first time.
    let (cell, seed) = (run.cell, run.seed);
    let mut ended_here = come_and_go(cell, seed, 0..stage, &endpoints).await;
    let before = held(&mut phases, None).await;
    let mut grown = Grown { heap: i64::MIN, pages: i64::MIN };
    for number in 1..=stages {
        let these = number * stage..(number + 1) * stage;
        ended_here += come_and_go(cell, seed, these, &endpoints).await;
        let held = held(&mut phases, Some(before.descriptors)).await;
        let more = held.grown_within(&before, HEAP, PAGES);
        grown = Grown { heap: grown.heap.max(more.heap), pages: grown.pages.max(more.pages) };
    }
    shutdown.begin();
    let report = timeout(DEADLINE, serving).await.expect("it ends in time").unwrap();
    assert_eq!((report.panicked, report.aborted), (0, 0), "{report}");
    if run.cell.kind != Type::Datagram {
        assert_eq!(report.accepted, u64::from(count + stage), "{report}");
    }
    Seen { grown, served: report.accepted, ended_here }
}

/// One listener; of TCP several, so that addresses which wait out their TIME-WAIT are enough.
async fn listeners(cell: Cell, directory: &Directory) -> Vec<anysock::Listener> {
    let count = if cell.domain != Domain::Unix && cell.kind == Type::Stream { 8 } else { 1 };
    // Of datagrams nobody tells when their sender is gone.
    let limits = PeerLimits { idle: Duration::from_millis(100), ..PeerLimits::default() };
    let mut listeners = Vec::new();
    for _ in 0..count {
        let bind = anysock::bind(words::endpoint(cell, directory)).peer_limits(limits.clone());
        listeners.push(bind.await.unwrap());
    }
    listeners
}

/// Answers each message with itself, until the peer is gone or says which is the last.
async fn answer(mut peer: Connection) -> Result<(), anysock::Error> {
    while let Some(message) = peer.recv().await? {
        let is_last = words::read(&message).1 == LAST;
        peer.send(message).await?;
        if is_last {
            break;
        }
    }
    Ok(())
}

/// What is held once all are gone, and the descriptors are as many as they were.
async fn held(phases: &mut watch::Receiver<Phase>, descriptors: Option<usize>) -> Held {
    let none = |phase: &Phase| matches!(phase, Phase::Running { connections: 0 });
    let gone = timeout(DEADLINE, phases.wait_for(none)).await.is_ok();
    assert!(gone, "nobody is there any more: {:?}", *phases.borrow());
    if let Some(count) = descriptors {
        descriptors_are(count, DEADLINE).await;
    }
    Held::now()
}

/// Connects and closes, several at a time; how many the server has ended.
async fn come_and_go(
    cell: Cell,
    seed: u64,
    numbers: std::ops::Range<u32>,
    endpoints: &Arc<[Endpoint]>,
) -> u32 {
    let mut clients = JoinSet::new();
    for first in 0..TOGETHER {
        let (endpoints, end) = (Arc::clone(endpoints), numbers.end);
        let mine = (numbers.start + first..end).step_by(TOGETHER as usize);
        clients.spawn(async move {
            let mut ended = 0;
            for number in mine {
                let random = fastrand::Rng::with_seed(seed ^ u64::from(number) << 32);
                let endpoint = &endpoints[number as usize % endpoints.len()];
                let visit = Visit { cell, number, random };
                let was_ended = timeout(DEADLINE, visit.pay(endpoint)).await;
                ended += u32::from(was_ended.unwrap_or_else(|_| panic!("{number} is stuck")));
            }
            ended
        });
    }
    let ended = clients.join_all().await;
    ended.into_iter().sum()
}

/// One client.
struct Visit {
    cell: Cell,
    number: u32,
    random: fastrand::Rng,
}

impl Visit {
    /// Comes, says something or nothing, and goes in one way or another; whether the server has
    /// ended it.
    async fn pay(mut self, endpoint: &Endpoint) -> bool {
        let mut server = anysock::connect(endpoint).await.unwrap();
        match self.random.u8(..6) {
            // Says nothing.
            0 => drop(server),
            1 => {
                self.say(&mut server, 0).await;
                self.hear(&mut server, 0).await;
                server.close().await.unwrap();
            }
            2 => {
                self.say(&mut server, 0).await;
                self.hear(&mut server, 0).await;
            }
            // Goes with answers unread, or on their way.
            3 => {
                for which in 0..3 {
                    self.say(&mut server, which).await;
                }
            }
            4 => {
                for which in [0, 1, LAST] {
                    self.say(&mut server, which).await;
                }
                self.hear(&mut server, LAST).await;
                return true;
            }
            _ => {
                self.say(&mut server, LAST).await;
                self.hear(&mut server, LAST).await;
                if self.cell.kind != Type::Datagram {
                    assert!(server.recv().await.unwrap().is_none(), "the server ends it in order");
                }
                return true;
            }
        }
        false
    }

    async fn say(&mut self, server: &mut Connection, which: u32) {
        let message = words::message(self.number, which, self.random.usize(8..2000));
        match server.send(&message[..]).await {
            Ok(()) => {}
            // An earlier one, of whoever had this port before; this one has left.
            Err(error) if matches!(error.kind(), ErrorKind::Refused(_)) => {}
            Err(error) => panic!("{}: {error}", self.number),
        }
    }

    /// Receives up to the answer to `which`. On UDP there may be one to whoever had this port before.
    async fn hear(&mut self, server: &mut Connection, which: u32) {
        loop {
            let answer = server.recv().await.unwrap().expect("an answer comes first");
            let (who, of) = words::read(&answer);
            if who == self.number && of == which {
                return;
            }
            assert!(who == self.number || self.cell.kind == Type::Datagram, "an answer to {who}");
        }
    }
}

//! The server whose peers are killed, and bystanders whose messages must not suffer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{
    Cell, Connection, Domain, Endpoint, Options, PeerLimits, Phase, Report, Shutdown, Type,
};
use tokio::sync::{RwLock, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::DEADLINE;
use crate::directory::Directory;
use crate::figures::Held;
use crate::words;

/// Clients that are not killed.
pub(super) const BYSTANDERS: usize = 2;
/// Who says what is not a peer's, from here on.
const BYSTANDER: u32 = 1 << 31;

/// What the server has received of each peer.
pub(super) struct Tally {
    pub(super) received: Vec<AtomicU32>,
    pub(super) descriptors: AtomicU64,
}

pub(super) struct Server {
    pub(super) endpoint: Endpoint,
    pub(super) phases: watch::Receiver<Phase>,
    tally: Arc<Tally>,
    shutdown: Shutdown,
    serving: JoinHandle<Report>,
}

impl Server {
    pub(super) async fn start(cell: Cell, peers: usize, directory: &Directory) -> Self {
        let options = Options::new();
        let options = match cell.domain {
            Domain::Unix => options.receive_descriptors(true),
            _ => options,
        };
        // Of datagrams nobody tells when their sender is gone.
        let limits = PeerLimits { idle: Duration::from_millis(500), ..PeerLimits::default() };
        let listener = anysock::bind(words::endpoint(cell, directory));
        let listener = listener.options(options).peer_limits(limits).await.unwrap();
        let endpoint = listener.endpoint().clone();
        let received = (0..peers).map(|_| AtomicU32::new(0)).collect();
        let tally = Arc::new(Tally { received, descriptors: AtomicU64::new(0) });
        let (shutdown, counted) = (Shutdown::new(), Arc::clone(&tally));
        let serving = anysock::serve(listener, move |peer| echo(peer, Arc::clone(&counted)))
            .shutdown(shutdown.clone(), DEADLINE);
        let phases = serving.phases();
        Self { endpoint, phases, tally, shutdown, serving: tokio::spawn(serving.into_future()) }
    }

    /// Clients that exchange messages until they are stopped.
    pub(super) async fn bystanders(&self, seed: u64) -> Bystanders {
        let stop = Arc::new(AtomicBool::new(false));
        let turns = Arc::new(RwLock::new(()));
        let mut tasks = Vec::new();
        for number in 0..BYSTANDERS {
            let mut connection = anysock::connect(&self.endpoint).await.unwrap();
            let who = BYSTANDER + number as u32;
            if connection.cell().is_some_and(|cell| cell.kind != Type::Datagram) {
                crowd(&mut connection, who).await;
            }
            let random = fastrand::Rng::with_seed(seed + number as u64);
            tasks.push(tokio::spawn(exchange(
                connection,
                who,
                random,
                Arc::clone(&stop),
                Arc::clone(&turns),
            )));
        }
        Bystanders { stop, turns, tasks }
    }

    /// Waits until whoever connected before this is accepted: the backlog is a queue.
    pub(super) async fn has_accepted_all(&self) {
        let asked = async {
            let mut connection = anysock::connect(&self.endpoint).await.unwrap();
            connection.send(&words::message(BYSTANDER, 0, 8)[..]).await.unwrap();
            connection.recv().await.unwrap().expect("an answer");
            connection.close().await.unwrap();
        };
        timeout(DEADLINE, asked).await.expect("the server accepts in time");
    }

    /// Ends when all connections have; what was received, and what became of them.
    pub(super) async fn stop(self) -> (Arc<Tally>, Report) {
        self.shutdown.begin();
        let report = timeout(DEADLINE, self.serving).await.expect("it ends in time").unwrap();
        (self.tally, report)
    }
}

/// Answers each message with itself. That a peer cannot be answered is no end of what it has sent.
async fn echo(mut peer: Connection, tally: Arc<Tally>) -> Result<(), anysock::Error> {
    loop {
        let mut message = match peer.recv().await {
            Ok(Some(message)) => message,
            Ok(None) => return Ok(()),
            Err(error) if error.is_fatal() => return Err(error),
            Err(_) => continue,
        };
        let (who, which) = words::read(&message);
        if who < BYSTANDER {
            let passed = message.take_descriptors().len() as u64;
            tally.descriptors.fetch_add(passed, Ordering::Relaxed);
            let before = tally.received[who as usize].fetch_add(1, Ordering::Relaxed);
            assert_eq!(which, before, "a message of peer {who}, out of turn");
        }
        let _ = peer.feed(message).await;
    }
}

pub(super) struct Bystanders {
    stop: Arc<AtomicBool>,
    /// Who has this for writing sees no message on its way.
    turns: Arc<RwLock<()>>,
    tasks: Vec<JoinHandle<u64>>,
}

impl Bystanders {
    /// What is held while none of their messages is on its way.
    pub(super) async fn held(&self) -> Held {
        let _turns = self.turns.write().await;
        Held::now()
    }

    /// How many messages they have exchanged.
    pub(super) async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let mut exchanged = 0;
        for task in self.tasks {
            exchanged += task.await.unwrap();
        }
        exchanged
    }
}

/// Sends as much at once as ever is, and receives it again: so that what a thread keeps for good, to
/// send from and to receive into, is as large as it gets. Datagrams would be lost by it.
async fn crowd(server: &mut Connection, who: u32) {
    for length in [1500, 40_000] {
        for which in 0..150_000 / length {
            server.feed(&words::message(who, which, length as usize)[..]).await.unwrap();
        }
        server.flush().await.unwrap();
        for which in 0..150_000 / length {
            let answer = timeout(DEADLINE, server.recv()).await.expect("an answer in time");
            assert_eq!(words::read(&answer.unwrap().expect("no end")), (who, which));
        }
    }
}

/// Sends messages of any length, one after the other, and receives each again.
async fn exchange(
    mut server: Connection,
    who: u32,
    mut random: fastrand::Rng,
    stop: Arc<AtomicBool>,
    turns: Arc<RwLock<()>>,
) -> u64 {
    for which in 0.. {
        if stop.load(Ordering::Relaxed) {
            server.close().await.unwrap();
            return u64::from(which);
        }
        let _turn = turns.read().await;
        let message = words::message(who, which, random.usize(8..4000));
        server.send(&message[..]).await.unwrap();
        let answer = timeout(DEADLINE, server.recv()).await;
        let answer = answer.unwrap_or_else(|_| panic!("message {which} of {who} is lost"));
        assert_eq!(answer.unwrap().expect("no end"), message, "message {which} of {who}");
    }
    unreachable!("there are more numbers than time")
}

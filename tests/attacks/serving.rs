//! The process that is attacked: `anysock::serve` with an echo, over the public face alone.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Cell, Connection, Error, ErrorKind, Limits, Options, PeerLimits, Quota, Shutdown};

use crate::part::{self, Part};

const TEST: &str = "serving::the_part_of_a_service";
const PART: &str = "serving";

/// So that figures do not depend on how many cores there are.
pub(crate) const THREADS: usize = 2;

/// What a service is told: what is not said is as the library has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) connections: Option<usize>,
    pub(crate) read_deadline: Option<Duration>,
    /// Messages per second of each connection, a twentieth of them at once.
    pub(crate) rate: Option<u64>,
    pub(crate) peers: Option<usize>,
    pub(crate) queue: Option<(usize, usize)>,
    /// It asks for descriptors, and lets them go with their message.
    pub(crate) descriptors: bool,
    /// Connections at a time of one address, and of one user.
    pub(crate) per_address: Option<usize>,
    pub(crate) per_uid: Option<usize>,
    pub(crate) idle: Option<Duration>,
    /// The longest message, in bytes.
    pub(crate) max: Option<usize>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<usize>| number.map_or("-".into(), |number| number.to_string());
        let millis = |time: Option<Duration>| time.map(|time| time.as_millis() as usize);
        let (messages, bytes) = self.queue.unzip();
        let deadline = millis(self.read_deadline);
        let all = [self.connections, deadline, self.rate.map(|rate| rate as usize), self.peers];
        let all = all.into_iter().chain([messages, bytes]).map(number).collect::<Vec<_>>();
        write!(f, "{} {}", all.join(" "), self.descriptors)?;
        let more = [self.per_address, self.per_uid, millis(self.idle), self.max];
        write!(f, " {}", more.map(number).join(" "))
    }
}

impl Told {
    fn parse(words: &[&str]) -> Self {
        let number = |at: usize| words[at].parse::<usize>().ok();
        Self {
            connections: number(0),
            read_deadline: number(1).map(|millis| Duration::from_millis(millis as u64)),
            rate: number(2).map(|rate| rate as u64),
            peers: number(3),
            queue: number(4).zip(number(5)),
            descriptors: words[6] == "true",
            per_address: number(7),
            per_uid: number(8),
            idle: number(9).map(|millis| Duration::from_millis(millis as u64)),
            max: number(10),
        }
    }
}

/// A service that runs.
pub(crate) struct Service {
    part: Part,
    /// Where it listens.
    pub(crate) endpoint: String,
}

/// What it has counted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counted {
    /// Handlers begun, and handlers over.
    pub(crate) begun: u64,
    pub(crate) over: u64,
    /// Messages received, and those that were lost: too long, or an answer that found no room.
    pub(crate) received: u64,
    pub(crate) lost: u64,
}

impl Service {
    pub(crate) fn start(endpoint: &str, told: &Told) -> Self {
        let part = Part::start(TEST, &format!("{PART} {endpoint} {told}"));
        let endpoint = part.said();
        Self { part, endpoint }
    }

    pub(crate) fn id(&self) -> u32 {
        self.part.id()
    }

    pub(crate) fn counted(&mut self) -> Counted {
        let said = self.part.asked("counted");
        let mut numbers = said.split(' ').map(|number| number.parse().unwrap());
        let mut next = || numbers.next().unwrap();
        Counted { begun: next(), over: next(), received: next(), lost: next() }
    }

    /// Shuts it down; how many datagrams its listener had no room for.
    pub(crate) fn ended(self) -> u64 {
        self.part.ended().parse().unwrap()
    }
}

#[derive(Default)]
struct Counts {
    begun: AtomicU64,
    over: AtomicU64,
    received: AtomicU64,
    lost: AtomicU64,
}

#[test]
fn the_part_of_a_service() {
    let Some(part) = part::mine(PART) else { return };
    part::allow_many_descriptors();
    let words: Vec<_> = part.split(' ').collect();
    let told = Told::parse(&words[1..]);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(THREADS).enable_all().build().unwrap();
    let dropped = runtime.block_on(async {
        let task = tokio::spawn(serve(words[0].to_owned(), told));
        task.await.unwrap()
    });
    part::say(&dropped.to_string());
}

async fn serve(endpoint: String, told: Told) -> u64 {
    let mut limits = PeerLimits { idle: Duration::from_secs(600), ..PeerLimits::default() };
    limits.peers = told.peers.unwrap_or(limits.peers);
    if let Some((messages, bytes)) = told.queue {
        (limits.queue_messages, limits.queue_bytes) = (messages, bytes);
    }
    let mut options = Options::new();
    if told.descriptors {
        options = options.receive_descriptors(true);
    }
    if endpoint.starts_with("udp:") {
        // Who lies about his address may name one of the network's: no answer is to go there.
        options = options.device("lo");
    }
    let mut bind = anysock::bind(endpoint.as_str()).peer_limits(limits).options(options);
    if let Some(max) = told.max {
        bind = bind.max(max);
    }
    let listener = bind.await.unwrap();
    part::say(&listener.endpoint().to_string());

    let mut limits = Limits::default();
    if let Some(rate) = told.rate {
        limits = limits.rate(Quota::messages(rate, rate / 20));
    }
    if let Some(longest) = told.read_deadline {
        limits = limits.read_deadline(longest);
    }
    if let Some(after) = told.idle {
        limits = limits.idle(after);
    }
    let counts = Arc::<Counts>::default();
    let (shutdown, handles) = (Shutdown::new(), Arc::clone(&counts));
    let mut serving = anysock::serve(listener, move |peer| echo(peer, Arc::clone(&handles)))
        .limits(limits)
        .shutdown(shutdown.clone(), Duration::ZERO);
    if let Some(most) = told.connections {
        serving = serving.max_connections(most);
    }
    if let Some(most) = told.per_address {
        serving = serving.max_per_address(most);
    }
    if let Some(most) = told.per_uid {
        serving = serving.max_per_uid(most);
    }
    std::thread::spawn(move || {
        for _ in part::questions() {
            let all = [&counts.begun, &counts.over, &counts.received, &counts.lost];
            part::say(&all.map(|count| count.load(Relaxed).to_string()).join(" "));
        }
        shutdown.begin();
    });
    serving.await.listeners[0].stats.dropped
}

async fn echo(mut peer: Connection, counts: Arc<Counts>) -> Result<(), Error> {
    counts.begun.fetch_add(1, Relaxed);
    let ended = answer(&mut peer, &counts).await;
    counts.over.fetch_add(1, Relaxed);
    ended
}

async fn answer(peer: &mut Connection, counts: &Counts) -> Result<(), Error> {
    loop {
        match peer.recv().await {
            Ok(Some(message)) => {
                counts.received.fetch_add(1, Relaxed);
                match peer.feed(message).await {
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(_) => drop(counts.lost.fetch_add(1, Relaxed)),
                    Ok(()) => {}
                }
            }
            Ok(None) => return peer.close().await,
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) if matches!(error.kind(), ErrorKind::Deadline { .. }) => return Err(error),
            Err(_) => drop(counts.lost.fetch_add(1, Relaxed)),
        }
    }
}

/// Where a service of a cell is to listen.
pub(crate) fn endpoint(cell: Cell, directory: &crate::directory::Directory) -> String {
    use anysock::{Domain, Type};
    match (cell.domain, cell.kind) {
        (Domain::Ipv4, Type::Datagram) => "udp://127.0.0.1:0".into(),
        (Domain::Ipv4, _) => "tcp://127.0.0.1:0".into(),
        (Domain::Ipv6, Type::Datagram) => "udp://[::1]:0".into(),
        (Domain::Ipv6, _) => "tcp://[::1]:0".into(),
        (Domain::Unix, Type::Stream) => format!("unix:{}", directory.path("stream")),
        (Domain::Unix, Type::Datagram) => format!("unix-dgram:{}", directory.path("datagram")),
        (Domain::Unix, Type::SeqPacket) => format!("unix-seqpacket:{}", directory.path("packets")),
    }
}

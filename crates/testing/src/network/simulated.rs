//! A network of named hosts in memory.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anysock::{EnteredNames, Names};
use tokio::sync::Notify;

use super::host::Host;
use super::links::{Links, same};
use super::relay::Wires;
use crate::impaired::trace::{Happening, Journal};
use crate::impaired::{ImpairedHandle, Impairments, Seed, SeedGuard, Trace};

/// A network of named hosts in memory, for services that are written against `anysock` and name
/// their endpoints `mem:NAME`.
///
/// Each network has names of its own. Between two hosts lies what [`link`](Self::link) said,
/// nothing otherwise; each connection has its own lines, drawn from the seed by the names of both
/// hosts, the endpoint's name, and how many such connections were made before, so that one more
/// client changes nothing for the others. Connecting takes a round trip, and waits while the hosts
/// are parted. Each direction of a connection holds 64 KiB or 256 messages before the line, as
/// many behind it, and on it what [`Impairments::in_flight`] says.
///
/// For one seed to give one run: a runtime of one thread whose clock is paused, as
/// `#[tokio::test(start_paused = true)]` makes, no sockets or threads in the test, and no
/// `select!` without `biased`, which draws from chance of its own.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?.block_on(async {
/// use std::time::Duration;
/// use anysock::prelude::*;
/// use anysock_testing::impaired::{Impairments, Seed};
/// use anysock_testing::network::Network;
///
/// let network = Network::new(Seed::from_env());
/// let _network = network.enter(); // a failure prints the seed that replays it
/// network.link("client", "server", Impairments::none().latency(Duration::from_millis(40)));
///
/// let mut listener = network.host("server").run(async { anysock::bind("mem:echo").await }).await?;
/// tokio::spawn(async move {
///     let mut peer = listener.accept().await?;
///     while let Some(message) = peer.recv().await? {
///         peer.feed(message).await?;
///     }
///     Ok::<_, anysock::Error>(())
/// });
///
/// let client = network.host("client").spawn(async {
///     let mut server = anysock::connect("mem:echo").await?;
///     server.send("hello").await?;
///     server.recv().await
/// });
/// let start = tokio::time::Instant::now();
/// assert_eq!(client.await.unwrap()?.unwrap(), "hello");
/// assert_eq!(start.elapsed(), Duration::from_millis(4 * 40)); // to connect, and to be answered
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
    names: Names,
}

/// Has the names of this thread be those of a network, and the seed printed by a panic, until it
/// is dropped. Made by [`Network::enter`].
///
/// ```
/// use anysock_testing::network::{EnteredNetwork, Network};
/// let network = Network::new(7);
/// let entered: EnteredNetwork = network.enter();
/// ```
#[derive(Debug)]
#[must_use = "the network is entered as long as this lives"]
pub struct EnteredNetwork {
    _names: EnteredNames,
    _seed: SeedGuard,
    /// It belongs to the thread.
    here: PhantomData<*const ()>,
}

pub(super) struct Inner {
    seed: Seed,
    journal: Journal,
    links: Mutex<Links>,
    changed: Notify,
}

impl Network {
    /// The host of tasks that run on none.
    pub const ELSEWHERE: &'static str = "elsewhere";

    /// A network without hosts, all of whose chance is drawn from `seed`.
    pub fn new(seed: impl Into<Seed>) -> Self {
        let inner = Arc::new(Inner {
            seed: seed.into(),
            journal: Journal::new(),
            links: Mutex::default(),
            changed: Notify::new(),
        });
        let names = Names::wired(Wires(Arc::clone(&inner)));
        Self { inner, names }
    }

    /// Has all that runs on this thread use this network's names: in a runtime of one thread, all
    /// its tasks, spawned ones too. What runs on a [`Host`] of another network does not.
    pub fn enter(&self) -> EnteredNetwork {
        let (names, seed) = (self.names.enter(), self.inner.seed.guard());
        EnteredNetwork { _names: names, _seed: seed, here: PhantomData }
    }

    /// A host of this name.
    pub fn host(&self, name: &str) -> Host {
        Host::new(self.clone(), name)
    }

    /// What lies between all hosts of which nothing else was said, in each direction. Counts for
    /// connections that are made from now on, as all that is said of links.
    pub fn links(&self, impairments: Impairments) {
        self.inner.links().usual = impairments;
    }

    /// What lies between two hosts, in each direction. A host is linked to itself as well.
    pub fn link(&self, one: &str, other: &str, impairments: Impairments) {
        self.one_way(one, other, impairments.clone());
        self.one_way(other, one, impairments);
    }

    /// What lies on the way from one host to another.
    pub fn one_way(&self, from: &str, to: &str, impairments: Impairments) {
        self.inner.links().set(from, to, impairments);
    }

    /// Parts two hosts. Connections between them lose messages if they may, and hold them up if
    /// not; none is made until it heals.
    pub fn partition(&self, one: &str, other: &str) {
        self.between(one, other, "partitioned", ImpairedHandle::partition, |links, ends| {
            links.part(ends, true)
        });
    }

    /// Ends a partition.
    pub fn heal(&self, one: &str, other: &str) {
        self.between(one, other, "healed", ImpairedHandle::heal, |links, ends| {
            links.part(ends, false)
        });
    }

    /// Has all wait between two hosts, and nothing lost.
    pub fn stall(&self, one: &str, other: &str) {
        self.between(one, other, "stalled", ImpairedHandle::stall, |links, ends| {
            links.stall(ends, true)
        });
    }

    /// Ends a stall.
    pub fn resume(&self, one: &str, other: &str) {
        self.between(one, other, "resumed", ImpairedHandle::resume, |links, ends| {
            links.stall(ends, false)
        });
    }

    /// Breaks the connections between two hosts: what is on its way is lost, and both ends fail
    /// with `ConnectionReset`.
    pub fn reset(&self, one: &str, other: &str) {
        self.between(one, other, "reset", ImpairedHandle::reset, |links, ends| {
            links.handles(|others| same(others, &ends))
        });
    }

    /// Breaks all connections of a host, as when it crashes. Its tasks are their owner's to end.
    pub fn crash(&self, host: &str) {
        self.inner.journal.write(&host.into(), Happening::Event("crashed"));
        let of_host = |ends: &(Arc<str>, Arc<str>)| *ends.0 == *host || *ends.1 == *host;
        let handles = self.inner.links().handles(of_host);
        handles.iter().for_each(ImpairedHandle::reset);
    }

    /// The seed.
    pub fn seed(&self) -> Seed {
        self.inner.seed
    }

    /// What was done up to now, over all connections.
    pub fn trace(&self) -> Trace {
        self.inner.journal.read()
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    fn between(
        &self,
        one: &str,
        other: &str,
        what: &'static str,
        each: impl Fn(&ImpairedHandle),
        change: impl FnOnce(&mut Links, (Arc<str>, Arc<str>)) -> Vec<ImpairedHandle>,
    ) {
        let label = format!("{one}--{other}").into();
        self.inner.journal.write(&label, Happening::Event(what));
        let handles = change(&mut self.inner.links(), (one.into(), other.into()));
        handles.iter().for_each(each);
        self.inner.changed.notify_waiters();
    }
}

impl Inner {
    pub(super) fn seed(&self) -> Seed {
        self.seed
    }

    pub(super) fn journal(&self) -> &Journal {
        &self.journal
    }

    pub(super) fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changed(&self) -> &Notify {
        &self.changed
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("seed", &self.inner.seed)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}

//! Connecting, accepting, binding and resolving, dropped at every poll: no connection is lost, none
//! stays open, and nothing stays bound.

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::os::fd::AsRawFd;
use std::time::Duration;

use anysock::framing::{AcceptExt, RecvExt, SendExt};
use anysock::sockets::{self, Accepted, Connector, PeerLimits};
use anysock::{Backoff, Connection, Endpoint, Gate, Listener, Names, Options, Streams, Type};
use fastrand::Rng;

use crate::links::unique;
use crate::probe::{MOST_POLLS, PATIENCE, Probe, Still, World, once, within};
use crate::prove::{Case, Trying};
use crate::stop::{Stop, Verdict, ensure};

/// What connects.
pub(crate) const CONNECTING: [&str; 6] = [
    "connect",
    "reconnect",
    "sockets.connect",
    "connector.connect",
    "connector.connect_resolving",
    "names.scope",
];

/// What binds.
pub(crate) const BINDING: [&str; 5] =
    ["bind", "sockets.bind", "bind_allowing", "bind_shards", "shards"];

/// Where one can listen.
const PLACES: [&str; 7] = [
    "unix",
    "unix-seqpacket",
    "unix-datagram",
    "ipv4-stream",
    "ipv6-stream",
    "ipv4-datagram",
    "memory",
];

fn endpoint(place: &str) -> String {
    match place {
        "unix" => "unix:".into(),
        "unix-seqpacket" => "unix-seqpacket:".into(),
        "unix-datagram" => "unix-dgram:".into(),
        "ipv4-stream" => "tcp://127.0.0.1:0".into(),
        "ipv6-stream" => "tcp://[::1]:0".into(),
        "ipv4-datagram" => "udp://127.0.0.1:0".into(),
        _ => format!("mem:{}", unique("place")),
    }
}

pub(crate) fn connecting() -> Vec<Case> {
    let mut cases = crate::over(&["connect", "reconnect"], &PLACES);
    cases.extend(crate::over(&CONNECTING[2..5], &PLACES[..6]));
    cases.push(("names.scope", "memory"));
    // Of several addresses the first does not answer.
    cases.extend(crate::over(&["connector.connect", "connector.connect_resolving"], &["several"]));
    cases
}

pub(crate) fn binding() -> Vec<Case> {
    let mut cases = crate::over(&BINDING[..3], &["unix"]);
    let several = ["bind", "sockets.bind", "bind_shards", "shards"];
    cases.extend(crate::over(&several, &["ipv4-stream"]));
    cases
}

pub(crate) fn accepting() -> Vec<Case> {
    let mut cases = crate::over(&["accept"], &PLACES);
    cases.extend(crate::over(&["sockets.accept"], &PLACES[..6]));
    cases.extend(crate::over(&["streams.accept"], &["unix", "ipv4-stream", "ipv6-stream"]));
    cases
}

/// A listener that accepts now and then, of those whose backlog was full.
struct Accepting<'a> {
    listener: &'a mut Listener,
    accepted: &'a mut Vec<Connection>,
}

impl World for Accepting<'_> {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        if rng.u8(0..12) > 0 {
            return Ok(0);
        }
        let accepted = once(self.listener.accept()).await.transpose()?;
        let what = u64::from(accepted.is_some());
        self.accepted.extend(accepted);
        Ok(what)
    }
}

/// Of what was dropped no connection is left: each that was accepted has ended.
pub(crate) fn connect(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let several = probe.transport == "several";
        let place = if several { "ipv4-stream" } else { probe.transport };
        let names = Names::new();
        let _entered = names.enter();
        let binding = anysock::bind(endpoint(place));
        // On unix few fit into the backlog, and the next one has to wait.
        let has_backlog = matches!(place, "unix" | "unix-seqpacket");
        let options = if has_backlog { Options::default().backlog(1) } else { Options::default() };
        let mut listener = binding.options(options).await?;
        let endpoint = listener.endpoint().clone();
        let mut accepted = Vec::new();
        let silent = if several { Some(Silent::open().await?) } else { None };
        let mut fillers = Vec::new();
        for polls in 0..MOST_POLLS {
            if probe.is_over(polls) {
                break;
            }
            if has_backlog {
                while let Some(filler) = once(anysock::connect(&endpoint).into_future()).await {
                    fillers.push(filler?);
                }
            }
            probe.note(fillers.len());
            let mut world = Accepting { listener: &mut listener, accepted: &mut accepted };
            let connected =
                connect_at(probe, polls, &endpoint, silent.as_ref(), &names, &mut world).await?;
            if connected {
                break;
            }
        }
        drop((fillers, silent));
        // One more, that stays. Whoever else is accepted has gone.
        let last = async {
            let mut client = anysock::connect(&endpoint).await?;
            client.send("the last").await?;
            Ok::<_, Stop>(client)
        };
        let serving = async {
            loop {
                for mut peer in accepted.drain(..) {
                    // Reset or in order, and nothing came of him.
                    if let Ok(Some(message)) = peer.recv().await {
                        ensure!(message == "the last", "{message:?} came of a dropped connect");
                        return Ok(peer);
                    }
                }
                accepted.push(listener.accept().await?);
            }
        };
        let both = async { tokio::try_join!(last, serving) };
        let (mut client, mut peer) = within("a connection after the drop", both).await??;
        peer.send("welcome").await?;
        let welcome = within("the answer", client.recv()).await??;
        ensure!(welcome.is_some_and(|welcome| welcome == "welcome"), "another answer");
        Ok(())
    })
}

/// Connects, dropped at this poll; whether it completed. What was connected goes at once.
async fn connect_at(
    probe: &mut Probe,
    polls: u32,
    endpoint: &Endpoint,
    silent: Option<&Silent>,
    names: &Names,
    world: &mut Accepting<'_>,
) -> Verdict<bool> {
    let operation = probe.operation;
    let kind = endpoint.kind().unwrap_or(Type::Stream);
    let mut addresses: Vec<_> = endpoint.addr().into_iter().collect();
    addresses.splice(0..0, silent.map(|silent| silent.addr.clone()));
    let connector = Connector::new(kind).attempt_delay(Duration::from_millis(10));
    let options = Options::default();
    let done = match operation {
        "connect" => {
            let connecting = anysock::connect(endpoint).into_future();
            probe.drop_at(operation, polls, connecting, world).await?.transpose()?.map(drop)
        }
        "reconnect" => {
            let backoff = Backoff::default().first(Duration::from_millis(1));
            let connecting = anysock::connect(endpoint).reconnecting(backoff).into_future();
            probe.drop_at(operation, polls, connecting, world).await?.transpose()?.map(drop)
        }
        "names.scope" => {
            let connecting = names.scope(anysock::connect(endpoint).into_future());
            probe.drop_at(operation, polls, connecting, world).await?.transpose()?.map(drop)
        }
        "sockets.connect" => {
            let connecting = sockets::connect(&addresses[0], kind, &options, PATIENCE);
            probe.drop_at(operation, polls, connecting, world).await?.transpose()?.map(drop)
        }
        "connector.connect" => {
            let connecting = connector.connect(&addresses);
            probe.drop_at(operation, polls, connecting, world).await?.transpose()?.map(drop)
        }
        _ => {
            let resolving = async {
                tokio::task::yield_now().await;
                Ok(addresses.clone())
            };
            let connecting = connector.connect_resolving(resolving);
            probe.drop_at(operation, polls, connecting, world).await?.transpose()?.map(drop)
        }
    };
    Ok(done.is_some())
}

/// A TCP listener that has no room for another one, which hears nothing.
struct Silent {
    addr: anysock::Addr,
    _listener: sockets::Listener,
    _waiting: Vec<sockets::Connected>,
}

impl Silent {
    async fn open() -> Verdict<Self> {
        let any = anysock::Addr::Ip("127.0.0.1:0".parse()?);
        let options = Options::default().backlog(0);
        let limits = PeerLimits::default();
        let listener = sockets::bind(&any, Type::Stream, &options, &limits).await?;
        let addr = listener.local_addr()?;
        let mut waiting = Vec::new();
        let brief = Duration::from_millis(30);
        let options = Options::default();
        for _ in 0..4 {
            match sockets::connect(&addr, Type::Stream, &options, brief).await {
                Ok(connected) => waiting.push(connected),
                Err(_) => return Ok(Self { addr, _listener: listener, _waiting: waiting }),
            }
        }
        Err(Stop::new("a listener of no backlog has room for everybody"))
    }
}

/// Clients that come while somebody waits for them.
struct Arriving<'a> {
    endpoint: &'a Endpoint,
    clients: &'a mut Vec<Connection>,
}

impl World for Arriving<'_> {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        if rng.u8(0..4) > 0 {
            return Ok(0);
        }
        let mut client =
            within("connecting", anysock::connect(self.endpoint).into_future()).await??;
        client.send(format!("client {}", self.clients.len())).await?;
        self.clients.push(client);
        Ok(1)
    }
}

/// Whoever has connected is accepted, once.
pub(crate) fn accept(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let (mut listener, endpoint) = Listening::open(probe).await?;
        let mut clients = Vec::new();
        let mut accepted = VecDeque::new();
        for polls in 0..24 {
            if probe.is_over(polls) {
                break;
            }
            let mut world = Arriving { endpoint: &endpoint, clients: &mut clients };
            if probe.rng.bool() {
                world.turn(&mut Rng::with_seed(polls.into())).await?;
            }
            let polls = polls % 6;
            let peer = match &mut listener {
                Listening::Face(listener) => {
                    let accepting = listener.accept();
                    probe.drop_at("accept", polls, accepting, &mut world).await?.transpose()?
                }
                Listening::Socket(listener) => {
                    let accepting = listener.accept();
                    let peer =
                        probe.drop_at("sockets.accept", polls, accepting, &mut world).await?;
                    peer.transpose()?.map(connection)
                }
                Listening::Streams(streams) => {
                    let accepting = streams.accept();
                    let peer =
                        probe.drop_at("streams.accept", polls, accepting, &mut world).await?;
                    peer.transpose()?.map(|(socket, _)| connection(Accepted::Stream(socket)))
                }
            };
            accepted.extend(peer);
            // Few enough for any backlog.
            if clients.len() - accepted.len() > 8 {
                accepted.push_back(listener.next().await?);
            }
        }
        while accepted.len() < clients.len() {
            accepted.push_back(listener.next().await?);
        }
        let mut seen = vec![false; clients.len()];
        for peer in &mut accepted {
            let message = within("what he has said", peer.recv()).await??;
            let message = String::from_utf8(message.unwrap_or_default().to_vec())?;
            let number = message.strip_prefix("client ").and_then(|number| number.parse().ok());
            let number: usize =
                number.ok_or_else(|| Stop::new(format_args!("{message:?} came")))?;
            let before = std::mem::replace(&mut seen[number], true);
            ensure!(!before, "doubled: client {number} was accepted twice");
            peer.send(message).await?;
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = within("the answer", client.recv()).await??;
            let is_his = answer.is_some_and(|answer| answer == format!("client {number}"));
            ensure!(is_his, "client {number} has another one's answer");
        }
        ensure!(listener.is_quiet().await?, "somebody was accepted who has not connected");
        Ok(())
    })
}

/// A listener of the face, of messages or of bytes, or of the layer below.
enum Listening {
    Face(Box<Listener>),
    Socket(sockets::Listener),
    Streams(Box<Streams>),
}

fn connection(accepted: Accepted) -> Connection {
    let codec: anysock::AnyCodec = anysock::LengthDelimited::u32().into();
    match accepted {
        Accepted::Stream(socket) => anysock::Framed::new(socket, codec).into(),
        Accepted::SeqPacket(socket) => anysock::Packets::new(socket).into(),
        Accepted::Peer(peer) => anysock::Packets::new(peer).into(),
    }
}

impl Listening {
    async fn open(probe: &Probe) -> Verdict<(Self, Endpoint)> {
        if probe.operation != "sockets.accept" {
            let listener = anysock::bind(endpoint(probe.transport)).await?;
            let endpoint = listener.endpoint().clone();
            let listening = match probe.operation {
                "accept" => Self::Face(Box::new(listener)),
                _ => Self::Streams(Box::new(listener.into_streams()?)),
            };
            return Ok((listening, endpoint));
        }
        let endpoint: Endpoint = endpoint(probe.transport).parse()?;
        let (kind, addr) = (endpoint.kind().unwrap(), endpoint.addr().unwrap());
        let limits = PeerLimits::default();
        let listener = sockets::bind(&addr, kind, &Options::default(), &limits).await?;
        let endpoint = Endpoint::from_addr(listener.local_addr()?, kind);
        Ok((Self::Socket(listener), endpoint))
    }

    async fn next(&mut self) -> Verdict<Connection> {
        match self {
            Self::Face(listener) => Ok(within("accepting", listener.accept()).await??),
            Self::Socket(listener) => {
                Ok(connection(within("accepting", listener.accept()).await??))
            }
            Self::Streams(streams) => {
                let (socket, _) = within("accepting", streams.accept()).await??;
                Ok(connection(Accepted::Stream(socket)))
            }
        }
    }

    async fn is_quiet(&mut self) -> Verdict<bool> {
        Ok(match self {
            Self::Face(listener) => once(listener.accept()).await.is_none(),
            Self::Socket(listener) => once(listener.accept()).await.is_none(),
            Self::Streams(streams) => once(streams.accept()).await.is_none(),
        })
    }
}

/// The directory's lock is held by another process for some turns, as it were.
struct Locked {
    held: Option<std::fs::File>,
    turns: u32,
}

impl World for Locked {
    async fn turn(&mut self, _: &mut Rng) -> Verdict<u64> {
        tokio::task::yield_now().await;
        self.turns = self.turns.saturating_sub(1);
        if self.turns == 0 && self.held.take().is_some() {
            return Ok(1);
        }
        Ok(0)
    }
}

/// Nothing is bound by what was dropped: no file, no lock, no port.
pub(crate) fn bind(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let directory = std::env::temp_dir().join(unique("bind"));
        std::fs::create_dir(&directory)?;
        let bound = bind_in(probe, &directory).await;
        std::fs::remove_dir_all(&directory)?;
        bound
    })
}

async fn bind_in(probe: &mut Probe, directory: &std::path::Path) -> Verdict {
    let path = directory.join("socket");
    let address = format!("unix:{}", path.display());
    let endpoint: Endpoint = match probe.transport {
        "unix" => address.parse()?,
        _ => "tcp://127.0.0.1:0".parse()?,
    };
    for polls in 0..8 {
        if probe.is_over(polls) {
            break;
        }
        let held = std::fs::File::open(directory)?;
        let is_unix = probe.transport == "unix";
        if is_unix {
            lock(&held)?;
        }
        let mut world = Locked { held: is_unix.then_some(held), turns: probe.rng.u32(1..40) };
        probe.note(world.turns);
        let done = bind_at(probe, polls, &endpoint, &mut world).await?;
        drop(world);
        let left: Vec<_> = std::fs::read_dir(directory)?.collect();
        ensure!(left.is_empty(), "a dropped bind has left {left:?}");
        let listener = within("binding after the drop", anysock::bind(&endpoint).into_future());
        let mut listener = listener.await??;
        let mut client = anysock::connect(listener.endpoint()).await?;
        client.send("hello").await?;
        let mut peer = within("accepting", listener.accept()).await??;
        ensure!(peer.recv().await?.is_some_and(|hello| hello == "hello"), "another message");
        if done {
            break;
        }
    }
    Ok(())
}

/// As another process would that binds here: flock(2).
fn lock(directory: &std::fs::File) -> Verdict {
    // SAFETY: the descriptor is open as long as the file lives; no memory is passed.
    match unsafe { libc::flock(directory.as_raw_fd(), libc::LOCK_EX) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}

/// Binds, dropped at this poll; whether it completed. What was bound goes at once.
async fn bind_at(
    probe: &mut Probe,
    polls: u32,
    endpoint: &Endpoint,
    world: &mut Locked,
) -> Verdict<bool> {
    let operation = probe.operation;
    let (addr, options) = (endpoint.addr().unwrap(), Options::default());
    let limits = PeerLimits::default();
    let done = match operation {
        "bind" => {
            let binding = anysock::bind(endpoint).into_future();
            probe.drop_at(operation, polls, binding, world).await?.transpose()?.map(drop)
        }
        "shards" => {
            let binding = anysock::bind(endpoint).shards(2).into_future();
            probe.drop_at(operation, polls, binding, world).await?.transpose()?.map(drop)
        }
        "sockets.bind" => {
            let binding = sockets::bind(&addr, Type::Stream, &options, &limits);
            probe.drop_at(operation, polls, binding, world).await?.transpose()?.map(drop)
        }
        "bind_allowing" => {
            let gate = Gate::nobody().uid(0);
            let binding = sockets::bind_allowing(&addr, Type::Stream, &options, &limits, &gate);
            let bound = probe.drop_at(operation, polls, binding, world).await?;
            bound.transpose()?.map(drop)
        }
        _ => {
            let binding = sockets::bind_shards(&addr, Type::Stream, &options, &limits, 2);
            probe.drop_at(operation, polls, binding, world).await?.transpose()?.map(drop)
        }
    };
    Ok(done.is_some())
}

/// Asked again, the resolver answers.
pub(crate) fn resolve(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        for polls in 0..4 {
            if probe.is_over(polls) {
                break;
            }
            let name: Endpoint = format!("tcp://localhost:{}", probe.rng.u16(1..)).parse()?;
            probe.note(name.to_string());
            let resolving = sockets::resolve(&name);
            probe.drop_at("resolve", polls, resolving, &mut Still).await?.transpose()?;
            let found = within("resolving after the drop", sockets::resolve(&name)).await??;
            ensure!(!found.is_empty(), "localhost has no address");
        }
        Ok::<_, Stop>(())
    })
}

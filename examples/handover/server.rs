//! A server: bound or handed over, it answers until it is replaced or its input ends.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anysock::core::OwnedPath;
use anysock::prelude::*;
use anysock::sockets::{Accepted, Connected, SeqPacketSocket, connect};
use anysock::{Addr, Connection, Endpoint, Error, Options, PeerLimits, Type, UnixAddr, sockets};
use sd_notify::NotifyState;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use crate::Failure;
use crate::pass::{File, Passed, Predecessor, Successor};

/// How long the connections of a server that was replaced may last.
const FINISHING: Duration = Duration::from_secs(20);
/// How long nobody listens if the hand-over is broken.
const GAP: Duration = Duration::from_millis(30);

/// What a server says on its standard output once it accepts, and once it has ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Ready { endpoints: Vec<String> },
    Ended { answered: u64, cut: u64 },
}

/// Everything that is listened on, and who owns its files.
struct Service {
    listeners: Vec<anysock::Listener>,
    control: sockets::Listener,
    /// In the order of the listeners, that of the control socket last.
    files: Vec<Option<OwnedPath>>,
}

/// Serves until it is replaced, or until its standard input ends.
pub(crate) async fn serve(
    directory: &Path,
    successor: bool,
    broken: bool,
) -> Result<ExitCode, Failure> {
    let mut stopped = input_end();
    let control = control(directory)?;
    let (service, running) = match (successor, broken) {
        (true, false) => Service::succeed(&control).await?,
        (true, true) => {
            let port = displace(&control).await?;
            sleep(GAP).await;
            Service::begin(directory, port).await?
        }
        (false, _) => Service::begin(directory, 0).await?,
    };
    running.ready()?;
    service.finish(running, &mut stopped, broken).await
}

/// Where servers talk to each other.
fn control(directory: &Path) -> Result<Addr, Failure> {
    Ok(UnixAddr::path(directory.join("control"))?.into())
}

async fn connect_control(control: &Addr) -> Result<SeqPacketSocket, Failure> {
    match connect(control, Type::SeqPacket, &Options::new(), Duration::from_secs(10)).await? {
        Connected::SeqPacket(socket) => Ok(socket),
        other => Err(format!("{other:?} is no seqpacket socket").into()),
    }
}

impl Service {
    async fn begin(directory: &Path, port: u16) -> Result<(Self, Running), Failure> {
        let mut service = Self::bind(directory, port).await?;
        let running = service.run()?;
        Ok((service, running))
    }

    /// Takes the place of the server that runs.
    async fn succeed(control: &Addr) -> Result<(Self, Running), Failure> {
        let (successor, passed) = Successor::ask(connect_control(control).await?).await?;
        let (mut service, files) = Self::adopt(passed)?;
        let running = service.run()?;
        // From here on both accept.
        successor.accepting().await?;
        service.own(&files);
        Ok((service, running))
    }

    /// Binds everything: a TCP port, a unix path, an abstract name, and the control socket.
    async fn bind(directory: &Path, port: u16) -> Result<Self, Failure> {
        let name = directory.file_name().unwrap_or_default().to_string_lossy();
        let endpoints = [
            Endpoint::Tcp(std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()),
            Endpoint::Unix(Type::Stream, UnixAddr::path(directory.join("stream"))?),
            Endpoint::Unix(Type::SeqPacket, UnixAddr::abstract_name(name.as_bytes())?),
        ];
        let mut listeners = Vec::new();
        for endpoint in endpoints {
            let bound = anysock::bind(&endpoint).await;
            listeners.push(bound.map_err(|error| format!("cannot bind {endpoint}: {error}"))?);
        }
        let limits = PeerLimits::default();
        let at = control(directory)?;
        let mut control = sockets::bind(&at, Type::SeqPacket, &Options::new(), &limits).await?;
        let mut files: Vec<_> = listeners.iter_mut().map(anysock::Listener::take_path).collect();
        files.push(control.take_path());
        Ok(Self { listeners, control, files })
    }

    /// Takes over what was passed; the files are still the predecessor's.
    fn adopt(passed: Vec<Passed>) -> Result<(Self, Vec<Option<File>>), Failure> {
        let mut descriptors = Vec::new();
        let mut files = Vec::new();
        for Passed { descriptor, file } in passed {
            descriptors.push(descriptor);
            files.push(file);
        }
        let control = descriptors.pop().ok_or("no control socket was passed")?;
        let limits = PeerLimits::default();
        let control = sockets::Listener::adopt(control, &Options::new(), &limits)?;
        let adopted = descriptors.into_iter().map(|descriptor| anysock::adopt(descriptor).listen());
        let listeners = adopted.collect::<Result<_, _>>()?;
        Ok((Self { listeners, control, files: Vec::new() }, files))
    }

    /// Owns the files that the predecessor has left. One that is gone is no reason not to serve.
    fn own(&mut self, files: &[Option<File>]) {
        let own = |file: &File| match file.take_over() {
            Ok(owned) => Some(owned),
            Err(error) => {
                eprintln!("handover: {error}");
                None
            }
        };
        self.files = files.iter().map(|file| file.as_ref().and_then(own)).collect();
    }

    /// Begins to accept, and keeps what it takes to hand over.
    fn run(&mut self) -> Result<Running, Failure> {
        let mut running = Running {
            endpoints: Vec::new(),
            descriptors: Vec::new(),
            stop: watch::Sender::new(()),
            accepting: JoinSet::new(),
        };
        for listener in std::mem::take(&mut self.listeners) {
            let socket = listener.as_socket().ok_or("only sockets can be handed over")?;
            running.descriptors.push(socket.as_fd().try_clone_to_owned()?);
            running.endpoints.push(listener.endpoint().to_string());
            running.accepting.spawn(accept(listener, running.stop.subscribe()));
        }
        running.descriptors.push(self.control.as_fd().try_clone_to_owned()?);
        Ok(running)
    }

    /// Waits for a successor or the end of the input, and finishes what there is to finish.
    async fn finish(
        mut self,
        running: Running,
        stopped: &mut oneshot::Receiver<()>,
        broken: bool,
    ) -> Result<ExitCode, Failure> {
        loop {
            let accepted = tokio::select! {
                accepted = self.control.accept() => accepted?,
                // Everything is dropped, and the files are unlinked, before it has ended.
                _ = &mut *stopped => {
                    drop(self);
                    return running.stop().await;
                }
            };
            let Accepted::SeqPacket(socket) = accepted else { continue };
            if broken {
                Predecessor::asked(&socket).await?;
                let port = running.port()?;
                drop(self);
                let ended = running.stop().await;
                socket.send(port.to_string().as_bytes()).await?;
                return ended;
            }
            match self.hand_over(&socket, &running).await {
                Ok(()) => {
                    self.files.into_iter().flatten().for_each(OwnedPath::leave);
                    drop(self.control);
                    return running.replaced(socket).await;
                }
                Err(error) => eprintln!("handover: goes on, since the successor failed: {error}"),
            }
        }
    }

    /// Returns once the successor accepts on everything.
    async fn hand_over(&self, to: &SeqPacketSocket, running: &Running) -> Result<(), Failure> {
        Predecessor::asked(to).await?;
        let files = self.files.iter().map(|file| file.as_ref().map(File::of));
        let files: Vec<_> = files.collect();
        Predecessor::pass(to, &running.descriptors, &files).await
    }
}

/// What accepts, and what it takes to hand it over.
struct Running {
    endpoints: Vec<String>,
    /// Of the listeners, and of the control socket last.
    descriptors: Vec<OwnedFd>,
    stop: watch::Sender<()>,
    accepting: JoinSet<Answering>,
}

impl Running {
    /// Tells whoever has started this that it accepts.
    fn ready(&self) -> Result<(), Failure> {
        let pid = std::process::id();
        sd_notify::notify(&[NotifyState::MainPid(pid), NotifyState::Ready])?;
        say(&Said::Ready { endpoints: self.endpoints.clone() })
    }

    /// Stops to accept, says so to the successor, and finishes what was accepted.
    async fn replaced(mut self, successor: SeqPacketSocket) -> Result<ExitCode, Failure> {
        let answering = self.stop_accepting().await;
        Predecessor::left(&successor).await?;
        finish(answering).await
    }

    async fn stop(mut self) -> Result<ExitCode, Failure> {
        let answering = self.stop_accepting().await;
        finish(answering).await
    }

    /// Drops the listeners; the connections that were accepted.
    async fn stop_accepting(&mut self) -> Vec<Answering> {
        self.stop.send_replace(());
        let mut answering = Vec::new();
        while let Some(Ok(one)) = self.accepting.join_next().await {
            answering.push(one);
        }
        self.descriptors.clear();
        answering
    }

    fn port(&self) -> Result<u16, Failure> {
        let port = self.endpoints.iter().find_map(|one| one.rsplit_once(':')?.1.parse().ok());
        port.ok_or_else(|| "no TCP port is listened on".into())
    }
}

/// Connections that are answered, and how many were before.
#[derive(Default)]
struct Answering {
    open: JoinSet<Result<(), Error>>,
    answered: u64,
}

/// Accepts on one listener until told to stop. It is dropped then, and whoever waits in its
/// backlog waits for the successor.
async fn accept(mut listener: anysock::Listener, mut stop: watch::Receiver<()>) -> Answering {
    let mut answering = Answering::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(peer) => drop(answering.open.spawn(answer(peer))),
                Err(error) => {
                    eprintln!("handover: cannot accept on {}: {error}", listener.endpoint());
                    return answering;
                }
            },
            Some(_) = answering.open.join_next() => answering.answered += 1,
            _ = stop.changed() => return answering,
        }
    }
}

async fn answer(mut peer: Connection) -> Result<(), Error> {
    while let Some(message) = peer.recv().await? {
        peer.feed(message).await?; // flushed when recv would wait
    }
    peer.close().await
}

/// Waits for the end of all connections, within bounds, and says how it was.
async fn finish(answering: Vec<Answering>) -> Result<ExitCode, Failure> {
    let until = Instant::now() + FINISHING;
    let (mut answered, mut cut) = (0, 0);
    for mut one in answering {
        answered += one.answered;
        while let Ok(Some(_)) = timeout_at(until, one.open.join_next()).await {
            answered += 1;
        }
        cut += one.open.len() as u64;
    }
    say(&Said::Ended { answered, cut })?;
    Ok(if cut == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The hand-over as it should not be: the predecessor closes everything. Where it has listened.
async fn displace(control: &Addr) -> Result<u16, Failure> {
    let socket = connect_control(control).await?;
    Successor::only_ask(&socket).await?;
    let mut buffer = [0; 16];
    let received = socket.recv(&mut buffer).await?.ok_or("the predecessor said no port")?;
    Ok(std::str::from_utf8(&buffer[..received.copied])?.parse()?)
}

fn say(said: &Said) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(said)?)?;
    Ok(out.flush()?)
}

/// Resolves when standard input has ended. A thread of its own reads it, which may wait while the
/// process ends.
fn input_end() -> oneshot::Receiver<()> {
    let (sender, ended) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        let _ = sender.send(());
    });
    ended
}

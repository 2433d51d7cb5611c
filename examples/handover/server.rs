//! A server: bound or handed over, it answers until it is replaced or its input ends.

use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anysock::core::OwnedPath;
use anysock::sockets::{self, Accepted, Connected, SeqPacketSocket, connect};
use anysock::{Addr, Endpoint, Options, PeerLimits, Type, UnixAddr};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::Failure;
use crate::pass::{File, Passed, Predecessor, Successor};
use crate::running::Running;

/// How long nobody listens if the hand-over is broken.
const GAP: Duration = Duration::from_millis(30);

/// Everything that is listened on, and who owns its files.
struct Service {
    /// In the order of the listeners, that of the control socket last. Dropped first: while a
    /// socket lives, nobody else takes its path.
    files: Vec<Option<OwnedPath>>,
    listeners: Vec<anysock::Listener>,
    control: sockets::Listener,
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
    // Descriptors are refused where nobody asks for them.
    let options = Options::new().receive_descriptors(true);
    match connect(control, Type::SeqPacket, &options, Duration::from_secs(10)).await? {
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

    /// Begins to accept.
    fn run(&mut self) -> Result<Running, Failure> {
        Running::start(std::mem::take(&mut self.listeners), &self.control)
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
        Predecessor::pass(to, running.descriptors(), &files).await
    }
}

/// The hand-over as it should not be: the predecessor closes everything. Where it has listened.
async fn displace(control: &Addr) -> Result<u16, Failure> {
    let socket = connect_control(control).await?;
    Successor::only_ask(&socket).await?;
    let mut buffer = [0; 16];
    let received = socket.recv(&mut buffer).await?.ok_or("the predecessor said no port")?;
    Ok(std::str::from_utf8(&buffer[..received.copied])?.parse()?)
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

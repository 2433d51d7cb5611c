//! The processes: one server after the other, and the client all the time.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::{Failure, client, progress, server};

/// How long any process may be silent that is bound to speak, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) replace: u64,
    pub(crate) connections: u64,
    pub(crate) at_once: u64,
    pub(crate) broken: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Outcome {
    pub(crate) replaced: u64,
    pub(crate) connections: u64,
    pub(crate) lost: u64,
    /// Why, and how often.
    pub(crate) reasons: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replaced, connections, lost, .. } = self;
        write!(f, "replaced {replaced} times, {connections} connections, {lost} lost")
    }
}

/// Replaces the server as often as planned, while the client makes its connections.
pub(crate) async fn run(plan: &Plan) -> Result<Outcome, Failure> {
    let start = Instant::now();
    let directory = Directory::new()?;
    let (mut server, endpoints) = start_server(&directory.0, plan, false).await?;
    let mut client = Process::start("client", |command| {
        command.arg("client").arg(format!("--at-once={}", plan.at_once)).args(&endpoints);
    })?;
    for replaced in 0..plan.replace {
        // Spread over all the connections.
        let at = plan.connections * (replaced + 1) / (plan.replace + 1);
        made(&mut client, at).await?;
        progress(&format!("replaced {replaced} of {} times", plan.replace));
        let (successor, _) = start_server(&directory.0, plan, true).await?;
        server.ended().await?;
        server = successor;
    }
    made(&mut client, plan.connections).await?;
    client.input = None;
    let (connections, lost, reasons) = loop {
        if let client::Said::Ended { connections, lost, reasons } = client.says().await? {
            break (connections, lost, reasons);
        }
    };
    client.end().await?;
    server.input = None;
    server.ended().await?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(Outcome { replaced: plan.replace, connections, lost, reasons, seconds })
}

/// Starts a server; where it listens, once it does.
async fn start_server(
    directory: &Path,
    plan: &Plan,
    successor: bool,
) -> Result<(Process, Vec<String>), Failure> {
    let mut server = Process::start("server", |command| {
        command.arg("server").arg(directory);
        command.args(successor.then_some("--successor"));
        command.args(plan.broken.then_some("--broken"));
    })?;
    match server.says().await? {
        server::Said::Ready { endpoints } => Ok((server, endpoints)),
        server::Said::Ended { .. } => Err("a server ended before it was ready".into()),
    }
}

/// Waits until the client has made so many connections.
async fn made(client: &mut Process, wanted: u64) -> Result<(), Failure> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        match client.says().await? {
            client::Said::Made { connections } if connections >= wanted => return Ok(()),
            client::Said::Made { .. } => {}
            client::Said::Ended { .. } => return Err("the client has ended too early".into()),
        }
    }
    Err(format!("the client has not made {wanted} connections within {PATIENCE:?} more").into())
}

/// This program again, in a part of its own. Killed when dropped.
struct Process {
    part: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start(part: &'static str, arguments: impl FnOnce(&mut Command)) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        arguments(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let started = command.spawn();
        let mut child = started.map_err(|error| format!("cannot start the {part}: {error}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or("the output of a process is not there")?;
        Ok(Self { part, child, input, lines: BufReader::new(output).lines() })
    }

    /// The next that it says.
    async fn says<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let line = line.map_err(|_| format!("the {} is silent", self.part))??;
        let line = line.ok_or_else(|| format!("the {} has ended too early", self.part))?;
        Ok(serde_json::from_str(&line)?)
    }

    /// A server that was replaced, or has nothing to do any more: it must end, and well.
    async fn ended(&mut self) -> Result<(), Failure> {
        match self.says().await? {
            server::Said::Ended { cut: 0, .. } => self.end().await,
            other => Err(format!("a server did not end well: {other:?}").into()),
        }
    }

    async fn end(&mut self) -> Result<(), Failure> {
        let ended = timeout(PATIENCE, self.child.wait()).await;
        let status = ended.map_err(|_| format!("the {} does not end", self.part))??;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the {} has failed: {status}", self.part).into()),
        }
    }
}

/// A directory for the sockets, which nobody else may enter; removed with all that is in it.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Result<Self, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("anysock-handover-{}", std::process::id()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| format!("cannot make the directory {path:?}: {error}"))?;
        Ok(Self(path))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

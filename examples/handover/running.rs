//! What accepts and answers in a server, until it is told to stop.

use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

use anysock::prelude::*;
use anysock::sockets;
use anysock::{Connection, Error, Listener};
use sd_notify::NotifyState;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::Failure;
use crate::pass::{Control, Predecessor};

/// How long the connections of a server that was replaced may last.
const FINISHING: Duration = Duration::from_secs(20);

/// What a server says on its standard output once it accepts, and once it has ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Ready { endpoints: Vec<String> },
    Ended { answered: u64, cut: u64 },
}

/// What accepts, and what it takes to hand it over.
pub(crate) struct Running {
    endpoints: Vec<String>,
    /// Of the listeners, and of the control socket last.
    descriptors: Vec<OwnedFd>,
    stop: watch::Sender<()>,
    accepting: JoinSet<Answering>,
}

impl Running {
    /// Begins to accept, and keeps what it takes to hand over.
    pub(crate) fn start(
        listeners: Vec<Listener>,
        control: &sockets::Listener,
    ) -> Result<Self, Failure> {
        let mut running = Self {
            endpoints: Vec::new(),
            descriptors: Vec::new(),
            stop: watch::Sender::new(()),
            accepting: JoinSet::new(),
        };
        for listener in listeners {
            let socket = listener.as_socket().ok_or("only sockets can be handed over")?;
            running.descriptors.push(socket.as_fd().try_clone_to_owned()?);
            running.endpoints.push(listener.endpoint().to_string());
            running.accepting.spawn(accept(listener, running.stop.subscribe()));
        }
        running.descriptors.push(control.as_fd().try_clone_to_owned()?);
        Ok(running)
    }

    /// Duplicates of the listeners, and of the control socket last.
    pub(crate) fn descriptors(&self) -> &[OwnedFd] {
        &self.descriptors
    }

    /// Tells whoever has started this that it accepts.
    pub(crate) fn ready(&self) -> Result<(), Failure> {
        let pid = std::process::id();
        sd_notify::notify(&[NotifyState::MainPid(pid), NotifyState::Ready])?;
        say(&Said::Ready { endpoints: self.endpoints.clone() })
    }

    /// Stops to accept, says so to the successor, and finishes what was accepted.
    pub(crate) async fn replaced(mut self, mut successor: Control) -> Result<ExitCode, Failure> {
        let answering = self.stop_accepting().await;
        Predecessor::left(&mut successor).await?;
        finish(answering).await
    }

    pub(crate) async fn stop(mut self) -> Result<ExitCode, Failure> {
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

    pub(crate) fn port(&self) -> Result<u16, Failure> {
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
async fn accept(mut listener: Listener, mut stop: watch::Receiver<()>) -> Answering {
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

fn say(said: &Said) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(said)?)?;
    Ok(out.flush()?)
}

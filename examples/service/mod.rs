//! What the example services have in common: their options, the log, the signals, the report.
//!
//! A service serves until interrupted, by Ctrl-C or SIGTERM. Then it accepts nothing more, finishes
//! its conversations, and says what it has done. Interrupted again it drops them at once. It ends with
//! 0 if all connections ended within the grace, with 3 if some had to be aborted, with 1 if it could
//! not serve. What happens to its connections is logged to standard error, as much of it as `RUST_LOG`
//! asks for.

mod log;

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anysock::{AnyCodec, Connection, Endpoint, Limits, Listener, Quota, Report, Shutdown};
use serde::Serialize;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// How it ends if connections did not.
const ABORTED: u8 = 3;

/// The options of every service.
#[derive(clap::Args)]
pub(crate) struct Service {
    /// The longest message, in bytes [default: the program's own, else 1 MiB on streams, 64 KiB elsewhere]
    #[arg(long, value_name = "BYTES")]
    pub(crate) max: Option<usize>,

    /// Connections at a time; further ones wait
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub(crate) max_connections: usize,

    /// Connections at a time of one address; further ones are refused
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_per_address: Option<usize>,

    /// Connections at a time of one user, over unix sockets; further ones are refused
    #[arg(long, value_name = "COUNT")]
    pub(crate) max_per_uid: Option<usize>,

    /// Messages per second of each connection; further ones wait
    #[arg(long, value_name = "MESSAGES")]
    pub(crate) rate: Option<u64>,

    /// A connection on which nothing has passed for so long is closed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) idle: Option<Duration>,

    /// How long connections may take to end, once interrupted
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    pub(crate) grace: Duration,

    /// Say what was done as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads a number of seconds, for clap.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// How the program `name` ends that `run` is, and its log.
pub(crate) async fn end_of(
    name: &str,
    run: impl Future<Output = Result<ExitCode, Box<dyn Error>>>,
) -> ExitCode {
    log::begin("info");
    // Returning drops every listener and connection, and with them their socket files.
    run.await.unwrap_or_else(|error| {
        eprintln!("{name}: {error}");
        ExitCode::FAILURE
    })
}

impl Service {
    /// Serves the endpoints by `handler` until interrupted; at the end says what was done, and what
    /// `counts` says of the messages.
    pub(crate) async fn run<H, F, E, C>(
        &self,
        endpoints: &[(Endpoint, AnyCodec)],
        shutdown: &Shutdown,
        handler: H,
        counts: impl FnOnce() -> C,
    ) -> Result<ExitCode, Box<dyn Error>>
    where
        H: FnMut(Connection) -> F + Send + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
        C: Display + Serialize,
    {
        // Before the first line is printed, so that who has read it may interrupt.
        let interrupted_again = shut_down_when_interrupted(shutdown)?;
        let mut serving = anysock::serve(self.bind(endpoints).await?, handler)
            .max_connections(self.max_connections)
            .limits(self.limits())
            .shutdown(shutdown.clone(), self.grace);
        if let Some(most) = self.max_per_address {
            serving = serving.max_per_address(most);
        }
        if let Some(most) = self.max_per_uid {
            serving = serving.max_per_uid(most);
        }
        let report = tokio::select! {
            report = serving.into_future() => report,
            _ = interrupted_again => {
                tracing::warn!("interrupted again, all connections are dropped");
                return Ok(ExitCode::from(ABORTED));
            }
        };
        print(&report, counts(), self.json)?;
        match report.aborted {
            _ if !shutdown.has_begun() => {
                Err("none of the endpoints can be served any more".into())
            }
            0 => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::from(ABORTED)),
        }
    }

    fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        if let Some(rate) = self.rate {
            limits = limits.rate(Quota::messages(rate, rate));
        }
        if let Some(idle) = self.idle {
            limits = limits.idle(idle);
        }
        limits
    }

    /// Binds all the endpoints, or none, and says where they are.
    async fn bind(
        &self,
        endpoints: &[(Endpoint, AnyCodec)],
    ) -> Result<Vec<Listener>, Box<dyn Error>> {
        let mut listeners = Vec::new();
        for (endpoint, codec) in endpoints {
            let mut bind = anysock::bind(endpoint).codec(codec.clone());
            if let Some(max) = self.max {
                bind = bind.max(max);
            }
            let bound =
                bind.await.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?;
            if bound.cell().is_none() {
                let why = "it is within this process, and nobody else could connect";
                return Err(format!("cannot listen on {endpoint}: {why}").into());
            }
            listeners.push(bound);
        }
        let mut out = io::stdout().lock();
        for listener in &listeners {
            writeln!(out, "listening on {}", listener.endpoint())?;
        }
        out.flush()?;
        Ok(listeners)
    }
}

/// Begins the shutdown at the first signal; the task ends at the second.
fn shut_down_when_interrupted(shutdown: &Shutdown) -> io::Result<JoinHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let shutdown = shutdown.clone();
    Ok(tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            shutdown.begin();
        }
    }))
}

fn print(report: &Report, counts: impl Display + Serialize, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if !as_json {
        write!(out, "{report}")?;
        return writeln!(out, "{counts}");
    }
    let listeners = report.listeners.iter().map(|listener| {
        json!({
            "endpoint": listener.endpoint.to_string(),
            "accepted": listener.accepted,
            "refused": listener.refused,
            "dropped": listener.stats.dropped,
            "replies_dropped": listener.stats.replies_dropped,
            "error": listener.error.as_ref().map(ToString::to_string),
        })
    });
    let all = json!({
        "accepted": report.accepted,
        "finished": report.finished,
        "failed": report.failed,
        "aborted": report.aborted,
        "panicked": report.panicked,
        "refused": report.refused(),
        "listeners": listeners.collect::<Vec<_>>(),
        "messages": counts,
    });
    writeln!(out, "{all}")
}

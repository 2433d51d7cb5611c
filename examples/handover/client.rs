//! The load: connections, one after the other in several tasks, and what of them was lost.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anysock::Endpoint;
use anysock::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Failure;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Of so many connections of a task one lasts longer, so that some outlive the server that
/// accepted them being replaced.
const LASTING: u64 = 50;
/// How long that one is silent between its messages.
const PAUSE: Duration = Duration::from_millis(20);
/// Messages of a connection.
const MESSAGES: u32 = 3;

/// What the client says on its standard output: how many connections there were so far, and at the
/// end what became of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    Made { connections: u64 },
    Ended { connections: u64, lost: u64, reasons: BTreeMap<String, u64> },
}

/// What all tasks count.
#[derive(Default)]
struct Counts {
    made: AtomicU64,
    stop: AtomicBool,
}

/// Connects to all the endpoints in turn until standard input ends.
pub(crate) async fn load(endpoints: &[Endpoint], at_once: u64) -> Result<ExitCode, Failure> {
    let counts = Arc::new(Counts::default());
    let mut tasks = JoinSet::new();
    for task in 0..at_once {
        tasks.spawn(connections(task, endpoints.to_vec(), Arc::clone(&counts)));
    }
    let at_end = Arc::clone(&counts);
    std::thread::spawn(move || {
        let _ = io::stdin().lock().read_to_end(&mut Vec::new());
        at_end.stop.store(true, Ordering::Relaxed);
    });
    while !counts.stop.load(Ordering::Relaxed) {
        say(&Said::Made { connections: counts.made.load(Ordering::Relaxed) })?;
        sleep(Duration::from_millis(5)).await;
    }
    let mut reasons = BTreeMap::new();
    while let Some(of_one) = tasks.join_next().await {
        for (why, times) in of_one? {
            *reasons.entry(why).or_default() += times;
        }
    }
    let (connections, lost) = (counts.made.load(Ordering::Relaxed), reasons.values().sum());
    say(&Said::Ended { connections, lost, reasons })?;
    Ok(ExitCode::SUCCESS)
}

/// One connection after the other; why some were lost, and how often.
async fn connections(
    task: u64,
    endpoints: Vec<Endpoint>,
    counts: Arc<Counts>,
) -> BTreeMap<String, u64> {
    let mut lost = BTreeMap::new();
    let mut number = task;
    while !counts.stop.load(Ordering::Relaxed) {
        let endpoint = &endpoints[(number % endpoints.len() as u64) as usize];
        let pause = (number % LASTING == 0).then_some(PAUSE);
        if let Err(error) = converse(endpoint, number, pause).await {
            *lost.entry(error.to_string()).or_default() += 1;
            // What is refused at once would otherwise be all that is counted.
            sleep(Duration::from_millis(1)).await;
        }
        counts.made.fetch_add(1, Ordering::Relaxed);
        number += 1;
    }
    lost
}

/// A whole connection: made, answered message by message, and ended by both.
async fn converse(
    endpoint: &Endpoint,
    number: u64,
    pause: Option<Duration>,
) -> Result<(), Failure> {
    let mut server = anysock::connect(endpoint).deadline(PATIENCE).await?;
    for message in 0..MESSAGES {
        let text = format!("{number}.{message}");
        server.send(&text).await?;
        match timeout(PATIENCE, server.recv()).await? {
            Ok(Some(answer)) if answer == *text => {}
            Ok(Some(_)) => return Err("answered with something else".into()),
            Ok(None) => return Err("ended before it was answered".into()),
            Err(error) => return Err(error.into()),
        }
        if let Some(pause) = pause {
            sleep(pause).await;
        }
    }
    timeout(PATIENCE, server.close()).await??;
    Ok(())
}

fn say(said: &Said) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(said)?)?;
    Ok(out.flush()?)
}

//! Calls by tower over any reliable cell, by order and by number: `calls [ENDPOINT..]`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example calls
//! cargo run -p anysock-ecosystem --example calls -- unix-seqpacket:@calls tcp://127.0.0.1:7000
//! ```
//!
//! A server and a client in one process. `service.rs` makes a `Service` of a transport, and whatever
//! tower has goes on top. Many callers have a clone each.

#[path = "../../../examples/service/log.rs"]
mod log;
mod service;

use std::process::ExitCode;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Endpoint, Shutdown};
use bytes::Bytes;
use clap::Parser;
use tower::ServiceExt;

use self::service::{Calls, Match};

/// Calls over any reliable transport, many at a time
#[derive(Parser)]
struct Arguments {
    /// Where to; each is served and asked
    #[arg(
        value_name = "ENDPOINT",
        default_values = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "unix:", "unix-seqpacket:", "mem:calls"]
    )]
    endpoints: Vec<Endpoint>,
    /// Calls on each
    #[arg(long, value_name = "COUNT", default_value_t = 1000)]
    calls: usize,
    /// At most so many under way
    #[arg(long, value_name = "COUNT", default_value_t = 32)]
    most: usize,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log::begin();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("calls: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut listeners = Vec::new();
    for endpoint in &arguments.endpoints {
        let bound = anysock::bind(endpoint).await;
        listeners.push(bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?);
    }
    let endpoints: Vec<_> = listeners.iter().map(|bound| bound.endpoint().clone()).collect();
    let shutdown = Shutdown::new();
    // What comes back as it was has its number at the head, so that one server does for both.
    let serving = anysock::serve(listeners, |mut peer| async move {
        while let Some(message) = peer.recv().await? {
            peer.feed(message).await?;
        }
        Ok::<_, anysock::Error>(())
    });
    let serving = serving.shutdown(shutdown.clone(), Duration::from_secs(5));
    let serving = tokio::spawn(serving.into_future());
    for endpoint in endpoints {
        for by in [Match::ByOrder, Match::ById] {
            let asked = ask(&endpoint, by, arguments.calls, arguments.most).await;
            asked.map_err(|error| format!("{endpoint}: {error}"))?;
            println!("{endpoint}: {} calls, {by:?}", arguments.calls);
        }
    }
    shutdown.begin();
    print!("{}", serving.await?);
    Ok(())
}

async fn ask(endpoint: &Endpoint, by: Match, calls: usize, most: usize) -> Result<(), Failure> {
    let service = Calls::new(anysock::connect(endpoint).await?, by, most)?;
    let within = Duration::from_secs(10);
    let called = (0..calls).map(|number| {
        let service = service.clone();
        async move {
            let request = Bytes::from(format!("call {number}"));
            let answered = service.oneshot(request.clone());
            let answer = tokio::time::timeout(within, answered).await??;
            if answer != request {
                return Err(Failure::from(format!("{answer:?} is the answer to {request:?}")));
            }
            Ok(())
        }
    });
    futures_util::future::try_join_all(called).await.map(drop)
}

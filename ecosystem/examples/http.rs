//! axum on a unix socket and on TCP at once, to an orderly end: `http [ENDPOINT..]`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example http -- unix:/tmp/http.sock tcp://127.0.0.1:8080
//! curl --unix-socket /tmp/http.sock http://localhost/greet/you
//! curl http://127.0.0.1:8080/greet/you
//! ```
//!
//! Whatever [`anysock::bind`] does is there for HTTP as well: stale socket files are replaced and
//! living ones are not, inherited sockets (`fd:N`, `systemd:NAME`) are endpoints like any other,
//! options and a gate are set by the builder, accepting survives what can be survived.
//!
//! **Slow clients are not bounded here.** `axum::serve` sets no deadline for the head of a request and
//! no bound on connections: who says nothing, or one byte a minute, is kept until he goes or the
//! shutdown begins, and whoever has descriptors enough uses up those of this process. Where strangers
//! connect, have a proxy in front, or serve the same router as the example `hyper` does, which bounds
//! all of that, by `hyper_util::service::TowerToHyperService::new(router)`.

#[path = "program/interrupted.rs"]
mod interrupted;
#[path = "program/mod.rs"]
mod program;

use std::future::pending;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anysock::sockets::StreamSocket;
use anysock::{Addr, Endpoint, Streams};
use axum::Router;
use axum::extract::{ConnectInfo, Path};
use axum::routing::get;
use axum::serve::IncomingStream;
use clap::Parser;
use tokio::task::JoinSet;

/// A bound endpoint as axum wants it. The trait is axum's and the type anysock's, so that one of one's
/// own must stand between.
struct Listening(Streams);

impl axum::serve::Listener for Listening {
    type Io = StreamSocket;
    type Addr = Addr;

    async fn accept(&mut self) -> (StreamSocket, Addr) {
        match self.0.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                eprintln!("http: {} accepts no more: {error}", self.0.endpoint());
                pending().await
            }
        }
    }

    fn local_addr(&self) -> io::Result<Addr> {
        self.0.as_socket().local_addr()
    }
}

/// Who asks.
#[derive(Clone)]
struct Peer(Addr);

impl axum::extract::connect_info::Connected<IncomingStream<'_, Listening>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listening>) -> Self {
        Self(stream.remote_addr().clone())
    }
}

/// Greets over HTTP/1.1 on any streams, until it is interrupted: GET /greet/NAME, GET /slow
#[derive(Parser)]
#[command(after_help = program::LOG)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, unix:PATH, fd:N, systemd:NAME
    #[arg(value_name = "ENDPOINT", default_values = ["tcp://127.0.0.1:8080", "unix:/tmp/http.sock"])]
    endpoints: Vec<Endpoint>,
    /// How long requests may still take, once it is interrupted
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    grace: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::end_of("http", run(Arguments::parse())).await
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = interrupted::shutdown()?;
    let mut listeners = Vec::new();
    for endpoint in &arguments.endpoints {
        let bound = anysock::bind(endpoint).await;
        let bound = bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?;
        listeners.push(bound.into_streams()?);
    }
    let app = Router::new()
        .route("/greet/{name}", get(greet))
        .route("/slow", get(slow))
        .into_make_service_with_connect_info::<Peer>();
    let mut services = JoinSet::new();
    for streams in listeners {
        println!("listening on {}", streams.endpoint());
        let service = axum::serve(Listening(streams), app.clone());
        let service = service.with_graceful_shutdown(shutdown.clone().into_future());
        services.spawn(service.into_future());
    }
    shutdown.begun().await;
    let grace = Duration::from_secs(arguments.grace);
    let ended = tokio::time::timeout(grace, services.join_all()).await;
    ended.map_err(|_| format!("requests were not answered within {grace:?}"))?;
    println!("all requests were answered");
    Ok(())
}

async fn greet(Path(name): Path<String>, ConnectInfo(Peer(peer)): ConnectInfo<Peer>) -> String {
    match peer {
        Addr::Ip(_) => format!("hello {name}, over TCP\n"),
        Addr::Unix(_) => format!("hello {name}, over a unix socket\n"),
    }
}

/// Is under way while the shutdown begins.
async fn slow() -> &'static str {
    println!("slow has begun");
    tokio::time::sleep(Duration::from_secs(1)).await;
    "answered all the same\n"
}

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
//! options and a gate are set by the builder, accepting survives what can be survived. hyper alone
//! takes a `StreamSocket` by `hyper_util::rt::TokioIo::new(socket)`.

use std::future::pending;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anysock::prelude::*;
use anysock::sockets::StreamSocket;
use anysock::{Addr, Endpoint, Shutdown};
use axum::Router;
use axum::extract::{ConnectInfo, Path};
use axum::routing::get;
use axum::serve::IncomingStream;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// A bound endpoint as axum wants it. The trait is axum's and the listener anysock's, so that a type
/// of one's own must stand between.
struct Listening(anysock::Listener);

impl axum::serve::Listener for Listening {
    type Io = StreamSocket;
    type Addr = Addr;

    async fn accept(&mut self) -> (StreamSocket, Addr) {
        loop {
            let connection = match self.0.accept().await {
                Ok(connection) => connection,
                Err(error) => {
                    eprintln!("http: {} accepts no more: {error}", self.0.endpoint());
                    return pending().await;
                }
            };
            // Who has reset the connection by now has no address.
            let Ok(peer) = connection.peer_addr() else { continue };
            match connection.into_stream() {
                Ok(socket) => return (socket, peer),
                Err(refused) => eprintln!("http: {refused}"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Addr> {
        let socket = self.0.as_socket();
        socket.map_or(Err(io::ErrorKind::Unsupported.into()), |socket| socket.local_addr())
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

/// Greets over HTTP, on any stream
#[derive(Parser)]
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
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let app = Router::new()
        .route("/greet/{name}", get(greet))
        .route("/slow", get(slow))
        .into_make_service_with_connect_info::<Peer>();
    let shutdown = Shutdown::new();
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);

    let mut listeners = Vec::new();
    for endpoint in &arguments.endpoints {
        let bound = anysock::bind(endpoint).await;
        let bound = bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?;
        let kind = bound.cell().map(|cell| cell.kind);
        if kind != Some(anysock::Type::Stream) {
            return Err(format!("HTTP needs a stream, and {endpoint} is none").into());
        }
        listeners.push(bound);
    }
    let mut services = JoinSet::new();
    for listener in listeners {
        println!("listening on {}", listener.endpoint());
        let told = shutdown.clone();
        let service = axum::serve(Listening(listener), app.clone());
        let service = service.with_graceful_shutdown(async move { told.begun().await });
        services.spawn(service.into_future());
    }
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    shutdown.begin();
    let all = async { while services.join_next().await.is_some() {} };
    let grace = Duration::from_secs(arguments.grace);
    match tokio::time::timeout(grace, all).await {
        Ok(()) => {
            println!("all requests were answered");
            Ok(())
        }
        Err(_) => Err(format!("requests were not answered within {grace:?}").into()),
    }
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

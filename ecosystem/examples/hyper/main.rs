//! hyper without a framework, server and client, on unix sockets and TCP: `hyper serve | get`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example hyper -- serve tcp://127.0.0.1:8080 unix:/tmp/hyper.sock
//! curl http://127.0.0.1:8080/greet/you
//! curl --http2-prior-knowledge --unix-socket /tmp/hyper.sock http://localhost/greet/you
//! curl -d 'to be sent back' http://127.0.0.1:8080/echo
//! cargo run -p anysock-ecosystem --example hyper -- get unix:/tmp/hyper.sock /greet/one /greet/two
//! ```
//!
//! [`anysock::serve`] accepts, bounds the connections and ends them; `server.rs` has what hyper does
//! with one, and what a slow client may take. `client.rs` has the connector of a client that pools.

mod client;
#[path = "../program/interrupted.rs"]
mod interrupted;
#[path = "../program/mod.rs"]
mod program;
mod server;

use std::process::ExitCode;
use std::time::Duration;

use anysock::{Endpoint, Listener, Type};
use clap::{Parser, Subcommand};

use self::server::Patience;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// HTTP/1.1 and HTTP/2 by hyper, on any streams
#[derive(Parser)]
#[command(after_help = program::LOG)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answers on all endpoints, until it is interrupted: GET /greet/NAME, GET /slow, POST /echo
    Serve {
        /// Where to listen: tcp://HOST:PORT, unix:PATH, fd:N, systemd:NAME
        #[arg(
            value_name = "ENDPOINT",
            default_values = ["tcp://127.0.0.1:8080", "unix:/tmp/hyper.sock"]
        )]
        endpoints: Vec<Endpoint>,
        /// Connections at a time; further ones wait
        #[arg(long, value_name = "COUNT", default_value_t = 1000)]
        max_connections: usize,
        /// How long a client may take for the head of a request, be silent between two, or leave an
        /// answer unread
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
        patience: Duration,
        /// How long a request may take, with its body
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30")]
        request: Duration,
        /// How long requests may still take, once it is interrupted
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
        grace: Duration,
    },
    /// Asks for paths, one after the other, and prints the answers
    Get {
        /// Whom to ask: tcp://HOST:PORT or unix:PATH
        endpoint: Endpoint,
        /// What for; each begins with /
        #[arg(value_name = "PATH", default_value = "/greet/you")]
        paths: Vec<String>,
        /// By HTTP/2, without asking first
        #[arg(long)]
        http2: bool,
        /// How long each answer may take, with its body
        #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
        patience: Duration,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map_err(|_| format!("{text:?} is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() -> ExitCode {
    program::end_of("hyper", run(Arguments::parse().role)).await
}

async fn run(role: Role) -> Result<(), Failure> {
    match role {
        Role::Serve { endpoints, max_connections, patience, request, grace } => {
            let shutdown = interrupted::shutdown()?;
            let listeners = bind(&endpoints).await?;
            let (told, patience) = (shutdown.clone(), Patience { silent: patience, request });
            let serving = anysock::serve(listeners, move |peer| {
                server::answer_all(peer, patience, told.clone())
            });
            let report = serving.max_connections(max_connections).shutdown(shutdown, grace).await;
            print!("{report}");
            match report.aborted {
                0 => Ok(()),
                left => Err(format!("{left} connections did not end within {grace:?}").into()),
            }
        }
        Role::Get { endpoint, paths, http2, patience } => {
            client::get(&endpoint, &paths, http2, patience).await
        }
    }
}

async fn bind(endpoints: &[Endpoint]) -> Result<Vec<Listener>, Failure> {
    let mut listeners = Vec::new();
    for endpoint in endpoints {
        let bound = anysock::bind(endpoint).await;
        let bound = bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?;
        if bound.cell().map(|cell| cell.kind) != Some(Type::Stream) {
            return Err(format!("HTTP needs a stream, and {endpoint} is none").into());
        }
        listeners.push(bound);
    }
    for listener in &listeners {
        println!("listening on {}", listener.endpoint());
    }
    Ok(listeners)
}

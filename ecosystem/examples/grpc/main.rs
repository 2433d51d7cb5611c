//! gRPC by tonic, on TCP and unix streams alike: `grpc serve [ENDPOINT..] | ask [ENDPOINT] [TEXT..]`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example grpc -- serve
//! cargo run -p anysock-ecosystem --example grpc -- ask
//! cargo run -p anysock-ecosystem --example grpc -- ask tcp://127.0.0.1:50051 more words
//! ```
//!
//! The service is written and generated as tonic wants it; `transport.rs` alone knows of sockets.
//! `words.rs` is generated from `words.proto` by `generate/`, and committed, because what generates it
//! takes longer to build than all the rest.

#[path = "../program/interrupted.rs"]
mod interrupted;
#[path = "../program/mod.rs"]
mod program;
mod transport;

use std::future::pending;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::Duration;

use anysock::Endpoint;
use clap::{Parser, Subcommand};
use futures_util::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use self::transport::Peer;
use self::words::words_client::WordsClient;
use self::words::words_server::{Words, WordsServer};
use self::words::{Most, Number, Text};

#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
#[expect(unreachable_pub, reason = "generated")]
mod words {
    include!("words.rs");
}

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Speller;

#[tonic::async_trait]
impl Words for Speller {
    type CountStream = Answers<Number>;
    type EchoStream = Answers<Text>;

    async fn upper(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let text = request.into_inner().text.to_uppercase();
        if text.is_empty() {
            return Err(Status::invalid_argument("nothing to be put in capitals"));
        }
        let mut answer = Response::new(Text { text });
        if let Some(over) = peer.and_then(|peer| peer.over().parse().ok()) {
            answer.metadata_mut().insert("over", over);
        }
        Ok(answer)
    }

    async fn count(&self, request: Request<Most>) -> Result<Response<Self::CountStream>, Status> {
        let numbers = 1..=request.into_inner().most;
        let numbers = numbers.map(|number| Ok(Number { number }));
        Ok(Response::new(Box::pin(futures_util::stream::iter(numbers))))
    }

    async fn echo(
        &self,
        request: Request<Streaming<Text>>,
    ) -> Result<Response<Self::EchoStream>, Status> {
        Ok(Response::new(Box::pin(request.into_inner())))
    }
}

/// gRPC, on any stream
#[derive(Parser)]
#[command(after_help = program::LOG)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Answers calls on all endpoints, until it is interrupted
    Serve {
        /// Where to listen: tcp://HOST:PORT, unix:PATH, fd:N, systemd:NAME
        #[arg(
            value_name = "ENDPOINT",
            default_values = ["tcp://127.0.0.1:50051", "unix:/tmp/grpc.sock"]
        )]
        endpoints: Vec<Endpoint>,
        /// How long calls may still take, once it is interrupted
        #[arg(long, value_name = "SECONDS", default_value_t = 10)]
        grace: u64,
    },
    /// Makes one call of each kind, and prints the answers
    Ask {
        /// Whom to ask: tcp://HOST:PORT or unix:PATH
        #[arg(default_value = "unix:/tmp/grpc.sock")]
        endpoint: Endpoint,
        /// What is put in capitals, and sent back
        #[arg(value_name = "TEXT", default_values = ["hello", "world"])]
        texts: Vec<String>,
        /// How far the server counts
        #[arg(long, value_name = "NUMBER", default_value_t = 3)]
        count: u64,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let role = Arguments::parse().role;
    program::end_of("grpc", async {
        match role {
            Role::Serve { endpoints, grace } => serve(&endpoints, Duration::from_secs(grace)).await,
            Role::Ask { endpoint, texts, count } => ask(&endpoint, texts, count).await,
        }
    })
    .await
}

async fn serve(endpoints: &[Endpoint], grace: Duration) -> Result<(), Failure> {
    let shutdown = interrupted::shutdown()?;
    let listeners = transport::bind(endpoints).await?;
    for listener in &listeners {
        println!("listening on {}", listener.endpoint());
    }
    // tonic holds what it was given until its last call is answered, and clients would queue up there.
    // So the incoming stream ends, and closes its listeners, instead of a signal to tonic; without any
    // it would not wait for the calls.
    let serving = tonic::transport::Server::builder()
        .add_service(WordsServer::new(Speller))
        .serve_with_incoming_shutdown(transport::incoming(listeners, &shutdown), pending());
    tokio::pin!(serving);
    tokio::select! {
        biased; // the shutdown ends both
        () = shutdown.begun() => {}
        ended = &mut serving => {
            ended?;
            return Err("no endpoint accepts any more".into());
        }
    }
    match tokio::time::timeout(grace, serving).await {
        Ok(ended) => {
            ended?;
            println!("all calls were answered");
            Ok(())
        }
        Err(_) => Err(format!("calls were not answered within {grace:?}").into()),
    }
}

async fn ask(endpoint: &Endpoint, texts: Vec<String>, count: u64) -> Result<(), Failure> {
    let channel = transport::channel(endpoint).await?;
    let mut client = WordsClient::new(channel);
    for text in &texts {
        let answer = client.upper(Text { text: text.clone() }).await?;
        let over = answer.metadata().get("over").and_then(|over| over.to_str().ok());
        println!("{} (over {})", answer.get_ref().text, over.unwrap_or("?"));
    }
    let (mut numbers, mut counted) = (client.count(Most { most: count }).await?.into_inner(), 0);
    while let Some(number) = numbers.next().await.transpose()? {
        counted += 1;
        if number.number != counted {
            return Err(format!("{} came instead of {counted}", number.number).into());
        }
    }
    println!("counted to {counted}");
    let texts = texts.into_iter().map(|text| Text { text });
    let echoes = client.echo(futures_util::stream::iter(texts)).await?;
    let mut echoes = echoes.into_inner();
    while let Some(echo) = echoes.next().await.transpose()? {
        println!("{}", echo.text);
    }
    Ok(())
}

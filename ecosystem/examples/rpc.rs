//! tarpc over any reliable cell: streams, seqpacket, in memory: `rpc [ENDPOINT..]`.
//!
//! ```text
//! cargo run -p anysock-ecosystem --example rpc
//! cargo run -p anysock-ecosystem --example rpc -- unix-seqpacket:@rpc tcp://127.0.0.1:7000
//! ```
//!
//! A server and a client in one process. tarpc wants a `Stream` of requests and a `Sink` of answers;
//! a split transport is both, of bytes, and JSON stands between. Requests carry numbers, so that many
//! are under way at a time, and are answered in any order.
//!
//! No client of another make is tried with it: tarpc is a protocol between Rust programs, and has no
//! other implementation.

#[path = "program/mod.rs"]
mod program;

use std::io;
use std::marker::PhantomData;
use std::pin::Pin;
use std::process::ExitCode;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{
    Connection, ConnectionRecv, ConnectionSend, Endpoint, MessageSink, MessageStream, Shutdown,
};
use clap::Parser;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tarpc::context;
use tarpc::server::{BaseChannel, Channel};

#[tarpc::service]
trait Sums {
    /// The sum of all.
    async fn sum(numbers: Vec<u64>) -> u64;
    /// Waits so long, and says so.
    async fn wait(millis: u64) -> u64;
}

#[derive(Clone)]
struct Adder;

impl Sums for Adder {
    async fn sum(self, _: context::Context, numbers: Vec<u64>) -> u64 {
        numbers.into_iter().fold(0, u64::wrapping_add)
    }

    async fn wait(self, _: context::Context, millis: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        millis
    }
}

/// A transport as tarpc wants it: one message is one `In` received, or one `Out` sent, in JSON.
struct Json<In, Out> {
    receiving: MessageStream<ConnectionRecv>,
    sending: MessageSink<ConnectionSend, Vec<u8>>,
    carries: PhantomData<fn(Out) -> In>,
}

impl<In, Out> Json<In, Out> {
    fn new(connection: Connection) -> Result<Self, anysock::Error> {
        // A request that is lost in silence would be waited for until its deadline.
        connection.require(Guarantees::RELIABLE | Guarantees::BOUNDARIES)?;
        let (sending, receiving) = connection.split();
        let (sending, receiving) = (sending.into_sink(), receiving.into_stream());
        Ok(Self { receiving, sending, carries: PhantomData })
    }
}

impl<In: DeserializeOwned, Out> Stream for Json<In, Out> {
    type Item = io::Result<In>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(ready!(self.receiving.poll_next_unpin(cx)).map(|message| {
            let message = message.map_err(io::Error::from)?;
            serde_json::from_slice(&message).map_err(io::Error::from)
        }))
    }
}

impl<In, Out: Serialize> Sink<Out> for Json<In, Out> {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sending.poll_ready_unpin(cx).map_err(io::Error::from)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Out) -> io::Result<()> {
        let message = serde_json::to_vec(&item)?;
        self.sending.start_send_unpin(message).map_err(io::Error::from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sending.poll_flush_unpin(cx).map_err(io::Error::from)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.sending.poll_close_unpin(cx).map_err(io::Error::from)
    }
}

/// Calls by tarpc over any reliable transport: a server and a client in one process
#[derive(Parser)]
#[command(after_help = program::LOG)]
struct Arguments {
    /// Where to; each is served and asked: tcp://HOST:PORT, unix:PATH, unix-seqpacket:PATH, mem:NAME
    #[arg(
        value_name = "ENDPOINT",
        default_values = ["tcp://127.0.0.1:0", "tcp://[::1]:0", "unix:", "unix-seqpacket:", "mem:sums"]
    )]
    endpoints: Vec<Endpoint>,
}

#[tokio::main]
async fn main() -> ExitCode {
    program::end_of("rpc", run(Arguments::parse())).await
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut listeners = Vec::new();
    for endpoint in &arguments.endpoints {
        let bound = anysock::bind(endpoint).await;
        listeners.push(bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?);
    }
    let endpoints: Vec<_> = listeners.iter().map(|bound| bound.endpoint().clone()).collect();
    let shutdown = Shutdown::new();
    let serving = anysock::serve(listeners, |peer| async {
        // At most so many requests of one client are under way, the others wait in its socket.
        let channel = BaseChannel::with_defaults(Json::new(peer)?).max_concurrent_requests(100);
        let answers = channel.execute(Adder.serve());
        answers.for_each_concurrent(None, |answer| answer).await;
        Ok::<_, anysock::Error>(())
    });
    let serving = serving.shutdown(shutdown.clone(), Duration::from_secs(5));
    let serving = tokio::spawn(serving.into_future());
    for endpoint in endpoints {
        let asked = ask(&endpoint).await;
        asked.map_err(|error| format!("{endpoint}: {error}"))?;
        println!("{endpoint}: 100 sums at once, and answers out of order");
    }
    shutdown.begin();
    print!("{}", serving.await?);
    Ok(())
}

async fn ask(endpoint: &Endpoint) -> Result<(), Failure> {
    let transport = Json::new(anysock::connect(endpoint).await?)?;
    let client = SumsClient::new(tarpc::client::Config::default(), transport).spawn();
    let sums = (0..100).map(|most| {
        let client = client.clone();
        async move { client.sum(context::current(), (0..=most).collect()).await }
    });
    for (most, sum) in (0..100).zip(futures_util::future::join_all(sums).await) {
        let (sum, expected) = (sum?, most * (most + 1) / 2);
        if sum != expected {
            return Err(format!("{sum} came back instead of {expected}").into());
        }
    }
    // Who asks first waits longest.
    let (long, short) =
        (client.wait(context::current(), 5_000), client.wait(context::current(), 1));
    tokio::select! {
        biased;
        long = long => Err(format!("{long:?} came before a short one that was behind it").into()),
        short = short => short.map(|_| ()).map_err(Failure::from),
    }
}

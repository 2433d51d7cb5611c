//! Passes on what comes at one endpoint to another, and what comes back: `relay FROM TO`.
//!
//! ```text
//! cargo run --example relay -- tcp://127.0.0.1:7000 unix:/run/app.sock --idle 60
//! socat - TCP:127.0.0.1:7000
//! ```
//!
//! Any cell to any cell, one connection to TO for each to FROM. Between two streams bytes are passed
//! on as they come; where a side keeps boundaries, messages are, and a stream at the other side marks
//! them by a codec (`--codec`, u32 unless said). Two codecs translate: `--codec lines --to-codec octets`.
//!
//! Who does not read holds up who writes: a way holds no more than what it received at once, and what
//! a connection may have unsent. Half closes are passed on, and so is over TCP that a connection failed,
//! as a reset: what was cut off is not to be taken for whole. Datagrams have no end: once the other way
//! has ended, or the relay is interrupted, they are taken for done after `--silence`. A message that the
//! other side cannot carry, or that it drops, is lost alone, logged and counted.
//!
//! Interrupted, it lets conversations end within the grace; signals, log, report and exit codes are those
//! of every [`service`].

mod service;

use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{
    AnyCodec, Connect, Connection, ConnectionRecv, ConnectionSend, Endpoint, Error, Options,
    Shutdown, Socket, Type, Unframed,
};
use clap::Parser;
use serde::Serialize;
use service::Service;

/// Messages that are passed on by one flush.
const BATCH: usize = 64;

/// Passes on what comes at FROM to TO, and what comes back, until interrupted.
#[derive(Parser)]
struct Arguments {
    /// Where to listen: tcp://HOST:PORT, udp://HOST:PORT, unix:PATH, unix-dgram:PATH,
    /// unix-seqpacket:PATH; fd:N or systemd:NAME for a socket that was inherited.
    from: Endpoint,

    /// Where to connect to, for each connection
    to: Endpoint,

    /// How streams mark messages, as for the example echo [default: unframed between two streams, u32
    /// where one side keeps boundaries, or is inherited]
    #[arg(long, value_name = "NAME")]
    codec: Option<AnyCodec>,

    /// The same at TO, if it is another one there
    #[arg(long, value_name = "NAME")]
    to_codec: Option<AnyCodec>,

    /// How long datagrams may pause once the other way has ended
    #[arg(long, value_name = "SECONDS", value_parser = service::seconds, default_value = "1")]
    silence: Duration,

    #[command(flatten)]
    service: Service,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Arguments { from, to, codec, to_codec, silence, service } = Arguments::parse();
    let keeps_boundaries = [&from, &to].iter().any(|end| end.kind() != Some(Type::Stream));
    let codec = match codec {
        Some(codec) => codec,
        None if keeps_boundaries => AnyCodec::default(),
        None => Unframed::new().into(),
    };
    let mut onward = anysock::connect(&to).codec(to_codec.unwrap_or_else(|| codec.clone()));
    if let Some(max) = service.max {
        onward = onward.max(max);
    }
    let (shutdown, counts) = (Shutdown::new(), Arc::<Counts>::default());
    let relay = Relay { onward, to, silence, counts: counts.clone(), shutdown: shutdown.clone() };
    let handler = move |client| relay.clone().pass(client);
    let endpoints = [(from, codec)];
    service::end_of("relay", service.run(&endpoints, &shutdown, handler, || &*counts)).await
}

/// What every connection needs.
#[derive(Clone)]
struct Relay {
    onward: Connect,
    to: Endpoint,
    silence: Duration,
    counts: Arc<Counts>,
    shutdown: Shutdown,
}

/// What has passed.
#[derive(Default, Serialize)]
struct Counts {
    forward: Way,
    back: Way,
}

#[derive(Default, Serialize)]
struct Way {
    messages: AtomicU64,
    bytes: AtomicU64,
    lost: AtomicU64,
}

impl Relay {
    /// Passes on between one client and a connection of its own, both ways until both have ended.
    async fn pass(self, client: Connection) -> Result<(), Error> {
        let from = client.peer_addr().ok();
        let ended = self.connect_and_pass(client).await;
        match &ended {
            Ok(()) => tracing::debug!(?from, "conversation ended"),
            Err(error) => tracing::warn!(?from, to = %self.to, %error, "conversation failed"),
        }
        ended
    }

    async fn connect_and_pass(&self, client: Connection) -> Result<(), Error> {
        let server = self.onward.clone().await?;
        let mut cut_off = CutOff::of([&client, &server])?;
        let (to_server, from_server) = server.split();
        let (to_client, from_client) = client.split();
        let one_way_ended = Shutdown::new();
        let forward = self.one_way(from_client, to_server, &self.counts.forward, &one_way_ended);
        let back = self.one_way(from_server, to_client, &self.counts.back, &one_way_ended);
        tokio::try_join!(forward, back)?;
        cut_off.0.clear();
        Ok(())
    }

    async fn one_way(
        &self,
        mut from: ConnectionRecv,
        mut to: ConnectionSend,
        counts: &Way,
        one_way_ended: &Shutdown,
    ) -> Result<(), Error> {
        let has_end = from.guarantees().end_of_file();
        let mut batch = Vec::new();
        loop {
            let received = tokio::select! {
                biased; // what has come is passed on first
                received = from.recv_many(&mut batch, BATCH) => received,
                () = self.silent(one_way_ended), if !has_end => break,
            };
            match received {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => counts.lose(&error),
            }
            for message in batch.drain(..) {
                counts.take(message.len());
                survive(to.feed(message).await, counts)?;
            }
            survive(to.flush().await, counts)?;
        }
        survive(to.close().await, counts)?;
        one_way_ended.begin();
        Ok(())
    }

    /// Once the end is near, waits for as long as a sender without end may pause.
    async fn silent(&self, one_way_ended: &Shutdown) {
        tokio::select! {
            () = one_way_ended.begun() => {}
            () = self.shutdown.begun() => {}
        }
        tokio::time::sleep(self.silence).await;
    }
}

/// Both connections, by descriptors of its own. Where they end because this was dropped, by an error
/// or once the grace is over, they end by a reset if they can.
struct CutOff(Vec<Socket>);

impl CutOff {
    fn of(ends: [&Connection; 2]) -> Result<Self, Error> {
        let sockets = ends.into_iter().filter_map(Connection::as_socket).map(Socket::try_clone);
        Ok(Self(sockets.collect::<Result<_, _>>()?))
    }
}

impl Drop for CutOff {
    fn drop(&mut self) {
        for socket in &self.0 {
            // Only TCP has resets; others refuse it.
            let _ = Options::new().linger(Duration::ZERO).apply(socket);
        }
    }
}

/// An error that costs a message does not end the way.
fn survive(done: Result<(), Error>, counts: &Way) -> Result<(), Error> {
    match done {
        Err(error) if !error.is_fatal() => Ok(counts.lose(&error)),
        done => done,
    }
}

impl Way {
    fn take(&self, bytes: usize) {
        self.messages.fetch_add(1, Relaxed);
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    fn lose(&self, error: &Error) {
        tracing::warn!(%error, "message lost");
        self.lost.fetch_add(1, Relaxed);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { forward, back } = self;
        write!(f, "forward: {forward}\nback:    {back}")
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [messages, bytes, lost] =
            [&self.messages, &self.bytes, &self.lost].map(|count| count.load(Relaxed));
        write!(f, "{messages} messages of {bytes} bytes, {lost} lost")
    }
}

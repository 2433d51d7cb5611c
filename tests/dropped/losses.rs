//! A transport that connects again, whose connections are lost while futures are dropped.
//!
//! Messages of both sides carry the number of the connection that they are for. None goes over
//! another one, none comes twice, and no connection is used before its report was given.

use anysock::framing::{AcceptExt, RecvExt, SendExt};
use anysock::{Backoff, Connection, Error, ErrorKind, Listener, Message, Reconnecting};
use fastrand::Rng;
use std::time::Duration;

use crate::ledger::{Ledger, SHORTEST, Sent};
use crate::probe::{Probe, World, once, within};
use crate::prove::Trying;
use crate::stop::{Stop, Verdict, ensure};

pub(crate) const OPERATIONS: [&str; 6] = ["ready", "send", "feed", "flush", "recv", "recv_many"];

/// Where the server is.
pub(crate) const PLACES: [&str; 3] = ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0"];

/// The client, and what is known.
struct Client {
    line: Reconnecting,
    /// The newest connection that was told of.
    told: u64,
    /// That of the last message received.
    heard: u64,
}

/// The server: one connection at a time, which it loses now and then.
struct Server {
    listener: Listener,
    peer: Option<Connection>,
    /// How many were accepted.
    accepted: u64,
    /// Whether it loses any.
    loses: bool,
    /// From the client, and to it.
    incoming: Ledger,
    outgoing: Ledger,
    /// The connection that each message is for.
    there: Vec<u64>,
    back: Vec<u64>,
}

pub(crate) fn at_every_poll(probe: &mut Probe) -> Trying<'_> {
    Box::pin(async move {
        let listener = anysock::bind(probe.transport).await?;
        let backoff = Backoff::default().first(Duration::from_millis(1));
        let line = anysock::connect(listener.endpoint()).reconnecting(backoff).await?;
        let mut client = Client { line, told: 1, heard: 1 };
        let mut server = Server {
            listener,
            peer: None,
            accepted: 0,
            loses: true,
            incoming: Ledger::new('>'),
            outgoing: Ledger::new('<'),
            there: Vec::new(),
            back: Vec::new(),
        };
        for number in 0..40 {
            if probe.is_over(number) {
                break;
            }
            client.drop_at(probe, number % 8, &mut server).await?;
        }
        server.loses = false;
        within("an exchange after all losses", client.settle(&mut server, &mut probe.rng)).await?
    })
}

impl Client {
    async fn drop_at(&mut self, probe: &mut Probe, polls: u32, server: &mut Server) -> Verdict {
        let operation = probe.operation;
        let length = probe.rng.usize(SHORTEST..2000);
        let mut got = Vec::new();
        let message = server.message(self.told, length);
        let number = server.incoming.len() - 1;
        let takes = matches!(operation, "send" | "feed" | "ready");
        if takes {
            server.incoming.is(number, Sent::Perhaps)?;
        }
        let line = &mut self.line;
        let done = match operation {
            "ready" => {
                let ready = probe.drop_at(operation, polls, line.ready(), server).await?;
                if let Some(Ok(())) = &ready {
                    line.try_send(message).map_err(|refused| refused.error)?;
                }
                ready
            }
            "send" => probe.drop_at(operation, polls, line.send(message), server).await?,
            "feed" => probe.drop_at(operation, polls, line.feed(message), server).await?,
            "flush" => probe.drop_at(operation, polls, line.flush(), server).await?,
            "recv" => {
                let received = probe.drop_at(operation, polls, line.recv(), server).await?;
                received.map(|received| received.map(|message| got.extend(message)))
            }
            _ => {
                let receiving = line.recv_many(&mut got, 3);
                let received = probe.drop_at(operation, polls, receiving, server).await?;
                received.map(|received| received.map(drop))
            }
        };
        if takes && done.is_none() && operation != "send" {
            // What was not accepted does not arrive.
            server.incoming.is(number, Sent::Never)?;
        }
        got.into_iter().try_for_each(|message| self.receive(message, server))?;
        match done {
            Some(Err(error)) => self.report(&error),
            _ => Ok(()),
        }
    }

    fn receive(&mut self, message: Message, server: &mut Server) -> Verdict {
        let number = server.outgoing.arrived(message)?;
        let connection = server.back[number];
        ensure!(connection >= self.heard, "a message of connection {connection} comes too late");
        ensure!(
            connection <= self.told,
            "a message of connection {connection} comes before its report, after that of {}",
            self.told
        );
        self.heard = connection;
        Ok(())
    }

    /// A report, of a connection that is no older than the one before.
    fn report(&mut self, error: &Error) -> Verdict {
        let ErrorKind::Reconnected { connection, .. } = error.kind() else {
            return Err(Stop::new(format_args!("no report: {error:?}")));
        };
        ensure!(
            *connection >= self.told && *connection == self.line.connections(),
            "{connection} was told after {}, it is {}",
            self.told,
            self.line.connections()
        );
        self.told = *connection;
        Ok(())
    }

    /// Goes on until a message each way has come through.
    async fn settle(&mut self, server: &mut Server, rng: &mut Rng) -> Verdict {
        loop {
            let message = server.message(self.told, 100);
            let number = server.incoming.len() - 1;
            server.incoming.last_is(Sent::Perhaps)?;
            let sent = self.beside(server, rng, SendOne(message)).await?;
            match sent {
                Err(error) => {
                    self.report(&error)?;
                    continue;
                }
                Ok(_) => server.incoming.is(number, Sent::Surely)?,
            }
            // It may have gone into a connection that was lost before: told, it is not due.
            while !server.incoming.is_settled() {
                match self.receive_or_report(server, rng).await? {
                    true => {}
                    false => {
                        server.incoming.is(number, Sent::Perhaps)?;
                        break;
                    }
                }
            }
            if server.has_heard(number) {
                break;
            }
        }
        server.say(true).await?;
        let last = server.outgoing.len() - 1;
        while !server.outgoing.has_arrived(last) {
            self.receive_or_report(server, rng).await?;
        }
        ensure!(self.heard == self.told, "the last one came over another connection");
        Ok(())
    }

    /// Lets the server go on, and receives what there is; whether there was no report.
    async fn receive_or_report(&mut self, server: &mut Server, rng: &mut Rng) -> Verdict<bool> {
        server.turn(rng).await?;
        match once(self.line.recv()).await {
            None => Ok(true),
            Some(Ok(message)) => {
                let message = message.ok_or_else(|| Stop::new("the end came"))?;
                self.receive(message, server).map(|()| true)
            }
            Some(Err(error)) => self.report(&error).map(|()| false),
        }
    }

    async fn beside(
        &mut self,
        server: &mut Server,
        rng: &mut Rng,
        SendOne(message): SendOne,
    ) -> Verdict<Result<(), Error>> {
        let mut sending = std::pin::pin!(self.line.send(message));
        loop {
            if let Some(sent) = once(sending.as_mut()).await {
                return Ok(sent);
            }
            server.turn(rng).await?;
        }
    }
}

/// A message of the client's.
struct SendOne(bytes::Bytes);

impl Server {
    /// The client's next message, for this connection.
    fn message(&mut self, connection: u64, length: usize) -> bytes::Bytes {
        self.there.push(connection);
        self.incoming.make(length, 0).0
    }

    fn has_heard(&self, number: usize) -> bool {
        self.incoming.has_arrived(number)
    }

    async fn hear(&mut self) -> Verdict<u64> {
        let Some(peer) = &mut self.peer else { return Ok(0) };
        match once(peer.recv()).await {
            None => Ok(0),
            Some(Ok(Some(message))) => {
                let number = self.incoming.arrived(message)?;
                let (is, of) = (self.accepted, self.there[number]);
                ensure!(is == of, "message {number} was for connection {of}, and came over {is}");
                Ok(1 + number as u64)
            }
            Some(Ok(None) | Err(_)) => {
                self.peer = None;
                Ok(1 << 40)
            }
        }
    }

    async fn say(&mut self, surely: bool) -> Verdict<u64> {
        let Some(peer) = &mut self.peer else { return Ok(0) };
        self.back.push(self.accepted);
        let (message, _) = self.outgoing.make(200, 0);
        self.outgoing.last_is(Sent::Perhaps)?;
        match surely {
            true => peer.send(message).await?,
            // The client may be gone; what becomes of it is not known then.
            false => drop(once(peer.send(message)).await),
        }
        Ok(1 << 41)
    }
}

impl World for Server {
    async fn turn(&mut self, rng: &mut Rng) -> Verdict<u64> {
        match rng.u8(0..12) {
            0..=3 => self.hear().await,
            4 | 5 if self.loses => self.say(false).await,
            6 if self.loses && self.peer.take().is_some() => Ok(1 << 42),
            7..=9 if self.peer.is_none() => {
                let accepted = once(self.listener.accept()).await.transpose()?;
                let what = u64::from(accepted.is_some()) << 43;
                self.accepted += u64::from(accepted.is_some());
                self.peer = accepted;
                Ok(what)
            }
            _ => {
                tokio::task::yield_now().await;
                Ok(0)
            }
        }
    }
}

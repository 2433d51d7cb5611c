//! A service whose handlers do as their clients say.

use std::future::IntoFuture;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Endpoint, Error, Listener, Phase, Report, Serve, Shutdown};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// More than any handler here takes to finish.
pub(crate) const GRACE: Duration = Duration::from_secs(300);

/// No test waits for ever.
pub(crate) async fn within<T>(test: impl Future<Output = T>) -> T {
    timeout(DEADLINE, test).await.expect("this hangs")
}

/// One module per function, with one test per cell.
macro_rules! over_the_cells {
    ($($function:ident;)*) => {$(
        mod $function {
            $crate::fixture::over_the_cells! {
                $function:
                unix_stream "unix:", unix_datagram "unix-dgram:", unix_seqpacket "unix-seqpacket:",
                ipv4_stream "tcp://127.0.0.1:0", ipv4_datagram "udp://127.0.0.1:0",
                ipv6_stream "tcp://[::1]:0", ipv6_datagram "udp://[::1]:0",
                memory concat!("mem:serve-", stringify!($function))
            }
        }
    )*};
    ($function:ident: $($name:ident $endpoint:expr),*) => {$(
        #[tokio::test]
        async fn $name() {
            $crate::fixture::within(super::$function($endpoint)).await;
        }
    )*};
}

pub(crate) use over_the_cells;

/// Echoes; obeys the messages "end", "fail", "panic" and "hang"; ends when shutdown begins.
pub(crate) async fn obey(mut peer: Connection, shutdown: Shutdown) -> Result<(), Error> {
    loop {
        let message = tokio::select! {
            biased;
            message = peer.recv() => message?,
            () = shutdown.begun() => None,
        };
        let Some(message) = message else { return Ok(()) };
        match &message[..] {
            b"end" => return Ok(()),
            b"fail" => return Err(std::io::Error::other("as told").into()),
            b"panic" => panic!("as told"),
            b"hang" => std::future::pending().await,
            _ => peer.feed(message).await?,
        }
    }
}

/// A service in a task of its own.
pub(crate) struct Service {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) phases: watch::Receiver<Phase>,
    shutdown: Shutdown,
    task: JoinHandle<Report>,
}

impl Service {
    /// Obeys at `endpoint`, within what `limit` says.
    pub(crate) async fn start<L>(endpoint: &str, limit: L) -> Self
    where
        L: FnOnce(Serve<Obey>) -> Serve<Obey>,
    {
        Self::on([anysock::bind(endpoint).await.expect("bound")], GRACE, limit)
    }

    pub(crate) fn on<L>(listeners: impl Into<Vec<Listener>>, grace: Duration, limit: L) -> Self
    where
        L: FnOnce(Serve<Obey>) -> Serve<Obey>,
    {
        let listeners = listeners.into();
        let endpoints = listeners.iter().map(|listener| listener.endpoint().clone()).collect();
        let shutdown = Shutdown::new();
        let told = shutdown.clone();
        let handler: Obey = Box::new(move |peer| Box::pin(obey(peer, told.clone())));
        let serving = limit(anysock::serve(listeners, handler)).shutdown(shutdown.clone(), grace);
        let phases = serving.phases();
        let task = tokio::spawn(serving.into_future());
        Self { endpoints, phases, shutdown, task }
    }

    /// A client that has had an answer.
    pub(crate) async fn client(&self) -> Connection {
        let mut client = self.stranger().await;
        ask(&mut client, "hello").await;
        client
    }

    /// A client that has not sent anything.
    pub(crate) async fn stranger(&self) -> Connection {
        anysock::connect(&self.endpoints[0]).await.expect("connected")
    }

    /// Waits until it is in such a phase.
    pub(crate) async fn reaches(&mut self, phase: Phase) {
        self.phases.wait_for(|now| *now == phase).await.expect("it runs");
    }

    pub(crate) fn begin_shutdown(&self) {
        self.shutdown.begin();
    }

    pub(crate) async fn report(self) -> Report {
        self.task.await.expect("the service does not panic")
    }

    /// Shuts it down.
    pub(crate) async fn stop(self) -> Report {
        self.begin_shutdown();
        let report = self.report().await;
        let ended = report.finished + report.failed + report.aborted + report.panicked;
        assert_eq!(report.accepted, ended, "{report}");
        report
    }
}

/// A handler that can be named.
pub(crate) type Obey = Box<
    dyn FnMut(Connection) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>
        + Send,
>;

/// Has `message` echoed.
pub(crate) async fn ask(client: &mut Connection, message: &str) {
    client.send(message).await.expect("sent");
    let answer = client.recv().await.expect("received").expect("an answer");
    assert_eq!(answer, message);
}

/// Whether the service was told nothing and has closed the connection, in order or not.
pub(crate) async fn is_closed(client: &mut Connection) -> bool {
    !matches!(client.recv().await, Ok(Some(_)))
}

//! A chain for all tests, and pairs of connections that were upgraded by it.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Error, Listener};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::chain::{self, Authority, Identity, Valid};
use crate::upgrade;

/// How long anything may take.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// The stream cells, by an endpoint whose port or name is free to choose.
pub(crate) const CELLS: [&str; 3] = ["unix:", "tcp://127.0.0.1:0", "tcp://[::1]:0"];

/// Those of one root.
pub(crate) struct House {
    pub(crate) authority: Authority,
    pub(crate) server: Identity,
    pub(crate) client: Identity,
}

/// The house that both ends belong to, unless a test says otherwise.
pub(crate) static HOUSE: LazyLock<House> = LazyLock::new(|| House::new("house"));

impl House {
    pub(crate) fn new(name: &str) -> Self {
        let authority = Authority::new(name).unwrap();
        let (server, client) =
            (authority.sign("localhost", Valid::Now), authority.sign("client", Valid::Now));
        Self { server: server.unwrap(), client: client.unwrap(), authority }
    }

    /// A server of this house, that asks clients for a certificate of it.
    pub(crate) fn mutual(&self) -> TlsAcceptor {
        upgrade::acceptor(&self.server, Some(self.roots())).unwrap()
    }

    /// A client of this house, that trusts it.
    pub(crate) fn member(&self) -> TlsConnector {
        upgrade::connector(self.roots(), Some(&self.client)).unwrap()
    }

    pub(crate) fn roots(&self) -> tokio_rustls::rustls::RootCertStore {
        chain::roots(&self.authority.root()).unwrap()
    }
}

pub(crate) fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Runs a test to its end, within the deadline.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, test).await.expect("in time") });
}

/// A listener, and a client that is connected to it and accepted; nothing was said yet.
pub(crate) async fn plain(endpoint: &str) -> (Connection, Connection) {
    let mut listener: Listener = anysock::bind(endpoint).await.unwrap();
    let client = anysock::connect(listener.endpoint()).await.unwrap();
    (client, listener.accept().await.unwrap())
}

/// Client and server after their handshake, each with what came of it.
pub(crate) async fn shake(
    endpoint: &str,
    (connector, name): (TlsConnector, ServerName<'static>),
    acceptor: TlsAcceptor,
) -> (Result<Connection, Error>, Result<Connection, Error>) {
    let (client, server) = plain(endpoint).await;
    tokio::join!(
        client.upgrade(DEADLINE, |socket| upgrade::connect(connector, name, socket)),
        server.upgrade(DEADLINE, |socket| upgrade::accept(acceptor, socket)),
    )
}

/// Client and server, mutually certified.
pub(crate) async fn pair(endpoint: &str) -> (Connection, Connection) {
    let (client, server) = shake(endpoint, (HOUSE.member(), localhost()), HOUSE.mutual()).await;
    (client.unwrap(), server.unwrap())
}

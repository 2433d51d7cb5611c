//! Both ends of the upgrade: what rustls is told, and what it makes of a stream.

use std::io;
use std::sync::Arc;

use anysock::sockets::StreamSocket;
use tokio::io::AsyncWriteExt;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::chain::{Error, Identity};

/// Shows `identity`; with `clients` it is mutual, and asks for one that they vouch for.
pub(crate) fn acceptor(
    identity: &Identity,
    clients: Option<RootCertStore>,
) -> Result<TlsAcceptor, Error> {
    let (chain, key) = identity.read()?;
    let config = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build()?;
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    Ok(TlsAcceptor::from(Arc::new(config.with_single_cert(chain, key)?)))
}

/// Trusts whom `roots` vouch for, and shows `identity`, if there is one, to who asks.
pub(crate) fn connector(
    roots: RootCertStore,
    identity: Option<&Identity>,
) -> Result<TlsConnector, Error> {
    let config = ClientConfig::builder().with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let (chain, key) = identity.read()?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    Ok(TlsConnector::from(Arc::new(config)))
}

/// For the server's [`Connection::upgrade`](anysock::Connection::upgrade).
///
/// Closing a socket with bytes unread resets it, and what was sent last is lost on its way: the
/// alert, which tells the peer why it was refused. So the end of a peer that failed is waited for,
/// within the deadline of the upgrade.
pub(crate) async fn accept(
    acceptor: TlsAcceptor,
    socket: StreamSocket,
) -> io::Result<server::TlsStream<StreamSocket>> {
    match acceptor.accept(socket).into_fallible().await {
        Ok(stream) => Ok(stream),
        Err((error, mut socket)) => {
            if socket.shutdown().await.is_ok() {
                let _ = tokio::io::copy(&mut socket, &mut tokio::io::sink()).await;
            }
            Err(error)
        }
    }
}

/// For the client's. It is over TLS 1.3 before the server has looked at its certificate, whose
/// refusal is then met by the first `recv`.
pub(crate) async fn connect(
    connector: TlsConnector,
    name: ServerName<'static>,
    socket: StreamSocket,
) -> io::Result<client::TlsStream<StreamSocket>> {
    connector.connect(name, socket).await
}

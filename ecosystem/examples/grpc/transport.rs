//! Anysock's sockets as tonic wants them: an incoming stream for the server, a connector for the client.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use anysock::sockets::StreamSocket;
use anysock::{Addr, Endpoint, Shutdown, Streams};
use futures_util::Stream;
use futures_util::stream::{StreamExt, TryStreamExt, select_all};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::Channel;
use tonic::transport::server::Connected;

use crate::Failure;

/// Binds all, or says which endpoint cannot be had.
pub(crate) async fn bind(endpoints: &[Endpoint]) -> Result<Vec<Streams>, Failure> {
    let mut listeners = Vec::new();
    for endpoint in endpoints {
        let bound = anysock::bind(endpoint).await;
        let bound = bound.map_err(|error| format!("cannot listen on {endpoint}: {error}"))?;
        listeners.push(bound.into_streams().map_err(io::Error::from)?);
    }
    Ok(listeners)
}

/// What all listeners accept. Ends with the shutdown, or when none accepts any more; a listener that
/// has ended is closed.
pub(crate) fn incoming(
    listeners: Vec<Streams>,
    shutdown: &Shutdown,
) -> impl Stream<Item = io::Result<Accepted>> + Send + use<> {
    let until = listeners.into_iter().map(|each| {
        let at = each.endpoint().clone();
        // What can be survived was survived inside. tonic would not say it.
        let told = each.inspect_err(move |error| eprintln!("grpc: {at} accepts no more: {error}"));
        told.take_until(shutdown.clone().into_future())
    });
    select_all(until).map_ok(|(socket, peer)| Accepted { socket, peer: Peer(peer) })
}

/// A channel to one endpoint, that connects again by itself when a call finds it broken.
pub(crate) async fn channel(endpoint: &Endpoint) -> Result<Channel, Failure> {
    // Every request names a host. What is reached is the connector's business.
    let named = tonic::transport::Endpoint::from_static("http://localhost");
    let reached = endpoint.clone();
    let connector = tower::service_fn(move |_| {
        let endpoint = reached.clone();
        async move {
            let connection = anysock::connect(&endpoint).await?;
            let socket = connection.into_stream().map_err(|refused| {
                let words = format!("gRPC needs a stream: {refused}");
                io::Error::new(io::ErrorKind::Unsupported, words)
            })?;
            Ok::<_, io::Error>(TokioIo::new(socket))
        }
    });
    let connected = named.connect_with_connector(connector).await;
    connected.map_err(|error| {
        // tonic's own words are "transport error"; the reason lies underneath.
        let mut last: &dyn std::error::Error = &error;
        while let Some(source) = last.source() {
            last = source;
        }
        format!("cannot connect to {endpoint}: {last}").into()
    })
}

/// Who calls; tonic puts it into each request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Addr);

impl Peer {
    pub(crate) fn over(&self) -> &'static str {
        match self.0 {
            Addr::Ip(_) => "TCP",
            Addr::Unix(_) => "a unix socket",
        }
    }
}

/// An accepted socket, with its peer. The trait is tonic's and the socket anysock's, so that a type
/// of one's own must stand between.
pub(crate) struct Accepted {
    socket: StreamSocket,
    peer: Peer,
}

impl Accepted {
    fn socket(self: Pin<&mut Self>) -> Pin<&mut StreamSocket> {
        Pin::new(&mut self.get_mut().socket)
    }
}

impl Connected for Accepted {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.socket().poll_read(cx, buf)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.socket().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket().poll_shutdown(cx)
    }
}

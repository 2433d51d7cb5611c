//! A client that keeps its connections for the next request, to whatever endpoint.
//!
//! With HTTP/2 one connection is for all requests. With HTTP/1.1 it is put back by a task of the pool when
//! its answer was read, and who asks again at once may find it not there yet, and connects anew.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anysock::Endpoint;
use anysock::sockets::StreamSocket;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower::Service;

use crate::Failure;

/// The longest body that is taken, in bytes.
const MOST: usize = 1024 * 1024;

/// Asks for the paths, one after the other, and prints the answers; each within `patience`.
pub(crate) async fn get(
    endpoint: &Endpoint,
    paths: &[String],
    http2: bool,
    patience: Duration,
) -> Result<(), Failure> {
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_secs(5)) // less than the patience of servers
        .http2_only(http2)
        .build::<_, Empty<Bytes>>(Connector(endpoint.clone()));
    for path in paths {
        let uri: Uri = format!("http://localhost{path}").parse()?;
        let answered = async {
            let (head, body) = client.get(uri).await?.into_parts();
            let body = Limited::new(body, MOST).collect().await?.to_bytes();
            Ok::<_, Failure>(Response::from_parts(head, body))
        };
        let answered = tokio::time::timeout(patience, answered).await;
        let answer = answered
            .map_err(|_| format!("{endpoint} has not answered {path} within {patience:?}"))?
            .map_err(|error| format!("{endpoint} has not answered {path}: {}", reason(&*error)))?;
        let status = answer.status();
        print!("{:?} {status}: {}", answer.version(), String::from_utf8_lossy(answer.body()));
        if !status.is_success() {
            return Err(format!("{path} was not to be had").into());
        }
    }
    Ok(())
}

/// hyper's own words are "client error (Connect)"; the reason lies underneath.
fn reason<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a dyn std::error::Error {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last
}

/// Reaches one endpoint, whatever host a request names.
#[derive(Clone)]
struct Connector(Endpoint);

impl Service<Uri> for Connector {
    type Response = Reached;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Reached>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let connecting = anysock::connect(&self.0);
        Box::pin(async move {
            let socket = connecting.await?.into_stream()?;
            Ok(Reached(TokioIo::new(socket)))
        })
    }
}

/// A connected socket. The trait `Connection` is hyper-util's and the socket anysock's, so that a type
/// of one's own must stand between.
struct Reached(TokioIo<StreamSocket>);

impl Reached {
    fn io(self: Pin<&mut Self>) -> Pin<&mut TokioIo<StreamSocket>> {
        Pin::new(&mut self.get_mut().0)
    }
}

impl Connection for Reached {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Reached {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        self.io().poll_read(cx, buf)
    }
}

impl Write for Reached {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io().poll_shutdown(cx)
    }
}

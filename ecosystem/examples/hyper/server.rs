//! What hyper does with one connection, and what a slow client may take of it.
//!
//! | a client that | is bounded by |
//! |---|---|
//! | connects and says nothing, or begins a request and does not go on, by HTTP/1.1 or HTTP/2 | `Patience::silent`: no request is under way |
//! | is silent between two requests | the same |
//! | does not read its answer | the same, which begins when the answer was made |
//! | sends a body slowly, or none of what it has announced | `Patience::request`, then 408 |
//! | sends a body without end | [`MOST`] bytes, then 413 |
//! | asks much at once, by HTTP/2 | [`AT_ONCE`] requests of a connection |
//! | comes a thousand times | `max_connections`, and `max_per_address`, `max_per_uid` of [`anysock::serve`] |
//!
//! hyper's own `header_read_timeout` is set as well, but is not enough: the builder that speaks both
//! versions waits without a deadline for the first bytes, of which it learns the version, and HTTP/2
//! has no such timeout at all.

use std::convert::Infallible;
use std::time::Duration;

use anysock::{Addr, Connection, Shutdown};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::Failure;

/// The longest body that is taken, in bytes.
const MOST: usize = 64 * 1024;

/// How many requests of one connection are answered at a time, by HTTP/2.
const AT_ONCE: u32 = 100;

type Body = http_body_util::Full<Bytes>;

/// How long a client may take.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    /// While no request of its is under way.
    pub(crate) silent: Duration,
    /// For a request, with its body.
    pub(crate) request: Duration,
}

/// Answers the requests of one connection until it ends, or the shutdown begins and those under way
/// are answered.
pub(crate) async fn answer_all(
    peer: Connection,
    patience: Patience,
    shutdown: Shutdown,
) -> Result<(), Failure> {
    let over = match peer.peer_addr()? {
        Addr::Ip(_) => "TCP",
        Addr::Unix(_) => "a unix socket",
    };
    let requests = Requests::default();
    let service = service_fn(|request| {
        let (number, under_way) = requests.begin();
        async move {
            let answered = timeout(patience.request, answer(request, over, number)).await;
            drop(under_way);
            Ok::<_, Infallible>(answered.unwrap_or_else(|_| plain(StatusCode::REQUEST_TIMEOUT)))
        }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience.silent);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(AT_ONCE);
    let socket = peer.into_stream().map_err(std::io::Error::from)?;
    let connection = builder.serve_connection(TokioIo::new(socket), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = requests.silence(patience.silent) => return Err("it was silent for too long".into()),
        () = shutdown.begun() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        ended = connection => ended,
        () = requests.silence(patience.silent) => Err("it was silent for too long".into()),
    }
}

async fn answer(request: Request<Incoming>, over: &str, number: u64) -> Response<Body> {
    let path = request.uri().path();
    match (request.method(), path.strip_prefix("/greet/")) {
        (&Method::GET, Some(name)) => {
            text(format!("hello {name}, over {over} (request {number} of this connection)\n"))
        }
        (&Method::GET, None) if path == "/slow" => {
            println!("slow has begun");
            tokio::time::sleep(Duration::from_secs(1)).await;
            text("answered all the same\n")
        }
        (&Method::POST, None) if path == "/echo" => {
            match Limited::new(request.into_body(), MOST).collect().await {
                Ok(body) => text(body.to_bytes()),
                Err(error) if error.is::<LengthLimitError>() => {
                    plain(StatusCode::PAYLOAD_TOO_LARGE)
                }
                Err(_) => plain(StatusCode::BAD_REQUEST),
            }
        }
        (_, None) if path != "/slow" && path != "/echo" => plain(StatusCode::NOT_FOUND),
        _ => plain(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn text(text: impl Into<Bytes>) -> Response<Body> {
    Response::new(text.into().into())
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = text(format!("{status}\n"));
    *response.status_mut() = status;
    response
}

/// Counts the requests of a connection: those that were begun, and those under way.
#[derive(Default)]
struct Requests(watch::Sender<(u64, usize)>);

/// A request, until it is answered or dropped.
struct UnderWay(watch::Sender<(u64, usize)>);

impl Requests {
    /// The number of a new one, from 1 on.
    fn begin(&self) -> (u64, UnderWay) {
        self.0.send_modify(|(begun, under_way)| {
            *begun += 1;
            *under_way += 1;
        });
        (self.0.borrow().0, UnderWay(self.0.clone()))
    }

    /// Waits until none has been under way for so long.
    async fn silence(&self, long: Duration) {
        let mut told = self.0.subscribe();
        loop {
            // The sender lives as long as this does, so that there is an answer.
            let _ = told.wait_for(|(_, under_way)| *under_way == 0).await;
            if timeout(long, told.changed()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.send_modify(|(_, under_way)| *under_way -= 1);
    }
}

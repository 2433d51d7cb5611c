//! `connect(endpoint)`: the active open.

use std::future::{Future, IntoFuture};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use anysock_async::{Connected, resolve};
use anysock_core::{Addr, Endpoint, EndpointError, Options, Type};
use anysock_framing::memory::Memory;
use anysock_framing::{AnyCodec, Error, Framed, Packets};
use tokio::time::Instant;

use crate::{Connection, memory};

/// Connects to an endpoint. Await it, after saying what differs from the defaults.
///
/// `fd:N` and `systemd:NAME` are sockets that this process was started with, of any cell, which
/// are connected already: see [`bind`](crate::bind()) for those that are not.
///
/// ```no_run
/// # async fn example() -> Result<(), anysock::Error> {
/// use std::time::Duration;
/// use anysock::{LengthDelimited, Options, prelude::*};
///
/// let mut server = anysock::connect("tcp://localhost:7000")
///     .codec(LengthDelimited::u16())
///     .options(Options::default().nodelay(true))
///     .deadline(Duration::from_secs(2))
///     .await?;
/// server.send("hello").await?;
/// # Ok(()) }
/// ```
pub fn connect(endpoint: impl IntoEndpoint) -> Connect {
    Connect {
        endpoint: endpoint.into_endpoint(),
        codec: AnyCodec::default(),
        options: Options::default(),
        deadline: Duration::from_secs(10),
        max: None,
        busy_poll: Duration::ZERO,
    }
}

/// What names an endpoint: an [`Endpoint`], or text to be parsed as one.
///
/// ```
/// use anysock::IntoEndpoint;
/// assert!("tcp://localhost:7000".into_endpoint().is_ok());
/// assert!("localhost:7000".into_endpoint().is_err());
/// ```
pub trait IntoEndpoint {
    /// The endpoint.
    ///
    /// # Errors
    ///
    /// Text that is no endpoint: what is wrong with it.
    fn into_endpoint(self) -> Result<Endpoint, EndpointError>;
}

impl IntoEndpoint for Endpoint {
    fn into_endpoint(self) -> Result<Endpoint, EndpointError> {
        Ok(self)
    }
}

impl IntoEndpoint for &Endpoint {
    fn into_endpoint(self) -> Result<Endpoint, EndpointError> {
        Ok(self.clone())
    }
}

impl IntoEndpoint for &str {
    fn into_endpoint(self) -> Result<Endpoint, EndpointError> {
        self.parse()
    }
}

impl IntoEndpoint for String {
    fn into_endpoint(self) -> Result<Endpoint, EndpointError> {
        self.parse()
    }
}

impl IntoEndpoint for &String {
    fn into_endpoint(self) -> Result<Endpoint, EndpointError> {
        self.parse()
    }
}

/// A connection to be made: the builder of [`connect`].
///
/// ```no_run
/// # async fn example() -> Result<(), anysock::Error> {
/// let connect: anysock::Connect = anysock::connect("unix-seqpacket:@app").max(1024);
/// let connection = connect.await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected unless this is awaited"]
pub struct Connect {
    endpoint: Result<Endpoint, EndpointError>,
    codec: AnyCodec,
    options: Options,
    deadline: Duration,
    max: Option<usize>,
    busy_poll: Duration,
}

impl Connect {
    /// How message boundaries are marked on a stream; a length of four bytes, big endian,
    /// unless said otherwise. Sockets that keep boundaries ignore it.
    pub fn codec(mut self, codec: impl Into<AnyCodec>) -> Self {
        self.codec = codec.into();
        self
    }

    /// The longest message sent and received, in bytes: 1 MiB on streams and 64 KiB elsewhere,
    /// unless said otherwise.
    pub fn max(mut self, bytes: usize) -> Self {
        self.max = Some(bytes);
        self
    }

    /// Socket options, set before connecting.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How long resolving and connecting may take together; 10 seconds unless said otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets receiving try again for up to `longest`, at most 1 ms, before it waits: shorter
    /// latency, bought with a processor that is busy meanwhile. Off unless said; in memory it
    /// means nothing. See [`StreamSocket::set_busy_poll`](crate::sockets::StreamSocket::set_busy_poll).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), anysock::Error> {
    /// use std::time::Duration;
    /// let quick = anysock::connect("unix:@quick").busy_poll(Duration::from_micros(50)).await?;
    /// # Ok(()) }
    /// ```
    pub fn busy_poll(mut self, longest: Duration) -> Self {
        self.busy_poll = longest;
        self
    }
}

/// Connects to what has to be waited for before there is an address.
async fn connect_later(
    endpoint: &Endpoint,
    options: &Options,
    deadline: Duration,
    max: Option<usize>,
) -> Result<Reached, Error> {
    let connecting = async {
        match endpoint {
            Endpoint::Mem(name) => Ok(Reached::Memory(memory::connect(name, max).await?)),
            Endpoint::Fd(_) | Endpoint::Systemd(_) => {
                Ok(Reached::Socket(Connected::inherit(endpoint, options)?))
            }
            _ => {
                let addresses = resolve(endpoint).await?;
                // What has no type of its own has no address either, and was refused.
                let kind = endpoint.kind().unwrap_or(Type::Stream);
                Ok(Reached::Socket(try_in_turn(&addresses, kind, options, deadline).await?))
            }
        }
    };
    tokio::time::timeout(deadline, connecting).await.unwrap_or_else(|_| {
        let what = format!("no connection to {endpoint} within {deadline:?}");
        Err(io::Error::new(io::ErrorKind::TimedOut, what).into())
    })
}

/// What was connected, before there are messages.
enum Reached {
    Socket(Connected),
    Memory(Memory),
}

/// Tries `addresses` one after the other; the last error if none answers.
async fn try_in_turn(
    addresses: &[Addr],
    kind: Type,
    options: &Options,
    deadline: Duration,
) -> io::Result<Connected> {
    let until = Instant::now() + deadline;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "there is no address to try");
    for addr in addresses {
        let left = until.saturating_duration_since(Instant::now());
        match anysock_async::connect(addr, kind, options, left).await {
            Ok(connected) => return Ok(connected),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Connect {
    /// Talks over what was handed over.
    pub(crate) fn adopt(self, descriptor: OwnedFd) -> Result<Connection, Error> {
        let connected = Connected::adopt(descriptor, &self.options).map_err(io::Error::from)?;
        connected.set_busy_poll(self.busy_poll)?;
        Ok(transport(connected, self.codec, self.max))
    }
}

fn transport(connected: Connected, codec: AnyCodec, max: Option<usize>) -> Connection {
    match connected {
        Connected::Stream(socket) => Framed::new(socket, with_max(codec, max)).into(),
        Connected::SeqPacket(socket) => Packets::new(socket).max(packet_max(max)).into(),
        Connected::Datagram(socket) => Packets::new(socket).max(packet_max(max)).into(),
    }
}

/// The codec with the maximum that was asked for, or with its own.
pub(crate) fn with_max(codec: AnyCodec, max: Option<usize>) -> AnyCodec {
    match max {
        Some(max) => codec.with_max(max),
        None => codec,
    }
}

/// The maximum of a packet transport.
pub(crate) fn packet_max(max: Option<usize>) -> usize {
    max.unwrap_or(Packets::<anysock_async::SeqPacketSocket>::DEFAULT_MAX)
}

impl IntoFuture for Connect {
    type Output = Result<Connection, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let endpoint = self.endpoint.map_err(io::Error::from)?;
            let (options, deadline, max) = (&self.options, self.deadline, self.max);
            let reached = match (endpoint.addr(), endpoint.kind()) {
                (Some(addr), Some(kind)) => {
                    Reached::Socket(anysock_async::connect(&addr, kind, options, deadline).await?)
                }
                _ => Box::pin(connect_later(&endpoint, options, deadline, max)).await?,
            };
            Ok(match reached {
                Reached::Socket(connected) => {
                    connected.set_busy_poll(self.busy_poll)?;
                    transport(connected, self.codec, max)
                }
                Reached::Memory(memory) => memory.into(),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anysock_core::UnixAddr;

    #[tokio::test]
    async fn an_address_that_refuses_does_not_keep_the_next_one_from_being_tried() {
        let nobody = format!("nobody-tried-in-turn-{}", std::process::id());
        let nobody = Addr::from(UnixAddr::abstract_name(nobody).unwrap());
        let listener = crate::bind("unix:").await.unwrap();
        let somebody = listener.endpoint().addr().unwrap();
        let (options, deadline) = (Options::default(), Duration::from_secs(10));

        let both = [nobody.clone(), somebody];
        let connected = try_in_turn(&both, Type::Stream, &options, deadline).await;
        assert!(matches!(connected, Ok(Connected::Stream(_))), "{connected:?}");
        let refused = try_in_turn(&[nobody], Type::Stream, &options, deadline).await;
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}

//! `connect(endpoint)`: the active open.

use std::future::{Future, IntoFuture};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use anysock_async::{Connected, Connector, resolve};
use anysock_core::{
    Addr, Endpoint, EndpointError, EndpointName, Options, Protocol, Type, UnixAddr,
};
use anysock_framing::memory::Memory;
use anysock_framing::{AnyCodec, Error, Framed, Packets};

use tracing::{Instrument as _, Span};

use crate::observed::{self, End, observe};
use crate::{Backoff, Connection, Reconnect, memory};

/// Connects to an endpoint. Await it, after saying what differs from the defaults.
///
/// Of the addresses of a name the first that answers is taken (RFC 8305, Happy Eyeballs): see
/// [`Connector`](crate::sockets::Connector). `fd:N` and `systemd:NAME` are sockets that this process
/// was started with, of any cell, which are connected already: see [`bind`](crate::bind()) for those
/// that are not.
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
        deadline: Connector::DEFAULT_DEADLINE,
        max: None,
        busy_poll: Duration::ZERO,
        local: None,
        attempt_delay: Connector::DEFAULT_ATTEMPT_DELAY,
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
    local: Option<Addr>,
    attempt_delay: Duration,
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

    /// Socket options, set before connecting. In memory there is no socket, and any that is set is
    /// refused.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How long resolving and connecting may take together; 10 seconds unless said otherwise.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Connects from this address: an interface's, with port 0 for a free port, or a unix path or
    /// name by which the other end is to know this one. See
    /// [`Connector::local_addr`](crate::sockets::Connector::local_addr).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::UnixAddr;
    ///
    /// let listener = anysock::bind("unix-dgram:").await?;
    /// # let name = format!("doc-client-{}", std::process::id());
    /// let name = UnixAddr::abstract_name(name)?;
    /// let client = anysock::connect(listener.endpoint()).local_addr(name.clone()).await?;
    /// assert_eq!(client.local_addr()?, name.into());
    /// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn local_addr(mut self, addr: impl Into<Addr>) -> Self {
        self.local = Some(addr.into());
        self
    }

    /// How long an attempt at one of several addresses of a name has before the next one begins
    /// beside it; 250 ms unless said otherwise. See [`Connector`](crate::sockets::Connector).
    pub fn attempt_delay(mut self, delay: Duration) -> Self {
        self.attempt_delay = delay;
        self
    }

    /// A transport that connects again whenever the connection is lost, with pauses as `backoff`
    /// has them, and tells when it did. See [`Reconnecting`](crate::Reconnecting).
    pub fn reconnecting(self, backoff: Backoff) -> Reconnect {
        Reconnect::new(self, backoff)
    }

    /// Whether it is bound to a place that one socket has at a time.
    pub(crate) fn has_place(&self) -> bool {
        match &self.local {
            Some(Addr::Ip(addr)) => addr.port() != 0,
            Some(Addr::Unix(addr)) => *addr != UnixAddr::Unnamed,
            None => false,
        }
    }

    /// Whether it was connected by another process, and cannot be by this one.
    pub(crate) fn is_inherited(&self) -> bool {
        matches!(self.endpoint, Ok(Endpoint::Fd(_) | Endpoint::Systemd(_)))
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

impl Connect {
    /// Talks over what was handed over.
    pub(crate) fn adopt(self, descriptor: OwnedFd) -> Result<Connection, Error> {
        let connected = Connected::adopt(descriptor, &self.options).map_err(io::Error::from)?;
        connected.set_busy_poll(self.busy_poll)?;
        let connection = transport(connected, self.codec, self.max);
        Ok(observe(connection, &"adopted", End::Adopted))
    }

    async fn run(self) -> Result<Connection, Error> {
        let span = match &self.endpoint {
            Ok(endpoint) => tracing::debug_span!("connect", %endpoint),
            Err(_) => Span::none(),
        };
        let opened = match span.is_disabled() {
            true => self.open().await,
            false => self.open().instrument(span).await,
        };
        if opened.is_err() {
            observed::connect_failed();
        }
        Ok(match &self.endpoint {
            Ok(endpoint) => observe(opened?, endpoint, End::Client),
            Err(_) => opened?,
        })
    }

    async fn open(&self) -> Result<Connection, Error> {
        Ok(match self.reach().await? {
            Reached::Socket(connected) => {
                connected.set_busy_poll(self.busy_poll)?;
                transport(connected, self.codec.clone(), self.max)
            }
            Reached::Memory(memory) => memory.into(),
        })
    }

    async fn reach(&self) -> Result<Reached, Error> {
        let endpoint = self.endpoint.as_ref().map_err(|error| io::Error::from(error.clone()))?;
        match endpoint {
            Endpoint::Mem(name) => {
                return Box::pin(self.reach_memory(name)).await.map(Reached::Memory);
            }
            Endpoint::Fd(_) | Endpoint::Systemd(_) => {
                return Ok(Reached::Socket(Connected::inherit(endpoint, &self.options)?));
            }
            _ => {}
        }
        // What has no protocol of its own has no address either, and is refused by resolving.
        let protocol = endpoint.protocol().unwrap_or(Protocol::Default(Type::Stream));
        let connector = self.connector(protocol);
        let connected = match endpoint.addr() {
            Some(addr) => connector.connect(&[addr]).await,
            None => Box::pin(connector.connect_resolving(resolve(endpoint))).await,
        };
        Ok(Reached::Socket(connected?))
    }

    fn connector(&self, protocol: Protocol) -> Connector {
        let connector = Connector::new(protocol)
            .options(self.options.clone())
            .deadline(self.deadline)
            .attempt_delay(self.attempt_delay);
        match &self.local {
            Some(local) => connector.local_addr(local.clone()),
            None => connector,
        }
    }

    async fn reach_memory(&self, name: &EndpointName) -> Result<Memory, Error> {
        memory::expect_no_options(name, &self.options)?;
        if let Some(local) = &self.local {
            let what = format!("mem:{name} is connected to from nowhere, not from {local}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what).into());
        }
        let connecting = memory::connect(name, self.max);
        let connected = tokio::time::timeout(self.deadline, connecting).await;
        Ok(connected.unwrap_or_else(|_| {
            let what = format!("no connection to mem:{name} within {:?}", self.deadline);
            Err(io::Error::new(io::ErrorKind::TimedOut, what))
        })?)
    }
}

/// What was connected, before there are messages.
enum Reached {
    Socket(Connected),
    Memory(Memory),
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
        Box::pin(self.run())
    }
}

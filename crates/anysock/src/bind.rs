//! `bind(endpoint)`: the passive open.

use std::future::{Future, IntoFuture};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::time::Duration;

use anysock_async::{Gate, PeerLimits, resolve};
use anysock_core::{Addr, Endpoint, EndpointError, Options, Protocol};
use anysock_framing::{AnyCodec, Error};

use crate::connect::{packet_max, with_max};
use crate::{IntoEndpoint, Listener, Shards, memory};

/// Binds an endpoint and listens on it, whatever its cell. Await it, after saying what differs
/// from the defaults.
///
/// Port 0 is a free port, an empty unix path an automatic name; [`Listener::endpoint`] tells
/// which. A name is bound by its first address.
///
/// `fd:N` and `systemd:NAME` are sockets that this process was started with: stream and seqpacket
/// sockets that listen, datagram sockets that are bound. What their cell is the kernel tells; a
/// socket of another kind is a typed [`AdoptError`](crate::AdoptError). Options that would come
/// too late are refused, a socket file is not unlinked. `fd:N` is duplicated, and the original
/// left open as it is. Each bind of `systemd:NAME` takes the next socket of that name, and
/// [`shards`](Bind::shards) takes as many as it says. See
/// [`Socket::inherit_listener`](crate::core::Socket::inherit_listener).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::{Delimited, Options};
///
/// let listener = anysock::bind("tcp://[::1]:0")
///     .codec(Delimited::lines())
///     .options(Options::default().backlog(64))
///     .await?;
/// println!("listening on {}", listener.endpoint());
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn bind(endpoint: impl IntoEndpoint) -> Bind {
    Bind {
        endpoint: endpoint.into_endpoint(),
        codec: AnyCodec::default(),
        options: Options::default(),
        limits: PeerLimits::default(),
        max: None,
        busy_poll: Duration::ZERO,
        gate: None,
    }
}

/// A listener to be made: the builder of [`bind`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let bind: anysock::Bind = anysock::bind("udp://127.0.0.1:0").max(1024);
/// let listener = bind.await?;
/// # Ok::<_, anysock::Error>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is bound unless this is awaited"]
pub struct Bind {
    endpoint: Result<Endpoint, EndpointError>,
    codec: AnyCodec,
    options: Options,
    limits: PeerLimits,
    max: Option<usize>,
    busy_poll: Duration,
    gate: Option<Gate>,
}

impl Bind {
    /// How message boundaries are marked on streams; a length of four bytes, big endian,
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

    /// Socket options, set before binding. In memory there is no socket, and any that is set is
    /// refused.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), anysock::Error> {
    /// use anysock::{Group, Options};
    ///
    /// // Whoever sends to the group, as it comes by one interface.
    /// let options = Options::new().join(Group::new([239, 1, 2, 3], "eth0"));
    /// let listener = anysock::bind("udp://0.0.0.0:7000").options(options).await?;
    /// # Ok(()) }
    /// ```
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// How many senders of datagrams are peers at a time, and how much waits for each. Sockets
    /// with connections ignore it; the maximum of a message is [`max`](Self::max).
    pub fn peer_limits(mut self, limits: PeerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// What is accepted tries to receive again for up to `longest`, at most 1 ms, before it
    /// waits: see [`Connect::busy_poll`](crate::Connect::busy_poll). Off unless said; refused
    /// for datagram sockets, and in memory it means nothing.
    pub fn busy_poll(mut self, longest: Duration) -> Self {
        self.busy_poll = longest;
        self
    }

    /// Accepts only who is admitted by `gate`, before the first byte of his is received: by user,
    /// group or a predicate on his credentials. Unix sockets only, elsewhere a typed refusal; see
    /// [`Listener::allow`](crate::Listener::allow).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock::Gate;
    /// let listener = anysock::bind("unix-dgram:").allow(Gate::nobody().uid(0).gid(27)).await?;
    /// # Ok::<_, anysock::Error>(()) })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn allow(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Binds `count` listeners to the one address, among which the kernel spreads what comes; see
    /// [`Shards`].
    pub fn shards(self, count: usize) -> Shards {
        Shards::new(self, count)
    }

    pub(crate) fn endpoint(&self) -> Result<&Endpoint, Error> {
        self.endpoint.as_ref().map_err(|error| io::Error::from(error.clone()).into())
    }

    async fn run(self) -> Result<Listener, Error> {
        match self.endpoint()? {
            Endpoint::Mem(name) => {
                memory::expect_no_options(name, &self.options)?;
                let mut listener =
                    Listener::memory(memory::bind(name)?, Endpoint::Mem(name.clone()));
                if let Some(gate) = self.gate {
                    listener.allow(gate)?;
                }
                return Ok(listener);
            }
            Endpoint::Fd(_) | Endpoint::Systemd(_) => return self.inherit(),
            _ => {}
        }
        let (addr, protocol) = self.address().await?;
        let (options, limits) = (&self.options, &self.limits());
        let bound = match &self.gate {
            Some(gate) => {
                anysock_async::bind_allowing(&addr, protocol, options, limits, gate).await?
            }
            None => anysock_async::bind(&addr, protocol, options, limits).await?,
        };
        self.listener(bound, protocol)
    }

    pub(crate) async fn run_shards(self, count: usize) -> Result<Vec<Listener>, Error> {
        if let Endpoint::Systemd(name) = self.endpoint()? {
            crate::shards::expect_passed(name, count)?;
            return (0..count).map(|_| self.inherit()).collect();
        }
        let (addr, protocol) = self.address().await?;
        let limits = self.limits();
        let mut bound =
            anysock_async::bind_shards(&addr, protocol, &self.options, &limits, count).await?;
        if let (Some(gate), Some(first)) = (&self.gate, bound.first_mut()) {
            // Which is refused: what can be shared out has no credentials.
            first.allow(gate.clone())?;
        }
        bound.into_iter().map(|bound| self.listener(bound, protocol)).collect()
    }

    /// Listens on what this process was started with.
    fn inherit(&self) -> Result<Listener, Error> {
        let limits = self.limits();
        let inherited = anysock_async::Listener::inherit(self.endpoint()?, &self.options, &limits)?;
        self.adopted(inherited)
    }

    /// Listens on what was handed over.
    pub(crate) fn adopt(&self, descriptor: OwnedFd) -> Result<Listener, Error> {
        let limits = self.limits();
        let adopted = anysock_async::Listener::adopt(descriptor, &self.options, &limits);
        self.adopted(adopted.map_err(io::Error::from)?)
    }

    /// Whose protocol the kernel tells. Nobody has accepted before the gate is there.
    fn adopted(&self, mut listener: anysock_async::Listener) -> Result<Listener, Error> {
        if let Some(gate) = &self.gate {
            listener.allow(gate.clone())?;
        }
        let protocol = listener.socket().protocol()?;
        self.listener(listener, protocol)
    }

    /// Where to bind. A name is bound by its first address.
    async fn address(&self) -> Result<(Addr, Protocol), Error> {
        let endpoint = self.endpoint()?;
        let addresses = resolve(endpoint).await?;
        match (addresses.into_iter().next(), endpoint.protocol()) {
            (Some(addr), Some(protocol)) => Ok((addr, protocol)),
            _ => {
                let what = format!("{endpoint} has no address to bind");
                Err(io::Error::new(io::ErrorKind::NotFound, what).into())
            }
        }
    }

    fn limits(&self) -> PeerLimits {
        PeerLimits { max_message: packet_max(self.max), ..self.limits.clone() }
    }

    fn listener(
        &self,
        mut bound: anysock_async::Listener,
        protocol: Protocol,
    ) -> Result<Listener, Error> {
        if !self.busy_poll.is_zero() {
            bound.set_busy_poll(self.busy_poll)?;
        }
        let endpoint = Endpoint::from_addr(bound.local_addr()?, protocol);
        let codec = with_max(self.codec.clone(), self.max);
        Ok(Listener::socket(bound, endpoint, codec, packet_max(self.max)))
    }
}

impl IntoFuture for Bind {
    type Output = Result<Listener, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

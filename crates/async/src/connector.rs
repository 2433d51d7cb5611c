//! From addresses, or a name that is being resolved, to one connected socket.

use std::future::Future;
use std::time::Duration;
use std::{fmt, io};

use anysock_core::{Addr, Options, Protocol, Type, UnixAddr};
use tokio::time::Instant;

use crate::Connected;
use crate::connect::Attempt;
use crate::race::{Pace, interleave, race};

/// How to connect to one of several addresses: by which protocol, from where, within what time.
///
/// Of several addresses a connection-oriented socket tries those of both families in turn, as RFC
/// 8305 (Happy Eyeballs, version 2) has it: the next one begins when one has failed, or when 250
/// ms have passed; the first that answers is taken, and the sockets of the others are closed. At
/// most 32 addresses are tried. The RFC's sorting of addresses, and its waiting for IPv6 answers
/// before those of IPv4, are the resolver's part: getaddrinfo(3) sorts, and gives all at once.
///
/// Connecting a datagram socket asks nobody, so that there is nothing to race for: the first
/// address that the kernel accepts is taken.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_async::{Connected, Connector, resolve};
/// use anysock_core::{Addr, Type};
///
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let endpoint = format!("tcp://localhost:{}", listener.local_addr()?.port()).parse()?;
/// let connector = Connector::new(Type::Stream)
///     .local_addr(Addr::Ip("127.0.0.1:0".parse()?))
///     .deadline(Duration::from_secs(5));
/// let connected = connector.connect_resolving(resolve(&endpoint)).await?;
/// assert!(matches!(connected, Connected::Stream(_)));
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected unless it is told to"]
pub struct Connector {
    protocol: Protocol,
    options: Options,
    local: Option<Addr>,
    deadline: Duration,
    attempt_delay: Duration,
}

impl Connector {
    /// How long connecting may take unless [said otherwise](Self::deadline): 10 seconds.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(10);

    /// How long an attempt has before the next one begins beside it, unless
    /// [said otherwise](Self::attempt_delay): 250 ms, RFC 8305, section 5.
    pub const DEFAULT_ATTEMPT_DELAY: Duration = Duration::from_millis(250);

    /// Connects sockets of `protocol`, of which the [`Type`] is enough where it is the default.
    pub fn new(protocol: impl Into<Protocol>) -> Self {
        Self {
            protocol: protocol.into(),
            options: Options::default(),
            local: None,
            deadline: Self::DEFAULT_DEADLINE,
            attempt_delay: Self::DEFAULT_ATTEMPT_DELAY,
        }
    }

    /// Socket options, set before connecting.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Connects from this address. Port 0 is a free port, which the kernel chooses while
    /// connecting; the [unnamed](UnixAddr::Unnamed) unix address an automatic name. A unix path is
    /// owned like a listener's: a dead socket's file is replaced, and the file is unlinked with
    /// the last half of the socket.
    ///
    /// Only addresses of its domain are tried; from a port of one's own, one after the other.
    pub fn local_addr(mut self, addr: impl Into<Addr>) -> Self {
        self.local = Some(addr.into());
        self
    }

    /// How long resolving and connecting may take together, however many addresses there are.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long an attempt has before the next one begins beside it: at least 10 ms, the RFC's
    /// bound, and 100 ms or more are recommended there.
    pub fn attempt_delay(mut self, delay: Duration) -> Self {
        self.attempt_delay = delay.max(Duration::from_millis(10));
        self
    }

    /// Connects to one of `addresses`, in the order that the resolver has given them.
    ///
    /// # Errors
    ///
    /// As [`connect`](crate::connect()) for one address; of several a
    /// [`NoConnection`](crate::NoConnection). [`InvalidInput`](io::ErrorKind::InvalidInput),
    /// wrapping a [`LocalAddrError`], where none is of the domain of the local address;
    /// [`NotFound`](io::ErrorKind::NotFound) where there is none at all.
    ///
    /// # Cancel safety
    ///
    /// If this does not resolve, all sockets that were under way are closed.
    pub async fn connect(&self, addresses: &[Addr]) -> io::Result<Connected> {
        match addresses {
            [addr] => self.attempt(self.reachable(addr)?).within(self.deadline).await,
            _ => Box::pin(self.connect_any(addresses, Instant::now() + self.deadline)).await,
        }
    }

    /// Connects to one of the addresses that `resolving` gives: those of
    /// [`resolve`](crate::resolve()), or of another resolver. The deadline counts from now.
    ///
    /// # Errors
    ///
    /// Those of resolving, and as [`connect`](Self::connect).
    ///
    /// # Cancel safety
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_resolving(
        &self,
        resolving: impl Future<Output = io::Result<Vec<Addr>>>,
    ) -> io::Result<Connected> {
        let until = Instant::now() + self.deadline;
        let addresses = tokio::time::timeout_at(until, resolving).await.unwrap_or_else(|_| {
            let what = format!("the name was not resolved within {:?}", self.deadline);
            Err(io::Error::new(io::ErrorKind::TimedOut, what))
        })?;
        match &*addresses {
            [addr] => {
                let left = until.saturating_duration_since(Instant::now());
                self.attempt(self.reachable(addr)?).within(left).await
            }
            _ => self.connect_any(&addresses, until).await,
        }
    }

    async fn connect_any(&self, addresses: &[Addr], until: Instant) -> io::Result<Connected> {
        let (order, pace) = match self.protocol.kind() {
            Type::Datagram => (addresses.iter().collect(), Pace::InTurn),
            _ if self.has_port() => (interleave(addresses), Pace::InTurn),
            _ => (interleave(addresses), Pace::Staggered(self.attempt_delay)),
        };
        let order: Vec<&Addr> =
            order.into_iter().filter(|addr| self.reachable(addr).is_ok()).collect();
        match (order.first(), addresses.first()) {
            (Some(_), _) => race(&order, pace, until, |addr| self.attempt(addr).run()).await,
            (None, Some(addr)) => Err(self.reachable(addr).err().unwrap_or_else(no_address)),
            (None, None) => Err(no_address()),
        }
    }

    fn attempt<'a>(&'a self, addr: &'a Addr) -> Attempt<'a> {
        let local = self.local.as_ref();
        Attempt { addr, protocol: self.protocol, options: &self.options, local }
    }

    /// The address again, unless the local one is of another domain.
    fn reachable<'a>(&self, addr: &'a Addr) -> io::Result<&'a Addr> {
        match &self.local {
            Some(local) if local.domain() != addr.domain() => {
                Err(LocalAddrError { local: local.clone(), to: addr.clone() }.into())
            }
            _ => Ok(addr),
        }
    }

    /// Whether the local address can be had by one socket at a time.
    fn has_port(&self) -> bool {
        match &self.local {
            Some(Addr::Ip(addr)) => addr.port() != 0,
            Some(Addr::Unix(addr)) => *addr != UnixAddr::Unnamed,
            None => false,
        }
    }
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "there is no address to connect to")
}

/// The local address that was asked for cannot reach the address to connect to: they are of
/// different domains.
///
/// Comes wrapped in an [`io::Error`] of kind [`InvalidInput`](io::ErrorKind::InvalidInput).
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Connector, LocalAddrError};
/// use anysock_core::{Addr, Type};
///
/// let from: Addr = Addr::Ip("[::1]:0".parse()?);
/// let connecting = Connector::new(Type::Stream).local_addr(from.clone());
/// let error = connecting.connect(&[Addr::Ip("127.0.0.1:9".parse()?)]).await.unwrap_err();
/// let error = error.get_ref().and_then(|inner| inner.downcast_ref::<LocalAddrError>());
/// assert_eq!(error.unwrap().local(), &from);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAddrError {
    local: Addr,
    to: Addr,
}

impl LocalAddrError {
    /// The local address that was asked for.
    pub fn local(&self) -> &Addr {
        &self.local
    }

    /// The address to connect to, the first if there are several.
    pub fn to(&self) -> &Addr {
        &self.to
    }
}

impl fmt::Display for LocalAddrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { local, to } = self;
        let (from, domain) = (local.domain(), to.domain());
        write!(f, "the local address {local} is of domain {from}, and cannot reach {to}; ")?;
        write!(f, "ask for one of domain {domain}")
    }
}

impl std::error::Error for LocalAddrError {}

impl From<LocalAddrError> for io::Error {
    fn from(error: LocalAddrError) -> Self {
        Self::new(io::ErrorKind::InvalidInput, error)
    }
}

//! From an address to a listener: the passive open.

use std::io;
use std::time::Duration;

use anysock_core::{
    Addr, Cell, Options, OwnedPath, PathClaim, Protocol, Socket, UnixAddr, UnixPath,
};
use tokio::time::Instant;

use crate::nap::Nap;
use crate::{Gate, Listener, PeerLimits};

/// How long another process may hold the lock on the directory of a socket path.
const PATIENCE: Duration = Duration::from_secs(5);

/// Binds a socket of `protocol`, of which the [`Type`](anysock_core::Type) is enough where it is
/// the default, to `addr`, and listens on it; datagrams are taken apart by their source, within
/// `limits`.
///
/// A unix path is owned: a dead socket's file is replaced, a living one's and any other file
/// are left alone; the file is removed when the listener is dropped, if it is still ours. TCP
/// gets [`reuse_address`](Options::reuse_address) and [`nodelay`](Options::nodelay) unless the
/// options say otherwise.
///
/// # Errors
///
/// [`AddrInUse`](io::ErrorKind::AddrInUse), [`AlreadyExists`](io::ErrorKind::AlreadyExists) for
/// a file that is no socket, [`Unsupported`](io::ErrorKind::Unsupported) for a cell that this
/// machine has not, [`InvalidInput`](io::ErrorKind::InvalidInput) for an option that means
/// nothing here; as bind(2) and listen(2).
///
/// # Cancel safety
///
/// If this does not resolve, nothing is bound.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{PeerLimits, bind};
/// use anysock_core::{Options, Type};
///
/// let any = "[::1]:0".parse::<std::net::SocketAddr>()?.into();
/// let listener = bind(&any, Type::Stream, &Options::default(), &PeerLimits::default()).await?;
/// assert_ne!(listener.local_addr()?.as_ip().unwrap().port(), 0);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub async fn bind(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    limits: &PeerLimits,
) -> io::Result<Listener> {
    bind_gated(addr, protocol.into(), options, limits, None).await
}

/// As [`bind`], and accepts only who is admitted by `gate`: see [`Listener::allow`], beside which
/// it loses nothing of what is sent between binding and allowing.
///
/// # Errors
///
/// As [`bind`] and as [`Listener::allow`].
///
/// # Cancel safety
///
/// If this does not resolve, nothing is bound.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{Gate, PeerLimits, bind_allowing};
/// use anysock_core::{Options, Type, UnixAddr};
///
/// let (options, limits) = (Options::default(), PeerLimits::default());
/// let (name, gate) = (UnixAddr::Unnamed.into(), Gate::nobody().uid(0));
/// let listener = bind_allowing(&name, Type::Datagram, &options, &limits, &gate).await?;
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
pub async fn bind_allowing(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    limits: &PeerLimits,
    gate: &Gate,
) -> io::Result<Listener> {
    let protocol = protocol.into();
    Gate::check(Cell::new(addr.domain(), protocol.kind()))?;
    bind_gated(addr, protocol, options, limits, Some(gate)).await
}

async fn bind_gated(
    addr: &Addr,
    protocol: Protocol,
    options: &Options,
    limits: &PeerLimits,
    gate: Option<&Gate>,
) -> io::Result<Listener> {
    let kind = protocol.kind();
    let cell = Cell::new(addr.domain(), kind);
    options.check_bind(addr, kind)?;
    let options = options.for_listener(cell);
    let socket = Socket::open_as(addr.domain(), protocol)?;
    options.apply(&socket)?;
    crate::stream::prepare(&socket)?;
    if gate.is_some() {
        Gate::prepare(&socket)?;
    }
    let path = match addr {
        Addr::Unix(UnixAddr::Path(path)) => Some(bind_path(&socket, path, &options).await?),
        _ => {
            let listening = socket.bind(addr).and_then(|()| match kind.is_connection_oriented() {
                true => socket.listen(options.backlog_or_default()),
                false => Ok(()),
            });
            listening.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot bind {cell} {addr}: {error}"))
            })?;
            None
        }
    };
    tracing::debug!(%cell, %addr, "bound");
    Listener::new(socket, limits.clone(), path, gate.cloned())
}

/// Binds `count` sockets of `protocol` to one address, among which the kernel spreads what
/// comes: `SO_REUSEPORT`, socket(7). One for each runtime or task that serves, and no lock is
/// shared. Port 0 is one free port for all of them.
///
/// Connections, and the datagrams of one peer, go to a socket by the hash of their addresses. It
/// changes when one is dropped: connections that it had not accepted are reset, and peers of
/// datagrams are new ones elsewhere. Other processes of the same user may bind there as well.
///
/// # Errors
///
/// As [`bind`]; [`InvalidInput`](io::ErrorKind::InvalidInput) for none at all, and, wrapping an
/// [`OptionError`](anysock_core::OptionError), for a cell whose addresses belong to one socket:
/// unix.
///
/// # Cancel safety
///
/// If this does not resolve, nothing is bound.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{PeerLimits, bind_shards};
/// use anysock_core::{Options, Type};
///
/// let any = "127.0.0.1:0".parse::<std::net::SocketAddr>()?.into();
/// let (options, limits) = (Options::default(), PeerLimits::default());
/// let shards = bind_shards(&any, Type::Stream, &options, &limits, 2).await?;
/// assert_eq!(shards[0].local_addr()?, shards[1].local_addr()?);
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub async fn bind_shards(
    addr: &Addr,
    protocol: impl Into<Protocol>,
    options: &Options,
    limits: &PeerLimits,
    count: usize,
) -> io::Result<Vec<Listener>> {
    if count == 0 {
        let what = format!("no shard of {addr} would be bound: at least 1 is wanted");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let protocol = protocol.into();
    let options = options.clone().reuse_port(true);
    let first = bind(addr, protocol, &options, limits).await?;
    let addr = first.local_addr()?;
    let mut shards = vec![first];
    while shards.len() < count {
        shards.push(bind(&addr, protocol, &options, limits).await?);
    }
    Ok(shards)
}

/// Binds to a path, as soon as nobody else is binding in its directory.
async fn bind_path(socket: &Socket, path: &UnixPath, options: &Options) -> io::Result<OwnedPath> {
    let mut nap = Nap::new(Duration::from_millis(1), Duration::from_millis(50));
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(claim) = PathClaim::try_new(path)? {
            return claim.bind(socket, options);
        }
        if Instant::now() >= until {
            let what = format!(
                "cannot bind {path:?}: another process has locked its directory for {PATIENCE:?}; \
                 find it with fuser(1)"
            );
            return Err(io::Error::new(io::ErrorKind::TimedOut, what));
        }
        nap.take().await;
    }
}

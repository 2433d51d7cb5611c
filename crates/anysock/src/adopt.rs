//! `adopt(descriptor)`: sockets that were handed over.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use anysock_async::PeerLimits;
use anysock_core::{ConvertError, Endpoint, Options};
use anysock_framing::{AnyCodec, Error};

use crate::{Bind, Connect, Connection, Listener};

/// Takes over a socket of any cell that somebody else has made, and handed over: a descriptor that
/// came with a message, or a type of std or tokio. Say what differs from the defaults, and then
/// whether it is to [listen](Adopt::listen) or to [be talked over](Adopt::connection).
///
/// Those that this process was started with are endpoints instead: `fd:N`, `systemd:NAME`.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock::prelude::*;
/// use std::os::unix::net::UnixStream;
///
/// let (near, far) = UnixStream::pair()?;
/// let mut near = anysock::adopt(near).connection()?;
/// let mut far = anysock::adopt(far).connection()?;
/// near.send("hello").await?;
/// assert_eq!(far.recv().await?.unwrap(), "hello");
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub fn adopt(descriptor: impl Into<OwnedFd>) -> Adopt {
    // The endpoints of the builders are never looked at.
    let (bind, connect) = (crate::bind(Endpoint::Fd(0)), crate::connect(Endpoint::Fd(0)));
    Adopt { descriptor: descriptor.into(), bind, connect }
}

/// A socket to be taken over: the builder of [`adopt`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let made = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let adopt: anysock::Adopt = anysock::adopt(made).max(1024);
/// let listener = adopt.listen()?;
/// assert!(anysock::connect(listener.endpoint()).await.is_ok());
///
/// // A mismatch is an error that gives the descriptor back.
/// let made = std::net::UdpSocket::bind("127.0.0.1:0")?;
/// let refused = anysock::adopt(made).connection().unwrap_err();
/// let made = std::net::UdpSocket::from(refused.into_inner());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the socket is closed unless it is made a listener or a connection"]
pub struct Adopt {
    descriptor: OwnedFd,
    bind: Bind,
    connect: Connect,
}

impl Adopt {
    /// As [`Bind::codec`].
    pub fn codec(mut self, codec: impl Into<AnyCodec>) -> Self {
        let codec = codec.into();
        self.bind = self.bind.codec(codec.clone());
        self.connect = self.connect.codec(codec);
        self
    }

    /// As [`Bind::max`].
    pub fn max(mut self, bytes: usize) -> Self {
        self.bind = self.bind.max(bytes);
        self.connect = self.connect.max(bytes);
        self
    }

    /// Socket options; those that have an effect before bind(2) only are refused. See
    /// [`Options::apply_bound`].
    pub fn options(mut self, options: Options) -> Self {
        self.bind = self.bind.options(options.clone());
        self.connect = self.connect.options(options);
        self
    }

    /// As [`Bind::peer_limits`].
    pub fn peer_limits(mut self, limits: PeerLimits) -> Self {
        self.bind = self.bind.peer_limits(limits);
        self
    }

    /// As [`Bind::busy_poll`] and [`Connect::busy_poll`].
    pub fn busy_poll(mut self, longest: Duration) -> Self {
        self.bind = self.bind.busy_poll(longest);
        self.connect = self.connect.busy_poll(longest);
        self
    }

    /// Accepts peers on the socket: it listens already, or, of the datagram type, is bound. Its
    /// socket file is not unlinked in the end, unless [`own_path`](Listener::own_path) says so.
    ///
    /// # Errors
    ///
    /// Gives back a descriptor of the same socket, with an [`AdoptError`](crate::AdoptError) for
    /// what is no such socket; see [`Socket::adopt_listener`](crate::core::Socket::adopt_listener).
    pub fn listen(self) -> Result<Listener, ConvertError<OwnedFd>> {
        let bind = self.bind;
        keeping_a_spare(self.descriptor, |descriptor| bind.adopt(descriptor))
    }

    /// Talks over the socket, which is connected already.
    ///
    /// # Errors
    ///
    /// Gives back a descriptor of the same socket, with an [`AdoptError`](crate::AdoptError) for
    /// what is no such socket; see
    /// [`Socket::adopt_connected`](crate::core::Socket::adopt_connected).
    pub fn connection(self) -> Result<Connection, ConvertError<OwnedFd>> {
        let connect = self.connect;
        keeping_a_spare(self.descriptor, |descriptor| connect.adopt(descriptor))
    }
}

fn keeping_a_spare<T>(
    descriptor: OwnedFd,
    adopt: impl FnOnce(OwnedFd) -> Result<T, Error>,
) -> Result<T, ConvertError<OwnedFd>> {
    match descriptor.try_clone() {
        Ok(spare) => {
            adopt(descriptor).map_err(|error| ConvertError::new(spare, io::Error::from(error)))
        }
        Err(error) => Err(ConvertError::new(descriptor, error)),
    }
}

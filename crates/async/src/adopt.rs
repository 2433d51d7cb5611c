//! Sockets that somebody else has made: inherited by this process, or handed over to it.

use std::io;
use std::os::fd::OwnedFd;

use anysock_core::{ConvertError, Endpoint, Options, Socket, Type};

use crate::sys::expect_runtime;
use crate::{Connected, DatagramSocket, Listener, PeerLimits, SeqPacketSocket, StreamSocket};

impl Listener {
    /// Accepts on a socket that was handed over, whatever its cell: one that listens, or, of the
    /// datagram type, is bound. See [`Socket::adopt_listener`] for what is read, checked and set.
    ///
    /// Its socket file, if it has one, is not unlinked when this is dropped, since it belongs to
    /// whoever bound it: see [`own_path`](Self::own_path) for one that was handed over with it.
    ///
    /// # Errors
    ///
    /// Gives the descriptor back, with the errors of [`Socket::adopt_listener`], or
    /// [`Other`](io::ErrorKind::Other) outside of a tokio runtime.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::{Accepted, Listener, PeerLimits};
    /// use anysock_core::Options;
    ///
    /// let made = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let at = made.local_addr()?;
    /// let mut listener = Listener::adopt(made.into(), &Options::new(), &PeerLimits::default())?;
    /// let client = std::net::TcpStream::connect(at)?;
    /// assert!(matches!(listener.accept().await?, Accepted::Stream(_)));
    /// # Ok::<_, std::io::Error>(()) })?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn adopt(
        descriptor: OwnedFd,
        options: &Options,
        limits: &PeerLimits,
    ) -> Result<Self, ConvertError<OwnedFd>> {
        if let Err(error) = expect_runtime() {
            return Err(ConvertError::new(descriptor, error));
        }
        made_of(Socket::adopt_listener(descriptor, options)?, |socket| {
            Self::new(socket, limits.clone(), None, None)
        })
    }

    /// As [`adopt`](Self::adopt), of what this process was started with: `fd:N` or
    /// `systemd:NAME`. See [`Socket::inherit_listener`].
    ///
    /// # Errors
    ///
    /// As there, and [`Other`](io::ErrorKind::Other) outside of a tokio runtime.
    pub fn inherit(
        endpoint: &Endpoint,
        options: &Options,
        limits: &PeerLimits,
    ) -> io::Result<Self> {
        expect_runtime()?;
        let socket = Socket::inherit_listener(endpoint, options)?;
        tracing::debug!(cell = %socket.cell(), %endpoint, "inherited");
        Self::new(socket, limits.clone(), None, None)
    }
}

impl Connected {
    /// Talks over a socket that was handed over, whatever its cell, and is connected. See
    /// [`Socket::adopt_connected`] for what is read, checked and set. What it has received before
    /// is kept.
    ///
    /// # Errors
    ///
    /// Gives the descriptor back, with the errors of [`Socket::adopt_connected`], or
    /// [`Other`](io::ErrorKind::Other) outside of a tokio runtime.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use anysock_async::Connected;
    /// use anysock_core::Options;
    ///
    /// let (near, far) = std::os::unix::net::UnixDatagram::pair()?;
    /// far.send(b"already here")?;
    /// let Connected::Datagram(near) = Connected::adopt(near.into(), &Options::new())? else {
    ///     unreachable!()
    /// };
    /// assert_eq!(near.recv(&mut [0; 64]).await?.unwrap().length, 12);
    /// # Ok::<_, std::io::Error>(()) })?;
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn adopt(descriptor: OwnedFd, options: &Options) -> Result<Self, ConvertError<OwnedFd>> {
        if let Err(error) = expect_runtime() {
            return Err(ConvertError::new(descriptor, error));
        }
        made_of(Socket::adopt_connected(descriptor, options)?, |socket| Self::of(socket))
    }

    /// As [`adopt`](Self::adopt), of what this process was started with: `fd:N` or
    /// `systemd:NAME`. See [`Socket::inherit_connected`].
    ///
    /// # Errors
    ///
    /// As there, and [`Other`](io::ErrorKind::Other) outside of a tokio runtime.
    pub fn inherit(endpoint: &Endpoint, options: &Options) -> io::Result<Self> {
        expect_runtime()?;
        let socket = Socket::inherit_connected(endpoint, options)?;
        tracing::debug!(cell = %socket.cell(), %endpoint, "inherited");
        Self::of(socket)
    }

    fn of(socket: Socket) -> io::Result<Self> {
        match socket.cell().kind {
            Type::Stream => StreamSocket::new(socket).map(Self::Stream),
            Type::SeqPacket => SeqPacketSocket::new(socket).map(Self::SeqPacket),
            Type::Datagram => DatagramSocket::new(socket).map(Self::Datagram),
        }
    }
}

/// Makes something of a socket, of which a duplicate is given back if that fails.
fn made_of<T>(
    socket: Socket,
    make: impl FnOnce(Socket) -> io::Result<T>,
) -> Result<T, ConvertError<OwnedFd>> {
    match socket.try_clone() {
        Ok(spare) => make(socket).map_err(|error| ConvertError::new(spare.into(), error)),
        Err(error) => Err(ConvertError::new(socket.into(), error)),
    }
}

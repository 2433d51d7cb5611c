//! The same cases on tokio's own types, used as their documentation shows.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;

use anysock::{Addr, Cell, Domain, Options, Type, UnixAddr};
use anysock_core::Socket;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::far::fresh;
use crate::sockets::{LONGEST, Sockets};

/// `TcpStream` and `UnixStream` under tokio-util's codec for lengths, `UdpSocket`, `UnixDatagram`,
/// and `AsyncFd` for seqpacket sockets.
pub(crate) struct Tokio;

pub(crate) enum Connection {
    Tcp(Framed<TcpStream, LengthDelimitedCodec>),
    Unix(Framed<UnixStream, LengthDelimitedCodec>),
    Udp(UdpSocket),
    UnixDatagram(UnixDatagram),
    SeqPacket(AsyncFd<Socket>),
    /// One of those who send to a socket that is not connected.
    UdpPeer(Arc<UdpSocket>, SocketAddr),
    UnixPeer(Arc<UnixDatagram>, PathBuf),
}

pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
    Udp(Arc<UdpSocket>),
    UnixDatagram(Arc<UnixDatagram>),
    SeqPacket(AsyncFd<Socket>),
}

impl Sockets for Tokio {
    type Connection = Connection;
    type Listener = Listener;

    async fn connect(
        cell: Cell,
        to: &Addr,
        from: Option<&Addr>,
        options: &Options,
    ) -> io::Result<Connection> {
        match (cell.kind, to) {
            (Type::Stream, Addr::Ip(to)) => Ok(TcpStream::connect(to).await?.into()),
            (Type::Stream, Addr::Unix(to)) => Ok(UnixStream::connect(path(to)).await?.into()),
            _ => {
                let socket = Socket::open(cell)?;
                options.apply(&socket)?;
                if cell.kind == Type::Datagram {
                    socket.bind(from.unwrap_or(&fresh(cell.domain)))?;
                }
                socket.connect(to)?;
                packets(socket)
            }
        }
    }

    async fn bind(cell: Cell, addr: &Addr) -> io::Result<Listener> {
        let socket = Socket::open(cell)?;
        socket.bind(addr)?;
        if cell.kind.is_connection_oriented() {
            socket.listen(128)?;
        }
        if cell.kind == Type::SeqPacket {
            return Ok(Listener::SeqPacket(register(socket)?));
        }
        let (socket, unix) = (OwnedFd::from(socket), cell.domain == Domain::Unix);
        Ok(match (cell.kind, unix) {
            (Type::Stream, false) => Listener::Tcp(TcpListener::from_std(socket.into())?),
            (Type::Stream, true) => Listener::Unix(UnixListener::from_std(socket.into())?),
            (_, false) => Listener::Udp(UdpSocket::from_std(socket.into())?.into()),
            (_, true) => Listener::UnixDatagram(UnixDatagram::from_std(socket.into())?.into()),
        })
    }

    async fn accept(listener: &mut Listener) -> io::Result<Connection> {
        let mut buffer = [0; 64];
        match listener {
            Listener::Tcp(listener) => Ok(listener.accept().await?.0.into()),
            Listener::Unix(listener) => Ok(listener.accept().await?.0.into()),
            Listener::SeqPacket(listener) => {
                let (accepted, _) = read(listener, |listener| listener.accept()).await?;
                Ok(Connection::SeqPacket(register(accepted)?))
            }
            Listener::Udp(socket) => {
                let (_, source) = socket.recv_from(&mut buffer).await?;
                Ok(Connection::UdpPeer(Arc::clone(socket), source))
            }
            Listener::UnixDatagram(socket) => {
                let (_, source) = socket.recv_from(&mut buffer).await?;
                let path = source.as_pathname().map(PathBuf::from).unwrap_or_default();
                Ok(Connection::UnixPeer(Arc::clone(socket), path))
            }
        }
    }

    async fn send(connection: &mut Connection, message: &[u8]) -> io::Result<()> {
        match connection {
            Connection::Tcp(framed) => framed.send(Bytes::copy_from_slice(message)).await,
            Connection::Unix(framed) => framed.send(Bytes::copy_from_slice(message)).await,
            Connection::Udp(socket) => socket.send(message).await.map(drop),
            Connection::UnixDatagram(socket) => socket.send(message).await.map(drop),
            Connection::UdpPeer(socket, peer) => socket.send_to(message, *peer).await.map(drop),
            Connection::UnixPeer(socket, peer) => socket.send_to(message, peer).await.map(drop),
            Connection::SeqPacket(socket) => loop {
                let mut guard = socket.writable().await?;
                if let Ok(sent) = guard.try_io(|socket| socket.get_ref().send(message)) {
                    return sent.map(drop);
                }
            },
        }
    }

    async fn send_to(socket: Socket, message: &[u8], to: &Addr) -> io::Result<()> {
        let socket = UnixDatagram::from_std(OwnedFd::from(socket).into())?;
        let Addr::Unix(UnixAddr::Path(to)) = to else { panic!("no case sends to {to}") };
        socket.send_to(message, to.as_path()).await.map(drop)
    }

    fn try_send(connection: &mut Connection, message: &[u8]) -> io::Result<()> {
        let sent = match connection {
            Connection::Tcp(framed) => framed.get_ref().try_write(message),
            Connection::Unix(framed) => framed.get_ref().try_write(message),
            Connection::Udp(socket) => socket.try_send(message),
            Connection::UnixDatagram(socket) => socket.try_send(message),
            Connection::UdpPeer(socket, peer) => socket.try_send_to(message, *peer),
            Connection::UnixPeer(socket, peer) => socket.try_send_to(message, peer),
            Connection::SeqPacket(socket) => {
                socket.try_io(tokio::io::Interest::WRITABLE, |socket| socket.send(message))
            }
        };
        sent.map(drop)
    }

    async fn recv(connection: &mut Connection) -> io::Result<Option<usize>> {
        let mut buffer = [0; 2048];
        let length = match connection {
            Connection::Tcp(framed) => {
                return Ok(framed.next().await.transpose()?.map(|m| m.len()));
            }
            Connection::Unix(framed) => {
                return Ok(framed.next().await.transpose()?.map(|m| m.len()));
            }
            Connection::Udp(socket) => socket.recv(&mut buffer).await?,
            Connection::UnixDatagram(socket) => socket.recv(&mut buffer).await?,
            Connection::UdpPeer(socket, _) => socket.recv_from(&mut buffer).await?.0,
            Connection::UnixPeer(socket, _) => socket.recv_from(&mut buffer).await?.0,
            Connection::SeqPacket(socket) => {
                read(socket, |socket| socket.recv(&mut buffer)).await?
            }
        };
        // No case sends an empty message, and there is no telling it from the end.
        Ok((length > 0).then_some(length))
    }

    fn duplicate(connection: &Connection) -> Socket {
        duplicate(match connection {
            Connection::Tcp(framed) => framed.get_ref().as_fd(),
            Connection::Unix(framed) => framed.get_ref().as_fd(),
            Connection::Udp(socket) => socket.as_fd(),
            Connection::UnixDatagram(socket) => socket.as_fd(),
            Connection::UdpPeer(socket, _) => socket.as_fd(),
            Connection::UnixPeer(socket, _) => socket.as_fd(),
            Connection::SeqPacket(socket) => socket.as_fd(),
        })
    }

    fn duplicate_listener(listener: &Listener) -> Socket {
        duplicate(match listener {
            Listener::Tcp(listener) => listener.as_fd(),
            Listener::Unix(listener) => listener.as_fd(),
            Listener::Udp(socket) => socket.as_fd(),
            Listener::UnixDatagram(socket) => socket.as_fd(),
            Listener::SeqPacket(listener) => listener.as_fd(),
        })
    }
}

impl From<TcpStream> for Connection {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(Framed::new(stream, codec()))
    }
}

impl From<UnixStream> for Connection {
    fn from(stream: UnixStream) -> Self {
        Self::Unix(Framed::new(stream, codec()))
    }
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(LONGEST).new_codec()
}

/// A connected socket that keeps boundaries.
fn packets(socket: Socket) -> io::Result<Connection> {
    let cell = socket.cell();
    if cell.kind == Type::SeqPacket {
        return Ok(Connection::SeqPacket(register(socket)?));
    }
    let socket = OwnedFd::from(socket);
    Ok(match cell.domain {
        Domain::Unix => Connection::UnixDatagram(UnixDatagram::from_std(socket.into())?),
        _ => Connection::Udp(UdpSocket::from_std(socket.into())?),
    })
}

fn register(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a Socket owns its descriptor, always gives the same one, and keeps it open.
    Ok(unsafe { AsyncFd::register(socket) }?)
}

/// The loop that the documentation of `AsyncFd` shows.
async fn read<R>(
    socket: &AsyncFd<Socket>,
    mut call: impl FnMut(&Socket) -> io::Result<R>,
) -> io::Result<R> {
    loop {
        let mut guard = socket.readable().await?;
        if let Ok(done) = guard.try_io(|socket| call(socket.get_ref())) {
            return done;
        }
    }
}

/// As tokio takes it: an abstract name begins with NUL.
fn path(addr: &UnixAddr) -> PathBuf {
    let bytes = match addr {
        UnixAddr::Abstract(name) => [b"\0", name.as_bytes()].concat(),
        other => panic!("no case connects a stream to {other}"),
    };
    std::ffi::OsString::from_vec(bytes).into()
}

fn duplicate(socket: BorrowedFd<'_>) -> Socket {
    Socket::adopt(socket.try_clone_to_owned().unwrap()).unwrap()
}

//! Where a service is, for those who know nothing of the library: sockets as socket2 makes them.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use socket2::{Domain, SockAddr, Socket, Type};

/// Where to connect to.
#[derive(Clone)]
pub(crate) struct At {
    addr: SockAddr,
    kind: Type,
    pub(crate) path: Option<String>,
}

impl At {
    /// Of an endpoint as the library prints it.
    pub(crate) fn parse(endpoint: &str) -> Self {
        let kinds = [
            ("tcp://", Type::STREAM),
            ("udp://", Type::DGRAM),
            ("unix:", Type::STREAM),
            ("unix-dgram:", Type::DGRAM),
            ("unix-seqpacket:", Type::SEQPACKET),
        ];
        let found = kinds.iter().find_map(|(scheme, kind)| {
            Some((endpoint.strip_prefix(scheme)?, *kind, scheme.ends_with("//")))
        });
        let (rest, kind, is_inet) = found.expect("an endpoint of a known scheme");
        match is_inet {
            true => Self { addr: rest.parse::<SocketAddr>().unwrap().into(), kind, path: None },
            false => {
                let addr = SockAddr::unix(rest.replacen('@', "\0", 1)).unwrap();
                Self { addr, kind, path: Some(rest.into()) }
            }
        }
    }

    pub(crate) fn domain(&self) -> Domain {
        self.addr.domain()
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.kind == Type::STREAM
    }

    pub(crate) fn is_datagram(&self) -> bool {
        self.kind == Type::DGRAM
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.is_stream() && self.path.is_none()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        Some(self.addr.as_socket()?.port())
    }

    pub(crate) fn addr(&self) -> &SockAddr {
        &self.addr
    }

    /// A socket that is connected nowhere.
    pub(crate) fn socket(&self) -> Socket {
        Socket::new(self.domain(), self.kind, None).unwrap()
    }

    /// One that is connected, and can be answered.
    pub(crate) fn connect(&self) -> io::Result<Socket> {
        let socket = self.socket();
        if self.path.is_some() && self.is_datagram() {
            name(&socket)?;
        }
        socket.connect(&self.addr)?;
        if self.is_tcp() {
            let _ = socket.set_tcp_nodelay(true);
        }
        Ok(socket)
    }

    /// A message as this cell has it: on streams behind its length.
    pub(crate) fn frame(&self, message: &[u8]) -> Vec<u8> {
        match self.is_stream() {
            true => [&(message.len() as u32).to_be_bytes()[..], message].concat(),
            false => message.into(),
        }
    }
}

/// Has the kernel choose an abstract name: unix(7), autobind.
fn name(socket: &Socket) -> io::Result<()> {
    let family = libc::AF_UNIX as libc::sa_family_t;
    let length = size_of_val(&family) as libc::socklen_t;
    // SAFETY: the pointer and the length describe `family`, which outlives the call.
    match unsafe { libc::bind(socket.as_raw_fd(), (&raw const family).cast(), length) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

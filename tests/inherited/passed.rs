//! Sockets as another program makes them, and processes that are started with them.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};

use anysock::core::{Addr, Cell, Endpoint, Options, Socket, UnixAddr};

use crate::support::{Directory, endpoint};

/// A socket of `cell` that is bound, and listens if its type does.
pub(crate) fn listening(cell: Cell, directory: &Directory) -> OwnedFd {
    let addr = endpoint(cell, directory).parse::<Endpoint>().unwrap().addr().unwrap();
    let socket = Socket::open(cell).unwrap();
    socket.bind(&addr).unwrap();
    if cell.kind.is_connection_oriented() {
        socket.listen(16).unwrap();
    }
    foreign(socket)
}

/// Two sockets of `cell` that are connected to each other.
pub(crate) fn pair(cell: Cell) -> (OwnedFd, OwnedFd) {
    if !cell.domain.is_inet() {
        let (near, far) = Socket::pair(cell.kind).unwrap();
        return (foreign(near), foreign(far));
    }
    let any = match cell.domain {
        anysock::Domain::Ipv4 => "127.0.0.1:0",
        _ => "[::1]:0",
    };
    let any = Addr::Ip(any.parse().unwrap());
    let server = Socket::open(cell).unwrap();
    server.bind(&any).unwrap();
    let client = Socket::open(cell).unwrap();
    if cell.kind == anysock::Type::Datagram {
        client.bind(&any).unwrap();
        server.connect(&client.local_addr().unwrap()).unwrap();
        client.connect(&server.local_addr().unwrap()).unwrap();
        return (foreign(client), foreign(server));
    }
    server.listen(1).unwrap();
    socket2::SockRef::from(&client).set_nonblocking(false).unwrap();
    client.connect(&server.local_addr().unwrap()).unwrap();
    let (accepted, _) = server.accept().unwrap();
    (foreign(client), foreign(accepted))
}

/// Blocking, as most programs make them.
fn foreign(socket: Socket) -> OwnedFd {
    socket2::SockRef::from(&socket).set_nonblocking(false).unwrap();
    socket.into()
}

/// Where a socket is, as an endpoint.
pub(crate) fn at(socket: &OwnedFd) -> String {
    let socket = Socket::adopt(socket.as_fd().try_clone_to_owned().unwrap()).unwrap();
    Endpoint::from_addr(socket.local_addr().unwrap(), socket.cell().kind).to_string()
}

/// A shell that becomes `program`, with a socket, or what else it may be, at descriptor 3.
pub(crate) fn shell(passed: OwnedFd, program: &Path, arguments: &[&str]) -> Command {
    script("exec 3<&0 0</dev/null; exec \"$0\" \"$@\"", passed, program, arguments)
}

/// The same, by the protocol of socket activation.
pub(crate) fn activated(
    passed: OwnedFd,
    names: &str,
    program: &Path,
    arguments: &[&str],
) -> Command {
    let text = "export LISTEN_PID=$$ LISTEN_FDS=1; exec 3<&0 0</dev/null; exec \"$0\" \"$@\"";
    let mut command = script(text, passed, program, arguments);
    command.env("LISTEN_FDNAMES", names);
    command
}

pub(crate) fn script(text: &str, passed: OwnedFd, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", text]).arg(program).args(arguments).stdin(Stdio::from(passed));
    command
}

/// Fails unless a socket file lies at the path of `endpoint`, if that has one; removes it.
pub(crate) fn remove_file(endpoint: &str) {
    let addr = endpoint.parse::<Endpoint>().unwrap().addr().unwrap();
    if let Addr::Unix(UnixAddr::Path(path)) = addr {
        std::fs::remove_file(path.as_path()).expect("whoever bound the file is to unlink it");
    }
}

/// What a socket of `cell` that was passed has set, to be the same afterwards; but for what the
/// kernel finds out by itself as a connection goes on.
pub(crate) fn options(socket: &OwnedFd) -> Options {
    let socket = Socket::adopt(socket.as_fd().try_clone_to_owned().unwrap()).unwrap();
    let mut options = Options::read(&socket).unwrap();
    (options.max_segment, options.incoming_cpu, options.quick_ack) = (None, None, None);
    options
}

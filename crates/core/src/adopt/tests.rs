//! What is adopted, what is refused, and what is given back.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use super::{AdoptError, AdoptFault};
use crate::{Addr, Cell, ConvertError, Options, Socket, Type, UnixAddr, sys};

const CELLS: [Cell; 7] = [
    Cell::UNIX_STREAM,
    Cell::UNIX_DATAGRAM,
    Cell::UNIX_SEQPACKET,
    Cell::IPV4_STREAM,
    Cell::IPV4_DATAGRAM,
    Cell::IPV6_STREAM,
    Cell::IPV6_DATAGRAM,
];

/// A blocking socket that exec would keep, as other programs make them.
fn foreign(cell: Cell) -> OwnedFd {
    let kind = cell.kind.to_os();
    socket2::Socket::new_raw(cell.domain.to_os(), kind, cell.protocol()).unwrap().into()
}

fn bound(cell: Cell) -> OwnedFd {
    let socket = socket2::Socket::from(foreign(cell));
    let addr: Addr = match cell {
        _ if !cell.domain.is_inet() => UnixAddr::Unnamed.into(),
        _ if cell.domain == crate::Domain::Ipv4 => Addr::Ip("127.0.0.1:0".parse().unwrap()),
        _ => Addr::Ip("[::1]:0".parse().unwrap()),
    };
    socket.bind(&sys::to_os(&addr)).unwrap();
    socket.into()
}

fn listening(cell: Cell) -> OwnedFd {
    let socket = socket2::Socket::from(bound(cell));
    if cell.kind.is_connection_oriented() {
        socket.listen(8).unwrap();
    }
    socket.into()
}

/// A socket that is connected to the second.
fn connected(cell: Cell) -> (OwnedFd, OwnedFd) {
    let server = listening(cell);
    let client = socket2::Socket::from(foreign(cell));
    let at = socket2::SockRef::from(&server).local_addr().unwrap();
    client.connect(&at).unwrap();
    (client.into(), server)
}

#[track_caller]
fn fault<T>(refused: Result<T, ConvertError<OwnedFd>>, number: i32) -> AdoptFault {
    let Err(refused) = refused else { panic!("it was adopted") };
    let text = refused.to_string();
    assert!(text.starts_with(&format!("descriptor {number}: ")), "{text}");
    let (error, kind) = (refused.error().get_ref().unwrap(), refused.error().kind());
    assert!(error.is::<AdoptError>(), "{text}");
    // Given back as it was: open at the same number, and not close-on-exec if it was not.
    let error = std::io::Error::from(refused.map(|descriptor| {
        assert_eq!(descriptor.as_raw_fd(), number);
        assert!(sys::is_open(number));
    }));
    assert_eq!(error.kind(), kind);
    error.downcast::<AdoptError>().unwrap().into_fault()
}

/// Whether exec closes it, as proc(5) tells.
fn closes_on_exec(descriptor: &impl AsRawFd) -> bool {
    let info = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
    let info = std::fs::read_to_string(info).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    i32::from_str_radix(flags.trim(), 8).unwrap() & libc::O_CLOEXEC != 0
}

#[test]
fn the_cell_of_every_socket_is_read_from_the_kernel() {
    for cell in CELLS {
        let socket = Socket::adopt(foreign(cell)).unwrap();
        assert_eq!(socket.cell(), cell);
        assert!(!socket.is_listening().unwrap());
        let socket = Socket::adopt_listener(listening(cell), &Options::new()).unwrap();
        assert_eq!(socket.cell(), cell);
        assert_eq!(socket.is_listening().unwrap(), cell.kind.is_connection_oriented());
        let (client, _server) = connected(cell);
        assert_eq!(Socket::adopt_connected(client, &Options::new()).unwrap().cell(), cell);
    }
}

#[test]
fn what_is_adopted_never_blocks_and_is_not_inherited_any_further() {
    for cell in CELLS {
        let descriptor = listening(cell);
        let before = socket2::SockRef::from(&descriptor);
        assert!(!before.nonblocking().unwrap() && !closes_on_exec(&descriptor));
        let socket = Socket::adopt_listener(descriptor, &Options::new()).unwrap();
        assert!(socket2::SockRef::from(&socket).nonblocking().unwrap() && closes_on_exec(&socket));
    }
}

#[test]
fn what_is_refused_is_left_as_it_was() {
    let descriptor = bound(Cell::UNIX_STREAM);
    let descriptor = Socket::adopt_listener(descriptor, &Options::new()).unwrap_err().into_inner();
    let socket = socket2::SockRef::from(&descriptor);
    assert!(!socket.nonblocking().unwrap() && !closes_on_exec(&descriptor));
    socket.listen(1).unwrap();
    Socket::adopt_listener(descriptor, &Options::new()).unwrap();
}

#[test]
fn a_listener_must_listen_or_be_bound_and_have_no_peer() {
    for cell in CELLS {
        let unbound = foreign(cell);
        let number = unbound.as_raw_fd();
        let found = fault(Socket::adopt_listener(unbound, &Options::new()), number);
        match cell.kind {
            Type::Datagram => assert!(matches!(found, AdoptFault::NotBound { .. }), "{found}"),
            _ => assert!(matches!(found, AdoptFault::DoesNotListen { .. }), "{found}"),
        }
        let (client, _server) = connected(cell);
        let number = client.as_raw_fd();
        let found = fault(Socket::adopt_listener(client, &Options::new()), number);
        assert!(matches!(found, AdoptFault::Connected { .. }), "{found}");
    }
}

#[test]
fn a_connected_socket_must_have_a_peer() {
    for cell in CELLS {
        let lonely = foreign(cell);
        let number = lonely.as_raw_fd();
        let found = fault(Socket::adopt_connected(lonely, &Options::new()), number);
        assert!(matches!(found, AdoptFault::NotConnected { .. }), "{found}");
        let server = listening(cell);
        let number = server.as_raw_fd();
        let found = fault(Socket::adopt_connected(server, &Options::new()), number);
        match cell.kind {
            Type::Datagram => assert!(matches!(found, AdoptFault::NotConnected { .. }), "{found}"),
            _ => assert!(matches!(found, AdoptFault::Listens { .. }), "{found}"),
        }
    }
}

#[test]
fn what_is_no_socket_is_called_by_its_name() {
    let mut child = std::process::Command::new("true");
    let mut child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let pipe = child.stdout.take().unwrap();
    child.wait().unwrap();
    let things: [(&str, OwnedFd); 4] = [
        ("regular file", File::open(std::env::current_exe().unwrap()).unwrap().into()),
        ("directory", File::open("/").unwrap().into()),
        ("device", File::open("/dev/null").unwrap().into()),
        ("pipe", pipe.into()),
    ];
    for (name, thing) in things {
        let number = thing.as_raw_fd();
        let found = fault(Socket::adopt(thing), number);
        assert!(matches!(found, AdoptFault::NotASocket { found } if found == name), "{found}");
    }
}

#[test]
fn a_socket_that_is_in_no_cell_is_refused_by_what_it_is() {
    const NETLINK: i32 = 16;
    let netlink = socket2::Socket::new(NETLINK.into(), socket2::Type::DGRAM, None).unwrap();
    let number = netlink.as_raw_fd();
    let found = fault(Socket::adopt(netlink.into()), number);
    assert!(matches!(found, AdoptFault::ForeignDomain { family: NETLINK }), "{found}");

    const UDP_LITE: i32 = 136;
    let lite = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::DGRAM,
        Some(socket2::Protocol::from(UDP_LITE)),
    );
    // Not every kernel has it; where it is, it is no UDP.
    if let Ok(lite) = lite {
        let number = lite.as_raw_fd();
        let found = fault(Socket::adopt(lite.into()), number);
        assert!(matches!(found, AdoptFault::ForeignProtocol { protocol: UDP_LITE, .. }), "{found}");
    }

    let raw = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::RAW,
        Some(socket2::Protocol::ICMPV4),
    );
    // Only for the privileged.
    if let Ok(raw) = raw {
        let number = raw.as_raw_fd();
        let found = fault(Socket::adopt(raw.into()), number);
        assert!(matches!(found, AdoptFault::ForeignType { kind: libc::SOCK_RAW, .. }), "{found}");
    }
}

#[test]
fn an_adopted_stream_is_searched_for_what_came_along() {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    let near = Socket::adopt_connected(near.into(), &Options::new()).unwrap();
    let far = Socket::adopt(far.into()).unwrap();
    let passed = [near.as_fd().try_clone_to_owned().unwrap()];
    let with = crate::Outgoing { descriptors: &passed, ..Default::default() };
    far.send_message(&[std::io::IoSlice::new(b"one")], &with).unwrap();
    far.send(b"two").unwrap();
    // The kernel stops behind the descriptor. Who took that for the end would wait for ever.
    let chunk = near.recv_chunk(&mut Vec::with_capacity(64)).unwrap();
    assert_eq!((chunk.length, chunk.fell_short), (3, false));
}

#[test]
fn options_are_read_from_an_adopted_socket_as_from_any() {
    for cell in CELLS {
        let socket = Socket::adopt(listening(cell)).unwrap();
        let options = Options::read(&socket).unwrap();
        assert_eq!(options.reuse_port.is_some(), cell.domain.is_inet());
    }
}

#[test]
fn options_are_set_where_a_bound_socket_still_takes_them() {
    for cell in CELLS {
        let options = Options::new().send_buffer(40_000);
        let socket = Socket::adopt_listener(listening(cell), &options).unwrap();
        let read = Options::read(&socket).unwrap();
        assert_eq!(read.send_buffer, Some(40_000), "{cell}");
        // As whatever is connected or bound here has it.
        let tcp = cell.domain.is_inet() && cell.kind == Type::Stream;
        assert_eq!(read.nodelay, tcp.then_some(true), "{cell}");
        let (client, _server) = connected(cell);
        let options = options.backlog(9).file_mode(0o600);
        let concerns = Options { backlog: None, file_mode: None, ..options.clone() };
        let options = if cell.kind == Type::Datagram || tcp { concerns } else { options };
        let socket = Socket::adopt_connected(client, &options).unwrap();
        assert_eq!(Options::read(&socket).unwrap().send_buffer, Some(40_000), "{cell}");
    }
}

#[test]
fn an_option_that_comes_too_late_is_refused_by_name_and_the_socket_given_back() {
    for cell in CELLS {
        let (options, name) = match cell.domain {
            crate::Domain::Unix => (Options::new().file_mode(0o600), "file_mode"),
            crate::Domain::Ipv4 => (Options::new().reuse_address(true), "reuse_address"),
            crate::Domain::Ipv6 => (Options::new().v6only(true), "v6only"),
        };
        let refused = Socket::adopt_listener(listening(cell), &options).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains(name) && text.contains("too late"), "{text}");
        Socket::adopt_listener(refused.into_inner(), &Options::new()).unwrap();
    }
}

#[test]
fn a_backlog_is_that_of_an_adopted_listener() {
    for cell in CELLS {
        let options = Options::new().backlog(1);
        let adopted = Socket::adopt_listener(listening(cell), &options);
        match (cell.kind, cell.domain) {
            (Type::Datagram, _) => assert!(adopted.unwrap_err().to_string().contains("backlog")),
            (_, crate::Domain::Unix) => {
                let at = adopted.as_ref().unwrap().local_addr().unwrap();
                let attempts = (0..8).map(|_| {
                    let client = Socket::open(cell).unwrap();
                    client.connect(&at).map(|()| client)
                });
                let made = attempts.take_while(Result::is_ok).count();
                assert_eq!(made, 2, "{cell}: a backlog of n holds n + 1 on unix");
            }
            _ => assert!(adopted.is_ok()),
        }
    }
}

//! Options for sockets that are bound, listen or are connected already.

use super::*;

/// A socket of the cell that is bound, to a free port or an automatic name.
fn bound(cell: Cell) -> Option<Socket> {
    let socket = Socket::open(cell).ok()?;
    socket
        .bind(&match cell.domain {
            Domain::Unix => Addr::Unix(UnixAddr::Unnamed),
            Domain::Ipv4 => Addr::Ip("127.0.0.1:0".parse().unwrap()),
            Domain::Ipv6 => Addr::Ip("[::1]:0".parse().unwrap()),
        })
        .unwrap();
    Some(socket)
}

fn listening(cell: Cell) -> Option<Socket> {
    let socket = bound(cell).filter(|_| cell.kind.is_connection_oriented())?;
    socket.listen(4).unwrap();
    Some(socket)
}

/// A socket of the cell that is connected, and whatever it takes that it stays so.
fn connected(cell: Cell) -> Option<(Socket, Socket)> {
    let near = Socket::open(cell).ok()?;
    let far = listening(cell).or_else(|| bound(cell))?;
    match near.connect(&far.local_addr().unwrap()) {
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => {}
        done => done.unwrap(),
    }
    // On loopback the peer has answered before connect(2) returns.
    near.peer_addr().unwrap();
    Some((near, far))
}

/// The options that `socket` refuses as too late. All others of its cell are taken.
fn too_late(what: &str, cell: Cell, socket: impl Fn() -> Option<Socket>) -> Vec<&'static str> {
    let mut late = Vec::new();
    for row in table().filter(|row| row.means_something_on(cell)) {
        let Some(socket) = socket() else { break };
        let (before, wanted) = (Options::read(&socket).unwrap(), only(row.name(), cell));
        let error = match wanted.apply_bound(&socket) {
            Ok(()) => continue,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                assert!(std::env::var_os("CI").is_none(), "{error}");
                continue;
            }
            Err(error) => error,
        };
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<OptionError>());
        let Some(OptionError::TooLate { option, .. }) = inner else {
            panic!("{} on {cell} that is {what}: {error}", row.name())
        };
        assert_eq!((*option, error.kind()), (row.name(), io::ErrorKind::InvalidInput));
        assert_eq!(Options::read(&socket).unwrap(), before, "{option} was set");
        late.push(*option);
    }
    late
}

/// Of the options that are late at some time those that the cell has.
fn of(cell: Cell, names: &[&'static str]) -> Vec<&'static str> {
    names.iter().copied().filter(|name| row(name).means_something_on(cell)).collect()
}

const BOUND: [&str; 6] = [
    "reuse_address",
    "v6only",
    "free_bind",
    "bind_address_no_port",
    "local_port_range",
    "file_mode",
];

#[test]
fn every_option_is_taken_by_a_bound_socket_or_refused_as_too_late() {
    for cell in Cell::ALL {
        if bound(cell).is_some() {
            assert_eq!(too_late("bound", cell, || bound(cell)), of(cell, &BOUND), "{cell}");
        }
    }
}

#[test]
fn every_option_is_taken_by_a_listening_socket_or_refused_as_too_late() {
    let late = [&BOUND[..], &["fast_open_connect"]].concat();
    for cell in Cell::ALL {
        if listening(cell).is_some() {
            let found = too_late("listening", cell, || listening(cell));
            assert_eq!(found, of(cell, &late), "{cell}");
        }
    }
}

#[test]
fn every_option_is_taken_by_a_connected_socket_or_refused_as_too_late() {
    let open = ["fast_open", "fast_open_connect", "max_segment", "syn_retries"];
    let late = [&BOUND[..], &open].concat();
    for cell in Cell::ALL {
        if connected(cell).is_none() {
            continue;
        }
        let far = std::cell::RefCell::new(None);
        let found = too_late("connected", cell, || {
            let (near, other) = connected(cell)?;
            *far.borrow_mut() = Some(other);
            Some(near)
        });
        assert_eq!(found, of(cell, &late), "{cell}");
    }
}

#[test]
fn what_is_too_late_says_what_the_socket_is_and_who_can_set_it() {
    let error = Options::new().fast_open_connect(true);
    let error = error.apply_bound(&listening(Cell::IPV4_STREAM).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the option fast_open_connect comes too late: this ipv4-stream socket is listening \
         already; leave it unset, and have it set by whoever makes the socket",
    );
}

#[test]
fn what_a_listener_is_told_late_is_what_its_connections_have() {
    // So that these are not among those that come too late.
    let listener = listening(Cell::IPV4_STREAM).unwrap();
    let options = Options::new().max_segment(900).congestion_control("reno").receive_buffer(5_000);
    options.apply_bound(&listener).unwrap();
    let client = Socket::open(Cell::IPV4_STREAM).unwrap();
    let _ = client.connect(&listener.local_addr().unwrap());
    let deadline = std::time::Instant::now() + seconds(10);
    let accepted = loop {
        match listener.accept() {
            Ok((socket, _)) => break socket,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                assert!(std::time::Instant::now() < deadline, "nobody came");
                std::thread::yield_now();
            }
            Err(error) => panic!("{error}"),
        }
    };
    let read = Options::read(&accepted).unwrap();
    assert_eq!(read.congestion_control, options.congestion_control);
    assert_eq!(read.receive_buffer, options.receive_buffer);
    assert!(read.max_segment.unwrap() <= 900, "{:?}", read.max_segment);
}

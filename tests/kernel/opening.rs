//! Opening, binding, connecting and accepting: what is not as one would think.

use anysock_core::{Cell, Socket};
use libc::{EINPROGRESS, EINVAL};

use crate::ends::{Ends, connecting, fresh, listening, outcome};
use crate::raw::{POLLIN, POLLOUT, poll, set_option};

fn accepts_sockets_that_never_block(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    for socket in [&near, &far] {
        assert!(crate::raw::is_non_blocking(socket));
        assert!(crate::raw::is_close_on_exec(std::os::fd::AsRawFd::as_raw_fd(socket)));
    }
}

per_cell! { accepts_sockets_that_never_block {
    unix_stream_accepts_sockets_that_never_block => UNIX_STREAM,
    unix_seqpacket_accepts_sockets_that_never_block => UNIX_SEQPACKET,
    ipv4_stream_accepts_sockets_that_never_block => IPV4_STREAM,
    ipv6_stream_accepts_sockets_that_never_block => IPV6_STREAM,
} }

#[test]
fn plain_accept_gives_sockets_that_block() {
    let listener = listening(Cell::IPV4_STREAM, 8);
    let _client = connecting(&listener);
    poll(&listener, POLLIN);
    let plain = socket2::SockRef::from(&listener).accept().unwrap().0;
    assert!(!crate::raw::is_non_blocking(&plain));
}

fn connects_to_itself(cell: Cell) {
    let socket = Socket::open(cell).unwrap();
    socket.bind(&fresh(cell.domain)).unwrap();
    let own = socket.local_addr().unwrap();
    if outcome(socket.connect(&own)) == Err(EINPROGRESS) {
        poll(&socket, POLLOUT);
    }
    assert_eq!(socket.peer_addr().unwrap(), own);
}

per_cell! { connects_to_itself {
    ipv4_stream_connects_to_itself => IPV4_STREAM,
    ipv6_stream_connects_to_itself => IPV6_STREAM,
} }

#[test]
fn the_ipv4_wildcard_blocks_a_dual_stack_one_and_v6only_comes_before_bind() {
    let four = Socket::open(Cell::IPV4_STREAM).unwrap();
    four.bind(&anysock_core::Addr::Ip("0.0.0.0:0".parse().unwrap())).unwrap();
    let port = four.local_addr().unwrap().as_ip().unwrap().port();
    let everywhere = anysock_core::Addr::Ip(format!("[::]:{port}").parse().unwrap());
    let dual = Socket::open(Cell::IPV6_STREAM).unwrap();
    set_option(&dual, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0).unwrap();
    assert_eq!(outcome(dual.bind(&everywhere)), Err(libc::EADDRINUSE));
    set_option(&dual, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1).unwrap();
    assert_eq!(outcome(dual.bind(&everywhere)), Ok(()));
    let late = outcome(set_option(&dual, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 0));
    assert_eq!(late, Err(EINVAL));
}

#[test]
fn a_link_local_address_needs_its_scope() {
    let socket = Socket::open(Cell::IPV6_DATAGRAM).unwrap();
    let unscoped = anysock_core::Addr::Ip("[fe80::1]:9".parse().unwrap());
    assert_eq!(outcome(socket.bind(&unscoped)), Err(EINVAL));
}

#[test]
fn inet_seqpacket_is_unknown_without_sctp() {
    for domain in [socket2::Domain::IPV4, socket2::Domain::IPV6] {
        for protocol in [None, Some(socket2::Protocol::SCTP)] {
            if let Err(error) = socket2::Socket::new(domain, socket2::Type::SEQPACKET, protocol) {
                let known = [libc::ESOCKTNOSUPPORT, libc::EPROTONOSUPPORT];
                assert!(known.contains(&error.raw_os_error().unwrap()), "{error}");
            }
        }
    }
}

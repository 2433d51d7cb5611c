//! Listening sockets that several hold: what a hand-over is built on.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use anysock_core::{Cell, Socket};
use libc::{EINVAL, SOL_SOCKET};

use crate::ends::{connecting, listening, outcome, receive, send, text};
use crate::raw::{POLLIN, is_close_on_exec, is_non_blocking, poll, set_option};

/// A second holder, as another process has it that was passed the descriptor.
fn second(socket: &Socket) -> Socket {
    socket.try_clone().unwrap()
}

fn keeps_its_backlog_while_one_of_two_holders_is_left(cell: Cell) {
    let former = listening(cell, 8);
    let successor = second(&former);
    let early = connecting(&former);
    assert_eq!(send(&early, b"early"), Ok(5));
    drop(former);
    // Who was not accepted yet has noticed nothing; who comes now is not refused.
    let late = connecting(&successor);
    assert_eq!(send(&late, b"late"), Ok(4));
    for expected in ["early", "late"] {
        poll(&successor, POLLIN);
        let (accepted, _) = successor.accept().unwrap();
        assert_eq!(receive(&accepted), text(expected));
    }
}

per_cell! { keeps_its_backlog_while_one_of_two_holders_is_left {
    unix_stream_keeps_its_backlog_while_one_of_two_holders_is_left => UNIX_STREAM,
    unix_seqpacket_keeps_its_backlog_while_one_of_two_holders_is_left => UNIX_SEQPACKET,
    ipv4_stream_keeps_its_backlog_while_one_of_two_holders_is_left => IPV4_STREAM,
    ipv6_stream_keeps_its_backlog_while_one_of_two_holders_is_left => IPV6_STREAM,
} }

fn resets_its_backlog_with_its_last_holder(cell: Cell) {
    let listener = listening(cell, 8);
    let waiting = connecting(&listener);
    assert_eq!(send(&waiting, b"hello"), Ok(5));
    drop(listener);
    assert_eq!(receive(&waiting), Err(libc::ECONNRESET));
}

per_cell! { resets_its_backlog_with_its_last_holder {
    unix_stream_resets_its_backlog_with_its_last_holder => UNIX_STREAM,
    unix_seqpacket_resets_its_backlog_with_its_last_holder => UNIX_SEQPACKET,
    ipv4_stream_resets_its_backlog_with_its_last_holder => IPV4_STREAM,
    ipv6_stream_resets_its_backlog_with_its_last_holder => IPV6_STREAM,
} }

#[test]
fn non_blocking_is_shared_by_all_holders_and_close_on_exec_is_each_holders_own() {
    let one = listening(Cell::UNIX_STREAM, 8);
    let other = OwnedFd::from(second(&one));
    socket2::SockRef::from(&other).set_nonblocking(false).unwrap();
    socket2::SockRef::from(&other).set_cloexec(false).unwrap();
    assert!(!is_non_blocking(&one));
    assert!(is_close_on_exec(one.as_raw_fd()));
    let adopted = Socket::adopt(other.as_fd().try_clone_to_owned().unwrap()).unwrap();
    assert!(is_non_blocking(&one) && is_non_blocking(&adopted));
    assert!(!is_close_on_exec(other.as_raw_fd()));
}

#[test]
fn a_bound_socket_refuses_v6only_and_takes_in_silence_what_else_comes_late() {
    let listener = listening(Cell::IPV6_STREAM, 8);
    let set = |level, name| outcome(set_option(&listener, level, name, 1));
    assert_eq!(set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY), Err(EINVAL));
    assert_eq!(set(SOL_SOCKET, libc::SO_REUSEADDR), Ok(()));
    // This one has an effect even then: others are let in.
    let other = Socket::open(Cell::IPV6_STREAM).unwrap();
    set_option(&other, SOL_SOCKET, libc::SO_REUSEPORT, 1).unwrap();
    let at = listener.local_addr().unwrap();
    assert_eq!(outcome(other.bind(&at)), Err(libc::EADDRINUSE));
    assert_eq!(set(SOL_SOCKET, libc::SO_REUSEPORT), Ok(()));
    assert_eq!(outcome(other.bind(&at)), Ok(()));
}

//! Multipath TCP: what it falls back to, what it lacks, and a kernel in which it is switched off.

use std::process::Command;
use std::time::Duration;

use anysock::prelude::*;
use anysock_async::Departure;
use anysock_core::{Cell, Domain, Protocol, Socket, Type};
use libc::{ENOPROTOOPT, EOPNOTSUPP, SOL_SOCKET, SOL_TCP};

use crate::ends::{fresh, outcome};
use crate::lacking::{self, skipped};
use crate::process::{rerun, run};
use crate::raw::{POLLOUT, poll, set_option};

const DEADLINE: Duration = Duration::from_secs(30);

/// Set for the part of a test that runs in a network namespace of its own.
const SWITCHED_OFF: &str = "ANYSOCK_TEST_MULTIPATH_SWITCHED_OFF";

/// A socket of multipath TCP; `None`, and a line that says so, where this kernel has none.
fn open() -> Option<Socket> {
    let socket = Socket::open_as(Domain::Ipv4, Protocol::Multipath).unwrap();
    let is_multipath = socket.protocol().unwrap() == Protocol::Multipath;
    if !is_multipath {
        skipped::say("this kernel has no multipath TCP");
    }
    is_multipath.then_some(socket)
}

#[test]
fn multipath_tcp_falls_back_in_silence_and_tells_who_asks() {
    let Some(client) = open() else { return };
    let listener = Socket::open(Cell::IPV4_STREAM).unwrap();
    listener.bind(&fresh(Domain::Ipv4)).unwrap();
    listener.listen(8).unwrap();
    assert_eq!(outcome(client.connect(&listener.local_addr().unwrap())), Err(libc::EINPROGRESS));
    poll(&client, POLLOUT);
    assert!(client.take_error().unwrap().is_none());
    let (peer, _) = listener.accept().unwrap();
    peer.send(b"hello").unwrap();
    assert!(!client.is_multipath().unwrap());
    assert!(!peer.is_multipath().unwrap());
}

/// Which the first path's own state does not tell.
#[tokio::test]
async fn the_peers_end_is_told_over_multipath_tcp() {
    if open().is_none() {
        return;
    }
    let mut listener = anysock::bind("mptcp://127.0.0.1:0").await.unwrap();
    for closes in [false, true] {
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let peer = listener.accept().await.unwrap();
        assert!(client.is_multipath().unwrap());
        let closed = client.closed().unwrap();
        let (peer, _receiving) = match closes {
            true => {
                drop(peer);
                (None, None)
            }
            false => {
                let (mut sending, receiving) = peer.split();
                sending.close().await.unwrap();
                (Some(sending), Some(receiving))
            }
        };
        let departure = tokio::time::timeout(DEADLINE, closed).await.expect("it is told");
        assert_eq!(departure, Departure::Ended);
        assert!(client.recv().await.unwrap().is_none());
        // He who still reads is not gone.
        if peer.is_some() {
            client.send("still here").await.unwrap();
        }
    }
}

#[test]
fn multipath_tcp_lacks_options_of_tcp() {
    let Some(socket) = open() else { return };
    for (level, option) in [
        (SOL_TCP, libc::TCP_USER_TIMEOUT),
        (SOL_TCP, libc::TCP_QUICKACK),
        (SOL_SOCKET, libc::SO_ZEROCOPY),
    ] {
        let refused = outcome(set_option(&socket, level, option, 1));
        assert!(matches!(refused, Err(EOPNOTSUPP | ENOPROTOOPT)), "{level} {option}: {refused:?}");
    }
}

#[test]
fn the_library_opens_tcp_where_multipath_is_switched_off() {
    let mut unshare = Command::new("unshare");
    unshare.args(["--net", "--map-root-user"]);
    if !matches!(unshare.arg("true").output(), Ok(output) if output.status.success()) {
        lacking::say("no network namespace of our own can be had here");
        return;
    }
    let part = rerun("multipath::the_part_of_a_kernel_without_multipath");
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user", "sh", "-c"]);
    command.arg("ip link set lo up && echo 0 > /proc/sys/net/mptcp/enabled; exec \"$0\" \"$@\"");
    command.arg(part.get_program()).args(part.get_args());
    run(command.env(SWITCHED_OFF, "1"));
}

#[test]
fn the_part_of_a_kernel_without_multipath() {
    if std::env::var_os(SWITCHED_OFF).is_none() {
        return;
    }
    let kernel = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::STREAM,
        Some(socket2::Protocol::MPTCP),
    );
    assert!(kernel.is_err(), "the kernel has multipath TCP here");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut listener = anysock::bind("mptcp://127.0.0.1:0").await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        assert!(!client.is_multipath().unwrap());
        assert!(!peer.is_multipath().unwrap());
        let socket = listener.as_socket().unwrap().socket();
        assert_eq!(socket.protocol().unwrap(), Protocol::Default(Type::Stream));
        // Asked for again, it may be had there; so that is what the endpoint goes on to say.
        assert!(listener.endpoint().to_string().starts_with("mptcp://127.0.0.1:"));
    });
}

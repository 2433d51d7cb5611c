//! Where a socket is bound, and which of what comes it gets.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt;

use anysock::{Addr, Options, Type, UnixAddr};
use anysock_async::PeerLimits;
use anysock_core::Socket;

use crate::cells::{DATAGRAMS, STREAMS, loopback};
use crate::directory::Directory;
use crate::lacking::skipped;
use crate::link::{self, at, bind, port};

#[test]
fn reuse_address_takes_over_what_is_in_time_wait() {
    for cell in STREAMS {
        let reusing = Options::new().reuse_address(true);
        let listener = bind(Type::Stream, &at(loopback(cell), 0), &reusing).unwrap();
        let addr = listener.local_addr().unwrap();
        let client = link::begin(Type::Stream, &addr, &Options::new()).unwrap();
        // Who closes first is left in TIME_WAIT.
        let accepted = link::accept(&listener);
        drop((accepted, listener));
        link::wait(&client, libc::POLLIN);
        drop(client);
        let error = bind(Type::Stream, &addr, &Options::new().reuse_address(false)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        bind(Type::Stream, &addr, &reusing).unwrap();
    }
}

#[test]
fn reuse_port_lets_two_sockets_of_one_user_share_an_address() {
    for cell in STREAMS.into_iter().chain(DATAGRAMS) {
        let sharing = Options::new().reuse_port(true);
        let first = bind(cell.kind, &at(loopback(cell), 0), &sharing).unwrap();
        let addr = first.local_addr().unwrap();
        bind(cell.kind, &addr, &sharing).unwrap();
        let error = bind(cell.kind, &addr, &Options::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{cell}");
    }
}

#[test]
fn v6only_leaves_ipv4_to_others() {
    for cell in [STREAMS[1], DATAGRAMS[1]] {
        let both = bind(cell.kind, &at(Ipv6Addr::UNSPECIFIED, 0), &Options::new().v6only(false));
        let both = both.unwrap();
        let ipv4 = at(Ipv4Addr::UNSPECIFIED, port(&both));
        assert!(bind(cell.kind, &ipv4, &Options::new()).is_err(), "{cell}");
        let one = bind(cell.kind, &at(Ipv6Addr::UNSPECIFIED, 0), &Options::new().v6only(true));
        let one = one.unwrap();
        // Somebody else may have the port of IPv4, but not on its loopback as well.
        let ipv4 = at(Ipv4Addr::new(127, 7, 7, 7), port(&one));
        bind(cell.kind, &ipv4, &Options::new()).unwrap();
    }
}

#[test]
fn free_bind_takes_an_address_that_is_not_here() {
    let nowhere: [Addr; 2] =
        [at(Ipv4Addr::new(192, 0, 2, 1), 0), at("2001:db8::1".parse::<Ipv6Addr>().unwrap(), 0)];
    for addr in nowhere {
        for kind in [Type::Stream, Type::Datagram] {
            let error = bind(kind, &addr, &Options::new()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable);
            bind(kind, &addr, &Options::new().free_bind(true)).unwrap();
        }
    }
}

#[test]
fn bind_address_no_port_leaves_the_port_to_connect() {
    for cell in STREAMS {
        let listener = bind(Type::Stream, &at(loopback(cell), 0), &Options::new()).unwrap();
        let client = Socket::open(cell).unwrap();
        Options::new().bind_address_no_port(true).apply(&client).unwrap();
        client.bind(&at(loopback(cell), 0)).unwrap();
        assert_eq!(port(&client), 0, "{cell}");
        let _ = client.connect(&listener.local_addr().unwrap());
        assert_ne!(port(&client), 0, "{cell}");
        assert_eq!(link::accept(&listener).peer_addr().unwrap(), client.local_addr().unwrap());
    }
}

#[test]
fn local_port_range_is_where_a_free_port_is_taken_from() {
    for cell in STREAMS.into_iter().chain(DATAGRAMS) {
        // Within the system's range, or the kernel has none to choose.
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        let ports = first + 1_000..=first + 1_099;
        for _ in 0..5 {
            let options = Options::new().local_port_range(ports.clone());
            let socket = bind(cell.kind, &at(loopback(cell), 0), &options).unwrap();
            assert!(ports.contains(&port(&socket)), "{cell}: {}", port(&socket));
        }
    }
}

#[test]
fn incoming_cpu_prefers_the_socket_of_the_processor() {
    if std::thread::available_parallelism().unwrap().get() < 2 || !pin(0) || !pin(1) {
        skipped::say("there are no two processors to choose from");
        return;
    }
    for cell in DATAGRAMS {
        let of = |cpu| Options::new().reuse_port(true).incoming_cpu(cpu);
        let first = bind(Type::Datagram, &at(loopback(cell), 0), &of(0)).unwrap();
        let addr = first.local_addr().unwrap();
        let second = bind(Type::Datagram, &addr, &of(1)).unwrap();
        // Enough senders for their addresses alone to hit the wrong one.
        for number in 0..32 {
            let cpu = number % 2;
            assert!(pin(cpu));
            let sender = bind(Type::Datagram, &at(loopback(cell), 0), &Options::new()).unwrap();
            link::send_to(&sender, b"x", &addr).unwrap();
            let chosen = [&first, &second][cpu];
            assert_eq!(link::receive(chosen).0, b"x", "{cell}, processor {cpu}");
        }
    }
}

/// Keeps this thread on one processor.
fn pin(cpu: usize) -> bool {
    // SAFETY: cpu_set_t is plain numbers, CPU_SET writes within it, and the pointer and the size
    // describe it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &raw const set) == 0
    }
}

#[tokio::test]
async fn backlog_bounds_what_waits_to_be_accepted() {
    for kind in [Type::Stream, Type::SeqPacket] {
        let name = format!("backlog-{kind}-{}", std::process::id());
        let addr: Addr = UnixAddr::abstract_name(name).unwrap().into();
        let options = Options::new().backlog(3);
        let limits = PeerLimits::default();
        let bound = anysock_async::bind(&addr, kind, &options, &limits);
        let listener = bound.await.unwrap();
        let mut waiting = Vec::new();
        let full = loop {
            match link::begin(kind, &addr, &Options::new()) {
                Ok(client) => waiting.push(client),
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        // Linux takes one more than it was told.
        assert_eq!(waiting.len(), 4, "{kind}");
        drop(listener);
    }
}

#[tokio::test]
async fn file_mode_is_that_of_the_socket_file() {
    let directory = Directory::new();
    for kind in Type::ALL {
        let path = directory.path(&kind.to_string());
        let addr: Addr = UnixAddr::path(&path).unwrap().into();
        let options = Options::new().file_mode(0o640);
        let limits = PeerLimits::default();
        let bound = anysock_async::bind(&addr, kind, &options, &limits);
        let listener = bound.await.unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{kind}");
        drop(listener);
    }
    directory.assert_empty();
}

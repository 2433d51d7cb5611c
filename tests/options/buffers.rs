//! How much room there is, and how fast it is used.

use std::io;
use std::time::{Duration, Instant};

use anysock::{Cell, Options, Type};
use anysock_core::Socket;

use crate::cells::{self, DATAGRAMS, STREAMS, loopback};
use crate::lacking;
use crate::link::{self, at, bind};

#[test]
fn send_buffer_bounds_the_largest_unix_message() {
    for kind in [Type::Datagram, Type::SeqPacket] {
        let (a, _b) = Socket::pair(kind).unwrap();
        Options::new().send_buffer(50_000).apply(&a).unwrap();
        let longest = 2 * 50_000 - 32;
        let error = a.send(&vec![0; longest + 1]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE), "{kind}");
        assert_eq!(a.send(&vec![0; longest]).unwrap(), longest, "{kind}");
    }
    for cell in STREAMS {
        let taken = |bytes| {
            let options = Options::new().send_buffer(bytes);
            let few = Options::new().receive_buffer(4_096);
            let (client, _server) = cells::connect(loopback(cell), &options, &few);
            cells::fill(&client)
        };
        let (small, large) = (taken(5_000), taken(200_000));
        assert!(small * 2 < large, "{cell}: {small}, {large}");
    }
}

#[test]
fn receive_buffer_bounds_what_waits_to_be_received() {
    for cell in DATAGRAMS {
        let kept = |bytes| {
            let options = Options::new().receive_buffer(bytes);
            let receiver = bind(Type::Datagram, &at(loopback(cell), 0), &options).unwrap();
            let addr = receiver.local_addr().unwrap();
            let sender = link::begin(Type::Datagram, &addr, &Options::new()).unwrap();
            for _ in 0..60 {
                sender.send(&[0; 1_000]).unwrap();
            }
            let mut kept = 0;
            while link::is_ready(&receiver, libc::POLLIN, Duration::ZERO) {
                link::receive(&receiver);
                kept += 1;
            }
            kept
        };
        let (small, large) = (kept(5_000), kept(100_000));
        assert!((1..20).contains(&small), "{cell}: {small}");
        assert_eq!(large, 60, "{cell}");
    }
}

#[test]
fn forced_buffers_exceed_what_the_system_allows() {
    let most = |name: &str| -> usize {
        let text = std::fs::read_to_string(format!("/proc/sys/net/core/{name}")).unwrap();
        text.trim().parse().unwrap()
    };
    let (send, receive) = (most("wmem_max"), most("rmem_max"));
    let cells = Cell::ALL.into_iter().filter(|cell| Socket::open(*cell).is_ok());
    for cell in cells {
        let socket = Socket::open(cell).unwrap();
        Options::new().send_buffer(send + 100_000).apply(&socket).unwrap();
        assert_eq!(Options::read(&socket).unwrap().send_buffer, Some(send), "{cell}");
        let forced = Options::new().send_buffer_force(send + 100_000);
        if !may(forced.apply(&socket)) {
            return;
        }
        assert_eq!(Options::read(&socket).unwrap().send_buffer, Some(send + 100_000), "{cell}");
        if !cell.domain.is_inet() {
            continue;
        }
        Options::new().receive_buffer(receive + 100_000).apply(&socket).unwrap();
        assert_eq!(Options::read(&socket).unwrap().receive_buffer, Some(receive), "{cell}");
        Options::new().receive_buffer_force(receive + 100_000).apply(&socket).unwrap();
        let read = Options::read(&socket).unwrap();
        assert_eq!(read.receive_buffer, Some(receive + 100_000), "{cell}");
    }
}

/// Whether this user may; said where not, and a failure where `CI` is set.
fn may(applied: io::Result<()>) -> bool {
    match applied {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            lacking::say(error);
            false
        }
        applied => applied.map(|()| true).unwrap(),
    }
}

#[test]
fn max_pacing_rate_slows_a_sender_down() {
    for cell in STREAMS {
        let options = Options::new().max_pacing_rate(1_000_000);
        let (client, server) = cells::connect(loopback(cell), &options, &Options::new());
        let (begun, mut sent, mut received) = (Instant::now(), 0, 0);
        // At its rate a second; what may leave at once is a small part of it.
        while received < 1_000_000 {
            if sent < 1_000_000 {
                sent += client.send(&[0; 10_000]).unwrap_or(0);
            }
            if link::is_ready(&server, libc::POLLIN, Duration::from_millis(1)) {
                received += server.recv(&mut [0; 65_536]).unwrap();
            }
            assert!(begun.elapsed() < link::DEADLINE, "{cell}");
        }
        assert!(begun.elapsed() > Duration::from_millis(500), "{cell}: {:?}", begun.elapsed());
    }
}

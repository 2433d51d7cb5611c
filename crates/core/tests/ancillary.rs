//! What comes along with messages where it was asked for, and goes with them.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use anysock_core::{Addr, Ancillary, Cell, Outgoing, Received, RecvBatch, Socket, Type};

/// Two datagram sockets, the first of which is connected to the second.
fn pair(cell: Cell, any: &str, to: &str) -> (Socket, Socket) {
    let far = Socket::open(cell).unwrap();
    far.bind(&any.parse::<SocketAddr>().unwrap().into()).unwrap();
    let port = far.local_addr().unwrap().as_ip().unwrap().port();
    let to: Addr = format!("{to}:{port}").parse::<SocketAddr>().unwrap().into();
    let near = Socket::open(Cell::new(to.domain(), Type::Datagram)).unwrap();
    near.connect(&to).unwrap();
    (near, far)
}

const PAIRS: [(Cell, &str, &str); 4] = [
    (Cell::IPV4_DATAGRAM, "127.0.0.1:0", "127.0.0.1"),
    (Cell::IPV6_DATAGRAM, "[::1]:0", "[::1]"),
    (Cell::IPV6_DATAGRAM, "[::]:0", "127.0.0.1"),
    (Cell::IPV6_DATAGRAM, "[::]:0", "[::ffff:127.0.0.1]"),
];

fn receive(socket: &Socket, batch: bool) -> Received {
    if !batch {
        return socket.recv_message(&mut [0; 64]).unwrap();
    }
    let mut batch = RecvBatch::new();
    batch.recv(socket, 64, 1).unwrap();
    batch.next().unwrap().along()
}

#[test]
fn a_datagram_tells_what_was_asked_for_and_nothing_else() {
    for (cell, any, to) in PAIRS {
        for batch in [false, true] {
            let (near, far) = pair(cell, any, to);
            let mut with = Outgoing::default();
            (with.traffic_class, with.hop_limit) = (Some(0b1011_1001), Some(7));
            near.send_message(&[IoSlice::new(b"one")], &with).unwrap();
            let plain = receive(&far, batch);
            assert_eq!((plain.traffic_class, plain.hop_limit), (None, None), "{any} {to}");
            assert!(plain.timestamp.is_none() && plain.destination.is_none());

            far.ask(Ancillary::of(cell), true).unwrap();
            assert_eq!(far.asked(), Ancillary::of(cell));
            let before = SystemTime::now();
            near.send_batch(std::iter::once(&b"two"[..]), &with).unwrap();
            let asked = receive(&far, batch);
            assert_eq!(
                (asked.traffic_class, asked.hop_limit),
                (Some(0b1011_1001), Some(7)),
                "{to}"
            );
            let destination = asked.destination.unwrap();
            assert!(destination.interface > 0);
            let to = to.trim_matches(['[', ']']).parse().unwrap();
            assert_eq!(destination.address.to_canonical(), std::net::IpAddr::to_canonical(&to));
            let late = asked.timestamp.unwrap().duration_since(before).unwrap_or_default();
            assert!(late < Duration::from_secs(10), "{late:?}");
            assert!(!asked.control_truncated);

            far.ask(Ancillary::of(cell), false).unwrap();
            assert!(far.asked().is_empty());
            near.send_message(&[IoSlice::new(b"three")], &with).unwrap();
            assert!(receive(&far, batch).traffic_class.is_none());
        }
    }
}

#[test]
fn datagrams_that_found_no_room_are_counted_by_the_next_one() {
    for (cell, any, to) in PAIRS {
        let (near, far) = pair(cell, any, to);
        far.ask(Ancillary::DROPS, true).unwrap();
        let sent = 10_000;
        for _ in 0..sent {
            near.send(&[0; 1000]).unwrap();
        }
        let mut received = 0;
        let dropped = loop {
            match far.recv_message(&mut [0; 1000]) {
                Ok(_) => received += 1,
                Err(_) => {
                    near.send(b"next").unwrap();
                    break receive(&far, false).dropped;
                }
            }
        };
        assert_eq!(dropped, Some(sent - received), "{any} {to}");
    }
}

#[test]
fn what_a_cell_has_not_is_refused_by_name_before_anything_is_set() {
    for cell in Cell::ALL {
        let Ok(socket) = Socket::open(cell) else { continue };
        for (what, name) in Ancillary::NONE.with(all()).iter() {
            let asked = socket.ask(what, true);
            if Ancillary::of(cell).contains(what) {
                asked.unwrap();
                continue;
            }
            let error = asked.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(error.to_string().contains(name), "{error}");
        }
        assert_eq!(socket.asked(), Ancillary::of(cell), "{cell}");
    }
}

#[test]
fn accepted_sockets_and_duplicates_ask_for_what_theirs_does() {
    for kind in [Type::Stream, Type::SeqPacket] {
        let listener = Socket::open(Cell::new(anysock_core::Domain::Unix, kind)).unwrap();
        listener.bind(&Addr::Unix(anysock_core::UnixAddr::Unnamed)).unwrap();
        listener.ask(Ancillary::CREDENTIALS, true).unwrap();
        listener.listen(1).unwrap();
        let near = Socket::open(listener.cell()).unwrap();
        near.connect(&listener.local_addr().unwrap()).unwrap();
        near.send(b"hello").unwrap();
        let (far, _) = listener.accept().unwrap();
        assert_eq!(far.asked(), Ancillary::CREDENTIALS);
        assert_eq!(far.try_clone().unwrap().asked(), Ancillary::CREDENTIALS);
        assert_eq!(receive(&far, false).credentials.unwrap().pid, Some(std::process::id()));
    }
}

#[test]
fn messages_over_unix_tell_their_time() {
    for kind in [Type::Datagram, Type::SeqPacket] {
        let (near, far) = Socket::pair(kind).unwrap();
        far.ask(Ancillary::TIMESTAMP, true).unwrap();
        near.send(b"hello").unwrap();
        assert!(receive(&far, true).timestamp.is_some(), "{kind}");
    }
}

fn all() -> Ancillary {
    Cell::ALL.into_iter().fold(Ancillary::NONE, |all, cell| all | Ancillary::of(cell))
}

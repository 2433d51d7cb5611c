//! The active open: what it waits for, what it refuses, and when it gives up.

use std::io::ErrorKind;
use std::time::Duration;

use anysock_async::{Accepted, Connected, DatagramSocket, PeerLimits};
use anysock_core::{Addr, Cell, Domain, Options, Outgoing, Socket, Type, UnixAddr, probe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fixture::{answer, bind, connect, fresh, hear, recv, within};

async fn connects_and_is_accepted(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let at = listener.local_addr().unwrap();
    let client = connect(cell.kind, &at).await.unwrap();
    let mut buffer = [0; 8];
    match client {
        Connected::Stream(mut client) => {
            assert_eq!((client.cell(), client.peer_addr().unwrap()), (cell, at));
            let Accepted::Stream(mut server) = listener.accept().await.unwrap() else { panic!() };
            client.write_all(b"ping").await.unwrap();
            assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
            server.write_all(b"pong").await.unwrap();
            assert_eq!(client.read(&mut buffer).await.unwrap(), 4);
        }
        Connected::SeqPacket(client) => {
            assert_eq!((client.cell(), client.peer_addr().unwrap()), (cell, at));
            let Accepted::SeqPacket(server) = listener.accept().await.unwrap() else { panic!() };
            client.send(b"ping").await.unwrap();
            assert_eq!(server.recv(&mut buffer).await.unwrap().unwrap().length, 4);
            server.send(b"pong").await.unwrap();
            assert_eq!(client.recv(&mut buffer).await.unwrap().unwrap().length, 4);
        }
        Connected::Datagram(client) => {
            assert_eq!((client.cell(), client.peer_addr().unwrap()), (cell, at));
            client.send(b"ping").await.unwrap();
            let Accepted::Peer(mut server) = listener.accept().await.unwrap() else { panic!() };
            assert_eq!(hear(&mut server).await.unwrap().unwrap(), "ping");
            answer(&mut server, "pong").await.unwrap();
            assert_eq!(recv(&client).await.unwrap(), "pong");
        }
    }
}

per_cell! { connects_and_is_accepted {
    unix_stream_connects_and_is_accepted => UNIX_STREAM,
    unix_datagram_connects_and_is_accepted => UNIX_DATAGRAM,
    unix_seqpacket_connects_and_is_accepted => UNIX_SEQPACKET,
    ipv4_stream_connects_and_is_accepted => IPV4_STREAM,
    ipv4_datagram_connects_and_is_accepted => IPV4_DATAGRAM,
    ipv6_stream_connects_and_is_accepted => IPV6_STREAM,
    ipv6_datagram_connects_and_is_accepted => IPV6_DATAGRAM,
} }

async fn connect_is_refused_where_nobody_listens(cell: Cell) {
    let nobody = Socket::open(cell).unwrap();
    nobody.bind(&fresh(cell.domain)).unwrap();
    let at = nobody.local_addr().unwrap();
    let error = connect(cell.kind, &at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&at.to_string()), "{error}");
}

per_cell! { connect_is_refused_where_nobody_listens {
    unix_stream_connect_is_refused_where_nobody_listens => UNIX_STREAM,
    unix_seqpacket_connect_is_refused_where_nobody_listens => UNIX_SEQPACKET,
    ipv4_stream_connect_is_refused_where_nobody_listens => IPV4_STREAM,
    ipv6_stream_connect_is_refused_where_nobody_listens => IPV6_STREAM,
} }

async fn connect_gives_up_at_its_deadline(cell: Cell) {
    let listener = Socket::open(cell).unwrap();
    listener.bind(&fresh(cell.domain)).unwrap();
    listener.listen(0).unwrap();
    let at = listener.local_addr().unwrap();
    let _first = connect(cell.kind, &at).await.unwrap();
    let deadline = Duration::from_millis(100);
    let second = anysock_async::connect(&at, cell.kind, &Options::new(), deadline).await;
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().contains(&at.to_string()), "{error}");
}

per_cell! { connect_gives_up_at_its_deadline {
    unix_stream_connect_gives_up_at_its_deadline => UNIX_STREAM,
    unix_seqpacket_connect_gives_up_at_its_deadline => UNIX_SEQPACKET,
    ipv4_stream_connect_gives_up_at_its_deadline => IPV4_STREAM,
    ipv6_stream_connect_gives_up_at_its_deadline => IPV6_STREAM,
} }

#[tokio::test]
async fn connect_says_what_is_wrong_with_a_path() {
    let nothing = UnixAddr::path("/nonexistent/anysock").unwrap().into();
    for kind in [Type::Stream, Type::Datagram, Type::SeqPacket] {
        let error = within(connect(kind, &nothing)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn connect_to_an_unsupported_cell_says_which() {
    for cell in [Cell::IPV4_SEQPACKET, Cell::IPV6_SEQPACKET] {
        if probe().get(cell).is_err() {
            let at = crate::fixture::ip(if cell.domain == Domain::Ipv4 {
                "127.0.0.1:9"
            } else {
                "[::1]:9"
            });
            let error = within(connect(Type::SeqPacket, &at)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(&cell.to_string()), "{error}");
        }
    }
}

#[tokio::test]
async fn unix_datagram_client_has_an_automatic_name() {
    let listener = within(bind(Cell::UNIX_DATAGRAM, &PeerLimits::default())).await;
    let client = within(crate::fixture::client(&listener)).await;
    let name = client.local_addr().unwrap();
    assert!(matches!(name, Addr::Unix(UnixAddr::Abstract(_))), "{name:?}");
}

async fn discards_what_strangers_sent_before_connect(cell: Cell) {
    let options = Options::new();
    let any = fresh(cell.domain);
    let near = DatagramSocket::bind(&any, &options).unwrap();
    let (far, stranger) = (bound(cell), bound(cell));
    let at = near.local_addr().unwrap();
    for _ in 0..3 {
        send_to(&stranger, b"strange", &at);
    }
    near.connect(&far.local_addr().unwrap()).unwrap();
    far.connect(&at).unwrap();
    far.send(b"known").unwrap();
    assert_eq!(recv(&near).await.unwrap(), "known");
}

per_cell! { discards_what_strangers_sent_before_connect {
    unix_datagram_discards_what_strangers_sent_before_connect => UNIX_DATAGRAM,
    ipv4_datagram_discards_what_strangers_sent_before_connect => IPV4_DATAGRAM,
    ipv6_datagram_discards_what_strangers_sent_before_connect => IPV6_DATAGRAM,
} }

async fn discards_what_strangers_sent_behind_a_pending_error(cell: Cell) {
    let near = DatagramSocket::bind(&fresh(cell.domain), &Options::new()).unwrap();
    let (far, stranger) = (bound(cell), bound(cell));
    let at = near.local_addr().unwrap();
    send_to(&stranger, b"strange", &at);
    let nowhere = bound(cell).local_addr().unwrap();
    near.socket().connect(&nowhere).unwrap();
    near.socket().send(b"lost").unwrap();
    near.connect(&far.local_addr().unwrap()).unwrap();
    far.connect(&at).unwrap();
    far.send(b"known").unwrap();
    assert_eq!(recv(&near).await.unwrap(), "known");
}

per_cell! { discards_what_strangers_sent_behind_a_pending_error {
    ipv4_datagram_discards_what_strangers_sent_behind_a_pending_error => IPV4_DATAGRAM,
    ipv6_datagram_discards_what_strangers_sent_behind_a_pending_error => IPV6_DATAGRAM,
} }

fn bound(cell: Cell) -> Socket {
    let socket = Socket::open(cell).unwrap();
    socket.bind(&fresh(cell.domain)).unwrap();
    socket
}

fn send_to(socket: &Socket, bytes: &[u8], to: &Addr) {
    socket.send_message(&[std::io::IoSlice::new(bytes)], &Outgoing::to(to)).unwrap();
}

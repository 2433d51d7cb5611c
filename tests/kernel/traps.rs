//! What made a runtime spin, or a task sleep for ever, and does not: each test fails without
//! its remedy.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use anysock_async::{Connected, DatagramSocket, PeerLimits, StreamSocket, bind, connect};
use anysock_core::{Addr, Cell, Options, Outgoing, RecvBlock, Shutdown, Socket, Type};
use tokio::io::AsyncReadExt;

use crate::ends::{Ends, bound, connecting, fill, fresh, listening, receive_now, text};
use crate::lacking;
use crate::limits::limit_descriptors;
use crate::near::Near;
use crate::process::{rerun, run, spawn};
use crate::raw::send_flags;
use crate::watchdog::{self, assert_idle_while_blocked, poll_once};

const DEADLINE: Duration = Duration::from_secs(5);

// T1: a datagram socket would block although reading is closed, and says readable for ever.

fn reading_ends_when_shut_down(cell: Cell) {
    watchdog::run(move || async move {
        for polled in [false, true] {
            let Ends { near, far: _far } = Ends::new(cell);
            let duplicate = near.try_clone().unwrap();
            let mut near = DatagramSocket::new(near).unwrap();
            let mut buffer = [0; 8];
            // Parked, when it is shut down by somebody else,
            {
                let mut parked = pin!(async {
                    match polled {
                        true => poll_fn(|cx| near.poll_recv_packet(cx, 8)).await.unwrap().is_some(),
                        false => near.recv(&mut buffer).await.unwrap().is_some(),
                    }
                });
                assert!(poll_once(parked.as_mut()).await.is_pending());
                duplicate.shutdown(Shutdown::Read).unwrap();
                assert!(!parked.await, "it received something");
            }
            // and ever after.
            assert!(near.recv(&mut buffer).await.unwrap().is_none());
            assert!(poll_fn(|cx| near.poll_recv_packet(cx, 8)).await.unwrap().is_none());
        }
    });
}

per_cell! { reading_ends_when_shut_down {
    unix_datagram_reading_ends_when_shut_down => UNIX_DATAGRAM,
    ipv4_datagram_reading_ends_when_shut_down => IPV4_DATAGRAM,
    ipv6_datagram_reading_ends_when_shut_down => IPV6_DATAGRAM,
} }

const SHUTS_DOWN: &str = "ANYSOCK_TEST_SHUTS_DOWN";

fn reading_ends_when_another_process_shuts_it_down(cell: Cell) {
    watchdog::run(move || async move {
        let Ends { near, far: _far } = Ends::new(cell);
        let duplicate = OwnedFd::from(near.try_clone().unwrap());
        let near = DatagramSocket::new(near).unwrap();
        let mut buffer = [0; 8];
        let mut parked = pin!(near.recv(&mut buffer));
        assert!(poll_once(parked.as_mut()).await.is_pending());
        let mut command = rerun("traps::the_part_of_a_process_that_shuts_its_input_down");
        command.env(SHUTS_DOWN, "1").stdin(duplicate).stdout(std::process::Stdio::null());
        assert!(spawn(&mut command).wait().unwrap().success());
        assert!(parked.await.unwrap().is_none());
    });
}

per_cell! { reading_ends_when_another_process_shuts_it_down {
    unix_datagram_reading_ends_when_another_process_shuts_it_down => UNIX_DATAGRAM,
    ipv4_datagram_reading_ends_when_another_process_shuts_it_down => IPV4_DATAGRAM,
    ipv6_datagram_reading_ends_when_another_process_shuts_it_down => IPV6_DATAGRAM,
} }

#[test]
fn the_part_of_a_process_that_shuts_its_input_down() {
    if std::env::var_os(SHUTS_DOWN).is_some() {
        let input = socket2::Socket::from(io::stdin().as_fd().try_clone_to_owned().unwrap());
        input.shutdown(std::net::Shutdown::Read).unwrap();
    }
}

fn accepting_ends_when_shut_down(cell: Cell) {
    watchdog::run(move || async move {
        let any = fresh(cell.domain);
        let limits = PeerLimits::default();
        let mut listener = bind(&any, cell.kind, &Options::new(), &limits).await.unwrap();
        let duplicate = listener.socket().try_clone().unwrap();
        {
            let mut parked = pin!(listener.accept());
            assert!(poll_once(parked.as_mut()).await.is_pending());
            // An unconnected UDP socket is shut down, and says that it is not connected.
            let done = duplicate.shutdown(Shutdown::Read);
            assert!(done.is_ok() || cell.kind == Type::Datagram);
            parked.await.unwrap_err();
        }
        listener.accept().await.unwrap_err();
    });
}

per_cell! { accepting_ends_when_shut_down {
    unix_stream_accepting_ends_when_shut_down => UNIX_STREAM,
    unix_datagram_accepting_ends_when_shut_down => UNIX_DATAGRAM,
    unix_seqpacket_accepting_ends_when_shut_down => UNIX_SEQPACKET,
    ipv4_stream_accepting_ends_when_shut_down => IPV4_STREAM,
    ipv4_datagram_accepting_ends_when_shut_down => IPV4_DATAGRAM,
    ipv6_stream_accepting_ends_when_shut_down => IPV6_STREAM,
    ipv6_datagram_accepting_ends_when_shut_down => IPV6_DATAGRAM,
} }

// T2: an error sets write-closed, which tokio never clears.

/// A socket whose peer has connected elsewhere and back, which is an error of this one.
async fn with_write_closed() -> (Socket, DatagramSocket) {
    let Ends { near, far } = Ends::new(Cell::UNIX_DATAGRAM);
    let near = DatagramSocket::new(near).unwrap();
    near.send(b"purged").await.unwrap();
    far.connect(&bound(Cell::UNIX_DATAGRAM).local_addr().unwrap()).unwrap();
    far.connect(&near.local_addr().unwrap()).unwrap();
    let reset = near.recv(&mut [0; 8]).await.unwrap_err();
    assert_eq!(reset.kind(), io::ErrorKind::ConnectionReset);
    (far, near)
}

#[test]
fn unix_datagram_send_blocks_without_spinning_after_its_peer_connected_elsewhere() {
    watchdog::run(|| async {
        let (far, near) = with_write_closed().await;
        let near = Arc::new(near);
        let reader = tokio::spawn({
            let near = Arc::clone(&near);
            async move { near.recv(&mut [0; 8]).await.unwrap().unwrap().length }
        });
        loop {
            let mut send = pin!(near.send(b"filler"));
            if poll_once(send.as_mut()).await.is_pending() {
                assert_idle_while_blocked(send.as_mut()).await;
                // The parked reader has kept its waker,
                far.send(b"reader").unwrap();
                assert_eq!(reader.await.unwrap(), 6);
                // and the writer wakes once there is room.
                while receive_now(&far).is_ok() {}
                send.await.unwrap();
                break;
            }
            // Or the budget would be what blocks.
            tokio::task::yield_now().await;
        }
        assert_eq!(receive_now(&far), text("filler"));
    });
}

#[test]
fn unix_datagram_poll_send_blocks_without_spinning_after_its_peer_connected_elsewhere() {
    watchdog::run(|| async {
        let (far, near) = with_write_closed().await;
        let (mut receiving, mut sending) = near.into_split();
        let reader = tokio::spawn(async move {
            poll_fn(|cx| receiving.poll_recv_packet(cx, 8)).await.unwrap().is_some()
        });
        loop {
            let mut send = pin!(poll_fn(|cx| sending.poll_send(cx, b"filler")));
            if poll_once(send.as_mut()).await.is_pending() {
                assert_idle_while_blocked(send.as_mut()).await;
                far.send(b"reader").unwrap();
                assert!(reader.await.unwrap());
                while receive_now(&far).is_ok() {}
                send.await.unwrap();
                break;
            }
            // Or the budget would be what blocks.
            tokio::task::yield_now().await;
        }
        assert_eq!(receive_now(&far), text("filler"));
    });
}

const SHORT_OF_DESCRIPTORS: &str = "ANYSOCK_TEST_SHORT_OF_DESCRIPTORS";

#[test]
fn a_blocked_send_does_not_spin_where_there_is_no_descriptor_to_register_anew() {
    let part = "traps::the_part_of_a_process_without_a_descriptor_to_register_anew";
    run(rerun(part).env(SHORT_OF_DESCRIPTORS, "1"));
}

#[test]
fn the_part_of_a_process_without_a_descriptor_to_register_anew() {
    if std::env::var_os(SHORT_OF_DESCRIPTORS).is_none() {
        return;
    }
    watchdog::run(|| async {
        let (far, mut near) = with_write_closed().await;
        limit_descriptors(64);
        let mut taken: Vec<_> =
            std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        while poll_once(pin!(near.send(b"filler"))).await.is_ready() {
            tokio::task::yield_now().await;
        }
        assert_idle_while_blocked(pin!(near.send(b"filler"))).await;
        assert_idle_while_blocked(pin!(poll_fn(|cx| near.poll_send(cx, b"filler")))).await;
        taken.clear();
        while receive_now(&far).is_ok() {}
        near.send(b"filler").await.unwrap();
    });
}

const OWN_NETWORK: &str = "ANYSOCK_TEST_OWN_NETWORK";

#[test]
fn ipv4_datagram_send_blocks_without_spinning_after_an_icmp_error() {
    let part = rerun("traps::the_part_of_a_process_with_a_network_of_its_own");
    let mut command = std::process::Command::new("unshare");
    command.args(["--map-root-user", "--net"]);
    let allowed = std::process::Command::new("unshare")
        .args(["--map-root-user", "--net", "ip", "link", "add", "near", "type", "veth"])
        .output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        lacking::say("a network of its own needs unshare(1), ip(8) and the right to it");
        return;
    }
    run(command.arg(part.get_program()).args(part.get_args()).env(OWN_NETWORK, "1"));
}

#[test]
fn the_part_of_a_process_with_a_network_of_its_own() {
    if std::env::var_os(OWN_NETWORK).is_none() {
        return;
    }
    let ip = |arguments: &str| {
        let status = std::process::Command::new("ip").args(arguments.split(' ')).status();
        assert!(status.unwrap().success(), "ip {arguments}");
    };
    ip("link set lo up");
    ip("link add near type veth peer name far");
    ip("addr add 10.9.9.1/24 dev near");
    ip("link set far up");
    ip("link set near up");
    watchdog::run(move || async move {
        let options = Options::new().send_buffer(4096);
        let any = Addr::Ip("10.9.9.1:0".parse().unwrap());
        let near = DatagramSocket::bind(&any, &options).unwrap();
        near.connect(&Addr::Ip("10.9.9.1:9".parse().unwrap())).unwrap();
        near.send(b"lost").await.unwrap();
        let refused = near.recv(&mut [0; 8]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        // Nobody says where this one is, and what is sent to it waits on our account.
        near.connect(&Addr::Ip("10.9.9.2:9".parse().unwrap())).unwrap();
        loop {
            let mut send = pin!(near.send(&[7; 1000]));
            if poll_once(send.as_mut()).await.is_pending() {
                assert_idle_while_blocked(send.as_mut()).await;
                ip("neigh replace 10.9.9.2 lladdr 02:00:00:00:00:02 dev near");
                send.await.unwrap();
                break;
            }
            // Or the budget would be what blocks.
            tokio::task::yield_now().await;
        }
    });
}

// T3: each unix send_to that would block wakes itself.

#[test]
fn unix_datagram_send_to_a_full_queue_waits_without_spinning() {
    watchdog::run(|| async {
        let far = bound(Cell::UNIX_DATAGRAM);
        let to = far.local_addr().unwrap();
        let others = bound(Cell::UNIX_DATAGRAM);
        fill(|| others.send_message(&[IoSlice::new(b"others'")], &Outgoing::to(&to)));
        let near = DatagramSocket::new(bound(Cell::UNIX_DATAGRAM)).unwrap();
        let mut send = pin!(near.send_to(b"mine", &to));
        assert_idle_while_blocked(send.as_mut()).await;
        while receive_now(&far).is_ok() {}
        send.await.unwrap();
        assert_eq!(receive_now(&far), text("mine"));
    });
}

// T4: a short read is not a drained socket.

#[test]
fn unix_stream_reads_what_is_complete_behind_a_descriptor() {
    watchdog::run(|| async {
        for buffered in [false, true] {
            let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
            let near = StreamSocket::new(near).unwrap();
            let file = [OwnedFd::from(std::fs::File::open("/dev/null").unwrap())];
            let mut with = Outgoing::default();
            with.descriptors = &file;
            far.send_message(&[IoSlice::new(b"AAAA")], &with).unwrap();
            far.send(b"BBBB").unwrap();
            assert_eq!(read_pieces(near, buffered).await, ["AAAA", "BBBB"]);
        }
    });
}

fn reads_what_is_complete_behind_an_urgent_byte(cell: Cell) {
    watchdog::run(move || async move {
        for buffered in [false, true] {
            let Ends { near, far } = Ends::new(cell);
            let near = StreamSocket::new(near).unwrap();
            far.send(b"AAAA").unwrap();
            send_flags(&far, b"!", libc::MSG_OOB).unwrap();
            far.send(b"BBBB").unwrap();
            assert_eq!(read_pieces(near, buffered).await, ["AAAA", "BBBB"]);
        }
    });
}

per_cell! { reads_what_is_complete_behind_an_urgent_byte {
    unix_stream_reads_what_is_complete_behind_an_urgent_byte => UNIX_STREAM,
    ipv4_stream_reads_what_is_complete_behind_an_urgent_byte => IPV4_STREAM,
    ipv6_stream_reads_what_is_complete_behind_an_urgent_byte => IPV6_STREAM,
} }

/// Two reads, each with room for everything.
async fn read_pieces(mut near: StreamSocket, buffered: bool) -> Vec<String> {
    let mut pieces = Vec::new();
    for _ in 0..2 {
        let mut block = RecvBlock::new();
        block.reserve(100).unwrap();
        match buffered {
            true => poll_fn(|cx| near.poll_recv_block(cx, &mut block, 100)).await.unwrap(),
            false => near.read_buf(&mut block).await.unwrap(),
        };
        pieces.push(String::from_utf8(block.unread().to_vec()).unwrap());
    }
    pieces
}

// T5: connecting to a full unix backlog begins nothing, and no event says when it has room.

fn connect_waits_for_room_in_the_backlog(cell: Cell) {
    watchdog::run(move || async move {
        let listener = listening(cell, 0);
        let _first = connecting(&listener);
        let (addr, options) = (listener.local_addr().unwrap(), Options::new());
        let mut second = pin!(connect(&addr, cell.kind, &options, DEADLINE));
        assert_idle_while_blocked(second.as_mut()).await;
        drop(listener.accept().unwrap());
        let second = second.await.unwrap();
        let (accepted, _) = listener.accept().unwrap();
        accepted.send(b"hello").unwrap();
        let mut buffer = [0; 8];
        let length = match second {
            Connected::Stream(mut stream) => stream.read(&mut buffer).await.unwrap(),
            Connected::SeqPacket(packets) => {
                packets.recv(&mut buffer).await.unwrap().unwrap().length
            }
            Connected::Datagram(_) => unreachable!(),
        };
        assert_eq!(&buffer[..length], b"hello");
    });
}

per_cell! { connect_waits_for_room_in_the_backlog {
    unix_stream_connect_waits_for_room_in_the_backlog => UNIX_STREAM,
    unix_seqpacket_connect_waits_for_room_in_the_backlog => UNIX_SEQPACKET,
} }

// T6: a fresh socket is not known to be writable before the reactor has run.

fn first_send_is_made_at_once(cell: Cell) {
    watchdog::run(move || async move {
        let (mut near, _far) = Near::new(cell);
        assert!(poll_fn(|cx| Poll::Ready(near.poll_send(cx))).await.is_ready());
        let (near, _far) = Near::new(cell);
        if cell.kind != Type::Stream {
            assert!(poll_once(pin!(near.send())).await.is_ready());
        }
    });
}

per_cell! { first_send_is_made_at_once {
    unix_stream_first_send_is_made_at_once => UNIX_STREAM,
    unix_datagram_first_send_is_made_at_once => UNIX_DATAGRAM,
    unix_seqpacket_first_send_is_made_at_once => UNIX_SEQPACKET,
    ipv4_stream_first_send_is_made_at_once => IPV4_STREAM,
    ipv4_datagram_first_send_is_made_at_once => IPV4_DATAGRAM,
    ipv6_stream_first_send_is_made_at_once => IPV6_STREAM,
    ipv6_datagram_first_send_is_made_at_once => IPV6_DATAGRAM,
} }

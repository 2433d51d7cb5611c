//! Descriptors that travel with bytes and messages.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anysock_core::{Cell, Outgoing, Socket, Type};
use libc::{EAGAIN, EINVAL, EPERM};

use crate::ends::{Ends, fill, outcome, receive_now, send, text};
use crate::lacking::skipped;
use crate::limits::limit_descriptors;
use crate::process::{rerun, run};
use crate::raw::{close, is_close_on_exec, poll, poll_now, receive_raw, room_for, set_option};

/// Of Linux 6.16; libc has no name for it yet.
const SO_PASSRIGHTS: libc::c_int = 83;

fn files(count: usize) -> Vec<OwnedFd> {
    (0..count).map(|_| File::open("/dev/null").unwrap().into()).collect()
}

fn send_with(socket: &Socket, bytes: &[u8], descriptors: &[OwnedFd]) -> Result<usize, i32> {
    let mut with = Outgoing::default();
    with.descriptors = descriptors;
    outcome(socket.send_message(&[IoSlice::new(bytes)], &with))
}

/// The numbers of what came along with up to `room` bytes; closed again.
fn receive_counted(socket: &Socket, room: usize) -> (usize, usize) {
    let received = socket.recv_message(&mut vec![0; room]).unwrap();
    (received.length, received.descriptors.len())
}

#[test]
fn unix_stream_merges_earlier_bytes_before_descriptors_and_never_reads_past_them() {
    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    send(&near, b"AAAA").unwrap();
    send_with(&near, b"BBBB", &files(1)).unwrap();
    send(&near, b"CCCC").unwrap();
    assert_eq!(receive_counted(&far, 100), (8, 1));
    assert_eq!(receive_counted(&far, 100), (4, 0));
}

#[test]
fn unix_stream_gives_descriptors_with_the_first_part_of_their_bytes() {
    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    send_with(&near, b"BBBB", &files(1)).unwrap();
    assert_eq!(receive_counted(&far, 1), (1, 1));
    assert_eq!(receive_counted(&far, 100), (3, 0));
}

#[test]
fn unix_stream_has_attached_descriptors_once_a_part_was_sent() {
    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    let many = vec![7; 4 << 20];
    let sent = send_with(&near, &many, &files(1)).unwrap();
    assert!(sent < many.len(), "it was not partial");
    assert_eq!(receive_counted(&far, 1), (1, 1));
}

#[test]
fn unix_stream_gives_descriptors_with_the_first_part_of_a_large_send_alone() {
    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    let sent = send_with(&near, &vec![7; 4 << 20], &files(2)).unwrap();
    let (mut read, mut reads, mut with) = (0, 0, Vec::new());
    while read < sent {
        let (length, count) = receive_counted(&far, 16 << 20);
        with.extend((count > 0).then_some((reads, count)));
        (read, reads) = (read + length, reads + 1);
    }
    assert!(reads > 1, "the first buffer of the kernel's ends the first read");
    assert_eq!(with, [(0, 2)]);
}

#[test]
fn unix_stream_sends_nothing_of_what_is_refused_for_its_descriptors() {
    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    if set_option(&far, libc::SOL_SOCKET, SO_PASSRIGHTS, 0).is_err() {
        skipped::say("this kernel has no SO_PASSRIGHTS");
        return;
    }
    assert_eq!(send_with(&near, &vec![7; 4 << 20], &files(1)), Err(EPERM));
    assert_eq!(receive_now(&far), Err(EAGAIN));
    send(&near, b"in step").unwrap();
    assert_eq!(receive_now(&far), text("in step"));
}

#[test]
fn unix_stream_ignores_descriptors_without_bytes() {
    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    assert_eq!(send_with(&near, b"", &files(1)), Ok(0));
    assert_eq!(receive_now(&far), Err(EAGAIN));
}

fn delivers_descriptors_without_bytes(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    assert_eq!(send_with(&near, b"", &files(1)), Ok(0));
    assert_eq!(receive_counted(&far, 100), (0, 1));
}

per_cell! { delivers_descriptors_without_bytes {
    unix_datagram_delivers_descriptors_without_bytes => UNIX_DATAGRAM,
    unix_seqpacket_delivers_descriptors_without_bytes => UNIX_SEQPACKET,
} }

fn takes_at_most_253_descriptors(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    let mut many = files(253);
    assert_eq!(send_with(&near, b"x", &many), Ok(1));
    assert_eq!(receive_counted(&far, 100), (1, 253));
    many.extend(files(1));
    assert_eq!(send_with(&near, b"x", &many), Err(EINVAL));
}

per_cell! { takes_at_most_253_descriptors {
    unix_stream_takes_at_most_253_descriptors => UNIX_STREAM,
    unix_datagram_takes_at_most_253_descriptors => UNIX_DATAGRAM,
    unix_seqpacket_takes_at_most_253_descriptors => UNIX_SEQPACKET,
} }

fn brings_two_descriptors_where_there_is_room_for_one(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send_with(&near, b"x", &files(3)).unwrap();
    let raw = receive_raw(&far, 100, room_for(1), libc::MSG_CMSG_CLOEXEC).unwrap();
    assert_eq!(raw.flags & libc::MSG_CTRUNC, libc::MSG_CTRUNC);
    assert_eq!(raw.descriptors().len(), 2);
    raw.descriptors().into_iter().for_each(|number| close(number).unwrap());
}

per_cell! { brings_two_descriptors_where_there_is_room_for_one {
    unix_stream_brings_two_descriptors_where_there_is_room_for_one => UNIX_STREAM,
    unix_datagram_brings_two_descriptors_where_there_is_room_for_one => UNIX_DATAGRAM,
    unix_seqpacket_brings_two_descriptors_where_there_is_room_for_one => UNIX_SEQPACKET,
} }

fn peeks_at_duplicates_that_are_close_on_exec_only_if_asked(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send_with(&near, b"x", &files(1)).unwrap();
    let asked = libc::MSG_PEEK | libc::MSG_CMSG_CLOEXEC;
    let peeked = receive_raw(&far, 100, room_for(1), asked).unwrap().descriptors();
    let taken = receive_raw(&far, 100, room_for(1), 0).unwrap().descriptors();
    assert_eq!((peeked.len(), taken.len()), (1, 1));
    assert_ne!(peeked, taken);
    assert!(is_close_on_exec(peeked[0]));
    assert!(!is_close_on_exec(taken[0]));
    peeked.into_iter().chain(taken).for_each(|number| close(number).unwrap());
}

per_cell! { peeks_at_duplicates_that_are_close_on_exec_only_if_asked {
    unix_stream_peeks_at_duplicates_that_are_close_on_exec_only_if_asked => UNIX_STREAM,
    unix_datagram_peeks_at_duplicates_that_are_close_on_exec_only_if_asked => UNIX_DATAGRAM,
    unix_seqpacket_peeks_at_duplicates_that_are_close_on_exec_only_if_asked => UNIX_SEQPACKET,
} }

fn closes_descriptors_in_silence_with_a_plain_recv(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    let (reader, writer) = Socket::pair(Type::Stream).unwrap();
    send_with(&near, b"x", &[OwnedFd::from(writer)]).unwrap();
    assert_eq!(receive_now(&far), text("x"));
    // Its other end has lost its peer.
    assert_eq!(poll(&reader, 0), libc::POLLHUP);
}

per_cell! { closes_descriptors_in_silence_with_a_plain_recv {
    unix_stream_closes_descriptors_in_silence_with_a_plain_recv => UNIX_STREAM,
    unix_datagram_closes_descriptors_in_silence_with_a_plain_recv => UNIX_DATAGRAM,
    unix_seqpacket_closes_descriptors_in_silence_with_a_plain_recv => UNIX_SEQPACKET,
} }

fn refuses_the_sender_of_descriptors_that_nobody_wants(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    if set_option(&far, libc::SOL_SOCKET, SO_PASSRIGHTS, 0).is_err() {
        skipped::say("this kernel has no SO_PASSRIGHTS");
        return;
    }
    assert_eq!(send_with(&near, b"x", &files(1)), Err(EPERM));
    assert_eq!(send_with(&near, b"x", &[]), Ok(1));
}

per_cell! { refuses_the_sender_of_descriptors_that_nobody_wants {
    unix_stream_refuses_the_sender_of_descriptors_that_nobody_wants => UNIX_STREAM,
    unix_datagram_refuses_the_sender_of_descriptors_that_nobody_wants => UNIX_DATAGRAM,
    unix_seqpacket_refuses_the_sender_of_descriptors_that_nobody_wants => UNIX_SEQPACKET,
} }

const NEARLY_FULL: &str = "ANYSOCK_TEST_NEARLY_FULL";

#[test]
fn a_full_descriptor_table_takes_what_fits_and_says_so() {
    let part = "descriptors::the_part_of_a_process_with_a_full_descriptor_table";
    run(rerun(part).env(NEARLY_FULL, "1"));
}

#[test]
fn the_part_of_a_process_with_a_full_descriptor_table() {
    if std::env::var_os(NEARLY_FULL).is_none() {
        return;
    }
    let Ends { near, far } = Ends::new(Cell::UNIX_SEQPACKET);
    send_with(&near, b"x", &files(4)).unwrap();
    limit_descriptors(64);
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    taken.truncate(taken.len() - 2);
    let received = far.recv_message(&mut [0; 8]).unwrap();
    assert_eq!(received.descriptors.len(), 2);
    assert!(received.control_truncated);
}

#[test]
fn a_failed_send_does_not_consume_descriptors() {
    let Ends { near, far } = Ends::new(Cell::UNIX_SEQPACKET);
    fill(|| near.send(b"a message"));
    let (reader, writer) = Socket::pair(Type::Stream).unwrap();
    let attached = [OwnedFd::from(writer)];
    assert_eq!(send_with(&near, b"x", &attached), Err(EAGAIN));
    drop(far);
    assert_eq!(poll_now(&reader, 0), 0, "the caller still holds it");
}

/// Closing is the kernel's, and waits even where the socket does not: `SO_LINGER`, socket(7).
#[test]
fn closing_a_passed_socket_that_lingers_stops_the_thread_that_closes_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut lingering = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let _never_reads = listener.accept().unwrap();
    lingering.set_nonblocking(true).unwrap();
    while lingering.write(&[7; 64 * 1024]).is_ok() {}
    let passed = OwnedFd::from(lingering);
    let linger = Duration::from_secs(1);
    socket2::SockRef::from(&passed).set_linger(Some(linger)).unwrap();

    let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
    send_with(&near, b"A", &[passed]).unwrap();
    let received = far.recv_message(&mut [0; 8]).unwrap();
    let before = Instant::now();
    drop(received);
    assert!(before.elapsed() >= linger / 2, "{:?}", before.elapsed());
}

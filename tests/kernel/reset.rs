//! Connections that are cut off: what is still delivered, and in which order the errors come.

use anysock_core::Cell;
use libc::{EAGAIN, ECONNRESET, EPIPE};

use crate::ends::{Ends, fill, outcome, receive, receive_now, send, text};
use crate::lacking::skipped;
use crate::raw::{POLLHUP, POLLIN, poll, poll_now};

/// The far end is gone, with `ours` unread and `theirs` sent before.
fn cut_off(cell: Cell, theirs: &[u8]) -> anysock_core::Socket {
    let Ends { near, far } = Ends::new(cell);
    send(&near, b"ours").unwrap();
    poll(&far, POLLIN);
    send(&far, theirs).unwrap();
    drop(far);
    if cell.kind.is_connection_oriented() {
        poll(&near, POLLHUP);
    }
    near
}

fn gives_data_then_a_reset_then_the_end(cell: Cell) {
    let near = cut_off(cell, b"theirs");
    assert_eq!(receive_now(&near), text("theirs"));
    assert_eq!(receive_now(&near), Err(ECONNRESET));
    assert_eq!(receive_now(&near), text(""));
}

per_cell! { gives_data_then_a_reset_then_the_end {
    unix_stream_gives_data_then_a_reset_then_the_end => UNIX_STREAM,
    ipv4_stream_gives_data_then_a_reset_then_the_end => IPV4_STREAM,
    ipv6_stream_gives_data_then_a_reset_then_the_end => IPV6_STREAM,
} }

#[test]
fn unix_seqpacket_gives_a_reset_before_the_messages() {
    let near = cut_off(Cell::UNIX_SEQPACKET, b"theirs");
    assert_eq!(receive_now(&near), Err(ECONNRESET));
    assert_eq!(receive_now(&near), text("theirs"));
    assert_eq!(receive_now(&near), text(""));
}

fn knows_of_no_reset(cell: Cell) {
    let near = cut_off(cell, b"theirs");
    assert_eq!(receive_now(&near), text("theirs"));
    assert_eq!(receive_now(&near), Err(EAGAIN));
    assert_eq!(poll_now(&near, POLLIN), 0);
}

per_cell! { knows_of_no_reset {
    unix_datagram_knows_of_no_reset => UNIX_DATAGRAM,
    ipv4_datagram_knows_of_no_reset => IPV4_DATAGRAM,
    ipv6_datagram_knows_of_no_reset => IPV6_DATAGRAM,
} }

fn looks_orderly_after_a_failed_send(cell: Cell) {
    let near = cut_off(cell, b"final reply");
    assert_eq!(send(&near, b"one"), Err(ECONNRESET));
    assert_eq!(send(&near, b"two"), Err(EPIPE));
    assert_eq!(receive_now(&near), text("final reply"));
    assert_eq!(receive_now(&near), text(""));
}

per_cell! { looks_orderly_after_a_failed_send {
    unix_seqpacket_looks_orderly_after_a_failed_send => UNIX_SEQPACKET,
    ipv4_stream_looks_orderly_after_a_failed_send => IPV4_STREAM,
    ipv6_stream_looks_orderly_after_a_failed_send => IPV6_STREAM,
} }

#[test]
fn unix_stream_tells_of_the_reset_after_a_failed_send() {
    let near = cut_off(Cell::UNIX_STREAM, b"final reply");
    assert_eq!(send(&near, b"one"), Err(EPIPE));
    assert_eq!(receive_now(&near), text("final reply"));
    assert_eq!(receive_now(&near), Err(ECONNRESET));
}

fn loses_what_was_sent_by_closing_with_one_unread_byte(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send(&near, b"?").unwrap();
    poll(&far, POLLIN);
    let chunk = vec![7; 65_536];
    let mut sent = 0;
    fill(|| far.send(&chunk).inspect(|length| sent += length));
    drop(far);
    let mut received = 0;
    let end = loop {
        match receive(&near) {
            Ok(bytes) if !bytes.is_empty() => received += bytes.len(),
            end => break end,
        }
    };
    assert_eq!(end, Err(ECONNRESET));
    assert!(received < sent, "{received} of {sent} arrived");
}

per_cell! { loses_what_was_sent_by_closing_with_one_unread_byte {
    ipv4_stream_loses_what_was_sent_by_closing_with_one_unread_byte => IPV4_STREAM,
    ipv6_stream_loses_what_was_sent_by_closing_with_one_unread_byte => IPV6_STREAM,
} }

#[test]
fn multipath_tcp_takes_sends_after_the_peer_has_closed() {
    let multipath = Some(socket2::Protocol::from(262));
    let open = || socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, multipath);
    let Ok(listener) = open() else {
        skipped::say("this kernel has no multipath TCP");
        return;
    };
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    listener.bind(&any.into()).unwrap();
    listener.listen(1).unwrap();
    let near = open().unwrap();
    near.connect(&listener.local_addr().unwrap()).unwrap();
    drop(listener.accept().unwrap());
    poll(&near, POLLIN);
    for _ in 0..2 {
        assert_eq!(outcome(near.send(b"lost")), Ok(4));
    }
}

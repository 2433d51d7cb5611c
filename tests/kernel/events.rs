//! What a peer does, and what each cell makes of it.

use anysock_core::{Cell, Domain, Shutdown, Socket, Type};
use libc::{
    EAGAIN, ECONNREFUSED, ECONNRESET, EINPROGRESS, EINVAL, EMSGSIZE, ENOTCONN, EPERM, EPIPE,
};

use crate::ends::{
    Ends, bound, connecting, fill, listening, outcome, receive, receive_now, send, text,
};
use crate::raw::{
    POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, dissolve, poll, poll_now, receive_raw, set_option,
};

// The peer closes, with data pending.

fn gives_data_then_the_end(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send(&far, b"one").unwrap();
    drop(far);
    assert_eq!(receive(&near), text("one"));
    assert_eq!(receive(&near), text(""));
    assert_eq!(receive(&near), text(""));
}

per_cell! { gives_data_then_the_end {
    unix_stream_gives_data_then_the_end => UNIX_STREAM,
    unix_seqpacket_gives_messages_then_the_end => UNIX_SEQPACKET,
    ipv4_stream_gives_data_then_the_end => IPV4_STREAM,
    ipv6_stream_gives_data_then_the_end => IPV6_STREAM,
} }

fn gives_data_and_never_an_end(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send(&far, b"one").unwrap();
    drop(far);
    assert_eq!(receive(&near), text("one"));
    assert_eq!(receive_now(&near), Err(EAGAIN));
    assert_eq!(poll_now(&near, POLLIN | POLLRDHUP), 0);
}

per_cell! { gives_data_and_never_an_end {
    unix_datagram_gives_data_and_never_an_end => UNIX_DATAGRAM,
    ipv4_datagram_gives_data_and_never_an_end => IPV4_DATAGRAM,
    ipv6_datagram_gives_data_and_never_an_end => IPV6_DATAGRAM,
} }

// Sending after the peer has closed.

fn refuses_to_send_after_the_peer_has_closed(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    drop(far);
    assert_eq!(send(&near, b"one"), Err(EPIPE));
    assert_eq!(send(&near, b"two"), Err(EPIPE));
}

per_cell! { refuses_to_send_after_the_peer_has_closed {
    unix_stream_refuses_to_send_after_the_peer_has_closed => UNIX_STREAM,
    unix_seqpacket_refuses_to_send_after_the_peer_has_closed => UNIX_SEQPACKET,
} }

#[test]
fn unix_datagram_forgets_a_peer_that_has_closed_even_if_its_name_is_bound_again() {
    let Ends { near, far } = Ends::new(Cell::UNIX_DATAGRAM);
    let name = far.local_addr().unwrap();
    drop(far);
    assert_eq!(send(&near, b"one"), Err(ECONNREFUSED));
    assert_eq!(send(&near, b"two"), Err(ENOTCONN));
    let again = Socket::open(Cell::UNIX_DATAGRAM).unwrap();
    again.bind(&name).unwrap();
    assert_eq!(send(&near, b"three"), Err(ENOTCONN));
}

fn takes_one_send_after_the_peer_has_closed(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    drop(far);
    assert_eq!(send(&near, b"one"), Ok(3));
    poll(&near, POLLHUP);
    assert_eq!(send(&near, b"two"), Err(EPIPE));
}

per_cell! { takes_one_send_after_the_peer_has_closed {
    ipv4_stream_takes_one_send_after_the_peer_has_closed => IPV4_STREAM,
    ipv6_stream_takes_one_send_after_the_peer_has_closed => IPV6_STREAM,
} }

fn hears_once_that_the_peer_has_closed(cell: Cell) {
    // By the next send,
    let Ends { near, far } = Ends::new(cell);
    drop(far);
    assert_eq!(send(&near, b"one"), Ok(3));
    poll(&near, POLLERR);
    assert_eq!(send(&near, b"two"), Err(ECONNREFUSED));
    assert_eq!(send(&near, b"three"), Ok(5));
    // or by the next receive.
    poll(&near, POLLERR);
    assert_eq!(receive_now(&near), Err(ECONNREFUSED));
    assert_eq!(receive_now(&near), Err(EAGAIN));
}

per_cell! { hears_once_that_the_peer_has_closed {
    ipv4_datagram_hears_once_that_the_peer_has_closed => IPV4_DATAGRAM,
    ipv6_datagram_hears_once_that_the_peer_has_closed => IPV6_DATAGRAM,
} }

// Shutting down receiving.

fn ends_its_own_reading_and_the_peers_writing(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    near.shutdown(Shutdown::Read).unwrap();
    assert_eq!(receive(&near), text(""));
    assert_eq!(send(&far, b"one"), Err(EPIPE));
}

per_cell! { ends_its_own_reading_and_the_peers_writing {
    unix_stream_ends_its_own_reading_and_the_peers_writing => UNIX_STREAM,
    unix_seqpacket_ends_its_own_reading_and_the_peers_writing => UNIX_SEQPACKET,
} }

fn would_block_although_reading_is_closed(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    near.shutdown(Shutdown::Read).unwrap();
    let found = poll(&near, POLLIN | POLLRDHUP);
    assert_eq!(found & (POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
    assert_eq!(receive_now(&near), Err(EAGAIN));
    if cell.domain == Domain::Unix {
        assert_eq!(send(&far, b"one"), Err(EPIPE));
    }
}

per_cell! { would_block_although_reading_is_closed {
    unix_datagram_would_block_although_reading_is_closed => UNIX_DATAGRAM,
    ipv4_datagram_would_block_although_reading_is_closed => IPV4_DATAGRAM,
    ipv6_datagram_would_block_although_reading_is_closed => IPV6_DATAGRAM,
} }

fn gives_data_that_comes_after_reading_was_closed(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    near.shutdown(Shutdown::Read).unwrap();
    assert_eq!(receive_now(&near), text(""));
    send(&far, b"late").unwrap();
    assert_eq!(receive_now(&near), text("late"));
    assert_eq!(receive_now(&near), text(""));
}

per_cell! { gives_data_that_comes_after_reading_was_closed {
    ipv4_stream_gives_data_that_comes_after_reading_was_closed => IPV4_STREAM,
    ipv6_stream_gives_data_that_comes_after_reading_was_closed => IPV6_STREAM,
} }

// Sending nothing.

fn sends_nothing_for_nothing(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    assert_eq!(send(&far, b""), Ok(0));
    assert_eq!(receive_now(&near), Err(EAGAIN));
}

per_cell! { sends_nothing_for_nothing {
    unix_stream_sends_nothing_for_nothing => UNIX_STREAM,
    ipv4_stream_sends_nothing_for_nothing => IPV4_STREAM,
    ipv6_stream_sends_nothing_for_nothing => IPV6_STREAM,
} }

fn sends_an_empty_message_for_nothing(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    assert_eq!(send(&far, b""), Ok(0));
    assert_eq!(receive(&near), text(""));
    assert_eq!(receive_now(&near), Err(EAGAIN));
}

per_cell! { sends_an_empty_message_for_nothing {
    unix_datagram_sends_an_empty_message_for_nothing => UNIX_DATAGRAM,
    unix_seqpacket_sends_an_empty_message_for_nothing => UNIX_SEQPACKET,
    ipv4_datagram_sends_an_empty_message_for_nothing => IPV4_DATAGRAM,
    ipv6_datagram_sends_an_empty_message_for_nothing => IPV6_DATAGRAM,
} }

// Receiving into a buffer that is too small.

fn keeps_the_rest_for_a_small_buffer(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send(&far, b"abcdef").unwrap();
    poll(&near, POLLIN);
    let mut buffer = [0; 4];
    assert_eq!(outcome(near.recv(&mut buffer)), Ok(4));
    assert_eq!(receive(&near), text("ef"));
}

per_cell! { keeps_the_rest_for_a_small_buffer {
    unix_stream_keeps_the_rest_for_a_small_buffer => UNIX_STREAM,
    ipv4_stream_keeps_the_rest_for_a_small_buffer => IPV4_STREAM,
    ipv6_stream_keeps_the_rest_for_a_small_buffer => IPV6_STREAM,
} }

fn loses_the_rest_for_a_small_buffer(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send(&far, b"abcdef").unwrap();
    send(&far, b"next").unwrap();
    poll(&near, POLLIN);
    let cut = receive_raw(&near, 4, 0, 0).unwrap();
    assert_eq!((cut.length, cut.flags & libc::MSG_TRUNC), (4, libc::MSG_TRUNC));
    assert_eq!(receive(&near), text("next"));
}

per_cell! { loses_the_rest_for_a_small_buffer {
    unix_datagram_loses_the_rest_for_a_small_buffer => UNIX_DATAGRAM,
    unix_seqpacket_loses_the_rest_for_a_small_buffer => UNIX_SEQPACKET,
    ipv4_datagram_loses_the_rest_for_a_small_buffer => IPV4_DATAGRAM,
    ipv6_datagram_loses_the_rest_for_a_small_buffer => IPV6_DATAGRAM,
} }

// The largest message.

fn takes_what_the_senders_buffer_holds_less_32_bytes(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    let options = anysock_core::Options::new().send_buffer(50_000);
    for _ in 0..2 {
        let most = near.send_buffer_size().unwrap() - 32;
        let message = vec![7; most + 1];
        assert_eq!(send(&near, &message), Err(EMSGSIZE));
        assert_eq!(send(&near, &message[..most]), Ok(most));
        assert_eq!(receive(&far).map(|message| message.len()), Ok(most));
        options.apply(&near).unwrap();
    }
}

per_cell! { takes_what_the_senders_buffer_holds_less_32_bytes {
    unix_datagram_takes_what_the_senders_buffer_holds_less_32_bytes => UNIX_DATAGRAM,
    unix_seqpacket_takes_what_the_senders_buffer_holds_less_32_bytes => UNIX_SEQPACKET,
} }

fn takes_what_udp_holds(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    let most = if cell.domain == Domain::Ipv4 { 65_507 } else { 65_527 };
    let message = vec![7; most + 1];
    assert_eq!(send(&near, &message), Err(EMSGSIZE));
    assert_eq!(send(&near, &message[..most]), Ok(most));
    assert_eq!(receive(&far).map(|message| message.len()), Ok(most));
}

per_cell! { takes_what_udp_holds {
    ipv4_datagram_takes_65507_bytes => IPV4_DATAGRAM,
    ipv6_datagram_takes_65527_bytes => IPV6_DATAGRAM,
} }

// The queue of what was not received yet.

fn is_writable_again_once_drained(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    let chunk = vec![7; 4096];
    assert!(fill(|| near.send(&chunk)) > 0);
    assert_eq!(poll_now(&near, POLLOUT), 0);
    while poll_now(&near, POLLOUT) == 0 {
        receive(&far).unwrap();
    }
}

per_cell! { is_writable_again_once_drained {
    unix_stream_is_writable_again_once_drained => UNIX_STREAM,
    ipv4_stream_is_writable_again_once_drained => IPV4_STREAM,
    ipv6_stream_is_writable_again_once_drained => IPV6_STREAM,
} }

#[test]
fn unix_seqpacket_is_writable_again_only_once_mostly_drained() {
    let Ends { near, far } = Ends::new(Cell::UNIX_SEQPACKET);
    let sent = fill(|| near.send(b"a message"));
    let mut received = 0;
    while poll_now(&near, POLLOUT) == 0 {
        receive(&far).unwrap();
        received += 1;
    }
    assert!(received > sent / 2, "{received} of {sent}");
}

#[test]
fn unix_datagram_queues_one_more_than_max_dgram_qlen() {
    let receiver = bound(Cell::UNIX_DATAGRAM);
    let sender = connecting_datagram(&receiver);
    let setting = std::fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").unwrap();
    let most: usize = setting.trim().parse().unwrap();
    assert_eq!(fill(|| sender.send(b"a message")), most + 1);
}

fn is_never_full_and_counts_what_it_dropped(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    set_option(&far, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1).unwrap();
    for _ in 0..10_000 {
        assert_eq!(send(&near, &[7; 1000]), Ok(1000));
    }
    let mut received = 0;
    while receive_now(&far).is_ok() {
        received += 1;
    }
    assert!(received < 10_000);
    send(&near, b"last").unwrap();
    poll(&far, POLLIN);
    let last = receive_raw(&far, 100, 64, 0).unwrap();
    let counted = last.data(libc::SOL_SOCKET, libc::SO_RXQ_OVFL).next().unwrap();
    assert_eq!(u32::from_ne_bytes(counted.try_into().unwrap()), 10_000 - received);
}

per_cell! { is_never_full_and_counts_what_it_dropped {
    ipv4_datagram_is_never_full_and_counts_what_it_dropped => IPV4_DATAGRAM,
    ipv6_datagram_is_never_full_and_counts_what_it_dropped => IPV6_DATAGRAM,
} }

// Connecting while the backlog is full.

fn begins_nothing_while_the_backlog_is_full(cell: Cell) {
    let listener = listening(cell, 0);
    let _first = connecting(&listener);
    let second = Socket::open(cell).unwrap();
    let at = listener.local_addr().unwrap();
    assert_eq!(outcome(second.connect(&at)), Err(EAGAIN));
    assert_eq!(poll_now(&second, POLLOUT) & POLLOUT, POLLOUT);
    drop(listener.accept().unwrap());
    // Neither is it connected once there is room,
    assert_eq!(outcome(second.peer_addr()), Err(ENOTCONN));
    assert_eq!(outcome(listener.accept().map(drop)), Err(EAGAIN));
    // nor was anything wrong with it.
    assert_eq!(outcome(second.connect(&at)), Ok(()));
}

per_cell! { begins_nothing_while_the_backlog_is_full {
    unix_stream_begins_nothing_while_the_backlog_is_full => UNIX_STREAM,
    unix_seqpacket_begins_nothing_while_the_backlog_is_full => UNIX_SEQPACKET,
} }

fn is_in_progress_while_the_backlog_is_full(cell: Cell) {
    let listener = listening(cell, 0);
    let _first = connecting(&listener);
    let second = Socket::open(cell).unwrap();
    assert_eq!(outcome(second.connect(&listener.local_addr().unwrap())), Err(EINPROGRESS));
}

per_cell! { is_in_progress_while_the_backlog_is_full {
    ipv4_stream_is_in_progress_while_the_backlog_is_full => IPV4_STREAM,
    ipv6_stream_is_in_progress_while_the_backlog_is_full => IPV6_STREAM,
} }

// Accepting on a listener that was shut down.

fn says_what_accepting_on_a_shut_down_listener_gives(cell: Cell) {
    let listener = listening(cell, 8);
    listener.shutdown(Shutdown::Read).unwrap();
    let expected = if cell.domain == Domain::Unix { EAGAIN } else { EINVAL };
    assert_eq!(outcome(listener.accept().map(drop)), Err(expected));
}

per_cell! { says_what_accepting_on_a_shut_down_listener_gives {
    unix_stream_would_block_on_a_shut_down_listener => UNIX_STREAM,
    unix_seqpacket_would_block_on_a_shut_down_listener => UNIX_SEQPACKET,
    ipv4_stream_refuses_to_accept_on_a_shut_down_listener => IPV4_STREAM,
    ipv6_stream_refuses_to_accept_on_a_shut_down_listener => IPV6_STREAM,
} }

// Strangers, before connect and after.

fn keeps_what_a_stranger_sent_before_connect(cell: Cell) {
    let (near, far, stranger) = (bound(cell), bound(cell), bound(cell));
    stranger.connect(&near.local_addr().unwrap()).unwrap();
    send(&stranger, b"strange").unwrap();
    near.connect(&far.local_addr().unwrap()).unwrap();
    assert_eq!(receive(&near), text("strange"));
}

per_cell! { keeps_what_a_stranger_sent_before_connect {
    unix_datagram_keeps_what_a_stranger_sent_before_connect => UNIX_DATAGRAM,
    ipv4_datagram_keeps_what_a_stranger_sent_before_connect => IPV4_DATAGRAM,
    ipv6_datagram_keeps_what_a_stranger_sent_before_connect => IPV6_DATAGRAM,
} }

fn hears_no_stranger_after_connect(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    let stranger = bound(cell);
    let sent = outcome(stranger.connect(&near.local_addr().unwrap()))
        .and_then(|()| send(&stranger, b"strange"));
    let expected = if cell.domain == Domain::Unix { Err(EPERM) } else { Ok(7) };
    assert_eq!(sent, expected);
    send(&far, b"known").unwrap();
    assert_eq!(receive(&near), text("known"));
    assert_eq!(receive_now(&near), Err(EAGAIN));
}

per_cell! { hears_no_stranger_after_connect {
    unix_datagram_hears_no_stranger_after_connect => UNIX_DATAGRAM,
    ipv4_datagram_hears_no_stranger_after_connect => IPV4_DATAGRAM,
    ipv6_datagram_hears_no_stranger_after_connect => IPV6_DATAGRAM,
} }

// Connecting again, elsewhere.

#[test]
fn unix_datagram_purges_its_queue_and_resets_the_old_peer_by_connecting_elsewhere() {
    let Ends { near, far } = Ends::new(Cell::UNIX_DATAGRAM);
    send(&far, b"one").unwrap();
    near.connect(&bound(Cell::UNIX_DATAGRAM).local_addr().unwrap()).unwrap();
    assert_eq!(receive_now(&near), Err(EAGAIN));
    assert_eq!(send(&far, b"two"), Err(ECONNRESET));
}

fn keeps_its_queue_by_connecting_elsewhere(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    send(&far, b"one").unwrap();
    poll(&near, POLLIN);
    near.connect(&bound(cell).local_addr().unwrap()).unwrap();
    assert_eq!(receive_now(&near), text("one"));
}

per_cell! { keeps_its_queue_by_connecting_elsewhere {
    ipv4_datagram_keeps_its_queue_by_connecting_elsewhere => IPV4_DATAGRAM,
    ipv6_datagram_keeps_its_queue_by_connecting_elsewhere => IPV6_DATAGRAM,
} }

// Connecting to nobody.

fn cannot_be_dissolved(cell: Cell) {
    let Ends { near, far: _far } = Ends::new(cell);
    assert_eq!(outcome(dissolve(&near)), Err(EINVAL));
}

per_cell! { cannot_be_dissolved {
    unix_stream_cannot_be_dissolved => UNIX_STREAM,
    unix_seqpacket_cannot_be_dissolved => UNIX_SEQPACKET,
} }

fn is_reset_by_dissolving(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    assert_eq!(outcome(dissolve(&near)), Ok(()));
    assert_eq!(receive(&far), Err(ECONNRESET));
}

per_cell! { is_reset_by_dissolving {
    ipv4_stream_is_reset_by_dissolving => IPV4_STREAM,
    ipv6_stream_is_reset_by_dissolving => IPV6_STREAM,
} }

#[test]
fn unix_datagram_is_dissolved_and_purged() {
    let Ends { near, far } = Ends::new(Cell::UNIX_DATAGRAM);
    send(&far, b"one").unwrap();
    assert_eq!(outcome(dissolve(&near)), Ok(()));
    assert_eq!(receive_now(&near), Err(EAGAIN));
    assert_eq!(send(&near, b"two"), Err(ENOTCONN));
}

fn loses_its_automatic_port_by_dissolving(cell: Cell) {
    let Ends { near, far: _far } = Ends::new(cell);
    assert_ne!(near.local_addr().unwrap().as_ip().unwrap().port(), 0);
    assert_eq!(outcome(dissolve(&near)), Ok(()));
    assert_eq!(near.local_addr().unwrap().as_ip().unwrap().port(), 0);
}

per_cell! { loses_its_automatic_port_by_dissolving {
    ipv4_datagram_loses_its_automatic_port_by_dissolving => IPV4_DATAGRAM,
    ipv6_datagram_loses_its_automatic_port_by_dissolving => IPV6_DATAGRAM,
} }

fn connecting_datagram(to: &Socket) -> Socket {
    assert_eq!(to.cell().kind, Type::Datagram);
    let socket = bound(to.cell());
    socket.connect(&to.local_addr().unwrap()).unwrap();
    socket
}

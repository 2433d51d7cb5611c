//! Waiting until the peer is gone never spins, whatever the reactor says for ever.

use std::pin::Pin;

use anysock_async::{Closed, Departure, SeqPacketSocket, StreamSocket};
use anysock_core::{Cell, Domain, Shutdown, Socket, Type};

use crate::ends::{Ends, send};
use crate::raw::send_flags;
use crate::watchdog::{self, assert_idle_while_blocked};

/// A connection that is waited on, and its far end without a runtime.
enum Near {
    Stream(StreamSocket),
    SeqPacket(SeqPacketSocket),
}

impl Near {
    fn new(cell: Cell) -> (Self, Socket) {
        let Ends { near, far } = Ends::new(cell);
        let near = match cell.kind {
            Type::SeqPacket => Self::SeqPacket(SeqPacketSocket::new(near).unwrap()),
            _ => Self::Stream(StreamSocket::new(near).unwrap()),
        };
        (near, far)
    }

    fn closed(&self) -> Closed {
        match self {
            Self::Stream(socket) => socket.closed().unwrap(),
            Self::SeqPacket(socket) => socket.closed().unwrap(),
        }
    }

    fn shutdown(&self, how: Shutdown) {
        match self {
            Self::Stream(socket) => socket.shutdown_now(how).unwrap(),
            Self::SeqPacket(socket) => socket.shutdown_now(how).unwrap(),
        }
    }
}

fn departure(cell: Cell) -> Departure {
    if cell.domain == Domain::Unix { Departure::HungUp } else { Departure::Ended }
}

fn waits_idly_with_data_unread(cell: Cell) {
    watchdog::run(move || async move {
        let (near, far) = Near::new(cell);
        let mut closed = near.closed();
        send(&far, b"unread").unwrap();
        assert_idle_while_blocked(Pin::new(&mut closed)).await;
        drop(far);
        assert_eq!(closed.await, departure(cell));
    });
}

per_cell! { waits_idly_with_data_unread {
    unix_stream_waits_idly_for_the_peers_end_with_data_unread => UNIX_STREAM,
    unix_seqpacket_waits_idly_for_the_peers_end_with_data_unread => UNIX_SEQPACKET,
    ipv4_stream_waits_idly_for_the_peers_end_with_data_unread => IPV4_STREAM,
    ipv6_stream_waits_idly_for_the_peers_end_with_data_unread => IPV6_STREAM,
} }

/// The reactor says of the connection's own registration that reading is closed, for ever.
fn waits_idly_after_a_half_close(cell: Cell) {
    watchdog::run(move || async move {
        let (near, far) = Near::new(cell);
        far.shutdown(Shutdown::Write).unwrap();
        if cell.domain != Domain::Unix {
            assert_eq!(near.closed().await, Departure::Ended);
        }
        let mut closed = near.closed().past_half_close();
        assert_idle_while_blocked(Pin::new(&mut closed)).await;
        near.shutdown(Shutdown::Write);
        assert_eq!(closed.await, Departure::HungUp);
    });
}

per_cell! { waits_idly_after_a_half_close {
    unix_stream_waits_idly_for_the_peer_after_a_half_close => UNIX_STREAM,
    unix_seqpacket_waits_idly_for_the_peer_after_a_half_close => UNIX_SEQPACKET,
    ipv4_stream_waits_idly_for_the_peer_after_a_half_close => IPV4_STREAM,
    ipv6_stream_waits_idly_for_the_peer_after_a_half_close => IPV6_STREAM,
} }

/// On TCP that looks to the reactor like the peer's end.
fn waits_idly_after_its_own_reading_was_shut_down(cell: Cell) {
    watchdog::run(move || async move {
        let (near, far) = Near::new(cell);
        near.shutdown(Shutdown::Read);
        let mut closed = near.closed();
        assert_idle_while_blocked(Pin::new(&mut closed)).await;
        if cell.domain == Domain::Unix {
            drop(far);
        } else {
            near.shutdown(Shutdown::Write);
        }
        assert_eq!(closed.await, Departure::HungUp);
    });
}

per_cell! { waits_idly_after_its_own_reading_was_shut_down {
    unix_stream_waits_idly_for_the_peer_after_its_own_reading_was_shut_down => UNIX_STREAM,
    unix_seqpacket_waits_idly_for_the_peer_after_its_own_reading_was_shut_down => UNIX_SEQPACKET,
    ipv4_stream_waits_idly_for_the_peer_after_its_own_reading_was_shut_down => IPV4_STREAM,
    ipv6_stream_waits_idly_for_the_peer_after_its_own_reading_was_shut_down => IPV6_STREAM,
} }

fn waits_idly_after_an_urgent_byte(cell: Cell) {
    watchdog::run(move || async move {
        let (near, far) = Near::new(cell);
        let mut closed = near.closed();
        send_flags(&far, b"!", libc::MSG_OOB).unwrap();
        assert_idle_while_blocked(Pin::new(&mut closed)).await;
        drop(far);
        assert_eq!(closed.await, departure(cell));
    });
}

per_cell! { waits_idly_after_an_urgent_byte {
    unix_stream_waits_idly_for_the_peers_end_after_an_urgent_byte => UNIX_STREAM,
    ipv4_stream_waits_idly_for_the_peers_end_after_an_urgent_byte => IPV4_STREAM,
    ipv6_stream_waits_idly_for_the_peers_end_after_an_urgent_byte => IPV6_STREAM,
} }

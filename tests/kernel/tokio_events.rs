//! What tokio tells of a peer that closes.

use anysock_core::Cell;
use tokio::io::Interest;

use crate::ends::{Ends, send};
use crate::raw::register;
use crate::watchdog;

/// A wait for urgent data ends with the peer, though data is unread, and takes no reader's waker.
fn tells_who_waits_for_urgent_data_that_the_peer_closes(cell: Cell) {
    watchdog::run(move || async move {
        let Ends { near, far } = Ends::new(cell);
        let near = register(near, Interest::PRIORITY | Interest::READABLE);
        send(&far, b"unread").unwrap();
        drop(far);
        let ready = near.ready(Interest::PRIORITY).await.unwrap().ready();
        assert!(ready.is_read_closed());
    });
}

per_cell! { tells_who_waits_for_urgent_data_that_the_peer_closes {
    unix_stream_tells_who_waits_for_urgent_data_that_the_peer_closes => UNIX_STREAM,
    unix_seqpacket_tells_who_waits_for_urgent_data_that_the_peer_closes => UNIX_SEQPACKET,
    ipv4_stream_tells_who_waits_for_urgent_data_that_the_peer_closes => IPV4_STREAM,
    ipv6_stream_tells_who_waits_for_urgent_data_that_the_peer_closes => IPV6_STREAM,
} }

/// Read-closed and write-closed are for ever: clearing leaves them set.
#[test]
fn tokio_never_clears_what_is_closed() {
    watchdog::run(|| async {
        let Ends { near, far: _far } = Ends::new(Cell::UNIX_DATAGRAM);
        let near = register(near, Interest::READABLE);
        near.get_ref().shutdown(anysock_core::Shutdown::Read).unwrap();
        for _ in 0..3 {
            let mut guard = near.readable().await.unwrap();
            assert!(guard.ready().is_read_closed());
            guard.clear_ready();
        }
    });
}

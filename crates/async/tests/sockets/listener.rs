//! Listeners of every cell: the address that they hold, and what outlives them.

use std::io::ErrorKind;
use std::pin::pin;

use anysock_async::PeerLimits;
use anysock_core::{Addr, Cell, Options, UnixAddr};

use crate::fixture::{bind, connect, fresh, poll_once, within};

async fn holds_its_address_and_frees_it_when_dropped(cell: Cell) {
    let listener = bind(cell, &PeerLimits::default()).await;
    assert_eq!(listener.cell(), cell);
    let at = listener.local_addr().unwrap();
    let again = || async {
        anysock_async::bind(&at, cell.kind, &Options::new(), &PeerLimits::default()).await
    };
    assert_eq!(again().await.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(listener);
    again().await.unwrap();
}

per_cell! { holds_its_address_and_frees_it_when_dropped {
    unix_stream_listener_holds_its_address_and_frees_it_when_dropped => UNIX_STREAM,
    unix_datagram_listener_holds_its_address_and_frees_it_when_dropped => UNIX_DATAGRAM,
    unix_seqpacket_listener_holds_its_address_and_frees_it_when_dropped => UNIX_SEQPACKET,
    ipv4_stream_listener_holds_its_address_and_frees_it_when_dropped => IPV4_STREAM,
    ipv4_datagram_listener_holds_its_address_and_frees_it_when_dropped => IPV4_DATAGRAM,
    ipv6_stream_listener_holds_its_address_and_frees_it_when_dropped => IPV6_STREAM,
    ipv6_datagram_listener_holds_its_address_and_frees_it_when_dropped => IPV6_DATAGRAM,
} }

async fn owns_its_path(cell: Cell) {
    let name = format!("anysock-async-{}-{cell}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let addr: Addr = UnixAddr::path(&path).unwrap().into();
    let options = Options::new().file_mode(0o600);
    let listener =
        anysock_async::bind(&addr, cell.kind, &options, &PeerLimits::default()).await.unwrap();
    assert_eq!(listener.local_addr().unwrap(), addr);
    connect(cell.kind, &addr).await.unwrap();
    drop(listener);
    assert!(!path.exists());
}

per_cell! { owns_its_path {
    unix_stream_listener_owns_its_path => UNIX_STREAM,
    unix_datagram_listener_owns_its_path => UNIX_DATAGRAM,
    unix_seqpacket_listener_owns_its_path => UNIX_SEQPACKET,
} }

async fn a_dropped_accept_loses_no_connection(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    assert!(poll_once(pin!(listener.accept())).await.is_pending());
    let client = connect(cell.kind, &listener.local_addr().unwrap()).await.unwrap();
    if let anysock_async::Connected::Datagram(client) = &client {
        client.send(b"hello").await.unwrap();
    }
    listener.accept().await.unwrap();
}

per_cell! { a_dropped_accept_loses_no_connection {
    unix_stream_a_dropped_accept_loses_no_connection => UNIX_STREAM,
    unix_datagram_a_dropped_accept_loses_no_connection => UNIX_DATAGRAM,
    unix_seqpacket_a_dropped_accept_loses_no_connection => UNIX_SEQPACKET,
    ipv4_stream_a_dropped_accept_loses_no_connection => IPV4_STREAM,
    ipv4_datagram_a_dropped_accept_loses_no_connection => IPV4_DATAGRAM,
    ipv6_stream_a_dropped_accept_loses_no_connection => IPV6_STREAM,
    ipv6_datagram_a_dropped_accept_loses_no_connection => IPV6_DATAGRAM,
} }

#[tokio::test]
async fn an_option_without_a_meaning_is_refused_before_anything_is_bound() {
    let at = fresh(Cell::UNIX_STREAM.domain);
    let (limits, meaningless, none) =
        (PeerLimits::default(), Options::new().nodelay(true), Options::new());
    let refused = anysock_async::bind(&at, Cell::UNIX_STREAM.kind, &meaningless, &limits);
    assert_eq!(within(refused).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    let free = anysock_async::bind(&at, Cell::UNIX_STREAM.kind, &none, &limits);
    within(free).await.unwrap();
}

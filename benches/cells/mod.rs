//! The cells that this kernel offers, and connections over them as a service makes them.

use anysock::prelude::*;
use anysock::{Cell, Connection, Domain, Options, Type};
use tokio::runtime::{Builder, Runtime};

/// What a listener for UDP asks of the kernel: a burst waits there until it is read.
const ROOM: usize = 1 << 20;

/// The one runtime on which both ends live.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The cells to be measured; those that are not offered are named on standard error.
pub(crate) fn offered() -> Vec<Cell> {
    let mut offered = Vec::new();
    for (cell, answer) in anysock::probe().iter() {
        match answer {
            Ok(()) => offered.push(cell),
            Err(why) => eprintln!("skipped: {why}"),
        }
    }
    offered
}

/// A client, and the peer that a listener accepted for it, both ready to be used.
pub(crate) async fn connection(cell: Cell) -> (Connection, Connection) {
    let options = match cell.domain.is_inet() && cell.kind == Type::Datagram {
        true => Options::default().receive_buffer(ROOM),
        false => Options::default(),
    };
    let bound = anysock::bind(endpoint(cell)).options(options).await;
    let mut listener = bound.expect("binding");
    let mut near = anysock::connect(listener.endpoint()).await.expect("connecting");
    // The sender of datagrams is a peer once it was heard.
    near.send("hello").await.expect("sending");
    let mut far = listener.accept().await.expect("accepting");
    assert_eq!(far.recv().await.expect("receiving").expect("a message"), "hello");
    (near, far)
}

/// Where to listen, so that nothing needs to be cleaned up.
fn endpoint(cell: Cell) -> &'static str {
    match (cell.domain, cell.kind) {
        (Domain::Unix, Type::Stream) => "unix:",
        (Domain::Unix, Type::Datagram) => "unix-dgram:",
        (Domain::Unix, Type::SeqPacket) => "unix-seqpacket:",
        (Domain::Ipv4, Type::Stream) => "tcp://127.0.0.1:0",
        (Domain::Ipv4, Type::Datagram) => "udp://127.0.0.1:0",
        (Domain::Ipv4, Type::SeqPacket) => "sctp://127.0.0.1:0",
        (Domain::Ipv6, Type::Stream) => "tcp://[::1]:0",
        (Domain::Ipv6, Type::Datagram) => "udp://[::1]:0",
        (Domain::Ipv6, Type::SeqPacket) => "sctp://[::1]:0",
    }
}

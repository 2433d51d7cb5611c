//! Fresh addresses, deadlines, and the steps that the tests share.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use anysock_async::{
    Accepted, Connected, DatagramPeer, DatagramSocket, Listener, Packet, PeerLimits,
};
use anysock_core::{Addr, Cell, Domain, Options, Type, UnixAddr};

pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// No test waits for ever.
pub(crate) async fn within<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(DEADLINE, test).await.expect("the test waits for ever")
}

/// An address that nobody else uses.
pub(crate) fn fresh(domain: Domain) -> Addr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    match domain {
        Domain::Unix => {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("anysock-async-{}-{count}", std::process::id());
            UnixAddr::abstract_name(name).unwrap().into()
        }
        Domain::Ipv4 => ip("127.0.0.1:0"),
        Domain::Ipv6 => ip("[::1]:0"),
    }
}

pub(crate) fn ip(addr: &str) -> Addr {
    Addr::Ip(addr.parse().unwrap())
}

pub(crate) async fn bind(cell: Cell, limits: &PeerLimits) -> Listener {
    let any = fresh(cell.domain);
    anysock_async::bind(&any, cell.kind, &Options::new(), limits).await.unwrap()
}

pub(crate) async fn connect(kind: Type, addr: &Addr) -> std::io::Result<Connected> {
    anysock_async::connect(addr, kind, &Options::new(), DEADLINE).await
}

/// A datagram client of `listener`.
pub(crate) async fn client(listener: &Listener) -> DatagramSocket {
    let at = listener.local_addr().unwrap();
    match connect(Type::Datagram, &at).await.unwrap() {
        Connected::Datagram(client) => client,
        _ => unreachable!(),
    }
}

pub(crate) async fn accept_peer(listener: &mut Listener) -> DatagramPeer {
    match listener.accept().await.unwrap() {
        Accepted::Peer(peer) => peer,
        _ => unreachable!(),
    }
}

/// The next message of a peer; `None` at the end.
pub(crate) async fn hear(peer: &mut DatagramPeer) -> std::io::Result<Option<String>> {
    let packet = poll_fn(|cx| peer.poll_recv_packet(cx)).await?;
    Ok(packet.map(|packet| match packet {
        Packet::Message(message) => String::from_utf8(message.to_vec()).unwrap(),
        Packet::Truncated { length } => format!("truncated: {length}"),
        other => panic!("{other:?}"),
    }))
}

pub(crate) async fn answer(peer: &mut DatagramPeer, message: &str) -> std::io::Result<()> {
    poll_fn(|cx| peer.poll_send(cx, message.as_bytes())).await
}

/// The next message of a datagram socket.
pub(crate) async fn recv(socket: &DatagramSocket) -> std::io::Result<String> {
    let mut buffer = [0; 64];
    let received = socket.recv(&mut buffer).await?.expect("it was not shut down");
    Ok(String::from_utf8(buffer[..received.copied].to_vec()).unwrap())
}

/// Polls once.
pub(crate) async fn poll_once<F: Future>(mut operation: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(operation.as_mut().poll(cx))).await
}

/// Waits until what other tasks do has come about.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

//! Servers that take datagrams apart by their sender: a task for each, which waits for the next.

use std::collections::HashMap;
use std::hash::Hash;
use std::io::{Read, stdin};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net as blocking;
use std::time::Duration;

use anysock::sockets::Accepted;
use anysock::{Addr, Endpoint, Options, Packets, PeerLimits};
use anysock_core::Type;
use bytes::Bytes;
use socket2::SockRef;
use tokio::net::{UdpSocket, UnixDatagram};
use tokio::sync::mpsc;

use crate::ends::runtime;
use crate::servers::{FIRST_MESSAGE, ours, received, until_received};
use crate::usage::processor_time;

/// After so many datagrams the server tells, and only then more are sent. So many fit into every
/// queue, even if all are of one sender.
pub(crate) const WINDOW: usize = 128;

/// Room that UDP sockets ask for: more than a window needs.
const ROOM: usize = 1 << 20;

/// Messages that may wait for one peer, as many as ours has by default.
const QUEUE: usize = 128;

/// The longest datagram that is received, as ours by default.
const LONGEST: usize = 64 << 10;

/// How long a window may take before something is held to be lost.
const LOST: Duration = Duration::from_secs(30);

pub(crate) const BY_HAND: &str = "tokio by hand";
pub(crate) const OURS: &str = "ours";
pub(crate) const AGAIN: &str = "ours again";

/// Which datagrams.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Over {
    Udp,
    Unix,
}

/// Listens, tells where, and then the processor time in seconds of each window of datagrams.
///
/// Over UDP it waits to be told that the whole window is there: how many are found together must
/// not depend on how the kernel happens to run two processes. A unix sender is held back by a
/// queue of about ten, which decides that.
pub(crate) fn play(over: Over, name: &str) {
    runtime().block_on(async {
        let at = match (name, over) {
            (BY_HAND, Over::Udp) => by_udp_socket(),
            (BY_HAND, Over::Unix) => by_unix_datagram(),
            _ => by_listener(over).await,
        };
        println!("{at}");
        let mut before = processor_time();
        for window in 1.. {
            if over == Over::Udp {
                // Nothing else on this thread is to run meanwhile.
                stdin().read_exact(&mut [0]).expect("being told");
            }
            let full = tokio::time::timeout(LOST, until_received(window * WINDOW)).await;
            full.expect("nothing is lost");
            let now = processor_time();
            println!("{}", (now - before).as_secs_f64());
            before = now;
        }
    });
}

async fn by_listener(over: Over) -> String {
    let (endpoint, options) = match over {
        Over::Udp => ("udp://127.0.0.1:0".to_owned(), Options::default().receive_buffer(ROOM)),
        Over::Unix => (format!("unix-dgram:@{}", abstract_name()), Options::default()),
    };
    let addr = endpoint.parse::<Endpoint>().expect("an endpoint").addr().expect("an address");
    let limits = PeerLimits::default();
    let bound = anysock::sockets::bind(&addr, Type::Datagram, &options, &limits);
    let mut listener = bound.await.expect("binding");
    let at = match listener.local_addr().expect("an address") {
        Addr::Ip(addr) => addr.to_string(),
        Addr::Unix(_) => abstract_name(),
    };
    tokio::spawn(async move {
        loop {
            match std::future::poll_fn(|cx| listener.poll_accept(cx)).await.expect("accepting") {
                Accepted::Peer(peer) => tokio::spawn(ours(Packets::new(peer))),
                _ => unreachable!("datagrams were asked for"),
            };
        }
    });
    at
}

fn by_udp_socket() -> String {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("binding");
    SockRef::from(&socket).set_recv_buffer_size(ROOM).expect("room");
    socket.set_nonblocking(true).expect("non-blocking");
    let at = socket.local_addr().expect("an address").to_string();
    let socket = UdpSocket::from_std(socket).expect("registering");
    tokio::spawn(async move {
        let mut peers = HashMap::<SocketAddr, _>::new();
        let mut buffer = vec![0; LONGEST];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("receiving");
            sort(&mut peers, &from, &buffer[..length]);
        }
    });
    at
}

fn by_unix_datagram() -> String {
    let name = abstract_name();
    let addr = blocking::SocketAddr::from_abstract_name(&name).expect("a name");
    let socket = blocking::UnixDatagram::bind_addr(&addr).expect("binding");
    socket.set_nonblocking(true).expect("non-blocking");
    let socket = UnixDatagram::from_std(socket).expect("registering");
    tokio::spawn(async move {
        let mut peers = HashMap::<Vec<u8>, _>::new();
        let mut buffer = vec![0; LONGEST];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.expect("receiving");
            sort(&mut peers, from.as_abstract_name().expect("a name"), &buffer[..length]);
        }
    });
    name
}

/// Gives a message to the task of its sender, which is a new one for a new sender.
fn sort<K>(peers: &mut HashMap<K::Owned, mpsc::Sender<Bytes>>, from: &K, message: &[u8])
where
    K: Hash + Eq + ToOwned<Owned: Hash + Eq> + ?Sized,
{
    let message = Bytes::copy_from_slice(message);
    if let Some(queue) = peers.get(from) {
        return queue.try_send(message).expect("room for a window");
    }
    let (queue, messages) = mpsc::channel(QUEUE);
    queue.try_send(message).expect("room for one");
    peers.insert(from.to_owned(), queue);
    tokio::spawn(by_hand(messages));
}

async fn by_hand(mut messages: mpsc::Receiver<Bytes>) {
    while let Some(message) = messages.recv().await {
        assert_eq!(message.len(), FIRST_MESSAGE);
        drop(message);
        received();
    }
}

/// The kernel frees it with its socket.
fn abstract_name() -> String {
    format!("anysock-bench-crowd-{}", std::process::id())
}

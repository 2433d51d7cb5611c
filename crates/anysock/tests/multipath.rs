//! `mptcp://`: multipath where both ends have it, TCP where one has not, and which it is.

use std::future::IntoFuture;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Delimited, Endpoint, Protocol};
use tokio::time::timeout;

#[path = "../../../tests/support/skipped.rs"]
mod skipped;

const DEADLINE: Duration = Duration::from_secs(30);

/// Whether this kernel has it; a line that says so, if not.
fn is_here() -> bool {
    let socket = anysock::core::Socket::open_as(anysock::Domain::Ipv4, Protocol::Multipath);
    let is_here = socket.expect("at least TCP").protocol().expect("told") == Protocol::Multipath;
    if !is_here {
        skipped::say("this kernel has no multipath TCP");
    }
    is_here
}

/// Both ends of a connection over which a message has gone each way: the client's first.
async fn meet(listener: &str, client: &str) -> (Connection, Connection) {
    let meeting = async {
        let mut listener = anysock::bind(listener).codec(Delimited::lines()).await.expect("bound");
        let port = listener.endpoint().host_port().expect("a port").port;
        let at: Endpoint = client.replace(":0", &format!(":{port}")).parse().expect("an endpoint");
        let mut client = anysock::connect(at).codec(Delimited::lines()).await.expect("connected");
        let mut peer = listener.accept().await.expect("accepted");
        client.send("hello").await.expect("sent");
        assert_eq!(peer.recv().await.expect("received").expect("a message"), "hello");
        peer.send("there you are").await.expect("sent");
        assert_eq!(client.recv().await.expect("received").expect("a message"), "there you are");
        (client, peer)
    };
    timeout(DEADLINE, meeting).await.expect("in time")
}

async fn multipath_at_both_ends_says_so(host: &str) {
    let (client, peer) = meet(&format!("mptcp://{host}:0"), &format!("mptcp://{host}:0")).await;
    assert!(client.is_multipath().expect("told"));
    assert!(peer.is_multipath().expect("told"));
    assert!(client.guarantees().contains(Guarantees::RELIABLE));
}

async fn a_client_falls_back_to_tcp(host: &str) {
    let (client, peer) = meet(&format!("tcp://{host}:0"), &format!("mptcp://{host}:0")).await;
    assert!(!client.is_multipath().expect("told"));
    assert!(!peer.is_multipath().expect("told"));
}

async fn a_listener_takes_tcp_clients_as_well(host: &str) {
    let (client, peer) = meet(&format!("mptcp://{host}:0"), &format!("tcp://{host}:0")).await;
    assert!(!client.is_multipath().expect("told"));
    assert!(!peer.is_multipath().expect("told"));
}

macro_rules! per_host {
    ($($name:ident => $behaviour:ident($host:literal),)*) => {$(
        #[tokio::test]
        async fn $name() {
            if is_here() {
                $behaviour($host).await;
            }
        }
    )*};
}

per_host! {
    ipv4_multipath_at_both_ends_says_so => multipath_at_both_ends_says_so("127.0.0.1"),
    ipv6_multipath_at_both_ends_says_so => multipath_at_both_ends_says_so("[::1]"),
    ipv4_a_client_falls_back_to_tcp => a_client_falls_back_to_tcp("127.0.0.1"),
    ipv6_a_client_falls_back_to_tcp => a_client_falls_back_to_tcp("[::1]"),
    ipv4_a_listener_takes_tcp_clients_as_well => a_listener_takes_tcp_clients_as_well("127.0.0.1"),
    ipv6_a_listener_takes_tcp_clients_as_well => a_listener_takes_tcp_clients_as_well("[::1]"),
}

#[tokio::test]
async fn a_listener_tells_its_endpoint_and_a_name_is_resolved() {
    if !is_here() {
        return;
    }
    let listener = anysock::bind("mptcp://127.0.0.1:0").await.expect("bound");
    let socket = listener.as_socket().expect("a socket").socket();
    assert_eq!(socket.protocol().expect("told"), Protocol::Multipath);
    assert!(socket.is_multipath().expect("told"));
    assert_eq!(listener.endpoint().protocol(), Some(Protocol::Multipath));
    assert!(listener.endpoint().to_string().starts_with("mptcp://127.0.0.1:"));

    let port = listener.endpoint().host_port().expect("a port").port;
    let client = anysock::connect(format!("mptcp://localhost:{port}"));
    let client = timeout(DEADLINE, client.into_future()).await.expect("in time");
    assert!(client.expect("connected").is_multipath().expect("told"));
}

#[tokio::test]
async fn shards_and_a_local_address_work_as_over_tcp() {
    if !is_here() {
        return;
    }
    let shards = anysock::bind("mptcp://127.0.0.1:0").shards(2).await.expect("bound");
    assert_eq!(shards[0].endpoint(), shards[1].endpoint());
    let from: std::net::SocketAddr = "127.0.0.99:0".parse().expect("an address");
    let connect = anysock::connect(shards[0].endpoint()).local_addr(from);
    let client = timeout(DEADLINE, connect.into_future()).await.expect("in time");
    let local = client.expect("connected").local_addr().expect("told");
    assert_eq!(local.as_ip().map(|addr| addr.ip()), Some(from.ip()));
}

//! What comes and goes beside datagrams: ECN marks that a router sets, and the address that was
//! asked, on a host with two interfaces.

use std::net::{IpAddr, SocketAddr};

use anysock::prelude::*;
use anysock::{Addr, Ancillary, Arrival, Attached, Connection};

use crate::host::{self, Host};
use crate::link::DEADLINE;

/// Both ask for these.
const ASKED: Ancillary = Ancillary::TRAFFIC_CLASS.with(Ancillary::DESTINATION);

async fn in_time<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(DEADLINE, test).await.expect("the test waits for ever")
}

/// A listener in `there` at `bound`, and clients of it in `here` that ask `addresses` of its.
async fn connected(
    [here, there]: [&Host; 2],
    bound: &str,
    addresses: &[IpAddr],
) -> Vec<(Connection, Connection)> {
    let binding = anysock::bind(format!("udp://{bound}:0")).into_future();
    let mut listener = there.within(binding).await.unwrap();
    listener.as_socket().unwrap().socket().ask(ASKED, true).unwrap();
    let port = listener.endpoint().addr().unwrap().as_ip().unwrap().port();
    let mut ends = Vec::new();
    for address in addresses {
        let endpoint = format!("udp://{}", SocketAddr::new(*address, port));
        let mut client = here.within(anysock::connect(endpoint).into_future()).await.unwrap();
        client.as_socket().unwrap().ask(ASKED, true).unwrap();
        client.send("hello").await.unwrap();
        let mut peer = in_time(listener.accept()).await.unwrap();
        assert_eq!(in_time(peer.recv()).await.unwrap().unwrap(), "hello");
        ends.push((client, peer));
    }
    ends
}

#[tokio::test]
async fn a_mark_that_a_router_sets_arrives_and_its_datagram_alone_has_it() {
    let Some([left, right]) = host::wired() else { return };
    // As a congested router would, for what is capable of it.
    right.nft(
        "table inet t { chain c { type filter hook prerouting priority 0; \
         ip ecn ect0 ip ecn set ce; ip6 ecn ect0 ip6 ecn set ce; }; }",
    );
    let addresses = [right.v4(0).into(), right.v6(0).into()];
    for (mut client, mut peer) in connected([&left, &right], "[::]", &addresses).await {
        let (ect0, ect1, ce) = (0b10, 0b01, 0b11);
        for (sent, arrives) in [(ect0, ce), (ect1, ect1), (0, 0), (ect0, ce)] {
            for _ in 0..20 {
                let attached = Attached::nothing().traffic_class(0b1010_0000 | sent);
                client.feed_with("to be marked", attached).await.unwrap();
            }
            client.flush().await.unwrap();
            for _ in 0..20 {
                let message = in_time(peer.recv()).await.unwrap().unwrap();
                assert_eq!(message, "to be marked");
                assert_eq!(message.arrival().unwrap().traffic_class, Some(0b1010_0000 | arrives));
                // The other way nobody marks.
                peer.feed_with(message, Attached::nothing().traffic_class(sent)).await.unwrap();
            }
            peer.flush().await.unwrap();
            for _ in 0..20 {
                let message = in_time(client.recv()).await.unwrap().unwrap();
                assert_eq!(message.arrival().and_then(Arrival::ecn), Some(sent));
            }
        }
    }
}

#[tokio::test]
async fn replies_leave_from_the_address_that_was_asked_on_the_interface_that_it_came_by() {
    let Some([left, right]) = host::hosts() else { return };
    left.wire(&right, 0);
    left.wire(&right, 1);
    let addresses: [IpAddr; 4] =
        [right.v4(0).into(), right.v4(1).into(), right.v6(0).into(), right.v6(1).into()];
    let mut ends = connected([&left, &right], "[::]", &addresses).await;
    for (number, (client, peer)) in ends.iter_mut().enumerate() {
        // It is connected, and hears nobody else.
        client.send("asked").await.unwrap();
        let message = in_time(peer.recv()).await.unwrap().unwrap();
        let destination = message.arrival().unwrap().destination.unwrap();
        assert_eq!(destination.address.to_canonical(), addresses[number]);
        assert_eq!(destination.interface, right.index(&format!("wire{}", number % 2)));
        peer.send("answer").await.unwrap();
        let answer = in_time(client.recv()).await.unwrap().unwrap();
        let Some(Addr::Ip(source)) = answer.source() else { panic!("{answer:?}") };
        assert_eq!(source.ip(), addresses[number]);
    }
    // The first client is not heard where it has not asked; from there the answer is another's.
    let (client, peer) = &mut ends[0];
    let other = Attached::nothing().source(addresses[1]);
    peer.send_with("from elsewhere", other).await.unwrap();
    peer.send("answer").await.unwrap();
    assert_eq!(in_time(client.recv()).await.unwrap().unwrap(), "answer");
}

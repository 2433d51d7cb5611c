//! What comes and goes with datagrams of UDP: over IPv4, IPv6 and from one to the other, connected
//! and accepted.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use anysock::core::{Outgoing, RecvBatch};
use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{
    Addr, Ancillary, Arrival, Attached, Connection, ErrorKind, Message, Options, Packets,
};

use crate::links::{in_time, once};

/// Where somebody is bound, and to what the other one sends.
const NETWORKS: [[&str; 2]; 4] =
    [["127.0.0.1", "127.0.0.1"], ["0.0.0.0", "127.0.0.2"], ["::1", "::1"], ["::", "127.0.0.1"]];

const ALL: Ancillary = Ancillary::DESTINATION
    .with(Ancillary::TRAFFIC_CLASS)
    .with(Ancillary::HOP_LIMIT)
    .with(Ancillary::TIMESTAMP)
    .with(Ancillary::DROPS);

fn addr(host: &str, port: u16) -> Addr {
    SocketAddr::new(host.parse().unwrap(), port).into()
}

fn bound(host: &str) -> DatagramSocket {
    DatagramSocket::bind(&addr(host, 0), &Options::default()).unwrap()
}

fn port(socket: &DatagramSocket) -> u16 {
    socket.local_addr().unwrap().as_ip().unwrap().port()
}

/// Two transports that are connected to each other; the second one is asked for `asked`.
fn connected(host: &str, asked: Ancillary) -> (Packets<DatagramSocket>, Packets<DatagramSocket>) {
    let (near, far) = (bound(host), bound(host));
    near.connect(&far.local_addr().unwrap()).unwrap();
    far.connect(&near.local_addr().unwrap()).unwrap();
    far.socket().ask(asked, true).unwrap();
    (Packets::new(near), Packets::new(far))
}

/// A client of a listener, and the peer that it is there. Both ask for all.
async fn accepted([host, to]: [&str; 2]) -> (Connection, Connection) {
    let address = addr(host, 0);
    let mut listener = anysock::bind(format!("udp://{address}")).await.unwrap();
    listener.as_socket().unwrap().socket().ask(ALL, true).unwrap();
    let port = listener.endpoint().addr().unwrap().as_ip().unwrap().port();
    let mut near = anysock::connect(format!("udp://{}", addr(to, port))).await.unwrap();
    near.as_socket().unwrap().ask(ALL, true).unwrap();
    near.send("hello").await.unwrap();
    let mut far = in_time(listener.accept()).await.unwrap();
    assert_eq!(far.recv().await.unwrap().unwrap(), "hello");
    (near, far)
}

async fn next(from: &mut impl RecvHalf) -> Message {
    in_time(from.recv()).await.unwrap().unwrap()
}

fn class(class: u8) -> Attached {
    Attached::nothing().traffic_class(class)
}

/// What a message tells, all of which was asked for.
#[track_caller]
fn expect(message: &Message, source: &Addr, destination: IpAddr, since: SystemTime) {
    let Arrival { destination: to, timestamp, hop_limit, traffic_class, .. } =
        message.arrival().unwrap();
    assert_eq!(message.source().map(canonical), Some(canonical(source)));
    let to = to.unwrap();
    assert_eq!(to.address.to_canonical(), destination);
    assert!(to.interface > 0);
    let late = timestamp.unwrap().duration_since(since).unwrap_or_default();
    assert!(late < crate::links::DEADLINE, "{late:?}");
    assert!(hop_limit.is_some() && traffic_class.is_some());
}

fn canonical(addr: &Addr) -> SocketAddr {
    let ip = addr.as_ip().unwrap();
    SocketAddr::new(ip.ip().to_canonical(), ip.port())
}

#[tokio::test]
async fn an_accepted_peer_and_its_client_tell_and_say_all() {
    for network in NETWORKS {
        let (mut near, mut far) = accepted(network).await;
        let [client, server] = [near.local_addr().unwrap(), near.peer_addr().unwrap()];
        let since = SystemTime::now();
        say_all((&mut near, &client), (&mut far, &server), since).await;
        say_all((&mut far, &server), (&mut near, &client), since).await;
    }
}

/// Says all that can be said, which is told.
async fn say_all(from: (&mut Connection, &Addr), to: (&mut Connection, &Addr), since: SystemTime) {
    let all = || class(0b1011_1001).hop_limit(7);
    for (text, attached) in [("all", all()), ("", all()), ("plain", Attached::nothing())] {
        from.0.send_with(text, attached).await.unwrap();
        let message = next(to.0).await;
        assert_eq!(message, text);
        expect(&message, from.1, canonical(to.1).ip(), since);
        let Arrival { traffic_class, hop_limit, .. } = message.arrival().unwrap();
        match text {
            "plain" => assert_eq!(*traffic_class, Some(0)),
            _ => assert_eq!((*traffic_class, *hop_limit), (Some(0b1011_1001), Some(7))),
        }
    }
}

#[tokio::test]
async fn each_of_many_datagrams_has_its_own_class_and_keeps_its_place() {
    for host in ["127.0.0.1", "::1"] {
        let (mut near, mut far) = connected(host, ALL);
        for round in 0..20_usize {
            // Runs of one class, of another, and of none, equal in length and not.
            for number in 0..100_usize {
                let length = if round % 2 == 0 { 300 } else { number };
                let mut message = vec![number as u8; length.max(1)];
                message[0] = number as u8;
                let attached = match number / 7 % 3 {
                    0 => Attached::nothing(),
                    one => class(one as u8),
                };
                near.feed_with(message, attached).await.unwrap();
            }
            near.flush().await.unwrap();
            for number in 0..100_usize {
                let message = next(&mut far).await;
                assert_eq!(usize::from(message[0]), number, "{host} {round}");
                let expected = (number / 7 % 3) as u8;
                assert_eq!(message.arrival().unwrap().traffic_class, Some(expected));
            }
        }
        assert_eq!(near.stats().dropped, 0);
    }
}

#[tokio::test]
async fn datagrams_that_the_kernel_put_together_all_tell_the_same() {
    for host in ["127.0.0.1", "::1"] {
        let (mut near, mut far) = connected(host, ALL);
        // Only who has begun to receive is given them together.
        assert!(once(std::pin::pin!(far.recv())).await.is_none());
        for _ in 0..50 {
            near.feed_with(vec![7; 1000], class(0b10)).await.unwrap();
        }
        near.feed_with(vec![7; 10], class(0b10)).await.unwrap();
        near.flush().await.unwrap();
        let mut sizes = BTreeMap::new();
        for _ in 0..51 {
            let message = next(&mut far).await;
            let arrival = message.arrival().unwrap();
            assert_eq!((arrival.ecn(), arrival.hop_limit), (Some(0b10), Some(64)));
            assert_eq!(message.source(), Some(&near.socket().local_addr().unwrap()));
            *sizes.entry((message.len(), arrival.segment)).or_insert(0) += 1;
        }
        // By two calls of many each.
        assert_eq!(sizes, [((10, Some(1000)), 1), ((1000, Some(1000)), 50)].into());
        assert_eq!(far.stats().held, 0);
    }
}

#[tokio::test]
async fn nothing_comes_along_where_nothing_was_asked_for() {
    for host in ["127.0.0.1", "::1"] {
        let (mut near, mut far) = connected(host, Ancillary::NONE);
        for _ in 0..10 {
            near.feed_with(vec![7; 100], class(1)).await.unwrap();
        }
        near.flush().await.unwrap();
        for _ in 0..10 {
            assert!(next(&mut far).await.arrival().is_none());
        }
    }
}

#[tokio::test]
async fn a_message_leaves_from_the_address_that_it_says() {
    for host in ["0.0.0.0", "::"] {
        let mut listener = anysock::bind("udp://0.0.0.0:0").await.unwrap();
        let port = listener.endpoint().addr().unwrap().as_ip().unwrap().port();
        let client = bound(host);
        client
            .connect(&addr(if host == "::" { "::ffff:127.0.0.1" } else { "127.0.0.1" }, port))
            .unwrap();
        let own = self::port(&client);
        let mut client = Packets::new(client);
        for from in ["127.0.0.7", "127.0.0.8"] {
            let from: IpAddr = from.parse().unwrap();
            client.send_with("hello", Attached::nothing().source(from)).await.unwrap();
            let mut peer = in_time(listener.accept()).await.unwrap();
            assert_eq!(peer.peer_addr().unwrap(), SocketAddr::new(from, own).into());
            assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        }
        // No address of this host: that message alone is lost.
        for _ in 0..2 {
            client.feed("before").await.unwrap();
            let foreign = Attached::nothing().source("192.0.2.1".parse().unwrap());
            client.feed_with("lost", foreign).await.unwrap();
            let foreign = Attached::nothing().source("192.0.2.1".parse().unwrap());
            client.feed_with("lost", foreign).await.unwrap();
            client.feed("behind").await.unwrap();
            let error = client.flush().await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Dropped { length: 4, .. }), "{error}");
        }
        assert_eq!(client.stats().dropped, 4);
        let mut peer = in_time(listener.accept()).await.unwrap();
        for text in ["before", "behind", "before", "behind"] {
            assert_eq!(next(&mut peer).await, text);
        }
    }
}

#[tokio::test]
async fn an_address_of_the_other_family_is_never_passed_over() {
    let (mut near, mut far) = connected("::1", Ancillary::NONE);
    near.feed_with("lost", Attached::nothing().source([127, 0, 0, 1].into())).await.unwrap();
    near.feed("behind").await.unwrap();
    let error = near.flush().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Dropped { length: 4, .. }), "{error}");
    assert_eq!(next(&mut far).await, "behind");
    // Nor by a socket itself.
    let [v4, v6] = ["127.0.0.1", "::1"].map(bound);
    let to = v4.local_addr().unwrap();
    let attached = Attached::nothing().source("::1".parse().unwrap());
    let with = Outgoing::to(&to).with_attached(&attached);
    let error = v4.send_with(b"lost", &with).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    let to = v6.local_addr().unwrap();
    let attached = Attached::nothing().source([127, 0, 0, 1].into());
    let with = Outgoing::to(&to).with_attached(&attached);
    let error = v6.send_with(b"lost", &with).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn an_accepted_peer_may_answer_from_another_address() {
    let mut listener = anysock::bind("udp://0.0.0.0:0").await.unwrap();
    let port = listener.endpoint().addr().unwrap().as_ip().unwrap().port();
    let client = bound("127.0.0.1");
    client.send_to(b"hello", &addr("127.0.0.3", port)).await.unwrap();
    let mut peer = in_time(listener.accept()).await.unwrap();
    assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
    let mut buffer = [0; 64];
    for (attached, from) in [
        (Attached::nothing(), "127.0.0.3"),
        (class(3), "127.0.0.3"),
        (Attached::nothing().source([127, 0, 0, 4].into()), "127.0.0.4"),
        (Attached::nothing(), "127.0.0.3"),
    ] {
        peer.send_with("answer", attached).await.unwrap();
        let received = in_time(client.recv(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(received.source, Some(addr(from, port)));
    }
}

#[tokio::test]
async fn datagrams_that_found_no_room_are_counted_by_later_ones() {
    for host in ["127.0.0.1", "::1"] {
        let (mut near, mut far) = connected(host, Ancillary::DROPS);
        for _ in 0..20_000 {
            near.feed(vec![0; 1000]).await.unwrap();
        }
        near.flush().await.unwrap();
        let mut received = 0_u32;
        let dropped = loop {
            // Once more with another turn of the task, if this one is over.
            let mut next = once(std::pin::pin!(far.recv())).await;
            if next.is_none() {
                tokio::task::yield_now().await;
                next = once(std::pin::pin!(far.recv())).await;
            }
            match next {
                Some(message) => drop(message.unwrap()),
                None => {
                    near.send("last").await.unwrap();
                    let last = self::next(&mut far).await;
                    break last.arrival().unwrap().dropped.unwrap();
                }
            }
            received += 1;
        };
        // The kernel drops those whole that were sent together, and counts them as one.
        assert!(received < 20_000 && dropped > 0, "{received} and {dropped}");
    }
}

#[tokio::test]
async fn an_unconnected_socket_says_and_tells_all_in_batches() {
    for [host, to] in NETWORKS {
        let far = bound(host);
        far.socket().ask(ALL, true).unwrap();
        let to = addr(to, port(&far));
        let near = bound(match to.as_ip().unwrap().is_ipv4() {
            true => "0.0.0.0",
            false => "::",
        });
        let mut with = Outgoing::to(&to);
        (with.traffic_class, with.hop_limit) = (Some(0b101), Some(9));
        let texts = [&b"one"[..], b"", b"three"];
        assert_eq!(near.send_batch(texts.into_iter(), &with).await.unwrap(), 3);
        near.send_with(b"four", &with).await.unwrap();
        let mut batch = RecvBatch::new();
        let mut received = Vec::new();
        while received.len() < 4 {
            assert!(in_time(far.recv_batch(&mut batch, 1500, 32)).await.unwrap() > 0);
            while let Some(mut one) = batch.next() {
                let along = one.along();
                assert_eq!((along.traffic_class, along.hop_limit), (Some(0b101), Some(9)));
                let destination = along.destination.unwrap().address;
                assert_eq!(destination.to_canonical(), canonical(&to).ip());
                assert_eq!(one.source().unwrap().as_ip().unwrap().port(), port(&near));
                received.push(one.bytes().to_vec());
            }
        }
        assert_eq!(received, [&b"one"[..], b"", b"three", b"four"]);
    }
}

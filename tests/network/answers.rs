//! What routers and hosts answer to datagrams, as typed events with the destination they concern.

use std::net::{IpAddr, SocketAddr};

use anysock::core::{Origin, Outgoing, QueuedError};
use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{Addr, ErrorKind, Options};

use crate::host::{self, Host};
use crate::link::DEADLINE;

async fn in_time<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(DEADLINE, test).await.expect("the test waits for ever")
}

/// Hosts in a row: 1, a router, and 3, whose wire takes datagrams of 1,300 bytes.
fn routed() -> Option<[Host; 3]> {
    let [left, router, right] = host::hosts()?;
    left.wire(&router, 0);
    router.wire(&right, 1);
    for host in [&router, &right] {
        host.ip("link set wire1 mtu 1300");
    }
    router.sysctl("net/ipv4/ip_forward", "1");
    router.sysctl("net/ipv6/conf/all/forwarding", "1");
    left.ip(&format!("route add default via {}", router.v4(0)));
    left.ip(&format!("-6 route add default via {}", router.v6(0)));
    right.ip(&format!("route add default via {}", router.v4(1)));
    right.ip(&format!("-6 route add default via {}", router.v6(1)));
    Some([left, router, right])
}

/// A socket in a host that has the answers queued.
fn socket(host: &Host) -> DatagramSocket {
    let any = "[::]:0".parse::<SocketAddr>().unwrap().into();
    let socket = host.run(|| DatagramSocket::bind(&any, &Options::default())).unwrap();
    socket.socket().set_receive_errors(true).unwrap();
    socket
}

fn at(address: impl Into<IpAddr>, port: u16) -> Addr {
    // As an IPv6 socket sees IPv4 addresses, too.
    let address = match address.into() {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        address => address,
    };
    SocketAddr::new(address, port).into()
}

/// What is answered to a datagram of `length` bytes.
async fn answer(socket: &DatagramSocket, to: &Addr, length: usize) -> QueuedError {
    socket.send_to(&vec![7; length], to).await.unwrap();
    in_time(socket.recv_error()).await.unwrap()
}

#[track_caller]
fn expect(told: &QueuedError, origin: Origin, to: &Addr, offender: impl Into<IpAddr>) {
    assert_eq!((told.origin, told.destination.as_ref()), (origin, Some(to)), "{told}");
    let Some(Addr::Ip(by)) = &told.offender else { panic!("{told:?}") };
    assert_eq!(by.ip().to_canonical(), offender.into(), "{told}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_told_from_a_host_that_is_not_there() {
    let Some([left, router, right]) = routed() else { return };
    // What a router says of hosts that it does not reach.
    router.nft(
        "table inet t { chain c { type filter hook forward priority 0; \
         udp dport 9 meta nfproto ipv4 reject with icmp type host-unreachable; \
         udp dport 9 meta nfproto ipv6 reject with icmpv6 type addr-unreachable; \
         udp dport 10 meta nfproto ipv4 reject with icmp type admin-prohibited; }; }",
    );
    let socket = socket(&left);
    let (v4, v6) = (right.v4(1), right.v6(1));
    for _ in 0..2 {
        let port = at(v4, 7);
        let told = answer(&socket, &port, 9).await;
        expect(&told, Origin::Icmp { kind: 3, code: 3 }, &port, v4);
        assert_eq!(told.kind(), std::io::ErrorKind::ConnectionRefused);
        let port = at(v6, 7);
        let told = answer(&socket, &port, 9).await;
        expect(&told, Origin::Icmp6 { kind: 1, code: 4 }, &port, v6);
        assert_eq!(told.kind(), std::io::ErrorKind::ConnectionRefused);

        let host = at(v4, 9);
        let told = answer(&socket, &host, 9).await;
        expect(&told, Origin::Icmp { kind: 3, code: 1 }, &host, router.v4(0));
        assert_eq!(told.kind(), std::io::ErrorKind::HostUnreachable);
        let host = at(v6, 9);
        let told = answer(&socket, &host, 9).await;
        expect(&told, Origin::Icmp6 { kind: 1, code: 3 }, &host, router.v6(0));
        assert_eq!(told.kind(), std::io::ErrorKind::HostUnreachable);

        let forbidden = at(v4, 10);
        let told = answer(&socket, &forbidden, 9).await;
        expect(&told, Origin::Icmp { kind: 3, code: 13 }, &forbidden, router.v4(0));
        assert_eq!(told.mtu, None);
    }
}

#[tokio::test]
async fn a_datagram_that_is_too_long_for_the_path_tells_what_the_path_takes() {
    let Some([left, router, right]) = routed() else { return };
    let (socket, far) = (socket(&left), socket(&right));
    let port = far.local_addr().unwrap().as_ip().unwrap().port();
    let families = [
        (at(right.v4(1), port), Origin::Icmp { kind: 3, code: 4 }, IpAddr::from(router.v4(0))),
        (at(right.v6(1), port), Origin::Icmp6 { kind: 2, code: 0 }, router.v6(0).into()),
    ];
    for (to, origin, offender) in families {
        let told = answer(&socket, &to, 1400).await;
        expect(&told, origin, &to, offender);
        assert_eq!((told.mtu, told.number), (Some(1300), libc::EMSGSIZE));
        assert!(told.to_string().contains("1300"), "{told}");
        // From now on this host knows, and takes long ones apart.
        socket.send_to(&[7; 1400], &to).await.unwrap();
        let mut buffer = vec![0; 2000];
        let received = in_time(far.recv(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(received.length, 1400);
    }
    // Too long for any: this host says so itself, and others are sent as before.
    let to = at(right.v4(1), port);
    let error = socket.send_to(&vec![7; 65_520], &to).await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    let told = in_time(socket.recv_error()).await.unwrap();
    assert_eq!((told.origin, told.number), (Origin::Local, libc::EMSGSIZE));
    let mut with = Outgoing::to(&to);
    with.hop_limit = Some(2);
    socket.send_with(b"short", &with).await.unwrap();
    let received = in_time(far.recv(&mut [0; 8])).await.unwrap().unwrap();
    assert_eq!(received.length, 5);
}

#[tokio::test]
async fn a_datagram_that_runs_out_of_hops_is_told_by_the_router() {
    let Some([left, router, right]) = routed() else { return };
    let socket = socket(&left);
    for (to, origin, offender) in [
        (at(right.v4(1), 7), Origin::Icmp { kind: 11, code: 0 }, IpAddr::from(router.v4(0))),
        (at(right.v6(1), 7), Origin::Icmp6 { kind: 3, code: 0 }, router.v6(0).into()),
    ] {
        let mut with = Outgoing::to(&to);
        with.hop_limit = Some(1);
        socket.send_with(b"one hop", &with).await.unwrap();
        expect(&in_time(socket.recv_error()).await.unwrap(), origin, &to, offender);
    }
}

#[tokio::test]
async fn a_peer_is_told_what_a_router_says_of_its_answers_and_others_are_not() {
    let Some([left, router, right]) = routed() else { return };
    let binding = anysock::bind("udp://0.0.0.0:0").into_future();
    let mut listener = right.within(binding).await.unwrap();
    let port = listener.endpoint().addr().unwrap().as_ip().unwrap().port();
    let endpoint = format!("udp://{}:{port}", right.v4(1));
    let mut ends = Vec::new();
    for _ in 0..2 {
        let connecting = anysock::connect(&endpoint).into_future();
        let mut client = left.within(connecting).await.unwrap();
        client.send("hello").await.unwrap();
        let mut peer = in_time(listener.accept()).await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        ends.push((client, peer));
    }
    // From now on nothing reaches the first one.
    let client = ends[0].0.local_addr().unwrap();
    let rule = format!(
        "table inet u {{ chain c {{ type filter hook forward priority 0; \
         udp dport {} reject with icmpx type host-unreachable; }}; }}",
        client.as_ip().unwrap().port()
    );
    router.nft(&rule);
    let [(_, first), (other, second)] = &mut ends[..] else { unreachable!() };
    first.send("lost").await.unwrap();
    let error = in_time(first.recv()).await.unwrap_err();
    let ErrorKind::Refused(refused) = error.kind() else { panic!("{error:?}") };
    let told = refused.get_ref().and_then(|inner| inner.downcast_ref::<QueuedError>()).unwrap();
    assert_eq!(
        (told.destination.as_ref(), told.origin),
        (Some(&client), Origin::Icmp { kind: 3, code: 1 })
    );
    for _ in 0..3 {
        first.send("lost").await.unwrap();
        second.send("arrives").await.unwrap();
        assert_eq!(in_time(other.recv()).await.unwrap().unwrap(), "arrives");
    }
}

//! What options do to packets, and which way they go.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anysock::{Interface, Options, PathMtuDiscovery, Type};
use anysock_core::Socket;

use crate::host::{self, Host};
use crate::link::{self, at, bind, port, send_to, wait_until};

/// The addresses of a host on a wire.
fn addresses(host: &Host, wire: u8) -> [IpAddr; 2] {
    [host.v4(wire).into(), host.v6(wire).into()]
}

/// The address of all addresses, of the same family.
fn unspecified(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn datagrams(host: &Host, address: IpAddr, options: &Options) -> Socket {
    host.run(|| bind(Type::Datagram, &at(address, 0), options)).unwrap()
}

#[test]
fn device_keeps_a_socket_to_one_interface() {
    let Some([left, right]) = host::wired() else { return };
    left.wire(&right, 1);
    for by_index in [false, true] {
        let wire1: Interface = if by_index { right.index("wire1").into() } else { "wire1".into() };
        for (from0, from1) in addresses(&right, 0).into_iter().zip(addresses(&right, 1)) {
            let options = Options::new().device(wire1.clone());
            let receiver = datagrams(&right, unspecified(from0), &options);
            let sender = datagrams(&left, unspecified(from0), &Options::new());
            send_to(&sender, b"by wire 0", &at(from0, port(&receiver))).unwrap();
            send_to(&sender, b"by wire 1", &at(from1, port(&receiver))).unwrap();
            assert_eq!(link::receive(&receiver).0, b"by wire 1");
        }
    }
}

#[test]
fn transparent_sends_from_an_address_of_others() {
    let Some([left, right]) = host::wired() else { return };
    right.ip("route add 198.51.100.0/24 via 10.77.0.1");
    right.ip("route add 2001:db8::/64 via fd77::1");
    let others: [IpAddr; 2] = ["198.51.100.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
    for (other, address) in others.into_iter().zip(addresses(&right, 0)) {
        let receiver = datagrams(&right, address, &Options::new());
        let refused = left.run(|| bind(Type::Datagram, &at(other, 0), &Options::new()));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);
        let sender = datagrams(&left, other, &Options::new().transparent(true));
        send_to(&sender, b"x", &receiver.local_addr().unwrap()).unwrap();
        let (_, received) = link::receive(&receiver);
        assert_eq!(received.source.unwrap().as_ip().unwrap().ip(), other);
    }
}

#[test]
fn mark_and_priority_are_seen_by_the_firewall() {
    let Some([left, right]) = host::wired() else { return };
    left.nft(
        "table inet t { counter marked { }; counter urgent { }; counter sent { }; \
         chain c { type filter hook output priority 0; udp dport 9 counter name sent; \
         udp dport 9 meta mark 77 counter name marked; \
         udp dport 9 meta priority 0:5 counter name urgent; }; }",
    );
    for address in addresses(&right, 0) {
        let before = ["sent", "marked", "urgent"].map(|name| left.counted(name));
        for options in [Options::new(), Options::new().mark(77), Options::new().priority(5)] {
            let sender = datagrams(&left, unspecified(address), &options);
            send_to(&sender, b"x", &at(address, 9)).unwrap();
        }
        let after = ["sent", "marked", "urgent"].map(|name| left.counted(name));
        let counted: Vec<_> =
            after.iter().zip(before).map(|(after, before)| after - before).collect();
        assert_eq!(counted, [3, 1, 1], "{address}");
    }
}

#[test]
fn path_mtu_discovery_says_whether_datagrams_are_fragmented() {
    use PathMtuDiscovery as P;
    let Some([left, right]) = host::wired() else { return };
    for address in addresses(&right, 0) {
        let receiver = datagrams(&right, address, &Options::new());
        let addr = receiver.local_addr().unwrap();
        // The wire takes 1,500.
        let large = [7; 3_000];
        for how in [P::Never, P::PerRoute, P::Omit, P::Always, P::Probe, P::Interface] {
            let options = Options::new().path_mtu_discovery(how);
            let sender = datagrams(&left, unspecified(address), &options);
            let sent = send_to(&sender, &large, &addr);
            if matches!(how, P::Never | P::PerRoute | P::Omit) {
                sent.unwrap();
                assert_eq!(link::receive(&receiver).0, large, "{how:?} {address}");
            } else {
                let error = sent.unwrap_err().raw_os_error();
                assert_eq!(error, Some(libc::EMSGSIZE), "{how:?} {address}");
            }
        }
    }
}

#[test]
fn what_the_path_carries_is_learned_from_a_router_unless_told_otherwise() {
    let Some([left, middle, right]) = host::hosts() else { return };
    left.wire(&middle, 0);
    middle.wire(&right, 1);
    for host in [&middle, &right] {
        host.ip("link set wire1 mtu 1300");
    }
    middle.sysctl("net/ipv4/ip_forward", "1");
    middle.sysctl("net/ipv6/conf/all/forwarding", "1");
    left.ip("route add 10.77.1.0/24 via 10.77.0.2");
    left.ip("route add fd77:1::/64 via fd77::2");
    right.ip("route add 10.77.0.0/24 via 10.77.1.2");
    right.ip("route add fd77::/64 via fd77:1::2");
    for address in addresses(&right, 1) {
        let receiver = datagrams(&right, address, &Options::new());
        let addr = receiver.local_addr().unwrap();
        let of = |how| {
            let options = Options::new().path_mtu_discovery(how);
            left.run(|| link::begin(Type::Datagram, &addr, &options)).unwrap()
        };
        // Who believes no router sends again what is too large.
        let deaf = of(PathMtuDiscovery::Probe);
        assert_eq!(deaf.send(&[0; 1_400]).unwrap(), 1_400);
        let sender = of(PathMtuDiscovery::Always);
        wait_until("a router tells the MTU", || {
            let _ = sender.send(&[0; 1_400]);
            sender.path_mtu().unwrap() == 1_300
        });
        let error = sender.send(&[0; 1_400]).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE), "{address}");
        // What the router said of the first one is reported, and that is all.
        wait_until("more is sent all the same", || deaf.send(&[0; 1_400]).is_ok());
        sender.send(&[0; 1_200]).unwrap();
        assert_eq!(link::receive(&receiver).0.len(), 1_200, "{address}");
    }
}

#[test]
fn dont_fragment_refuses_what_does_not_fit() {
    let Some([left, right]) = host::wired() else { return };
    let receiver = datagrams(&right, right.v6(0).into(), &Options::new());
    let addr = receiver.local_addr().unwrap();
    let send = |on: bool, length: usize| {
        let options = Options::new().dont_fragment(on);
        let sender = left.run(|| link::begin(Type::Datagram, &addr, &options)).unwrap();
        sender.send(&vec![0; length])
    };
    assert_eq!(send(true, 1_500).unwrap_err().raw_os_error(), Some(libc::EMSGSIZE));
    send(true, 1_452).unwrap();
    assert_eq!(link::receive(&receiver).0.len(), 1_452);
    send(false, 1_500).unwrap();
    assert_eq!(link::receive(&receiver).0.len(), 1_500);
}

#[test]
fn auto_flow_label_is_what_packets_carry() {
    let Some([left, right]) = host::wired() else { return };
    right.nft(
        "table inet t { counter labelled { }; counter plain { }; \
         chain c { type filter hook prerouting priority 0; \
         udp dport 9 ip6 flowlabel != 0 counter name labelled; \
         udp dport 9 ip6 flowlabel 0 counter name plain; }; }",
    );
    for (on, counter) in [(true, "labelled"), (false, "plain")] {
        let options = Options::new().auto_flow_label(on);
        let sender = datagrams(&left, Ipv6Addr::UNSPECIFIED.into(), &options);
        send_to(&sender, b"x", &at(right.v6(0), 9)).unwrap();
        wait_until("the packet is counted", || right.counted(counter) == 1);
    }
    assert_eq!((right.counted("labelled"), right.counted("plain")), (1, 1));
}

#[test]
fn dont_route_reaches_neighbours_alone() {
    let Some([left, right]) = host::wired() else { return };
    left.ip("route add default via 10.77.0.2");
    let send = |options: &Options, to: Ipv4Addr| {
        let sender = datagrams(&left, Ipv4Addr::UNSPECIFIED.into(), options);
        send_to(&sender, b"x", &at(to, 9))
    };
    let far = Ipv4Addr::new(203, 0, 113, 9);
    send(&Options::new(), far).unwrap();
    let error = send(&Options::new().dont_route(true), far).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NetworkUnreachable);
    send(&Options::new().dont_route(true), right.v4(0)).unwrap();
}

/// Why it is no option of IPv6.
#[test]
fn ipv6_takes_dont_route_and_routes_all_the_same() {
    let Some([left, _right]) = host::wired() else { return };
    left.ip("route add default via fd77::2");
    let sender = datagrams(&left, Ipv6Addr::UNSPECIFIED.into(), &Options::new());
    link::set_raw(&sender, libc::SOL_SOCKET, libc::SO_DONTROUTE, 1).unwrap();
    send_to(&sender, b"x", &at("2001:db8::9".parse::<Ipv6Addr>().unwrap(), 9)).unwrap();
}

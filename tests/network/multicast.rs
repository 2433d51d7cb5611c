//! Multicast groups between hosts with two wires.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anysock::prelude::*;
use anysock::{Addr, Group, Options, Type};
use anysock_async::DatagramSocket;
use anysock_core::Socket;

use crate::host::{self, Host};
use crate::link::{self, at, bind, port, send_to};

/// A group of any source, and one of a single source, of either family.
fn groups() -> [(IpAddr, IpAddr); 2] {
    [
        (Ipv4Addr::new(239, 7, 7, 7).into(), Ipv4Addr::new(232, 7, 7, 7).into()),
        (
            "ff15::7:7".parse::<Ipv6Addr>().unwrap().into(),
            "ff35::7:7".parse::<Ipv6Addr>().unwrap().into(),
        ),
    ]
}

/// The address of a host on a wire, of the family of `like`.
fn own(host: &Host, wire: u8, like: IpAddr) -> IpAddr {
    if like.is_ipv4() { host.v4(wire).into() } else { host.v6(wire).into() }
}

fn anywhere(like: IpAddr) -> Addr {
    match like {
        IpAddr::V4(_) => at(Ipv4Addr::UNSPECIFIED, 0),
        IpAddr::V6(_) => at(Ipv6Addr::UNSPECIFIED, 0),
    }
}

fn receiver(host: &Host, like: IpAddr, options: &Options) -> Socket {
    host.run(|| bind(Type::Datagram, &anywhere(like), options)).unwrap()
}

/// A sender by one wire.
fn sender(host: &Host, wire: u8, like: IpAddr, options: Options) -> Socket {
    let options = options.multicast_interface(format!("wire{wire}"));
    receiver(host, like, &options)
}

/// Two hosts with two wires.
fn twice_wired() -> Option<[Host; 2]> {
    let [left, right] = host::wired()?;
    left.wire(&right, 1);
    Some([left, right])
}

/// What the socket receives before a last message that reaches it in any case.
fn until_last(receiver: &Socket, sender: &Socket, address: IpAddr) -> Vec<Vec<u8>> {
    send_to(sender, b"last", &at(address, port(receiver))).unwrap();
    let mut all = Vec::new();
    loop {
        match link::receive(receiver).0 {
            last if last == b"last" => return all,
            other => all.push(other),
        }
    }
}

#[test]
fn join_receives_a_group_on_one_interface() {
    let Some([left, right]) = twice_wired() else { return };
    for (group, _) in groups() {
        let mut joined = Options::new().join(Group::new(group, "wire1"));
        if group.is_ipv6() {
            // There the kernel looks at the group alone.
            joined = joined.device("wire1");
        }
        let receiver = receiver(&right, group, &joined);
        let to = at(group, port(&receiver));
        // Another socket of this host wants it from elsewhere, which is no reason to get it.
        let other = Options::new().join(Group::new(group, "wire0"));
        let _other = self::receiver(&right, group, &other);
        for wire in [0, 1] {
            let sender = sender(&left, wire, group, Options::new());
            send_to(&sender, format!("by wire {wire}").as_bytes(), &to).unwrap();
        }
        let plain = self::receiver(&left, group, &Options::new());
        let all = until_last(&receiver, &plain, own(&right, 1, group));
        assert_eq!(all, [b"by wire 1"], "{group}");
    }
}

/// Why `join` is not enough there to keep to one interface.
#[test]
fn ipv6_receives_a_group_by_any_interface_where_somebody_has_joined_it() {
    let Some([left, right]) = twice_wired() else { return };
    let [_, (group, _)] = groups();
    let receiver = receiver(&right, group, &Options::new().join(Group::new(group, "wire1")));
    let to = at(group, port(&receiver));
    let by_wire_0 = sender(&left, 0, group, Options::new());
    send_to(&by_wire_0, b"not yet", &to).unwrap();
    let all = until_last(&receiver, &by_wire_0, own(&right, 0, group));
    assert!(all.is_empty(), "{all:?}");
    let other = Options::new().join(Group::new(group, "wire0"));
    let _other = self::receiver(&right, group, &other);
    send_to(&by_wire_0, b"now", &to).unwrap();
    assert_eq!(link::receive(&receiver).0, b"now");
}

#[test]
fn a_group_that_was_left_is_received_no_longer() {
    let Some([left, right]) = twice_wired() else { return };
    for (any, one) in groups() {
        let source = own(&left, 1, any);
        for group in [Group::new(any, "wire1"), Group::new(one, "wire1").from_source(source)] {
            let receiver = receiver(&right, any, &Options::new().multicast_all(false));
            let to = at(group.address, port(&receiver));
            let sender = sender(&left, 1, any, Options::new());
            right.run(|| receiver.join_group(&group)).unwrap();
            send_to(&sender, b"joined", &to).unwrap();
            assert_eq!(link::receive(&receiver).0, b"joined", "{group}");
            right.run(|| receiver.leave_group(&group)).unwrap();
            send_to(&sender, b"left", &to).unwrap();
            let all = until_last(&receiver, &sender, own(&right, 1, any));
            assert!(all.is_empty(), "{group}: {all:?}");
        }
    }
}

#[test]
fn one_source_of_a_group_is_told_from_the_others() {
    let Some([left, right]) = twice_wired() else { return };
    left.ip("address add 10.77.1.9/24 dev wire1");
    left.ip("address add fd77:1::9/64 dev wire1 nodad");
    let others: [IpAddr; 2] = ["10.77.1.9".parse().unwrap(), "fd77:1::9".parse().unwrap()];
    for ((_, group), other) in groups().into_iter().zip(others) {
        let source = own(&left, 1, group);
        let joined = Group::new(group, right.index("wire1")).from_source(source);
        let receiver = receiver(&right, group, &Options::new().join(joined));
        let to = at(group, port(&receiver));
        for from in [other, source] {
            let options = Options::new().multicast_interface("wire1");
            let sender = left.run(|| bind(Type::Datagram, &at(from, 0), &options)).unwrap();
            send_to(&sender, from.to_string().as_bytes(), &to).unwrap();
        }
        let plain = self::receiver(&left, group, &Options::new());
        let all = until_last(&receiver, &plain, own(&right, 1, group));
        assert_eq!(all, [source.to_string().as_bytes()], "{group}");
    }
}

#[test]
fn multicast_interface_is_where_datagrams_leave() {
    let Some([left, right]) = twice_wired() else { return };
    for (group, _) in groups() {
        for wire in [1, 0] {
            let joined = Group::new(group, format!("wire{wire}"));
            let receiver = receiver(&right, group, &Options::new().join(joined));
            let by_index = Options::new().multicast_interface(left.index(&format!("wire{wire}")));
            let sender = self::receiver(&left, group, &by_index);
            send_to(&sender, b"x", &at(group, port(&receiver))).unwrap();
            assert_eq!(link::receive(&receiver).0, b"x", "{group} by wire {wire}");
        }
    }
}

#[test]
fn multicast_loop_off_keeps_them_from_this_host() {
    let Some([left, _right]) = twice_wired() else { return };
    for (group, _) in groups() {
        let joined = Options::new().join(Group::new(group, "wire0"));
        let receiver = receiver(&left, group, &joined);
        for on in [false, true] {
            let sender = sender(&left, 0, group, Options::new().multicast_loop(on));
            send_to(&sender, b"own", &at(group, port(&receiver))).unwrap();
            let all = until_last(&receiver, &sender, own(&left, 0, group));
            assert_eq!(all.len(), usize::from(on), "{group}");
        }
    }
}

#[test]
fn multicast_ttl_is_what_datagrams_arrive_with() {
    let Some([left, right]) = twice_wired() else { return };
    for (group, _) in groups() {
        let joined = Options::new().join(Group::new(group, "wire0")).receive_hop_limit(true);
        let receiver = receiver(&right, group, &joined);
        let to = at(group, port(&receiver));
        for (options, expected) in
            [(Options::new(), 1), (Options::new().multicast_ttl(9), 9), (Options::new().ttl(77), 1)]
        {
            send_to(&sender(&left, 0, group, options), b"x", &to).unwrap();
            assert_eq!(link::receive(&receiver).1.hop_limit, Some(expected), "{group}");
        }
        // With none it does not leave; IPv4 heeds that where this host has joined as well.
        let joined = Options::new().join(Group::new(group, "wire0"));
        let _here = self::receiver(&left, group, &joined);
        let sender = sender(&left, 0, group, Options::new().multicast_ttl(0));
        send_to(&sender, b"x", &to).unwrap();
        let all = until_last(&receiver, &sender, own(&right, 0, group));
        assert!(all.is_empty(), "{group}");
    }
}

#[test]
fn multicast_all_receives_what_others_have_joined() {
    let Some([left, right]) = twice_wired() else { return };
    for (group, _) in groups() {
        let joined = Options::new().join(Group::new(group, "wire0"));
        let _other = receiver(&right, group, &joined);
        for on in [false, true] {
            let receiver = receiver(&right, group, &Options::new().multicast_all(on));
            let sender = sender(&left, 0, group, Options::new());
            send_to(&sender, b"x", &at(group, port(&receiver))).unwrap();
            let all = until_last(&receiver, &sender, own(&right, 0, group));
            assert_eq!(all.len(), usize::from(on), "{group}");
        }
    }
}

#[tokio::test]
async fn a_listener_accepts_who_sends_to_its_group_and_answers() {
    let Some([left, right]) = twice_wired() else { return };
    for (group, _) in groups() {
        let joined = Options::new().join(Group::new(group, "wire1"));
        let endpoint = if group.is_ipv4() { "udp://0.0.0.0:0" } else { "udp://[::]:0" };
        let binding = anysock::bind(endpoint).options(joined).into_future();
        let mut listener = right.within(binding).await.unwrap();
        let to = at(group, listener.endpoint().addr().unwrap().as_ip().unwrap().port());
        let options = Options::new().multicast_interface("wire1");
        let asker = left.run(|| DatagramSocket::bind(&anywhere(group), &options)).unwrap();
        asker.send_to(b"who is there?", &to).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "who is there?");
        peer.send("right").await.unwrap();
        let mut buffer = [0; 16];
        let (received, source) = asker.recv_from(&mut buffer).await.unwrap().unwrap();
        assert_eq!(&buffer[..received.length], b"right");
        assert_eq!(source.as_ip().unwrap().ip(), own(&right, 1, group));
    }
}

#[tokio::test]
async fn a_registered_socket_joins_and_leaves() {
    let Some([left, right]) = twice_wired() else { return };
    for (address, _) in groups() {
        let group = Group::new(address, "wire0");
        let options = Options::new().multicast_all(false);
        let receiver = right.run(|| DatagramSocket::bind(&anywhere(address), &options)).unwrap();
        let to = at(address, receiver.local_addr().unwrap().as_ip().unwrap().port());
        right.run(|| receiver.join_group(&group)).unwrap();
        send_to(&sender(&left, 0, address, Options::new()), b"x", &to).unwrap();
        assert_eq!(receiver.recv(&mut [0; 8]).await.unwrap().unwrap().length, 1);
        right.run(|| receiver.leave_group(&group)).unwrap();
        let again = right.run(|| receiver.leave_group(&group)).unwrap_err();
        assert!(again.get_ref().unwrap().is::<anysock::GroupError>(), "{again}");
    }
}

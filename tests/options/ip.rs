//! What stands in the IP header.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use anysock::{Options, Type};

use crate::cells::{DATAGRAMS, STREAMS, loopback};
use crate::link::{self, at, bind, port};

#[test]
fn ttl_is_what_packets_arrive_with() {
    for cell in DATAGRAMS {
        let asking = Options::new().receive_hop_limit(true);
        let receiver = bind(Type::Datagram, &at(loopback(cell), 0), &asking).unwrap();
        let addr = receiver.local_addr().unwrap();
        for hops in [1, 7, 255] {
            let sender = link::begin(Type::Datagram, &addr, &Options::new().ttl(hops)).unwrap();
            sender.send(b"x").unwrap();
            assert_eq!(link::receive(&receiver).1.hop_limit, Some(hops), "{cell}");
        }
    }
}

#[test]
fn traffic_class_is_what_packets_arrive_with() {
    for cell in DATAGRAMS {
        let asking = Options::new().receive_traffic_class(true);
        let receiver = bind(Type::Datagram, &at(loopback(cell), 0), &asking).unwrap();
        let addr = receiver.local_addr().unwrap();
        for octet in [0xb8, 0xb9, 0x02] {
            let options = Options::new().traffic_class(octet);
            let sender = link::begin(Type::Datagram, &addr, &options).unwrap();
            sender.send(b"x").unwrap();
            assert_eq!(link::receive(&receiver).1.traffic_class, Some(octet), "{cell}");
        }
    }
}

#[test]
fn min_ttl_drops_what_comes_from_afar() {
    for cell in STREAMS {
        let near = Options::new().min_ttl(255);
        let listener = bind(Type::Stream, &at(loopback(cell), 0), &near).unwrap();
        let addr = listener.local_addr().unwrap();
        let far = link::begin(Type::Stream, &addr, &Options::new().ttl(254)).unwrap();
        assert!(!link::is_ready(&far, libc::POLLOUT, Duration::from_millis(200)), "{cell}");
        let near = link::begin(Type::Stream, &addr, &Options::new().ttl(255)).unwrap();
        link::wait(&near, libc::POLLOUT);
        assert_eq!(link::accept(&listener).peer_addr().unwrap(), near.local_addr().unwrap());
    }
}

#[test]
fn broadcast_lets_datagrams_reach_everybody() {
    let receiver = bind(Type::Datagram, &at(Ipv4Addr::UNSPECIFIED, 0), &Options::new()).unwrap();
    let everybody = at(Ipv4Addr::new(127, 255, 255, 255), port(&receiver));
    let send = |options: &Options| {
        let sender = bind(Type::Datagram, &at(Ipv4Addr::LOCALHOST, 0), options).unwrap();
        link::send_to(&sender, b"all", &everybody)
    };
    assert_eq!(send(&Options::new()).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    send(&Options::new().broadcast(true)).unwrap();
    assert_eq!(link::receive(&receiver).0, b"all");
}

//! What comes along with messages.

use std::fs::File;
use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

use anysock::{Addr, Cell, Options, Type, UnixAddr};
use anysock_async::PeerLimits;
use anysock_core::{Outgoing, Socket};

use crate::cells::{DATAGRAMS, loopback};
use crate::link::{self, at, bind};

#[tokio::test]
async fn receive_descriptors_lets_the_peer_pass_some() {
    let pass = async |options: &Options| {
        let addr: Addr = UnixAddr::Unnamed.into();
        let limits = PeerLimits::default();
        let bound = anysock_async::bind(&addr, Type::Stream, options, &limits);
        let listener = bound.await.unwrap();
        let addr = listener.local_addr().unwrap();
        let client = link::begin(Type::Stream, &addr, &Options::new()).unwrap();
        let descriptors: [OwnedFd; 1] = [File::open("/dev/null").unwrap().into()];
        let mut with = Outgoing::default();
        with.descriptors = &descriptors;
        client.send_message(&[IoSlice::new(b"x")], &with)
    };
    pass(&Options::new().receive_descriptors(true)).await.unwrap();
    // The kernel refuses them since Linux 6.16.
    if Socket::pair(Type::Stream).unwrap().0.set_pass_descriptors(false).unwrap() {
        let error = pass(&Options::new()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn receive_credentials_names_the_sender() {
    for kind in [Type::Datagram, Type::SeqPacket] {
        let (a, b) = Socket::pair(kind).unwrap();
        a.send(b"x").unwrap();
        assert!(link::receive(&b).1.credentials.is_none(), "{kind}");
        Options::new().receive_credentials(true).apply(&b).unwrap();
        a.send(b"x").unwrap();
        let sender = link::receive(&b).1.credentials.unwrap();
        assert_eq!(sender.pid, Some(std::process::id()), "{kind}");
    }
}

#[test]
fn receive_destination_tells_the_address_that_was_asked() {
    for cell in DATAGRAMS {
        let address = match cell {
            Cell::IPV4_DATAGRAM => "127.7.7.7".parse().unwrap(),
            _ => loopback(cell),
        };
        let anywhere = match cell {
            Cell::IPV4_DATAGRAM => "0.0.0.0:0".parse::<std::net::SocketAddr>().unwrap(),
            _ => "[::]:0".parse().unwrap(),
        };
        let asking = Options::new().receive_destination(true);
        let receiver = bind(Type::Datagram, &anywhere.into(), &asking).unwrap();
        let to = at(address, link::port(&receiver));
        let sender = link::begin(Type::Datagram, &to, &Options::new()).unwrap();
        sender.send(b"x").unwrap();
        let destination = link::receive(&receiver).1.destination.unwrap();
        assert_eq!((destination.address, destination.interface), (address, 1), "{cell}");
    }
}

#[test]
fn receive_timestamp_tells_when_it_came() {
    let inet = DATAGRAMS.map(|cell| {
        let receiver = bind(Type::Datagram, &at(loopback(cell), 0), &Options::new()).unwrap();
        let addr = receiver.local_addr().unwrap();
        (link::begin(Type::Datagram, &addr, &Options::new()).unwrap(), receiver)
    });
    let unix = [Type::Datagram, Type::SeqPacket].map(|kind| Socket::pair(kind).unwrap());
    for (sender, receiver) in inet.into_iter().chain(unix) {
        Options::new().receive_timestamp(true).apply(&receiver).unwrap();
        let begun = SystemTime::now();
        sender.send(b"x").unwrap();
        let came = link::receive(&receiver).1.timestamp.unwrap();
        // Two clocks that tick apart may differ by a little.
        let little = Duration::from_secs(1);
        assert!(begun - little < came && came < SystemTime::now() + little, "{}", sender.cell());
    }
}

#[test]
fn receive_drops_counts_what_found_no_room() {
    for cell in DATAGRAMS {
        let asking = Options::new().receive_drops(true).receive_buffer(4_096);
        let receiver = bind(Type::Datagram, &at(loopback(cell), 0), &asking).unwrap();
        let addr = receiver.local_addr().unwrap();
        let sender = link::begin(Type::Datagram, &addr, &Options::new()).unwrap();
        for _ in 0..50 {
            sender.send(&[0; 1_000]).unwrap();
        }
        let mut kept = 0;
        while link::is_ready(&receiver, libc::POLLIN, Duration::ZERO) {
            link::receive(&receiver);
            kept += 1;
        }
        // The next one to come brings the count.
        sender.send(b"x").unwrap();
        assert_eq!(link::receive(&receiver).1.dropped, Some(50 - kept), "{cell}");
    }
}

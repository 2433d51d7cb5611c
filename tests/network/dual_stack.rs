//! One IPv6 listener for both protocols, and a name that has addresses of both.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anysock::prelude::*;
use anysock::sockets::{Connected, Connector};
use anysock::{Addr, Options, Type};

use crate::host;
use crate::link::DEADLINE;

async fn in_time<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(DEADLINE, test).await.expect("the test waits for ever")
}

#[tokio::test]
async fn one_listener_serves_both_protocols_unless_it_keeps_to_ipv6() {
    let Some([left, right]) = host::wired() else { return };
    for scheme in ["tcp", "udp"] {
        let bind = |v6only| {
            let options = Options::new().v6only(v6only);
            let binding = anysock::bind(format!("{scheme}://[::]:0")).options(options);
            right.within(binding.into_future())
        };
        let mut both = bind(false).await.unwrap();
        let port = both.endpoint().addr().unwrap().as_ip().unwrap().port();
        let pairs: [(IpAddr, IpAddr); 2] =
            [(right.v4(0).into(), left.v4(0).into()), (right.v6(0).into(), left.v6(0).into())];
        for (to, from) in pairs {
            let endpoint = format!("{scheme}://{}", SocketAddr::new(to, port));
            let connecting = left.within(anysock::connect(endpoint).into_future());
            let mut client = in_time(connecting).await.unwrap();
            client.send("hello").await.unwrap();
            let mut peer = in_time(both.accept()).await.unwrap();
            assert_eq!(in_time(peer.recv()).await.unwrap().unwrap(), "hello");
            // Whatever it is called on an IPv6 socket, it is the client's, and the one it asked.
            let [there, here] = [peer.peer_addr(), peer.local_addr()].map(Result::unwrap);
            assert_eq!(there.as_ip().unwrap().ip().to_canonical(), from, "{scheme}");
            assert_eq!(here.as_ip().unwrap().ip().to_canonical(), to, "{scheme}");
            peer.send("and back").await.unwrap();
            assert_eq!(in_time(client.recv()).await.unwrap().unwrap(), "and back");
        }

        let alone = bind(true).await.unwrap();
        let port = alone.endpoint().addr().unwrap().as_ip().unwrap().port();
        // IPv4 is left to another socket, at the same port.
        let beside = anysock::bind(format!("{scheme}://0.0.0.0:{port}"));
        right.within(beside.into_future()).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_whose_ipv6_does_not_answer_is_reached_by_ipv4_after_the_delay() {
    let Some([left, right]) = host::wired() else { return };
    // As a broken tunnel would.
    right.nft(
        "table inet t { chain c { type filter hook input priority 0; \
         ip6 nexthdr tcp drop; }; }",
    );
    let binding = anysock::bind("tcp://[::]:0").options(Options::new().v6only(false));
    let listener = right.within(binding.into_future()).await.unwrap();
    let port = listener.endpoint().addr().unwrap().as_ip().unwrap().port();
    let addresses: [Addr; 2] = [right.v6(0).into(), right.v4(0).into()]
        .map(|address| Addr::Ip(SocketAddr::new(address, port)));

    let connector = Connector::new(Type::Stream).deadline(DEADLINE);
    let start = std::time::Instant::now();
    let connected = left.within(connector.connect(&addresses)).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(250), "IPv6 has its chance first");
    let Connected::Stream(socket) = connected else { panic!("a stream was asked for") };
    assert_eq!(socket.peer_addr().unwrap(), addresses[1]);
}

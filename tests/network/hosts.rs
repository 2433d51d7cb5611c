//! Hosts are apart, reach each other by wires alone, and leave nothing behind.

use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use anysock::prelude::*;

use crate::host;
use crate::link::{DEADLINE, wait_until};

#[test]
fn hosts_reach_each_other_by_their_wire_alone() {
    let Some([left, right]) = host::wired() else { return };
    for address in [IpAddr::from(right.v4(0)), right.v6(0).into()] {
        let listener = right.run(|| TcpListener::bind((address, 0))).unwrap();
        let there = listener.local_addr().unwrap();
        left.run(|| TcpStream::connect_timeout(&there, DEADLINE)).unwrap();
        // This host is not on the wire.
        assert!(TcpListener::bind((address, 0)).is_err());
    }
    right.ip("link set wire0 down");
    let there = (right.v4(0), 9).into();
    let cut = left.run(|| TcpStream::connect_timeout(&there, Duration::from_millis(100)));
    assert!(cut.is_err());
}

#[test]
fn a_host_takes_its_wires_along_when_it_goes() {
    let Some([left, right]) = host::wired() else { return };
    assert!(left.ip("link show").contains("wire0"));
    drop(right);
    // The kernel tidies up behind our back.
    wait_until("the wire is gone", || !left.ip("link show").contains("wire0"));
}

#[test]
fn rules_of_a_host_are_its_own() {
    let Some([left, right]) = host::wired() else { return };
    let rules =
        "table inet t { chain c { type filter hook input priority 0; tcp dport 9 drop; }; }";
    right.nft(rules);
    let mut list = Command::new("nft");
    list.args(["list", "table", "inet", "t"]);
    assert!(right.run(|| list.output()).unwrap().status.success());
    assert!(!left.run(|| list.output()).unwrap().status.success());
    let dropped = (right.v4(0), 9).into();
    let short = Duration::from_millis(100);
    let error = left.run(|| TcpStream::connect_timeout(&dropped, short)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    let refused = (right.v4(0), 10).into();
    let error = left.run(|| TcpStream::connect_timeout(&refused, DEADLINE)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_ne!(right.index("wire0"), right.index("lo"));
}

#[test]
fn a_panic_within_a_host_brings_the_thread_back() {
    let Some([host]) = host::hosts() else { return };
    let here = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let there = host.run(|| std::fs::read_link("/proc/thread-self/ns/net").unwrap());
    assert_ne!(here, there);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        host.run(|| panic!("on purpose"))
    }));
    assert!(panicked.is_err());
    assert_eq!(std::fs::read_link("/proc/thread-self/ns/net").unwrap(), here);
}

#[tokio::test]
async fn the_library_connects_across_hosts() {
    let Some([left, right]) = host::wired() else { return };
    for scheme in ["tcp", "udp"] {
        for host in [right.v4(0).to_string(), format!("[{}]", right.v6(0))] {
            let endpoint = format!("{scheme}://{host}:0");
            let mut listener = right.within(anysock::bind(endpoint).into_future()).await.unwrap();
            let connecting = anysock::connect(listener.endpoint()).into_future();
            let mut client = left.within(connecting).await.unwrap();
            client.send("hello").await.unwrap();
            let mut peer = listener.accept().await.unwrap();
            assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        }
    }
}

//! What is counted of system calls is what strace sees: this program runs itself under it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{BoxTransport, Options, Packets, Stats};

use crate::lacking;
use crate::links::{meet, within};

const LINK: &str = "ANYSOCK_TEST_STATE_LINK";

/// Looked up around what is counted, which shows in the trace. Nobody has this file.
const MARK: &str = "/anysock-test-state-mark";

const SENDING: [&str; 3] = ["sendto(", "sendmsg(", "sendmmsg("];
const RECEIVING: [&str; 3] = ["recvfrom(", "recvmsg(", "recvmmsg("];

macro_rules! per_link {
    ($($name:ident => $link:literal,)*) => {
        $(
            #[test]
            fn $name() {
                counts_what_strace_sees($link);
            }
        )*
    };
}

per_link! {
    unix_stream_counts_what_strace_sees => "unix:",
    unix_seqpacket_counts_what_strace_sees => "unix-seqpacket:",
    ipv4_stream_counts_what_strace_sees => "tcp://127.0.0.1:0",
    ipv6_stream_counts_what_strace_sees => "tcp://[::1]:0",
    unix_datagram_pair_counts_what_strace_sees => "a pair of unix datagram sockets",
    udp_pair_counts_what_strace_sees => "a pair of UDP sockets",
}

fn counts_what_strace_sees(link: &str) {
    let own = std::env::current_exe().unwrap();
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=sendto,sendmsg,sendmmsg,recvfrom,recvmsg,recvmmsg,statx"])
        .arg(own)
        .args(["--exact", "traced::the_part_of_a_process_that_is_traced", "--nocapture"])
        .env(LINK, link)
        .stdin(Stdio::null())
        .output();
    let works = traced.as_ref().is_ok_and(|traced| {
        let trace = String::from_utf8_lossy(&traced.stderr);
        trace.contains(MARK) || !traced.status.success() && !trace.contains("strace:")
    });
    let (true, Ok(traced)) = (works, traced) else {
        return lacking::say("strace cannot be used here");
    };
    let said = String::from_utf8_lossy(&traced.stdout);
    let trace = String::from_utf8_lossy(&traced.stderr);
    assert!(traced.status.success() && said.contains("1 passed"), "{said}{trace}");

    let counted = said.lines().find_map(|line| line.split_once("counted ")).unwrap().1;
    let slices: Vec<_> = trace.split(MARK).collect();
    let [_, between, _] = &slices[..] else { panic!("{trace}") };
    let calls = |names: &[&str; 3], condition: fn(&str) -> bool| {
        let is_call = |line: &&str| names.iter().any(|name| line.contains(name));
        between.lines().filter(is_call).filter(|line| condition(line)).count()
    };
    let blocked = |line: &str| line.contains("EAGAIN");
    let seen = format!(
        "{} {} {} {}",
        calls(&SENDING, |_| true),
        calls(&SENDING, blocked),
        calls(&RECEIVING, |_| true),
        calls(&RECEIVING, blocked),
    );
    assert_eq!(counted, seen, "{between}");
}

/// The numbers of both ends together.
fn numbers(ends: [&BoxTransport; 2]) -> [u64; 4] {
    let both = ends.map(|end| end.stats()).into_iter().fold(Stats::default(), Stats::merge);
    [both.send_calls, both.send_would_block, both.receive_calls, both.receive_would_block]
}

#[test]
fn the_part_of_a_process_that_is_traced() {
    let Ok(link) = std::env::var(LINK) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(within(async {
        let (near, far) = open(&link).await;
        let before = numbers([&near, &far]);
        mark();
        // What finds no room, UDP loses.
        let size = if link.contains("UDP") { 500 } else { 5_000 };
        let ends = talk(near, far, size).await;
        mark();
        let after = numbers([&ends.0, &ends.1]);
        let [a, b, c, d] = [0, 1, 2, 3].map(|which| after[which] - before[which]);
        println!("\ncounted {a} {b} {c} {d}");
    }));
}

fn mark() {
    assert!(!Path::new(MARK).exists());
}

async fn open(link: &str) -> (BoxTransport, BoxTransport) {
    match link {
        "a pair of unix datagram sockets" => {
            let (near, far) = DatagramSocket::pair().unwrap();
            (Box::new(Packets::paired(near)), Box::new(Packets::paired(far)))
        }
        "a pair of UDP sockets" => {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
            let [near, far] =
                [(); 2].map(|()| DatagramSocket::bind(&any, &Options::default()).unwrap());
            near.connect(&far.local_addr().unwrap()).unwrap();
            far.connect(&near.local_addr().unwrap()).unwrap();
            (Box::new(Packets::new(near)), Box::new(Packets::new(far)))
        }
        endpoint => {
            let (_listener, client, peer) = meet(endpoint).await;
            (Box::new(client), Box::new(peer))
        }
    }
}

/// Round trips, and bursts of messages of some `size` bytes, which may be more than the kernel
/// takes at once.
async fn talk(
    mut near: BoxTransport,
    mut far: BoxTransport,
    size: usize,
) -> (BoxTransport, BoxTransport) {
    const ROUNDS: usize = 50;
    const BURST: usize = 40;
    let echo = tokio::spawn(async move {
        for _ in 0..ROUNDS {
            let message = far.recv().await.unwrap().unwrap();
            far.send(message).await.unwrap();
        }
        for _ in 0..2 * BURST {
            far.recv().await.unwrap().unwrap();
        }
        far.send("done").await.unwrap();
        far
    });
    for _ in 0..ROUNDS {
        near.send("there and back").await.unwrap();
        near.recv().await.unwrap().unwrap();
    }
    for _ in 0..2 {
        for number in 0..BURST {
            // Not all of one size, which UDP would take for a run.
            near.feed(vec![7; size + number]).await.unwrap();
        }
        near.flush().await.unwrap();
    }
    assert_eq!(near.recv().await.unwrap().unwrap(), "done");
    (near, echo.await.unwrap())
}

//! The answers of the network to datagrams that did not arrive, with the destination they concern.

use std::cell::Cell as Count;
use std::io::ErrorKind as Io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anysock::core::{Origin, QueuedError};
use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{Addr, ErrorKind, Options};

use crate::links::in_time;

const HOSTS: [&str; 2] = ["127.0.0.1", "::1"];

fn bound(host: &str) -> DatagramSocket {
    let any = SocketAddr::from((host.parse::<IpAddr>().unwrap(), 0)).into();
    DatagramSocket::bind(&any, &Options::default()).unwrap()
}

/// An address at which nobody listens, until somebody takes the port.
fn nobody(host: &str) -> Addr {
    bound(host).local_addr().unwrap()
}

#[track_caller]
fn expect_unreachable(error: &QueuedError, destination: &Addr) {
    assert_eq!(
        (error.kind(), error.destination.as_ref()),
        (Io::ConnectionRefused, Some(destination))
    );
    let ip = destination.as_ip().unwrap().ip();
    let port_unreachable = match ip.is_ipv4() {
        true => Origin::Icmp { kind: 3, code: 3 },
        false => Origin::Icmp6 { kind: 1, code: 4 },
    };
    assert_eq!(error.origin, port_unreachable);
    let offender = error.offender.as_ref().unwrap().as_ip().unwrap().ip();
    assert_eq!((offender, error.mtu), (ip, None));
    assert!(error.to_string().contains(&destination.to_string()), "{error}");
}

#[tokio::test]
async fn an_unconnected_socket_is_told_whom_each_answer_concerns() {
    for host in HOSTS {
        let socket = bound(host);
        socket.socket().set_receive_errors(true).unwrap();
        let (one, other) = (nobody(host), nobody(host));
        for destination in [&one, &other, &one] {
            socket.send_to(b"hello", destination).await.unwrap();
            let error = in_time(socket.recv_error()).await.unwrap();
            expect_unreachable(&error, destination);
        }
    }
}

#[tokio::test]
async fn answers_of_one_peer_do_not_fail_what_is_sent_to_another() {
    for host in HOSTS {
        let (socket, healthy) = (bound(host), bound(host));
        socket.socket().set_receive_errors(true).unwrap();
        let (nobody, somebody) = (nobody(host), healthy.local_addr().unwrap());
        for number in 0..10_u8 {
            for _ in 0..3 {
                socket.send_to(b"hello", &nobody).await.unwrap();
            }
            socket.send_to(&[number], &somebody).await.unwrap();
            let mut buffer = [0; 8];
            let received = in_time(healthy.recv(&mut buffer)).await.unwrap().unwrap();
            assert_eq!(buffer[..received.length], [number]);
        }
        for _ in 0..30 {
            expect_unreachable(&in_time(socket.recv_error()).await.unwrap(), &nobody);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_and_a_watcher_both_wait_on_one_socket() {
    for host in HOSTS {
        let socket = Arc::new(bound(host));
        socket.socket().set_receive_errors(true).unwrap();
        let nobody = nobody(host);
        let reader = tokio::spawn({
            let socket = Arc::clone(&socket);
            async move {
                let mut buffer = [0; 64];
                loop {
                    match socket.recv(&mut buffer).await {
                        Ok(received) => return received.unwrap().length,
                        // What the watcher is told of, too.
                        Err(error) => assert_eq!(error.kind(), Io::ConnectionRefused),
                    }
                }
            }
        });
        for _ in 0..100 {
            let watcher = tokio::spawn({
                let socket = Arc::clone(&socket);
                async move { socket.recv_error().await.unwrap() }
            });
            socket.send_to(b"hello", &nobody).await.unwrap();
            expect_unreachable(&in_time(watcher).await.unwrap(), &nobody);
        }
        socket.send_to(b"the end", &socket.local_addr().unwrap()).await.unwrap();
        assert_eq!(in_time(reader).await.unwrap(), 7);
    }
}

#[tokio::test]
async fn who_waits_for_an_answer_is_not_woken_for_nothing() {
    let (socket, other) = (bound("127.0.0.1"), bound("127.0.0.1"));
    socket.socket().set_receive_errors(true).unwrap();
    // An answer that nobody takes off the queue, and messages that nobody receives.
    let polls = Count::new(0);
    let mut waiting = std::pin::pin!(socket.recv_error());
    let counted = std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        waiting.as_mut().poll(cx)
    });
    let addr = socket.local_addr().unwrap();
    let sending = async {
        for _ in 0..20 {
            other.send_to(b"hello", &addr).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        error = counted => panic!("{error:?}"),
        () = sending => {}
    }
    assert!(polls.get() <= 30, "{} polls", polls.get());
}

#[tokio::test]
async fn unix_sockets_have_no_such_queue() {
    let (socket, _other) = DatagramSocket::pair().unwrap();
    _other.send(b"hello").await.unwrap();
    let error = socket.recv_error().await.unwrap_err();
    assert_eq!(error.kind(), Io::Unsupported);
    assert_eq!(socket.recv(&mut [0; 8]).await.unwrap().unwrap().length, 5);
}

#[tokio::test]
async fn an_accepted_peer_is_told_what_the_network_said_of_its_answers() {
    for host in ["127.0.0.1", "[::1]"] {
        let mut listener = anysock::bind(format!("udp://{host}:0")).await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        client.send("hello").await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        let client_addr = client.local_addr().unwrap();
        drop(client);
        peer.send("nobody hears this").await.unwrap();
        let error = in_time(peer.recv()).await.unwrap_err();
        let ErrorKind::Refused(refused) = error.kind() else { panic!("{error:?}") };
        let told = refused.get_ref().and_then(|inner| inner.downcast_ref::<QueuedError>());
        expect_unreachable(told.unwrap(), &client_addr);
    }
}

#[test]
fn who_waits_for_answers_on_a_runtime_that_is_gone_is_told_so() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (done, waiting) = std::sync::mpsc::channel();
    // In a thread of its own: a future that never yields cannot be timed out.
    std::thread::spawn(move || {
        let gone = runtime();
        let socket = gone.block_on(async {
            let socket = bound("127.0.0.1");
            socket.socket().set_receive_errors(true).unwrap();
            let waited = tokio::time::timeout(Duration::from_millis(1), socket.recv_error());
            assert!(waited.await.is_err());
            socket
        });
        drop(gone);
        let _ = done.send(runtime().block_on(in_time(socket.recv_error())));
    });
    let told = waiting.recv_timeout(crate::links::DEADLINE).expect("it spins");
    assert_eq!(told.unwrap_err().kind(), Io::Other);
}

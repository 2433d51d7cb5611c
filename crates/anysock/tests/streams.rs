//! Streams of bytes from every cell that has them, and the refusal of those that have none.

use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use anysock::core::Shutdown;
use anysock::prelude::*;
use anysock::{Addr, Delimited, Gate, Listener, Options, Streams, UnixAddr};
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), test).await.expect("this hangs")
}

async fn listen(endpoint: &str) -> Streams {
    anysock::bind(endpoint).await.expect("bound").into_streams().expect("a stream")
}

async fn dial(streams: &Streams) -> anysock::sockets::StreamSocket {
    let client = anysock::connect(streams.endpoint()).await.expect("connected");
    client.into_stream().expect("a stream")
}

/// A path that nobody else has.
fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("anysock-streams-{}-{name}", std::process::id()))
}

async fn bytes_pass_both_ways_and_both_ends_know_their_addresses(endpoint: &str) {
    let mut streams = listen(endpoint).await;
    let mut client = dial(&streams).await;
    client.write_all(b"hello").await.unwrap();
    client.shutdown().await.unwrap();
    let (mut socket, peer) = streams.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    assert_eq!(peer, socket.peer_addr().unwrap());
    assert_eq!(Some(socket.local_addr().unwrap()), streams.endpoint().addr());
    assert_eq!(streams.as_socket().cell(), socket.cell());
    let mut said = String::new();
    socket.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "hello");
    socket.write_all(b"there you are").await.unwrap();
    drop(socket);
    said.clear();
    client.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "there you are");
    assert_eq!(streams.stats().accepted, 1);
}

async fn who_has_gone_before_is_accepted_with_his_address_and_what_he_said(endpoint: &str) {
    let mut streams = listen(endpoint).await;
    // On TCP he resets it, after which getpeername(2) knows nothing.
    let resetting = match streams.endpoint().addr() {
        Some(Addr::Ip(_)) => Options::default().linger(Duration::ZERO),
        _ => Options::default(),
    };
    let client = anysock::connect(streams.endpoint()).options(resetting).await.unwrap();
    let mut client = client.into_stream().unwrap();
    client.write_all(b"I go").await.unwrap();
    let local = client.local_addr().unwrap();
    drop(client);
    let mut next = dial(&streams).await;
    next.write_all(b"I stay").await.unwrap();

    let (mut socket, peer) = streams.accept().await.unwrap();
    assert_eq!(peer, local);
    let mut said = [0; 4];
    socket.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"I go");
    // The case that is meant: he is no longer to be found out by asking.
    let is_known = socket.peer_addr().is_ok();
    assert_eq!(is_known, matches!(peer, Addr::Unix(_)), "{peer} has reset it");
    let (mut socket, peer) = streams.accept().await.unwrap();
    assert_eq!(peer, next.local_addr().unwrap());
    let mut said = [0; 6];
    socket.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"I stay");
}

async fn a_listener_that_is_shut_down_tells_it_once_as_a_stream_and_then_ends(endpoint: &str) {
    let mut streams = listen(endpoint).await;
    streams.as_socket().socket().shutdown(Shutdown::Read).unwrap();
    assert!(streams.next().await.expect("the error").is_err());
    assert!(streams.next().await.is_none());
    assert!(streams.next().await.is_none());
    assert!(streams.accept().await.is_err());
}

async fn options_stay_and_what_is_of_messages_goes(endpoint: &str) {
    let options = Options::default().send_buffer(100_000);
    let bind = anysock::bind(endpoint).codec(Delimited::lines()).max(10).options(options);
    let bound = bind.await.unwrap();
    let expected = bound.as_socket().unwrap().socket().send_buffer_size().unwrap();
    let mut streams = bound.into_streams().unwrap();
    let mut client = dial(&streams).await;
    client.write_all(b"longer than ten bytes, and no line").await.unwrap();
    client.shutdown().await.unwrap();
    let (mut socket, _) = streams.accept().await.unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "longer than ten bytes, and no line");
    let own = socket.socket().send_buffer_size().unwrap();
    assert!(own >= expected, "{own} of {expected}");
}

async fn a_flood_of_peers_lets_others_have_their_turn(endpoint: &str) {
    let bound = anysock::bind(endpoint).options(Options::default().backlog(500)).await.unwrap();
    let mut streams = bound.into_streams().unwrap();
    let mut clients = Vec::new();
    for _ in 0..300 {
        clients.push(dial(&streams).await);
    }
    // What one poll of a task takes, who does nothing but accept.
    let mut taken = 0;
    let flooded = poll_fn(|cx| {
        while let Poll::Ready(accepted) = streams.poll_accept(cx) {
            accepted.unwrap();
            taken += 1;
        }
        Poll::Ready(())
    });
    flooded.await;
    assert!((1..=128).contains(&taken), "{taken} at once");
}

async fn a_refused_listener_goes_on_as_it_was(endpoint: &str) {
    let listener = anysock::bind(endpoint).max(100).await.unwrap();
    let bound = listener.endpoint().clone();
    let refused = listener.into_streams().expect_err("no stream");
    assert_eq!(refused.error().kind(), io::ErrorKind::Unsupported);
    let words = refused.to_string();
    assert!(words.contains(&bound.to_string()), "{words}");
    assert!(words.contains("a stream of bytes is wanted"), "{words}");

    let mut listener: Listener = refused.into_inner();
    assert_eq!(*listener.endpoint(), bound);
    let mut client = anysock::connect(&bound).await.unwrap();
    client.send("hello").await.unwrap();
    let mut peer = listener.accept().await.unwrap();
    assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
    // In memory the maximum is that of memory.
    assert_eq!(peer.max_message() == 100, listener.cell().is_some());
}

/// A module for each function, with a test for each cell.
macro_rules! over {
    ($($function:ident: $($name:ident $endpoint:expr),*;)*) => {$(
        mod $function {$(
            #[tokio::test]
            async fn $name() {
                super::within(super::$function($endpoint)).await;
            }
        )*}
    )*};
}

macro_rules! over_streams {
    ($($function:ident;)*) => {
        over! {$(
            $function: unix "unix:", ipv4 "tcp://127.0.0.1:0", ipv6 "tcp://[::1]:0";
        )*}
    };
}

over_streams! {
    bytes_pass_both_ways_and_both_ends_know_their_addresses;
    who_has_gone_before_is_accepted_with_his_address_and_what_he_said;
    options_stay_and_what_is_of_messages_goes;
    a_flood_of_peers_lets_others_have_their_turn;
}

over! {
    a_listener_that_is_shut_down_tells_it_once_as_a_stream_and_then_ends:
        unix "unix:", ipv4 "tcp://127.0.0.1:0", ipv6 "tcp://[::1]:0";
    a_refused_listener_goes_on_as_it_was:
        unix_datagram "unix-dgram:", unix_seqpacket "unix-seqpacket:",
        ipv4_datagram "udp://127.0.0.1:0", ipv6_datagram "udp://[::1]:0",
        memory "mem:streams-refused";
}

#[tokio::test]
async fn the_socket_file_is_there_until_the_end_and_goes_with_it() {
    within(async {
        let path = path("file");
        let endpoint = format!("unix:{}", path.display());
        let mut streams = listen(&endpoint).await;
        assert!(path.exists());
        let client = dial(&streams).await;
        let (_socket, peer) = streams.accept().await.unwrap();
        assert_eq!(peer, Addr::Unix(UnixAddr::Unnamed));
        drop(streams);
        assert!(!path.exists(), "it goes with the listener, not with what it has accepted");
        drop(client);
    })
    .await;
}

#[tokio::test]
async fn whom_the_gate_refuses_is_not_yielded() {
    within(async {
        let bind = anysock::bind("unix:").allow(Gate::nobody());
        let mut streams = bind.await.unwrap().into_streams().unwrap();
        let mut client = dial(&streams).await;
        assert!(streams.next().now_or_never().is_none());
        assert_eq!(streams.stats().refused, 1);
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_inherited_socket_yields_streams_as_well() {
    within(async {
        let made = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut streams = anysock::adopt(made).listen().unwrap().into_streams().unwrap();
        let client = dial(&streams).await;
        let (_socket, peer) = Pin::new(&mut streams).next().await.unwrap().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
    })
    .await;
}

/// What others' servers ask of a stream of connections.
#[test]
fn it_fits_what_servers_want() {
    fn incoming<I, T, E>()
    where
        I: Stream<Item = Result<T, E>> + Send + Unpin + 'static,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
    }
    type Taken = (anysock::sockets::StreamSocket, Addr);
    type Bytes = futures_util::stream::Map<
        Streams,
        fn(io::Result<Taken>) -> io::Result<anysock::sockets::StreamSocket>,
    >;
    incoming::<Bytes, _, _>();
}

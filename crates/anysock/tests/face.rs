//! The face over every kind of endpoint: what connects, what is refused, and what is told of it.

use std::future::IntoFuture;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Cell, Connection, Endpoint, Error, Options, UnsupportedCell};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(60), test).await.expect("this hangs")
}

/// A listener, a client of it and the peer that it accepted, which a first message has passed.
async fn meet(endpoint: &str) -> (anysock::Listener, Connection, Connection) {
    let meeting = async {
        let mut listener = anysock::bind(endpoint).await.expect("bound");
        let mut client = anysock::connect(listener.endpoint()).await.expect("connected");
        client.send("hello").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(peer.recv().await.expect("received").expect("a message"), "hello");
        (listener, client, peer)
    };
    timeout(DEADLINE, meeting).await.expect("in time")
}

async fn refused<T>(attempt: impl Future<Output = Result<T, Error>>) -> Error {
    match timeout(DEADLINE, attempt).await.expect("in time") {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error,
    }
}

macro_rules! over_the_cells {
    ($($name:ident: $endpoint:literal, $cell:expr;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn a_peer_answers_and_both_ends_know_their_addresses() {
                within(async {
                let (listener, mut client, mut peer) = meet($endpoint).await;
                peer.send("there you are").await.expect("answered");
                let answer = timeout(DEADLINE, client.recv()).await.expect("in time");
                assert_eq!(answer.expect("received").expect("a message"), "there you are");

                let cell: Option<anysock::Cell> = $cell;
                assert_eq!((listener.cell(), client.cell(), peer.cell()), (cell, cell, cell));
                if cell.is_none() {
                    assert!(client.local_addr().is_err() && peer.peer_addr().is_err());
                    return;
                }
                assert_eq!(client.peer_addr().ok(), listener.endpoint().addr());
                assert_eq!(peer.local_addr().ok(), listener.endpoint().addr());
                assert_eq!(peer.peer_addr().ok(), client.local_addr().ok());
                })
                .await;
            }

            #[tokio::test]
            async fn halves_work_in_tasks_of_their_own() {
                within(async {
                let (_listener, client, mut peer) = meet($endpoint).await;
                let (mut sending, mut receiving) = client.split();
                let send = tokio::spawn(async move { sending.send("from a half").await });
                let request = timeout(DEADLINE, peer.recv()).await.expect("in time");
                peer.send(request.expect("received").expect("a message")).await.expect("sent");
                let echo = timeout(DEADLINE, receiving.recv()).await.expect("in time");
                assert_eq!(echo.expect("received").expect("a message"), "from a half");
                send.await.expect("no panic").expect("sent");
                })
                .await;
            }
        }
    )*};
}

over_the_cells! {
    unix_stream: "unix:", Some(anysock::Cell::UNIX_STREAM);
    unix_datagram: "unix-dgram:", Some(anysock::Cell::UNIX_DATAGRAM);
    unix_seqpacket: "unix-seqpacket:", Some(anysock::Cell::UNIX_SEQPACKET);
    ipv4_stream: "tcp://127.0.0.1:0", Some(anysock::Cell::IPV4_STREAM);
    ipv4_datagram: "udp://127.0.0.1:0", Some(anysock::Cell::IPV4_DATAGRAM);
    ipv6_stream: "tcp://[::1]:0", Some(anysock::Cell::IPV6_STREAM);
    ipv6_datagram: "udp://[::1]:0", Some(anysock::Cell::IPV6_DATAGRAM);
    in_memory: "mem:face", None;
}

#[tokio::test]
async fn a_name_is_resolved() {
    within(async {
        let mut listener = anysock::bind("tcp://127.0.0.1:0").await.expect("bound");
        let port = listener.endpoint().host_port().expect("a port").port;
        let client = anysock::connect(format!("tcp://localhost:{port}"));
        let (client, peer) = tokio::join!(client, listener.accept());
        assert_eq!(client.expect("connected").peer_addr().ok(), listener.endpoint().addr());
        drop(peer);
    })
    .await;
}

#[tokio::test]
async fn credentials_are_told_on_unix_connections_and_refused_elsewhere() {
    within(async {
        let (_listener, client, peer) = meet("unix:").await;
        let told = (client.peer_credentials(), peer.peer_credentials());
        assert_eq!(told.0.expect("told").pid, Some(std::process::id()));
        assert_eq!(told.1.expect("told").pid, Some(std::process::id()));
        let (_listener, client, _peer) = meet("tcp://127.0.0.1:0").await;
        let error = client.peer_credentials().expect_err("TCP has none");
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
    })
    .await;
}

#[tokio::test]
async fn a_name_in_memory_is_one_listeners_and_free_after_it() {
    within(async {
        let endpoint: Endpoint = "mem:one-listener".parse().expect("an endpoint");
        let error = refused(anysock::connect(&endpoint).into_future()).await;
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionRefused));
        let listener = anysock::bind(&endpoint).await.expect("bound");
        let error = refused(anysock::bind(&endpoint).into_future()).await;
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::AddrInUse));
        drop(listener);
        anysock::bind(&endpoint).await.expect("bound again");
    })
    .await;
}

#[tokio::test]
async fn what_was_not_inherited_is_not_found_by_the_name_of_its_endpoint() {
    within(async {
        for endpoint in ["fd:1000000", "fd:4294967295", "systemd:app.socket"] {
            for error in [
                refused(anysock::connect(endpoint).into_future()).await,
                refused(anysock::bind(endpoint).into_future()).await,
            ] {
                assert_eq!(error.io_kind(), Some(std::io::ErrorKind::NotFound), "{error}");
                assert!(error.to_string().contains(endpoint), "{error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn inet_seqpacket_is_refused_by_the_name_of_its_cell() {
    within(async {
        for (endpoint, cell) in [
            ("sctp://127.0.0.1:0", anysock::Cell::IPV4_SEQPACKET),
            ("sctp://[::1]:0", anysock::Cell::IPV6_SEQPACKET),
        ] {
            for error in [
                refused(anysock::connect(endpoint).into_future()).await,
                refused(anysock::bind(endpoint).into_future()).await,
            ] {
                let why: &UnsupportedCell = error.find().expect("a typed error");
                assert_eq!(why.cell(), cell);
                assert!(error.to_string().contains(&cell.to_string()), "{error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn text_that_is_no_endpoint_is_named_in_the_error() {
    within(async {
        for text in ["localhost:80", "tcp://localhost", "unix-stream:/a", "tcp://::1:80"] {
            let error = refused(anysock::connect(text).into_future()).await;
            assert_eq!(error.io_kind(), Some(std::io::ErrorKind::InvalidInput));
            assert!(error.to_string().contains(text), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_option_that_means_nothing_on_the_cell_is_refused_before_anything_is_opened() {
    within(async {
        let options = Options::default().nodelay(true);
        let error = refused(anysock::bind("unix:").options(options.clone()).into_future()).await;
        assert!(error.to_string().contains("nodelay"), "{error}");
        let error = refused(anysock::connect("unix:@nobody").options(options).into_future()).await;
        assert!(error.to_string().contains("nodelay"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn connecting_ends_at_the_deadline_where_the_backlog_stays_full() {
    within(async {
        let backlog = Options::default().backlog(0);
        let listener = anysock::bind("unix:").options(backlog).await.expect("bound");
        let mut waiting = Vec::new();
        let error = loop {
            let connect =
                anysock::connect(listener.endpoint()).deadline(Duration::from_millis(100));
            match timeout(DEADLINE, connect.into_future()).await.expect("in time") {
                Ok(connection) => waiting.push(connection),
                Err(error) => break error,
            }
        };
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::TimedOut));
        assert!(waiting.len() <= 2, "a backlog of 0 took {}", waiting.len());
    })
    .await;
}

#[tokio::test]
async fn the_maximum_holds_on_both_sides() {
    within(async {
        for endpoint in ["unix:", "unix-seqpacket:", "mem:maximum"] {
            let mut listener = anysock::bind(endpoint).max(8).await.expect("bound");
            let mut client = anysock::connect(listener.endpoint()).max(8).await.expect("connected");
            assert_eq!(client.max_message(), 8, "{endpoint}");
            let error = client.send("nine bytes").await.expect_err("too long");
            assert!(!error.is_fatal(), "{endpoint}: {error}");
            client.send("8 bytes.").await.expect("sent");
            let mut peer =
                timeout(DEADLINE, listener.accept()).await.expect("in time").expect("peer");
            assert_eq!(peer.recv().await.expect("received").expect("a message"), "8 bytes.");
        }
    })
    .await;
}

#[tokio::test]
async fn any_transport_makes_a_connection() {
    within(async {
        let (near, mut far) = anysock::framing::memory::pair();
        let mut connection = Connection::from_transport(near);
        connection.send("hello").await.expect("sent");
        assert_eq!(far.recv().await.expect("received").expect("a message"), "hello");
        assert!(connection.cell().is_none());
        let (mut sending, _receiving) = connection.split();
        sending.send("from a half").await.expect("sent");
        assert_eq!(far.recv().await.expect("received").expect("a message"), "from a half");
    })
    .await;
}

#[tokio::test]
async fn both_ends_may_poll_busily_and_not_for_long() {
    within(async {
        let short = Duration::from_micros(20);
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0", "mem:busy"] {
            let mut listener = anysock::bind(endpoint).busy_poll(short).await.unwrap();
            let connecting = anysock::connect(listener.endpoint()).busy_poll(short);
            let mut client = connecting.await.unwrap();
            client.send("hello").await.unwrap();
            let mut peer = listener.accept().await.unwrap();
            for _ in 0..3 {
                let message = peer.recv().await.unwrap().unwrap();
                peer.send(message).await.unwrap();
                let message = client.recv().await.unwrap().unwrap();
                client.send(message).await.unwrap();
            }
            if endpoint != "mem:busy" {
                let bind = anysock::bind(endpoint).busy_poll(Duration::from_secs(1));
                refused(bind.into_future()).await;
            }
        }
        refused(anysock::bind("udp://127.0.0.1:0").busy_poll(short).into_future()).await;
    })
    .await;
}

#[tokio::test]
async fn a_connection_under_limits_tells_what_it_tells_without() {
    within(async {
        let (_listener, client, peer) = meet("tcp://127.0.0.1:0").await;
        let client = client.limit(&anysock::Limits::default().idle(DEADLINE).max_message(1000));
        assert_eq!(client.as_socket().unwrap().cell(), Cell::IPV4_STREAM);
        assert_eq!(client.unread_bytes().unwrap(), 0);
        assert!(client.tcp_info().is_ok());
        let closed = client.closed().unwrap();
        drop(peer);
        assert_ne!(closed.await, anysock::Departure::Dropped);

        let (_listener, client, _peer) = meet("mptcp://127.0.0.1:0").await;
        let is_multipath = client.is_multipath().unwrap();
        let client = client.limit(&anysock::Limits::default().idle(DEADLINE));
        assert_eq!(client.is_multipath().unwrap(), is_multipath);
    })
    .await;
}

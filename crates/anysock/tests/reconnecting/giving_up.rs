//! When it connects again, and when it no longer tries.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Backoff, ErrorKind, GaveUp, Options};
use tokio::time::Instant;

use crate::{DEADLINE, quick, reconnecting, unique, within};

#[tokio::test]
async fn it_gives_up_after_so_many_attempts_and_says_so_each_time() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let connect = anysock::connect(listener.endpoint()).reconnecting(quick().attempts(3));
        let mut client = connect.await.expect("connected");
        drop(listener.accept().await.expect("accepted"));
        drop(listener);
        for _ in 0..2 {
            let error = client.recv().await.expect_err("given up");
            assert!(error.is_fatal());
            let gave_up = GaveUp::of(&error).expect("a typed error");
            assert_eq!((gave_up.attempts(), gave_up.is_permanent()), (3, false));
            assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionRefused));
            let error = client.send("too late").await.expect_err("given up");
            assert!(GaveUp::of(&error).is_some(), "{error}");
        }
    })
    .await;
}

#[tokio::test]
async fn it_gives_up_when_the_time_is_over_also_within_an_attempt() {
    within(async {
        let full = Options::default().backlog(0);
        let mut listener = anysock::bind("unix:").options(full).await.expect("bound");
        let backoff = quick().within(Duration::from_millis(100));
        let connect = anysock::connect(listener.endpoint()).deadline(DEADLINE);
        let mut client = connect.clone().reconnecting(backoff).await.expect("connected");
        let peer = listener.accept().await.expect("accepted");
        // From here on the backlog is full: an attempt would last as long as its deadline.
        let mut waiting = Vec::new();
        while let Ok(connection) = connect.clone().deadline(Duration::from_millis(50)).await {
            waiting.push(connection);
        }
        drop(peer);
        let error = client.recv().await.expect_err("given up");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::TimedOut), "{error}");
        assert!(!GaveUp::of(&error).expect("a typed error").is_permanent());
    })
    .await;
}

#[tokio::test]
async fn what_trying_again_cannot_mend_ends_it_at_once() {
    within(async {
        // At first: a cell that there is not, an option that means nothing, no endpoint.
        let nodelay = Options::default().nodelay(true);
        for connect in [
            anysock::connect("sctp://127.0.0.1:9"),
            anysock::connect("unix:@nobody").options(nodelay),
            anysock::connect("no endpoint"),
        ] {
            let error = connect.reconnecting(quick()).await.expect_err("refused");
            let gave_up = GaveUp::of(&error).expect("a typed error");
            assert_eq!((gave_up.attempts(), gave_up.is_permanent()), (1, true), "{error}");
        }
        // And later: a server of another type has taken the place.
        let path = std::env::temp_dir().join(unique("anysock-again"));
        let mut listener = anysock::bind(format!("unix:{}", path.display())).await.expect("bound");
        let mut client = reconnecting(&listener).await;
        let peer = listener.accept().await.expect("accepted");
        drop(listener);
        let other = format!("unix-seqpacket:{}", path.display());
        let _other = anysock::bind(other).await.expect("bound");
        drop(peer);
        let error = client.recv().await.expect_err("given up");
        assert!(GaveUp::of(&error).expect("a typed error").is_permanent(), "{error}");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_message_is_fatal_and_not_tried_again() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let connect = anysock::connect(listener.endpoint()).max(8);
        let mut client = connect.reconnecting(quick()).await.expect("connected");
        let mut peer = listener.accept().await.expect("accepted");
        peer.send("longer than eight bytes").await.expect("sent");
        for _ in 0..2 {
            let error = client.recv().await.expect_err("too long");
            assert!(matches!(error.kind(), ErrorKind::Oversize { .. }), "{error}");
        }
        assert_eq!(client.connections(), 1);
    })
    .await;
}

/// How long ten connections take that the server accepts and drops: after a message, or at once.
async fn ten_connections(first: Option<&'static str>) -> Duration {
    fastrand::seed(7);
    let mut listener = anysock::bind(format!("mem:{}", unique("flapping"))).await.expect("bound");
    let backoff = Backoff::default().first(Duration::from_secs(1)).longest(DEADLINE * 100);
    let connect = anysock::connect(listener.endpoint()).reconnecting(backoff);
    tokio::spawn(async move {
        while let Ok(mut peer) = listener.accept().await {
            if let Some(first) = first {
                let _ = peer.send(first).await;
            }
        }
    });
    let mut client = connect.await.expect("connected");
    let start = Instant::now();
    while client.connections() <= 10 {
        let _ = client.recv().await;
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_until_a_connection_has_proved_itself() {
    let proved = ten_connections(Some("a message")).await;
    assert!(proved <= Duration::from_secs(10), "ten pauses of one second at most: {proved:?}");
    let unproved = ten_connections(None).await;
    assert!(unproved >= Duration::from_secs(100), "pauses did not grow: {unproved:?}");
}

#[tokio::test]
async fn an_inherited_socket_is_not_connected_again() {
    use std::os::fd::AsRawFd;
    within(async {
        let missing = anysock::connect("fd:1000000").reconnecting(quick()).await;
        assert!(GaveUp::of(&missing.expect_err("nothing is there")).unwrap().is_permanent());

        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        let endpoint = format!("fd:{}", near.as_raw_fd());
        let mut client = anysock::connect(endpoint).reconnecting(quick()).await.expect("connected");
        drop(far);
        for _ in 0..2 {
            let error = client.recv().await.expect_err("the peer is gone");
            assert!(GaveUp::of(&error).expect("it gave up").is_permanent(), "{error}");
        }
    })
    .await;
}

//! Limits by origin and on each connection.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{ErrorKind, Limits, Phase, Quota};
use tokio::time::Instant;

use crate::fixture::{GRACE, Service, ask, is_closed, over_the_cells, within};

over_the_cells! {
    a_connection_under_limits_still_tells_its_addresses_and_splits;
    a_message_beyond_the_maximum_is_lost_alone;
}

async fn a_connection_under_limits_still_tells_its_addresses_and_splits(endpoint: &str) {
    let listener = anysock::bind(endpoint).await.expect("bound");
    let (endpoint, cell) = (listener.endpoint().clone(), listener.cell());
    let shutdown = anysock::Shutdown::new();
    let serving = anysock::serve(listener, move |peer: anysock::Connection| async move {
        assert_eq!(peer.cell(), cell);
        assert_eq!(peer.peer_addr().is_ok(), cell.is_some());
        let (mut sending, mut receiving) = peer.split();
        while let Some(message) = receiving.recv().await? {
            sending.send(message).await?;
        }
        Ok::<_, anysock::Error>(())
    })
    .limits(Limits::default().idle(GRACE).write_deadline(GRACE))
    .shutdown(shutdown.clone(), Duration::ZERO);
    let serving = tokio::spawn(serving.into_future());
    let mut client = anysock::connect(endpoint).await.expect("connected");
    ask(&mut client, "hello").await;
    shutdown.begin();
    assert_eq!(serving.await.expect("served").panicked, 0);
}

async fn a_message_beyond_the_maximum_is_lost_alone(endpoint: &str) {
    let service = Service::start(endpoint, |serve| serve.max_message(10)).await;
    let mut client = service.client().await;
    ask(&mut client, "ten bytes.").await;
    client.send("eleven bytes").await.expect("sent");
    // The handler takes the error for its end.
    let report = if client.guarantees().end_of_file() {
        assert!(is_closed(&mut client).await);
        service.stop().await
    } else {
        let mut service = service;
        service.reaches(Phase::Running { connections: 0 }).await;
        service.stop().await
    };
    assert_eq!((report.accepted, report.failed), (1, 1), "{report}");
}

macro_rules! per_address {
    ($($name:ident: $endpoint:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            within(at_most_two_of_an_address($endpoint)).await;
        }
    )*};
}

per_address! {
    ipv4_streams_are_limited_per_address: "tcp://127.0.0.1:0";
    ipv6_streams_are_limited_per_address: "tcp://[::1]:0";
    ipv4_senders_of_datagrams_are_limited_per_address: "udp://127.0.0.1:0";
    ipv6_senders_of_datagrams_are_limited_per_address: "udp://[::1]:0";
}

/// The third is refused while there are two, and another is served once one of them has ended.
async fn at_most_two_of_an_address(endpoint: &str) {
    // The second listener tells when the first one's strangers were looked at.
    let limited = anysock::bind(endpoint).await.expect("bound");
    let aside = anysock::bind("unix:").await.expect("bound");
    let mut service = Service::on([limited, aside], GRACE, |serve| serve.max_per_address(2));
    let mut first = service.client().await;
    let mut second = service.client().await;
    let mut third = service.stranger().await;
    third.send("refused").await.expect("sent");
    if third.guarantees().end_of_file() {
        assert!(is_closed(&mut third).await);
    } else {
        // What came earlier over the same socket has been read, and each listener had its turn.
        ask(&mut first, "after the stranger").await;
        for _ in 0..2 {
            let mut aside = anysock::connect(&service.endpoints[1]).await.expect("connected");
            ask(&mut aside, "hello").await;
            aside.send("end").await.expect("sent");
        }
    }
    ask(&mut second, "not refused").await;
    first.send("end").await.expect("sent");
    service.reaches(Phase::Running { connections: 1 }).await;
    let _next = service.client().await;
    let report = service.stop().await;
    let listener = &report.listeners[0];
    assert_eq!((listener.accepted, listener.refused), (3, 1), "{report}");
    assert_eq!((report.refused_per_address, report.refused_per_uid), (1, 0), "{report}");
}

#[tokio::test]
async fn unix_datagram_names_are_limited_each_by_itself() {
    within(async {
        let service = Service::start("unix-dgram:", |serve| serve.max_per_address(1)).await;
        let mut clients = [service.client().await, service.client().await];
        for client in &mut clients {
            ask(client, "a name of its own").await;
        }
        assert_eq!(service.stop().await.refused(), 0);
    })
    .await;
}

async fn at_most_one_of_a_user(endpoint: &str) {
    let mut service = Service::start(endpoint, |serve| serve.max_per_uid(1)).await;
    let mut first = service.client().await;
    let mut second = service.stranger().await;
    assert!(is_closed(&mut second).await);
    ask(&mut first, "not refused").await;
    first.send("end").await.expect("sent");
    service.reaches(Phase::Running { connections: 0 }).await;
    let _next = service.client().await;
    let report = service.stop().await;
    assert_eq!((report.accepted, report.refused_per_uid), (2, 1), "{report}");
    assert_eq!(report.refused_per_address, 0);
}

#[tokio::test]
async fn unix_streams_are_limited_per_user() {
    within(at_most_one_of_a_user("unix:")).await;
}

#[tokio::test]
async fn unix_seqpacket_is_limited_per_user() {
    within(at_most_one_of_a_user("unix-seqpacket:")).await;
}

#[tokio::test]
async fn cells_that_tell_no_user_are_not_limited_by_it() {
    within(async {
        let service = Service::start("tcp://127.0.0.1:0", |serve| serve.max_per_uid(1)).await;
        let _clients = [service.client().await, service.client().await];
        assert_eq!(service.stop().await.refused(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_its_handler() {
    const IDLE: Duration = Duration::from_secs(20);
    let service = Service::start("mem:serve-idle", |serve| serve.idle(IDLE)).await;
    let mut client = service.client().await;
    let start = Instant::now();
    assert!(client.recv().await.unwrap().is_none());
    assert_eq!(start.elapsed(), IDLE);
    let report = service.stop().await;
    assert_eq!((report.accepted, report.failed), (1, 1), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_rate_slows_each_client_down_and_loses_nothing() {
    let rate = Quota::messages(10, 1);
    let service = Service::start("mem:serve-rate", |serve| serve.rate(rate)).await;
    let mut client = service.client().await;
    let start = Instant::now();
    for number in 0..20 {
        ask(&mut client, &number.to_string()).await;
    }
    let elapsed = start.elapsed();
    assert!(elapsed > Duration::from_millis(1900) && elapsed <= Duration::from_secs(2));
    assert_eq!(service.stop().await.finished, 1);
}

#[tokio::test(start_paused = true)]
async fn an_idle_error_says_what_it_is() {
    let listener = anysock::bind("mem:serve-idle-error").await.unwrap();
    let client = anysock::connect(listener.endpoint()).await.unwrap();
    let mut client = client.limit(&Limits::default().idle(Duration::from_secs(1)));
    let error = client.recv().await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Idle { .. }));
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn the_report_tells_how_many_datagrams_found_no_room() {
    within(async {
        let limits = anysock::PeerLimits { peers: 1, ..anysock::PeerLimits::default() };
        let listener = anysock::bind("unix-dgram:").peer_limits(limits).await.expect("bound");
        let service = Service::on([listener], GRACE, |serve| serve);
        let mut client = service.client().await;
        let mut stranger = service.stranger().await;
        for _ in 0..3 {
            stranger.send("one too many").await.expect("sent");
        }
        // What came before its request was read before it.
        ask(&mut client, "hello").await;
        let report = service.stop().await;
        assert_eq!((report.accepted, report.listeners[0].stats.dropped), (1, 3), "{report}");
        assert!(report.to_string().contains("3 datagrams dropped"), "{report}");
    })
    .await;
}

//! Accepted senders of datagrams: told apart, bounded, answered, and forgotten.

use std::io::{ErrorKind, IoSlice};
use std::pin::pin;
use std::time::Duration;

use anysock_async::{DatagramSocket, PeerLimits};
use anysock_core::{Addr, Cell, Options, Outgoing, Socket, Type, UnixAddr};

use crate::fixture::{
    accept_peer, answer, bind, client, fresh, hear, ip, poll_once, recv, until, within,
};

async fn peers_are_told_apart_by_their_source(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let (one, two) = (client(&listener).await, client(&listener).await);
    for round in 0..3 {
        one.send(format!("one {round}").as_bytes()).await.unwrap();
        two.send(format!("two {round}").as_bytes()).await.unwrap();
    }
    let (mut first, mut second) =
        (accept_peer(&mut listener).await, accept_peer(&mut listener).await);
    assert_eq!(first.peer_addr(), &one.local_addr().unwrap());
    assert_eq!(second.peer_addr(), &two.local_addr().unwrap());
    for round in 0..3 {
        assert_eq!(hear(&mut first).await.unwrap().unwrap(), format!("one {round}"));
        assert_eq!(hear(&mut second).await.unwrap().unwrap(), format!("two {round}"));
    }
    answer(&mut first, "for one").await.unwrap();
    answer(&mut second, "for two").await.unwrap();
    assert_eq!(recv(&one).await.unwrap(), "for one");
    assert_eq!(recv(&two).await.unwrap(), "for two");
    assert!(poll_once(pin!(listener.accept())).await.is_pending());
    assert_eq!(listener.as_datagrams().unwrap().peers(), 2);
}

per_cell! { peers_are_told_apart_by_their_source {
    unix_datagram_peers_are_told_apart_by_their_source => UNIX_DATAGRAM,
    ipv4_datagram_peers_are_told_apart_by_their_source => IPV4_DATAGRAM,
    ipv6_datagram_peers_are_told_apart_by_their_source => IPV6_DATAGRAM,
} }

async fn bind_everywhere(addr: &str, options: &Options) -> (anysock_async::Listener, u16) {
    let limits = PeerLimits::default();
    let listener = anysock_async::bind(&ip(addr), Type::Datagram, options, &limits).await.unwrap();
    let port = listener.local_addr().unwrap().as_ip().unwrap().port();
    (listener, port)
}

#[tokio::test]
async fn ipv4_datagram_replies_leave_from_the_address_that_was_asked() {
    within(async {
        let (mut listener, port) = bind_everywhere("0.0.0.0:0", &Options::new()).await;
        for asked in ["127.0.0.1", "127.0.0.2", "127.1.2.3"] {
            let client = DatagramSocket::bind(&ip("127.0.0.1:0"), &Options::new()).unwrap();
            // A connected client hears answers from nowhere else.
            client.connect(&ip(&format!("{asked}:{port}"))).unwrap();
            client.send(b"question").await.unwrap();
            let mut peer = accept_peer(&mut listener).await;
            assert_eq!(peer.local_addr().unwrap(), ip(&format!("{asked}:{port}")));
            answer(&mut peer, "answer").await.unwrap();
            assert_eq!(recv(&client).await.unwrap(), "answer");
        }
    })
    .await;
}

#[tokio::test]
async fn ipv6_datagram_replies_leave_from_the_address_that_was_asked() {
    within(async {
        let options = Options::new().v6only(true);
        let (mut listener, port) = bind_everywhere("[::]:0", &options).await;
        let client = DatagramSocket::bind(&ip("[::1]:0"), &Options::new()).unwrap();
        client.connect(&ip(&format!("[::1]:{port}"))).unwrap();
        client.send(b"question").await.unwrap();
        let mut peer = accept_peer(&mut listener).await;
        assert_eq!(peer.local_addr().unwrap(), ip(&format!("[::1]:{port}")));
        answer(&mut peer, "answer").await.unwrap();
        assert_eq!(recv(&client).await.unwrap(), "answer");
    })
    .await;
}

#[tokio::test]
async fn dual_stack_datagram_replies_leave_from_the_ipv4_address_that_was_asked() {
    within(async {
        let options = Options::new().v6only(false);
        let (mut listener, port) = bind_everywhere("[::]:0", &options).await;
        let client = DatagramSocket::bind(&ip("127.0.0.1:0"), &Options::new()).unwrap();
        client.connect(&ip(&format!("127.0.0.2:{port}"))).unwrap();
        client.send(b"question").await.unwrap();
        let mut peer = accept_peer(&mut listener).await;
        answer(&mut peer, "answer").await.unwrap();
        assert_eq!(recv(&client).await.unwrap(), "answer");
    })
    .await;
}

#[tokio::test]
async fn ipv4_datagram_one_source_that_asks_two_addresses_is_two_peers() {
    within(async {
        let (mut listener, port) = bind_everywhere("0.0.0.0:0", &Options::new()).await;
        let client = DatagramSocket::bind(&ip("127.0.0.1:0"), &Options::new()).unwrap();
        for asked in ["127.0.0.1", "127.0.0.2"] {
            let at = ip(&format!("{asked}:{port}"));
            client.send_to(asked.as_bytes(), &at).await.unwrap();
            let mut peer = accept_peer(&mut listener).await;
            assert_eq!(hear(&mut peer).await.unwrap().unwrap(), asked);
            answer(&mut peer, "answer").await.unwrap();
            let (_, source) = client.recv_from(&mut [0; 8]).await.unwrap().unwrap();
            assert_eq!(source, at);
            std::mem::forget(peer);
        }
    })
    .await;
}

async fn full_queues_drop_the_newest_and_count_it(cell: Cell) {
    let limits = PeerLimits { queue_messages: 3, ..PeerLimits::default() };
    let mut listener = bind(cell, &limits).await;
    let client = client(&listener).await;
    for message in ["one", "two", "three", "four", "five"] {
        client.send(message.as_bytes()).await.unwrap();
    }
    let mut peer = accept_peer(&mut listener).await;
    until(|| listener.as_datagrams().unwrap().dropped() == 2).await;
    assert_eq!(peer.held(), "onetwothree".len());
    for message in ["one", "two", "three"] {
        assert_eq!(hear(&mut peer).await.unwrap().unwrap(), message);
    }
    assert_eq!(peer.held(), 0);
    client.send(b"six").await.unwrap();
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "six");
    assert_eq!(peer.into_split().0.dropped(), 2);
}

per_cell! { full_queues_drop_the_newest_and_count_it {
    unix_datagram_full_queues_drop_the_newest_and_count_it => UNIX_DATAGRAM,
    ipv4_datagram_full_queues_drop_the_newest_and_count_it => IPV4_DATAGRAM,
    ipv6_datagram_full_queues_drop_the_newest_and_count_it => IPV6_DATAGRAM,
} }

async fn queues_are_bounded_in_bytes(cell: Cell) {
    let limits = PeerLimits { queue_bytes: 1000, ..PeerLimits::default() };
    let mut listener = bind(cell, &limits).await;
    let client = client(&listener).await;
    for _ in 0..5 {
        client.send(&[b'x'; 600]).await.unwrap();
    }
    let peer = accept_peer(&mut listener).await;
    until(|| listener.as_datagrams().unwrap().dropped() == 3).await;
    // At most the bound and one message.
    assert_eq!(peer.held(), 1200);
}

per_cell! { queues_are_bounded_in_bytes {
    unix_datagram_queues_are_bounded_in_bytes => UNIX_DATAGRAM,
    ipv4_datagram_queues_are_bounded_in_bytes => IPV4_DATAGRAM,
    ipv6_datagram_queues_are_bounded_in_bytes => IPV6_DATAGRAM,
} }

async fn strangers_beyond_the_bound_are_dropped_and_counted(cell: Cell) {
    let limits = PeerLimits { peers: 1, ..PeerLimits::default() };
    let mut listener = bind(cell, &limits).await;
    let (one, two) = (client(&listener).await, client(&listener).await);
    one.send(b"one").await.unwrap();
    let mut peer = accept_peer(&mut listener).await;
    two.send(b"two").await.unwrap();
    until(|| listener.as_datagrams().unwrap().dropped() == 1).await;
    assert!(poll_once(pin!(listener.accept())).await.is_pending());
    one.send(b"again").await.unwrap();
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "one");
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "again");
    // There is room once the peer is gone.
    drop(peer);
    two.send(b"two").await.unwrap();
    assert_eq!(accept_peer(&mut listener).await.peer_addr(), &two.local_addr().unwrap());
}

per_cell! { strangers_beyond_the_bound_are_dropped_and_counted {
    unix_datagram_strangers_beyond_the_bound_are_dropped_and_counted => UNIX_DATAGRAM,
    ipv4_datagram_strangers_beyond_the_bound_are_dropped_and_counted => IPV4_DATAGRAM,
    ipv6_datagram_strangers_beyond_the_bound_are_dropped_and_counted => IPV6_DATAGRAM,
} }

async fn idle_peers_end_and_are_heard_as_new_ones(cell: Cell) {
    let limits = PeerLimits { idle: Duration::from_millis(50), ..PeerLimits::default() };
    let mut listener = bind(cell, &limits).await;
    let client = client(&listener).await;
    client.send(b"one").await.unwrap();
    let mut peer = accept_peer(&mut listener).await;
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "one");
    assert!(hear(&mut peer).await.unwrap().is_none());
    assert!(hear(&mut peer).await.unwrap().is_none());
    client.send(b"two").await.unwrap();
    let mut again = accept_peer(&mut listener).await;
    assert_eq!(again.peer_addr(), peer.peer_addr());
    assert_eq!(hear(&mut again).await.unwrap().unwrap(), "two");
    // Dropping the one that has ended does not touch the new one.
    drop(peer);
    client.send(b"three").await.unwrap();
    assert_eq!(hear(&mut again).await.unwrap().unwrap(), "three");
}

per_cell! { idle_peers_end_and_are_heard_as_new_ones {
    unix_datagram_idle_peers_end_and_are_heard_as_new_ones => UNIX_DATAGRAM,
    ipv4_datagram_idle_peers_end_and_are_heard_as_new_ones => IPV4_DATAGRAM,
    ipv6_datagram_idle_peers_end_and_are_heard_as_new_ones => IPV6_DATAGRAM,
} }

async fn dropped_peers_are_forgotten(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let client = client(&listener).await;
    for message in ["one", "discarded", "discarded too"] {
        client.send(message.as_bytes()).await.unwrap();
    }
    let mut peer = accept_peer(&mut listener).await;
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "one");
    until(|| peer.held() == "discardeddiscarded too".len()).await;
    drop(peer);
    assert_eq!(listener.as_datagrams().unwrap().peers(), 0);
    client.send(b"new").await.unwrap();
    assert_eq!(hear(&mut accept_peer(&mut listener).await).await.unwrap().unwrap(), "new");
}

per_cell! { dropped_peers_are_forgotten {
    unix_datagram_dropped_peers_are_forgotten => UNIX_DATAGRAM,
    ipv4_datagram_dropped_peers_are_forgotten => IPV4_DATAGRAM,
    ipv6_datagram_dropped_peers_are_forgotten => IPV6_DATAGRAM,
} }

async fn a_dropped_listener_ignores_strangers_until_its_last_peer_is_gone(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let at = listener.local_addr().unwrap();
    let (one, stranger) = (client(&listener).await, client(&listener).await);
    one.send(b"one").await.unwrap();
    let mut peer = accept_peer(&mut listener).await;
    drop(listener);
    stranger.send(b"ignored").await.unwrap();
    one.send(b"two").await.unwrap();
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "one");
    assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "two");
    answer(&mut peer, "answer").await.unwrap();
    assert_eq!(recv(&one).await.unwrap(), "answer");

    let limits = PeerLimits::default();
    let again = || anysock_async::bind(&at, Type::Datagram, &OPTIONS, &limits);
    assert_eq!(again().await.unwrap_err().kind(), ErrorKind::AddrInUse);
    // Halves hold it as well as the whole, and the last of them frees it at once.
    let (receiving, sending) = peer.into_split();
    drop(receiving);
    assert_eq!(again().await.unwrap_err().kind(), ErrorKind::AddrInUse);
    drop(sending);
    again().await.unwrap();
}

static OPTIONS: std::sync::LazyLock<Options> = std::sync::LazyLock::new(Options::new);

per_cell! { a_dropped_listener_ignores_strangers_until_its_last_peer_is_gone {
    unix_datagram_a_dropped_listener_ignores_strangers_until_its_last_peer_is_gone => UNIX_DATAGRAM,
    ipv4_datagram_a_dropped_listener_ignores_strangers_until_its_last_peer_is_gone => IPV4_DATAGRAM,
    ipv6_datagram_a_dropped_listener_ignores_strangers_until_its_last_peer_is_gone => IPV6_DATAGRAM,
} }

#[tokio::test]
async fn unix_datagram_unnamed_senders_share_one_peer_that_only_receives() {
    within(async {
        let mut listener = bind(Cell::UNIX_DATAGRAM, &PeerLimits::default()).await;
        let at = listener.local_addr().unwrap();
        let nameless = || {
            let socket = Socket::open(Cell::UNIX_DATAGRAM).unwrap();
            socket.connect(&at).unwrap();
            socket
        };
        nameless().send(b"one").unwrap();
        nameless().send(b"two").unwrap();
        let mut peer = accept_peer(&mut listener).await;
        assert_eq!(peer.peer_addr(), &Addr::Unix(UnixAddr::Unnamed));
        assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "one");
        assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "two");
        let refused = answer(&mut peer, "to whom?").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AddrNotAvailable);
        assert!(poll_once(pin!(listener.accept())).await.is_pending());
    })
    .await;
}

#[tokio::test]
async fn unix_datagram_a_reply_without_room_is_dropped_after_its_patience_and_counted() {
    within(async {
        let patience = Duration::from_millis(50);
        let mut listener =
            bind(Cell::UNIX_DATAGRAM, &PeerLimits { patience, ..PeerLimits::default() }).await;
        let asleep = client(&listener).await;
        asleep.send(b"hello").await.unwrap();
        let mut peer = accept_peer(&mut listener).await;
        let mut sent = 0;
        let started = loop {
            let started = tokio::time::Instant::now();
            match answer(&mut peer, "answer").await {
                Ok(()) => sent += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TimedOut);
                    break started;
                }
            }
        };
        assert!(sent > 0);
        assert!(started.elapsed() >= patience);
        let stats = listener.stats();
        assert_eq!((stats.dropped, stats.replies_dropped), (0, 1));
        // The transport lives on, once there is room.
        assert_eq!(recv(&asleep).await.unwrap(), "answer");
        answer(&mut peer, "answer").await.unwrap();
        for _ in 0..sent {
            assert_eq!(recv(&asleep).await.unwrap(), "answer");
        }
    })
    .await;
}

#[tokio::test]
async fn unix_datagram_a_blocked_reply_does_not_stop_receiving() {
    within(async {
        let patience = Duration::from_secs(60);
        let mut listener =
            bind(Cell::UNIX_DATAGRAM, &PeerLimits { patience, ..PeerLimits::default() }).await;
        let (asleep, healthy) = (client(&listener).await, client(&listener).await);
        asleep.send(b"hello").await.unwrap();
        let (mut receiving, mut sending) = accept_peer(&mut listener).await.into_split();
        let blocked = tokio::spawn(async move {
            loop {
                std::future::poll_fn(|cx| sending.poll_send(cx, b"answer")).await.unwrap();
            }
        });
        asleep.send(b"again").await.unwrap();
        for _ in 0..2 {
            let heard = std::future::poll_fn(|cx| receiving.poll_recv_packet(cx)).await;
            assert!(heard.unwrap().is_some());
        }
        healthy.send(b"hello").await.unwrap();
        assert_eq!(hear(&mut accept_peer(&mut listener).await).await.unwrap().unwrap(), "hello");
        blocked.abort();
    })
    .await;
}

async fn an_icmp_error_reaches_the_peer_it_concerns(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let (gone, healthy) = (client(&listener).await, client(&listener).await);
    gone.send(b"gone").await.unwrap();
    healthy.send(b"healthy").await.unwrap();
    let mut first = accept_peer(&mut listener).await;
    let mut second = accept_peer(&mut listener).await;
    assert_eq!(hear(&mut first).await.unwrap().unwrap(), "gone");
    assert_eq!(hear(&mut second).await.unwrap().unwrap(), "healthy");
    drop(gone);
    for _ in 0..3 {
        answer(&mut first, "lost").await.unwrap();
        // The error is pending, and none of this one's business.
        answer(&mut second, "answer").await.unwrap();
        assert_eq!(recv(&healthy).await.unwrap(), "answer");
        let error = hear(&mut first).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    assert!(poll_once(pin!(hear(&mut second))).await.is_pending());
    // Also where nothing else is sent.
    answer(&mut first, "lost").await.unwrap();
    let error = hear(&mut first).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

per_cell! { an_icmp_error_reaches_the_peer_it_concerns {
    ipv4_datagram_an_icmp_error_reaches_the_peer_it_concerns => IPV4_DATAGRAM,
    ipv6_datagram_an_icmp_error_reaches_the_peer_it_concerns => IPV6_DATAGRAM,
} }

#[tokio::test]
async fn dual_stack_datagram_an_icmp_error_reaches_the_ipv4_peer_it_concerns() {
    within(async {
        let options = Options::new().v6only(false);
        let (mut listener, port) = bind_everywhere("[::]:0", &options).await;
        let client = DatagramSocket::bind(&ip("127.0.0.1:0"), &Options::new()).unwrap();
        client.send_to(b"gone", &ip(&format!("127.0.0.1:{port}"))).await.unwrap();
        let mut peer = accept_peer(&mut listener).await;
        assert_eq!(hear(&mut peer).await.unwrap().unwrap(), "gone");
        drop(client);
        answer(&mut peer, "lost").await.unwrap();
        let error = hear(&mut peer).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    })
    .await;
}

async fn a_reply_to_a_closed_unix_peer_is_an_error_of_its_own(cell: Cell) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let (gone, healthy) = (client(&listener).await, client(&listener).await);
    gone.send(b"gone").await.unwrap();
    healthy.send(b"healthy").await.unwrap();
    let mut first = accept_peer(&mut listener).await;
    let mut second = accept_peer(&mut listener).await;
    drop(gone);
    let error = answer(&mut first, "lost").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    answer(&mut second, "answer").await.unwrap();
    assert_eq!(recv(&healthy).await.unwrap(), "answer");
}

per_cell! { a_reply_to_a_closed_unix_peer_is_an_error_of_its_own {
    unix_datagram_a_reply_to_a_closed_peer_is_an_error_of_its_own => UNIX_DATAGRAM,
} }

async fn long_datagrams_are_truncated_and_reported(cell: Cell) {
    let limits = PeerLimits { max_message: 5, ..PeerLimits::default() };
    let mut listener = bind(cell, &limits).await;
    let client = client(&listener).await;
    for message in ["too long", "short", ""] {
        client.send(message.as_bytes()).await.unwrap();
    }
    let mut peer = accept_peer(&mut listener).await;
    for expected in ["truncated: 8", "short", ""] {
        assert_eq!(hear(&mut peer).await.unwrap().unwrap(), expected);
    }
}

per_cell! { long_datagrams_are_truncated_and_reported {
    unix_datagram_long_datagrams_are_truncated_and_reported => UNIX_DATAGRAM,
    ipv4_datagram_long_datagrams_are_truncated_and_reported => IPV4_DATAGRAM,
    ipv6_datagram_long_datagrams_are_truncated_and_reported => IPV6_DATAGRAM,
} }

#[tokio::test]
async fn unix_datagram_path_stays_until_the_last_peer_of_a_dropped_listener_is_gone() {
    within(async {
        let path = std::env::temp_dir().join(format!("anysock-async-peers-{}", std::process::id()));
        let addr: Addr = UnixAddr::path(&path).unwrap().into();
        let limits = PeerLimits::default();
        let mut listener =
            anysock_async::bind(&addr, Type::Datagram, &Options::new(), &limits).await.unwrap();
        let client = Socket::open(Cell::UNIX_DATAGRAM).unwrap();
        client.bind(&fresh(Cell::UNIX_DATAGRAM.domain)).unwrap();
        client.send_message(&[IoSlice::new(b"hello")], &Outgoing::to(&addr)).unwrap();
        let peer = accept_peer(&mut listener).await;
        drop(listener);
        assert!(path.exists());
        drop(peer);
        assert!(!path.exists());
    })
    .await;
}

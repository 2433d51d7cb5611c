//! A transport that connects again: what it tells, what it never repeats, and when it stops.

use std::future::IntoFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anysock::framing::AsPayload;
use anysock::prelude::*;
use anysock::{
    Attached, Backoff, Connection, Delimited, Error, ErrorKind, GaveUp, Listener, Options,
    Reconnecting,
};
use tokio::time::{Instant, timeout};

const DEADLINE: Duration = Duration::from_secs(30);

/// No test waits for ever.
async fn within<T>(test: impl Future<Output = T>) -> T {
    timeout(DEADLINE, test).await.expect("this hangs")
}

/// Short pauses, or the tests take long.
fn quick() -> Backoff {
    Backoff::default().first(Duration::from_millis(2)).longest(Duration::from_millis(20))
}

fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{what}-{}-{count}", std::process::id())
}

async fn reconnecting(listener: &Listener) -> Reconnecting {
    anysock::connect(listener.endpoint()).reconnecting(quick()).await.expect("connected")
}

async fn heard(from: &mut impl RecvHalf) -> String {
    let message = from.recv().await.expect("received").expect("a message");
    String::from_utf8(message.to_vec()).expect("text")
}

/// What a report says: the connection, messages sent, those that had not left, whether it failed.
fn report(error: &Error) -> (u64, u64, u64, bool) {
    assert!(!error.is_fatal());
    match error.kind() {
        ErrorKind::Reconnected { connection, attempts, sent, unflushed, cause } => {
            assert!(*attempts > 0);
            (*connection, *sent, *unflushed, cause.is_some())
        }
        _ => panic!("no report: {error}"),
    }
}

/// Sends until it is told that the connection was lost; how many sends went well before.
async fn send_until_told(to: &mut impl SendHalf) -> (u64, Error) {
    for count in 0.. {
        match to.send("into the void").await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => return (count, error),
        }
    }
    unreachable!()
}

/// Has a server that closes in order after a message of each side, and again after the next.
async fn tells_of_each_connection_and_repeats_nothing(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let mut client = reconnecting(&listener).await;
    for number in 1..4 {
        let mut peer = listener.accept().await.expect("accepted");
        client.send(format!("request {number}")).await.expect("sent");
        // The first that arrives here is the first that was sent after the report.
        assert_eq!(heard(&mut peer).await, format!("request {number}"));
        peer.send(format!("reply {number}")).await.expect("sent");
        drop(peer);
        assert_eq!(heard(&mut client).await, format!("reply {number}"));
        let error = client.recv().await.expect_err("a report");
        assert_eq!(report(&error), (number + 1, 1, 0, false));
        assert_eq!(client.connections(), number + 1);
    }
    let stats = client.stats();
    assert_eq!((stats.sent, stats.received), (3, 3));
}

/// A server that is gone with a message unread, and comes back at the same place after a while.
async fn waits_for_a_server_that_is_away(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let endpoint = listener.endpoint().clone();
    let mut client = reconnecting(&listener).await;
    client.send("never read").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    peer.send("last words").await.expect("sent");
    drop((peer, listener));

    assert_eq!(heard(&mut client).await, "last words");
    // Dropped, the wait for the report goes on with the next call.
    for _ in 0..5 {
        let waiting = timeout(Duration::from_millis(5), client.recv()).await;
        assert!(waiting.is_err(), "nobody is there: {waiting:?}");
    }
    let mut listener = anysock::bind(endpoint).await.expect("bound again");
    let error = client.recv().await.expect_err("a report");
    let (number, sent, unflushed, _) = report(&error);
    assert_eq!((number, sent, unflushed), (2, 1, 0));

    let mut peer = listener.accept().await.expect("accepted");
    client.send("read").await.expect("sent");
    assert_eq!(heard(&mut peer).await, "read");
    peer.send("answered").await.expect("sent");
    assert_eq!(heard(&mut client).await, "answered");
}

/// Sending meets the loss, and the message at hand is not sent to the new connection.
async fn sending_is_told_as_well(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let mut client = reconnecting(&listener).await;
    client.send("first").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    assert_eq!(heard(&mut peer).await, "first");
    drop(peer);

    let (count, error) = send_until_told(&mut client).await;
    let (number, sent, unflushed, failed) = report(&error);
    // With the one that met it, or without.
    assert!(number == 2 && failed && (sent == 1 + count || sent == 2 + count), "{error}");
    assert_eq!(unflushed, sent - 1 - count);
    client.send("second").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    assert_eq!(heard(&mut peer).await, "second");
    // Nothing came in between: receiving is not told again.
    peer.send("reply").await.expect("sent");
    assert_eq!(heard(&mut client).await, "reply");
}

/// Each half is told once, whichever met the loss.
async fn each_half_is_told(endpoint: String) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let (mut sending, mut receiving) = reconnecting(&listener).await.split();
    let receiver = tokio::spawn(async move {
        let mut told = Vec::new();
        loop {
            match receiving.recv().await {
                Ok(Some(message)) if message == "enough" => return told,
                Ok(Some(_)) => {}
                Ok(None) => panic!("there is no end"),
                Err(error) => told.push(report(&error).0),
            }
        }
    });
    let mut peer = listener.accept().await.expect("accepted");
    sending.send("hello").await.expect("sent");
    assert_eq!(heard(&mut peer).await, "hello");
    drop(peer);
    let mut peer = listener.accept().await.expect("accepted again");
    let (_, error) = send_until_told(&mut sending).await;
    assert_eq!(report(&error).0, 2);
    sending.send("hello again").await.expect("sent");
    assert_eq!(heard(&mut peer).await, "hello again");
    peer.send("enough").await.expect("sent");
    assert_eq!(receiver.await.expect("no panic"), [2]);
}

macro_rules! over_connections {
    ($($behaviour:ident,)*) => {
        mod over {
            $(
                mod $behaviour {
                    use super::super::{unique, within};

                    #[tokio::test]
                    async fn unix_stream() {
                        within(super::super::$behaviour(path("unix:"))).await;
                    }

                    #[tokio::test]
                    async fn unix_seqpacket() {
                        within(super::super::$behaviour(path("unix-seqpacket:"))).await;
                    }

                    #[tokio::test]
                    async fn ipv4_stream() {
                        within(super::super::$behaviour("tcp://127.0.0.1:0".into())).await;
                    }

                    #[tokio::test]
                    async fn ipv6_stream() {
                        within(super::super::$behaviour("tcp://[::1]:0".into())).await;
                    }

                    #[tokio::test]
                    async fn in_memory() {
                        within(super::super::$behaviour(format!("mem:{}", unique("again")))).await;
                    }

                    fn path(scheme: &str) -> String {
                        let path = std::env::temp_dir().join(unique("anysock-again"));
                        format!("{scheme}{}", path.display())
                    }
                }
            )*
        }
    };
}

over_connections! {
    tells_of_each_connection_and_repeats_nothing,
    waits_for_a_server_that_is_away,
    sending_is_told_as_well,
    each_half_is_told,
}

#[tokio::test]
async fn a_unix_datagram_client_finds_the_server_that_took_the_place() {
    within(async {
        let path = std::env::temp_dir().join(unique("anysock-again"));
        let endpoint = format!("unix-dgram:{}", path.display());
        let mut listener = anysock::bind(&endpoint).await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("first").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "first");
        drop((peer, listener));

        // The listener's task lets go of the path in its own time.
        let mut listener = loop {
            match anysock::bind(&endpoint).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        };
        let (_, error) = send_until_told(&mut client).await;
        assert_eq!(report(&error).0, 2);
        client.send("second").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "second");
    })
    .await;
}

#[tokio::test]
async fn a_udp_client_needs_no_other_connection() {
    within(async {
        let mut listener = anysock::bind("udp://127.0.0.1:0").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("hello").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "hello");
        drop((peer, listener));
        for _ in 0..10 {
            if let Err(error) = client.send("to nobody").await {
                assert!(matches!(error.kind(), ErrorKind::Refused(_)), "{error}");
            }
        }
        assert_eq!(client.connections(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_the_lost_connection_holds_comes_first_and_the_report_between() {
    within(async {
        let mut listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        let mut peer = listener.accept().await.expect("accepted");
        for word in ["one", "two", "three"] {
            peer.send(word).await.expect("sent");
        }
        drop(peer);
        let (_, error) = send_until_told(&mut client).await;
        assert_eq!(report(&error).0, 2);
        let mut peer = listener.accept().await.expect("accepted");
        peer.send("four").await.expect("sent");
        for word in ["one", "two", "three"] {
            assert_eq!(heard(&mut client).await, word);
        }
        // The same event as before, at its place between the messages.
        assert_eq!(report(&client.recv().await.expect_err("a report")).0, 2);
        assert_eq!(heard(&mut client).await, "four");
        client.send("not told again").await.expect("sent");
        assert_eq!(heard(&mut peer).await, "not told again");
    })
    .await;
}

#[tokio::test]
async fn what_had_not_left_is_counted_and_goes_nowhere() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("sent").await.expect("sent");
        drop(listener.accept().await.expect("accepted")); // with a message unread
        for _ in 0..3 {
            client.feed("fed").await.expect("taken");
        }
        let error = client.flush().await.expect_err("a report");
        assert_eq!(report(&error), (2, 4, 3, true));
        client.send("after").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "after");
    })
    .await;
}

#[tokio::test]
async fn a_message_is_given_back_while_the_report_is_due() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        drop(listener.accept().await.expect("accepted"));
        let error = client.recv().await.expect_err("a report");
        assert_eq!(report(&error).0, 2);
        drop(listener.accept().await.expect("accepted"));
        drop(listener);
        client.send("takes note").now_or_pending().await;
        let refused = client.try_send("mine").expect_err("nobody is there");
        assert_eq!(refused.message, "mine");
        assert!(matches!(refused.error.kind(), ErrorKind::NotReady), "{}", refused.error);
    })
    .await;
}

/// Polls a few times and lets go.
trait NowOrPending: Future + Sized {
    async fn now_or_pending(self) {
        let _ = timeout(Duration::from_millis(5), self).await;
    }
}

impl<F: Future> NowOrPending for F {}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    within(async {
        let endpoint = format!("unix:@{}", unique("late"));
        let mut connecting = anysock::connect(&endpoint).reconnecting(quick()).into_future();
        let early = timeout(Duration::from_millis(5), &mut connecting).await;
        assert!(early.is_err(), "nobody is there: {early:?}");
        let mut listener = anysock::bind(&endpoint).await.expect("bound");
        let mut client = connecting.await.expect("connected");
        client.send("hello").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "hello");
    })
    .await;
}

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
async fn an_end_in_order_is_the_end_where_that_was_asked_for() {
    within(async {
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0"] {
            let mut listener = anysock::bind(endpoint).await.expect("bound");
            let connect = anysock::connect(listener.endpoint()).reconnecting(quick());
            let mut client = connect.clone().ends_with_peer().await.expect("connected");
            assert!(client.guarantees().contains(Guarantees::END_OF_FILE));
            let mut peer = listener.accept().await.expect("accepted");
            peer.send("goodbye").await.expect("sent");
            drop(peer);
            assert_eq!(heard(&mut client).await, "goodbye");
            for _ in 0..3 {
                assert!(client.recv().await.expect("no error").is_none());
            }
            // Sending to it fails some time, and connects no more.
            let (_, error) = send_until_told(&mut client).await;
            assert!(error.is_fatal(), "{error}");
            assert!(client.recv().await.expect("no error").is_none());
            assert_eq!(client.connections(), 1);

            // A failure is made good all the same.
            let mut client = connect.ends_with_peer().await.expect("connected");
            client.send("never read").await.expect("sent");
            drop(listener.accept().await.expect("accepted"));
            let error = client.recv().await.expect_err("a report");
            assert_eq!(report(&error).0, 2);
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_ends_first_gets_the_replies_that_wait() {
    within(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let endpoint = format!("tcp://{}", listener.local_addr().expect("an address"));
        let connect = anysock::connect(endpoint).codec(Delimited::lines());
        let mut client = connect.reconnecting(quick()).await.expect("connected");
        let (mut peer, _) = listener.accept().expect("accepted");
        // Before the first look at the socket: the end is known with the request.
        std::io::Write::write_all(&mut peer, b"request\n").expect("written");
        peer.shutdown(std::net::Shutdown::Write).expect("ended");
        let server = tokio::task::spawn_blocking(move || {
            use std::io::Read;
            let mut all = String::new();
            peer.read_to_string(&mut all).expect("read");
            all
        });
        assert_eq!(heard(&mut client).await, "request");
        client.feed("reply").await.expect("taken");
        assert_eq!(report(&client.recv().await.expect_err("a report")), (2, 1, 0, false));
        assert_eq!(server.await.expect("no panic"), "reply\n");
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

#[tokio::test]
async fn closing_flushes_and_is_the_end() {
    within(async {
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://[::1]:0"] {
            let mut listener = anysock::bind(endpoint).await.expect("bound");
            let mut client = reconnecting(&listener).await;
            let mut peer = listener.accept().await.expect("accepted");
            client.feed("goodbye").await.expect("taken");
            let peer = async {
                peer.send("not received any more").await.expect("sent");
                assert_eq!(heard(&mut peer).await, "goodbye");
                assert!(peer.recv().await.expect("an orderly end").is_none());
                drop(peer);
            };
            let (closed, ()) = tokio::join!(client.close(), peer);
            closed.expect("closed");
            assert!(client.recv().await.expect("no error").is_none());
            let error = client.send("too late").await.expect_err("closed");
            assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
            client.close().await.expect("closed already");
            assert_eq!(client.connections(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn closing_without_a_connection_says_what_was_lost() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let mut client = reconnecting(&listener).await;
        client.send("never read").await.expect("sent");
        drop(listener.accept().await.expect("accepted"));
        drop(listener);
        assert!(timeout(Duration::from_millis(5), client.recv()).await.is_err());
        let error = client.close().await.expect_err("something was lost");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionAborted), "{error}");
        assert!(client.recv().await.expect_err("no orderly end").is_fatal());
    })
    .await;
}

#[tokio::test]
async fn a_half_that_is_dropped_does_not_stop_the_other() {
    within(async {
        let mut listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let (sending, mut receiving) = reconnecting(&listener).await.split();
        drop(sending);
        for number in 1..4 {
            let mut peer = listener.accept().await.expect("accepted");
            peer.send("news").await.expect("sent");
            assert_eq!(heard(&mut receiving).await, "news");
            drop(peer);
            let error = receiving.recv().await.expect_err("a report");
            assert_eq!(report(&error), (number + 1, 0, 0, false));
        }
        drop(receiving);

        let mut listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let (mut sending, receiving) = reconnecting(&listener).await.split();
        drop(receiving);
        for number in 1..4 {
            drop(listener.accept().await.expect("accepted"));
            let (_, error) = send_until_told(&mut sending).await;
            assert_eq!(report(&error).0, number + 1);
        }
        sending.send("heard").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "heard");
        // Nobody else reads: closing drains what the peer still sends, until its end.
        peer.send("unread").await.expect("sent");
        assert!(timeout(Duration::from_millis(20), sending.close()).await.is_err());
        assert!(peer.recv().await.expect("an orderly end").is_none());
        drop(peer);
        sending.close().await.expect("closed");
    })
    .await;
}

#[tokio::test]
async fn a_sender_that_is_blocked_is_woken_by_the_loss_that_the_receiver_meets() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let (mut sending, mut receiving) = reconnecting(&listener).await.split();
        let peer = listener.accept().await.expect("accepted");
        let sent = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&sent);
        let blocked = tokio::spawn(async move {
            let large = vec![0; 256 * 1024];
            loop {
                if let Err(error) = sending.send(large.clone()).await {
                    return (sending, error);
                }
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let receiver = tokio::spawn(async move { (receiving.recv().await, receiving) });
        // Nobody reads: the sender fills the buffers, and then waits, however often it is asked.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(sent.load(Ordering::Relaxed) < 100, "so much fits no buffer");
        drop(peer);
        let (mut sending, error) = blocked.await.expect("no panic");
        assert_eq!(report(&error).0, 2);
        let (told, _receiving) = receiver.await.expect("no panic");
        assert_eq!(report(&told.expect_err("a report")).0, 2);
        let mut peer = listener.accept().await.expect("accepted");
        sending.send("small").await.expect("sent");
        assert_eq!(heard(&mut peer).await, "small");
    })
    .await;
}

#[tokio::test]
async fn a_client_with_a_place_of_its_own_takes_it_again() {
    within(async {
        let path = std::env::temp_dir().join(unique("anysock-client"));
        let from = anysock::UnixAddr::path(&path).expect("a path");
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let connect = anysock::connect(listener.endpoint()).local_addr(from.clone());
        let mut client = connect.reconnecting(quick()).await.expect("connected");
        for number in 2..4 {
            let peer = listener.accept().await.expect("accepted");
            assert_eq!(peer.peer_addr().expect("told"), from.clone().into());
            drop(peer);
            let (_, error) = send_until_told(&mut client).await;
            assert_eq!(report(&error).0, number);
        }
        drop(client);
        assert!(!path.exists());
    })
    .await;
}

#[tokio::test]
async fn what_was_ready_for_the_connection_before_is_not_taken_for_the_next() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let (mut sending, mut receiving) = reconnecting(&listener).await.split();
        sending.ready().await.expect("ready");
        drop(listener.accept().await.expect("accepted"));
        assert_eq!(report(&receiving.recv().await.expect_err("a report")).0, 2);

        let mut attached = Attached::nothing();
        // It is for the connection that is gone, and is told of with it.
        sending.start_send("for the first".as_payload(), &mut attached).expect("taken");
        let refused = sending.start_send("not asked".as_payload(), &mut attached);
        let refused = refused.expect_err("nobody said that it was ready");
        assert!(matches!(refused.kind(), ErrorKind::NotReady), "{refused}");
        let error = sending.flush().await.expect_err("a report");
        assert_eq!(report(&error), (2, 1, 1, false));
        sending.send("for the second").await.expect("sent");
        let mut peer = listener.accept().await.expect("accepted");
        assert_eq!(heard(&mut peer).await, "for the second");
        assert_eq!((sending.stats().sent, sending.stats().sent_bytes), (2, 13 + 14));
    })
    .await;
}

#[tokio::test]
async fn closing_one_half_ends_the_others_wait_for_a_connection() {
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let patient = Backoff::default().first(DEADLINE * 1000).longest(DEADLINE * 1000);
        let connect = anysock::connect(listener.endpoint()).reconnecting(patient);
        let (mut sending, mut receiving) = connect.await.expect("connected").split();
        sending.send("never read").await.expect("sent");
        drop(listener.accept().await.expect("accepted"));
        assert!(timeout(Duration::from_millis(5), receiving.recv()).await.is_err());
        let waiting = tokio::spawn(async move { receiving.recv().await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        sending.close().await.expect_err("something was lost");
        let error = waiting.await.expect("no panic").expect_err("no orderly end");
        assert!(error.is_fatal(), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_many_connections_no_message_arrives_twice_or_late() {
    const CONNECTIONS: u64 = 100;
    within(async {
        let mut listener = anysock::bind("unix:").await.expect("bound");
        let endpoint = listener.endpoint().clone();
        let server = tokio::spawn(async move {
            let mut arrived = Vec::new();
            for number in 0..CONNECTIONS {
                let mut peer = listener.accept().await.expect("accepted");
                for _ in 0..number % 5 {
                    peer.send("proof").await.expect("sent");
                    let message = heard(&mut peer).await;
                    arrived.push(message.parse::<u64>().expect("a number"));
                }
            }
            arrived
        });
        let steady = Backoff::default().first(Duration::from_millis(1)).longest(Duration::ZERO);
        let client = anysock::connect(endpoint).reconnecting(steady.attempts(1));
        let (mut sending, mut receiving) = client.await.expect("connected").split();
        let sender = tokio::spawn(async move {
            let mut told = Vec::new();
            for number in 0_u64.. {
                match sending.send(number.to_string()).await {
                    Ok(()) => {}
                    Err(error) if error.is_fatal() => break,
                    Err(error) => told.push(report(&error).0),
                }
            }
            told
        });
        let receiver = tokio::spawn(async move {
            let mut told = Vec::new();
            loop {
                match receiving.recv().await {
                    Ok(message) => assert!(message.is_some(), "there is no end"),
                    Err(error) if error.is_fatal() => return told,
                    Err(error) => told.push(report(&error).0),
                }
            }
        });
        let arrived = server.await.expect("no panic");
        assert!(arrived.is_sorted_by(|one, next| one < next), "{arrived:?}");
        assert_eq!(arrived.len(), 200);
        let mut last = Vec::new();
        for told in [sender.await, receiver.await] {
            let told = told.expect("no panic");
            assert!(told.is_sorted_by(|one, next| one < next), "{told:?}");
            last.extend(told.last().copied());
        }
        // Whoever makes a connection is told at once; the other may be told of two by one report.
        assert!(last.iter().max() >= Some(&CONNECTIONS), "{last:?}");
    })
    .await;
}

#[tokio::test]
async fn its_guarantees_are_those_that_hold_across_a_loss() {
    within(async {
        let listener = anysock::bind("unix-seqpacket:").await.expect("bound");
        let client = reconnecting(&listener).await;
        assert_eq!(client.guarantees(), Guarantees::BOUNDARIES | Guarantees::CONNECTION_ORIENTED);
        client.require(Guarantees::RELIABLE).expect_err("what is in flight may be lost");
        let connection = Connection::from_transport(client);
        assert_eq!(connection.max_message(), 64 * 1024);
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
async fn its_halves_tell_all_that_they_count() {
    within(async {
        let mut listener = anysock::bind("unix:").await.unwrap();
        let (mut sending, mut receiving) = reconnecting(&listener).await.split();
        let mut peer = listener.accept().await.unwrap();
        sending.send("hello").await.unwrap();
        peer.send("hello").await.unwrap();
        assert_eq!(heard(&mut receiving).await, "hello");
        let (sent, received) = (sending.stats(), receiving.stats());
        assert_eq!((sent.sent, sent.send_calls, sent.most_unsent), (1, 1, 9));
        assert!(received.received == 1 && received.receive_calls >= 1, "{received:?}");
        assert_eq!((sent.receive_calls, received.send_calls), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn who_feeds_what_is_flushed_by_itself_is_told_before_anything_goes_over_another_connection()
{
    within(async {
        let mut listener = anysock::bind("unix:").await.unwrap();
        let (sending, _receiving) = reconnecting(&listener).await.split();
        let mut sending = sending.auto_flush();
        drop(listener.accept().await.unwrap());
        let mut fed = 0;
        let error = loop {
            match sending.feed("for the first").await {
                Ok(()) => fed += 1,
                Err(error) => break error,
            }
            // Long enough for the task that flushes to find the loss, and to connect again.
            tokio::time::sleep(Duration::from_millis(60)).await;
        };
        assert_eq!(report(&error).1, fed);
        sending.feed("for the second").await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(heard(&mut peer).await, "for the second");
    })
    .await;
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

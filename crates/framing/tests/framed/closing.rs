//! Law 5: what closing does, and does not destroy.

use std::io::Read as _;
use std::time::Duration;

use anysock_framing::{ErrorKind, Framed, Io, LengthDelimited, RecvExt, SendExt};
use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

use crate::fake::{Fake, Read};
use crate::within;

#[tokio::test(start_paused = true)]
async fn closing_flushes_ends_and_reads_until_the_peer_has_ended() {
    let (mut framed, fake) = Fake::framed();
    assert_ready_ok!(task::spawn(framed.feed("last")).poll());
    fake.decide(|state| state.room = 2);
    let mut close = task::spawn(framed.close());
    assert_pending!(close.poll());
    assert!(!fake.is_shut_down());
    fake.decide(|state| state.room = 100);
    assert!(close.is_woken());
    assert_pending!(close.poll());
    assert_eq!(fake.output(), b"\x04last");
    assert!(fake.is_shut_down());
    fake.brings(b"\x05never wanted");
    assert!(close.is_woken());
    assert_pending!(close.poll());
    fake.reads(Read::End);
    assert_ready_ok!(close.poll());
    drop(close);
    assert_ready_ok!(task::spawn(framed.close()).poll());
}

#[tokio::test(start_paused = true)]
async fn closing_waits_two_seconds_for_a_silent_peer() {
    let (mut framed, _fake) = Fake::framed();
    let since = Instant::now();
    framed.close().await.unwrap();
    // The clock of tokio counts whole milliseconds, rounded up.
    assert!((2000..=2001).contains(&since.elapsed().as_millis()), "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_floods_does_not_hold_up_closing_beyond_the_deadline() {
    let (mut framed, fake) = Fake::framed();
    fake.reads(Read::Endless(0));
    let mut close = task::spawn(framed.close());
    assert_pending!(close.poll());
    advance(Duration::from_millis(1900)).await;
    assert_pending!(close.poll());
    advance(Duration::from_millis(200)).await;
    assert_ready_ok!(close.poll());
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_a_peer_that_has_ended() {
    let (mut framed, fake) = Fake::framed();
    fake.reads(Read::End);
    assert!(assert_ready_ok!(task::spawn(framed.recv()).poll()).is_none());
    assert_ready_ok!(task::spawn(framed.close()).poll());
    assert!(fake.is_shut_down());
}

#[tokio::test(start_paused = true)]
async fn after_closing_nothing_is_sent_and_the_rest_of_a_message_is_not_taken_for_one() {
    let (mut framed, fake) = Fake::framed();
    fake.brings(b"\x01a\x08\x01");
    assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), "a");
    framed.close().await.unwrap();
    fake.brings(b"b\x01c\x01d");
    assert!(assert_ready_ok!(task::spawn(framed.recv()).poll()).is_none());
    let error = framed.send("late").await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Closed), "{error}");
    assert!(!error.is_fatal());
    assert!(fake.output().is_empty());
}

#[tokio::test(start_paused = true)]
async fn closing_the_sending_half_leaves_the_receiving_half_usable() {
    let (framed, fake) = Fake::framed();
    let (mut sending, mut receiving) = framed.split();
    assert_ready_ok!(task::spawn(sending.close()).poll());
    assert!(fake.is_shut_down());
    fake.brings(b"\x05reply");
    assert_eq!(assert_ready_ok!(task::spawn(receiving.recv()).poll()).unwrap(), "reply");
}

#[tokio::test(start_paused = true)]
async fn a_sending_half_that_is_alone_reads_until_the_peer_has_ended() {
    let (framed, fake) = Fake::framed();
    let (mut sending, receiving) = framed.split();
    drop(receiving);
    fake.brings(b"\x05reply");
    let mut close = task::spawn(sending.close());
    assert_pending!(close.poll());
    fake.reads(Read::End);
    assert_ready_ok!(close.poll());
}

#[tokio::test(start_paused = true)]
async fn a_close_that_was_dropped_at_any_poll_goes_on_where_it_was() {
    let (mut framed, fake) = Fake::framed();
    fake.decide(|state| (state.hesitates, state.chunk) = (true, 1));
    assert_ready_ok!(task::spawn(framed.feed("last")).poll());
    fake.reads(Read::End);
    let mut polls = 0;
    while task::spawn(framed.close()).poll().is_pending() {
        polls += 1;
        assert!(polls < 100, "it does not end");
    }
    assert_eq!(fake.output(), b"\x04last");
    assert!(fake.is_shut_down());
    assert!(polls >= 5, "{polls}");
}

/// Without draining, the reset that unread input causes destroys what was sent.
#[tokio::test]
async fn closing_with_an_unread_byte_does_not_destroy_what_was_sent() {
    const MESSAGE: usize = 64 * 1024;
    const MESSAGES: usize = 60;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let client = std::thread::spawn(move || {
        let mut stream = std::net::TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        std::io::Write::write_all(&mut stream, b"?").unwrap();
        let mut got = Vec::new();
        let mut piece = vec![0; 16 * 1024];
        loop {
            match stream.read(&mut piece).unwrap() {
                0 => return got,
                length => got.extend_from_slice(&piece[..length]),
            }
        }
    });
    let (stream, _) = within(listener.accept()).await.unwrap();
    // The unread byte is here before anything is sent.
    within(stream.readable()).await.unwrap();
    let mut server = Framed::new(Io::new(stream), LengthDelimited::u32());
    for index in 0..MESSAGES {
        within(server.send(vec![index as u8; MESSAGE])).await.unwrap();
    }
    within(server.close()).await.unwrap();
    drop(server);
    let got = tokio::task::spawn_blocking(move || client.join().unwrap());
    let got = within(got).await.unwrap();
    assert_eq!(got.len(), MESSAGES * (4 + MESSAGE));
    for (index, frame) in got.chunks(4 + MESSAGE).enumerate() {
        assert!(frame[4..].iter().all(|&byte| byte == index as u8));
    }
}

#[tokio::test]
async fn halves_of_an_in_memory_pipe_work_at_the_same_time() {
    within(async {
        let (a, b) = tokio::io::duplex(7);
        let (mut a_send, mut a_recv) = Framed::new(Io::new(a), LengthDelimited::u32()).split();
        let mut b = Framed::new(Io::new(b), LengthDelimited::u32());
        let echo = tokio::spawn(async move {
            while let Some(message) = b.recv().await.unwrap() {
                b.send(message).await.unwrap();
            }
        });
        let sending = tokio::spawn(async move {
            for length in 0..200 {
                a_send.send(vec![b'x'; length]).await.unwrap();
            }
            a_send.close().await.unwrap();
        });
        for length in 0..200 {
            assert_eq!(a_recv.recv().await.unwrap().unwrap().len(), length);
        }
        echo.await.unwrap();
        assert!(a_recv.recv().await.unwrap().is_none());
        sending.await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_reader_that_gives_no_bytes_has_ended() {
    let mut framed = Framed::new(
        Io::new(tokio::io::join(tokio::io::empty(), tokio::io::sink())),
        LengthDelimited::u32(),
    );
    for _ in 0..2 {
        assert!(assert_ready!(task::spawn(framed.recv()).poll()).unwrap().is_none());
    }
}

//! Laws 4 and 6: what receiving does for this side's unsent messages, and how it ends.

use std::io;

use anysock_framing::{Error, ErrorKind, Guaranteed, RecvExt, SendExt};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok, task};

use crate::fake::{Fake, Read};

fn io_kind(error: &Error) -> io::ErrorKind {
    assert!(error.is_fatal(), "{error}");
    error.io_kind().unwrap()
}

#[tokio::test]
async fn recv_sends_what_is_unsent_when_it_would_wait_and_not_before() {
    let (mut framed, fake) = Fake::framed();
    fake.brings(b"\x01a\x01b");
    for _ in 0..2 {
        let message = assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap();
        assert_ready_ok!(task::spawn(framed.feed(message)).poll());
        assert!(fake.output().is_empty());
    }
    assert_pending!(task::spawn(framed.recv()).poll());
    assert_eq!(fake.output(), b"\x01a\x01b");
    assert_eq!(fake.flushed(), 4);
    assert_eq!(framed.stats().unsent, 0);
}

#[tokio::test]
async fn recv_flushes_what_the_stream_took_and_kept_back() {
    let (mut framed, fake) = Fake::framed();
    fake.decide(|state| state.holds_back = true);
    assert_pending!(task::spawn(framed.send("a")).poll());
    assert_eq!((framed.stats().unsent, fake.flushed()), (0, 0));
    let mut recv = task::spawn(framed.recv());
    assert_pending!(recv.poll());
    fake.decide(|state| state.holds_back = false);
    assert!(recv.is_woken());
    assert_pending!(recv.poll());
    assert_eq!(fake.flushed(), 2);
}

#[tokio::test]
async fn the_end_comes_after_the_last_reply_was_flushed() {
    let (mut framed, fake) = Fake::framed();
    fake.decide(|state| (state.room, state.holds_back) = (1, true));
    assert_ready_ok!(task::spawn(framed.feed("reply")).poll());
    fake.reads(Read::End);
    let mut recv = task::spawn(framed.recv());
    assert_pending!(recv.poll());
    fake.decide(|state| state.room = 100);
    assert!(recv.is_woken());
    assert_pending!(recv.poll());
    fake.decide(|state| state.holds_back = false);
    assert!(assert_ready_ok!(recv.poll()).is_none());
    drop(recv);
    assert_eq!(fake.flushed(), 6);
    assert!(assert_ready_ok!(task::spawn(framed.recv()).poll()).is_none());
}

#[tokio::test]
async fn a_message_cut_off_is_reported_after_the_replies_to_those_before_it() {
    let (mut framed, fake) = Fake::framed();
    fake.decide(|state| state.room = 0);
    assert_ready_ok!(task::spawn(framed.feed("reply")).poll());
    fake.brings(b"\x05cut");
    fake.reads(Read::End);
    let mut recv = task::spawn(framed.recv());
    assert_pending!(recv.poll());
    fake.decide(|state| state.room = 100);
    let error = assert_ready_err!(recv.poll());
    assert!(matches!(error.kind(), ErrorKind::CutOff { held: 4 }), "{error}");
    assert_eq!(fake.flushed(), 6);
}

#[tokio::test]
async fn a_flush_that_blocks_stops_neither_messages_nor_errors() {
    let fake = Fake::new();
    let handle = fake.handle();
    let codec = anysock_framing::LengthDelimited::u8().max(5);
    let mut framed = anysock_framing::Framed::new(fake, codec);
    handle.decide(|state| state.room = 0);
    assert_ready_ok!(task::spawn(framed.feed("reply")).poll());
    assert_pending!(task::spawn(framed.recv()).poll());
    handle.brings(b"\x02hi\x06");
    assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), "hi");
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(framed.recv()).poll());
        assert!(matches!(error.kind(), ErrorKind::Oversize { length: 6, .. }), "{error}");
    }
    assert!(handle.output().is_empty());
    handle.decide(|state| state.room = 100);
    assert_ready_ok!(task::spawn(framed.flush()).poll());
    assert_eq!(handle.output(), b"\x05reply");
}

#[tokio::test]
async fn a_flush_that_fails_within_recv_is_kept_for_sending_and_for_the_end() {
    let (mut framed, fake) = Fake::framed();
    assert_ready_ok!(task::spawn(framed.feed("reply")).poll());
    fake.decide(|state| state.failure = Some(libc::EPIPE));
    assert_pending!(task::spawn(framed.recv()).poll());
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(framed.feed("more")).poll());
        assert_eq!(io_kind(&error), io::ErrorKind::BrokenPipe);
        let error = assert_ready_err!(task::spawn(framed.flush()).poll());
        assert_eq!(io_kind(&error), io::ErrorKind::BrokenPipe);
        let error = assert_ready_err!(task::spawn(framed.ready()).poll());
        assert_eq!(io_kind(&error), io::ErrorKind::BrokenPipe);
        let error = assert_ready_err!(task::spawn(framed.close()).poll());
        assert_eq!(io_kind(&error), io::ErrorKind::BrokenPipe);
        let refused = framed.try_send("more").unwrap_err();
        assert_eq!((refused.message, io_kind(&refused.error)), ("more", io::ErrorKind::BrokenPipe));
    }
    fake.brings(b"\x02hi");
    fake.reads(Read::End);
    assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), "hi");
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(framed.recv()).poll());
        assert_eq!(io_kind(&error), io::ErrorKind::BrokenPipe);
    }
    assert_eq!(framed.stats().unsent, 0);
}

#[tokio::test]
async fn a_failed_send_does_not_pre_empt_what_was_received() {
    let (mut framed, fake) = Fake::framed();
    fake.brings(b"\x01a\x01b");
    fake.reads(Read::End);
    fake.decide(|state| state.failure = Some(libc::ECONNRESET));
    assert_ready_err!(task::spawn(framed.send("lost")).poll());
    for text in ["a", "b"] {
        assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), text);
    }
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(framed.recv()).poll());
        assert_eq!(io_kind(&error), io::ErrorKind::ConnectionReset);
    }
}

#[tokio::test]
async fn the_reset_that_the_sending_half_met_is_reported_by_the_receiving_half() {
    let (framed, fake) = Fake::framed();
    let (mut sending, mut receiving) = framed.split();
    fake.decide(|state| state.failure = Some(libc::EPIPE));
    assert_ready_err!(task::spawn(sending.send("lost")).poll());
    fake.brings(b"\x01a");
    assert_eq!(assert_ready_ok!(task::spawn(receiving.recv()).poll()).unwrap(), "a");
    let mut recv = task::spawn(receiving.recv());
    assert_pending!(recv.poll());
    fake.reads(Read::End);
    assert!(recv.is_woken());
    let error = assert_ready_err!(recv.poll());
    assert_eq!(io_kind(&error), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn an_end_that_was_reported_stays_an_end_when_sending_fails_afterwards() {
    let (mut framed, fake) = Fake::framed();
    fake.reads(Read::End);
    assert!(assert_ready_ok!(task::spawn(framed.recv()).poll()).is_none());
    fake.decide(|state| state.failure = Some(libc::EPIPE));
    assert_ready_err!(task::spawn(framed.send("late")).poll());
    assert!(assert_ready_ok!(task::spawn(framed.recv()).poll()).is_none());
    let (_, mut receiving) = framed.split();
    assert!(assert_ready_ok!(task::spawn(receiving.recv()).poll()).is_none());
}

#[tokio::test]
async fn a_reset_comes_after_the_messages_before_it_and_for_ever() {
    let (mut framed, fake) = Fake::framed();
    fake.brings(b"\x01a\x01b\x05cut");
    fake.reads(Read::Error(libc::ECONNRESET));
    fake.reads(Read::End);
    for text in ["a", "b"] {
        assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), text);
    }
    for _ in 0..3 {
        let error = assert_ready!(task::spawn(framed.recv()).poll()).unwrap_err();
        assert_eq!(io_kind(&error), io::ErrorKind::ConnectionReset);
    }
    assert_eq!(framed.stats().held, 0);
}

#[tokio::test]
async fn recv_many_keeps_an_error_for_the_call_after_the_messages() {
    let (mut framed, fake) = Fake::framed();
    fake.brings(b"\x01a\x01b\x05cut");
    fake.reads(Read::End);
    let mut messages = Vec::new();
    assert_eq!(assert_ready_ok!(task::spawn(framed.recv_many(&mut messages, 9)).poll()), 2);
    assert_eq!(messages, ["a", "b"]);
    for _ in 0..2 {
        let error = assert_ready_err!(task::spawn(framed.recv_many(&mut messages, 9)).poll());
        assert!(matches!(error.kind(), ErrorKind::CutOff { held: 4 }), "{error}");
    }
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn splitting_loses_nothing_of_what_was_read_and_what_is_unsent() {
    let (mut framed, fake) = Fake::framed();
    fake.brings(b"\x01a\x01b\x05he");
    assert_eq!(assert_ready_ok!(task::spawn(framed.recv()).poll()).unwrap(), "a");
    assert_ready_ok!(task::spawn(framed.feed("reply")).poll());
    let (mut sending, mut receiving) = framed.split();
    assert_eq!(assert_ready_ok!(task::spawn(receiving.recv()).poll()).unwrap(), "b");
    fake.brings(b"llo");
    assert_eq!(assert_ready_ok!(task::spawn(receiving.recv()).poll()).unwrap(), "hello");
    assert!(fake.output().is_empty());
    assert_ready_ok!(task::spawn(sending.flush()).poll());
    assert_eq!(fake.output(), b"\x05reply");
}

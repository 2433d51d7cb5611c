//! Where nobody asked for descriptors, and where none can be passed.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

use anysock_async::StreamSocket;
use anysock_core::{Addr, Ancillary, Cell, Socket, UnixAddr};
use anysock_framing::{
    Attached, Codec, Decoded, Error, ErrorKind, FrameWriter, Framed, Guaranteed, Io,
    LengthDelimited, RecvExt, SendExt, SendHalf,
};

use crate::cells::{assert_plain, next, pair, raw_and_framed, run};
use crate::limits::limit_descriptors;
use crate::tokens::{attached, make};
use crate::{alone, lacking, raw};

over_the_unix_cells! {
    unless_they_were_asked_for_descriptors_are_refused_or_closed,
    a_message_whose_descriptors_are_refused_is_dropped_alone,
}

/// Whether this kernel can refuse descriptors: Linux 6.16.
fn can_refuse() -> bool {
    let can = Socket::open(Cell::UNIX_STREAM).unwrap().set_pass_descriptors(false).unwrap();
    if !can {
        eprintln!("this kernel has no SO_PASSRIGHTS");
    }
    can
}

fn unless_they_were_asked_for_descriptors_are_refused_or_closed(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::NONE);
        let (along, tokens) = attached(3);
        match a.send_with("with descriptors", along).await {
            Err(error) => {
                assert!(!error.is_fatal());
                let ErrorKind::Dropped { source, .. } = error.kind() else { panic!("{error}") };
                assert_eq!(source.kind(), io::ErrorKind::PermissionDenied);
            }
            Ok(()) => {
                assert!(!can_refuse());
                assert_eq!(next(&mut b).await.take_descriptors().len(), 0);
            }
        }
        tokens.assert_closed();
        a.send("goes on").await.unwrap();
        assert_eq!(next(&mut b).await, "goes on");
    });
}

fn a_message_whose_descriptors_are_refused_is_dropped_alone(cell: Cell) {
    if !can_refuse() {
        return;
    }
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::NONE);
        let mut tokens = Vec::new();
        for number in 0..10 {
            let (along, those) = attached(number % 3);
            a.feed_with(format!("message {number}"), along).await.unwrap();
            tokens.push(those);
        }
        let error = a.flush().await.unwrap_err();
        let ErrorKind::Dropped { length, .. } = error.kind() else { panic!("{error}") };
        assert_eq!(*length, "message 1".len());
        a.flush().await.unwrap();
        assert_eq!((a.stats().dropped, a.stats().unsent), (6, 0));
        for number in [0, 3, 6, 9] {
            assert_eq!(next(&mut b).await, format!("message {number}"));
        }
        tokens.iter().for_each(|those| those.assert_closed());
    });
}

#[test]
fn a_message_whose_descriptors_are_too_many_on_their_way_is_dropped_alone() {
    let test = "refused::a_message_whose_descriptors_are_too_many_on_their_way_is_dropped_alone";
    // Nobody else has any on their way as that user.
    const USER: u32 = 64_517;
    if !alone::here(test) {
        return;
    }
    run(async {
        let (mut a, mut b) = pair(Cell::UNIX_STREAM, Ancillary::DESCRIPTORS);
        if !raw::become_unprivileged(USER) {
            return lacking::say("only root can change its user");
        }
        limit_descriptors(128);
        for round in 0..2 {
            let mut sent = 0;
            let error = loop {
                let files = (0..50).map(|_| File::open("/dev/null").unwrap());
                let along = files.fold(Attached::nothing(), Attached::descriptor);
                match a.send_with("with descriptors", along).await {
                    Ok(()) => sent += 1,
                    Err(error) => break error,
                }
                assert!(sent < 100, "there is no limit");
            };
            assert!(!error.is_fatal());
            let ErrorKind::Dropped { source, .. } = error.kind() else { panic!("{error}") };
            assert_eq!(source.raw_os_error(), Some(libc::ETOOMANYREFS));
            a.send("goes on").await.unwrap();
            for _ in 0..sent {
                assert_eq!(next(&mut b).await.take_descriptors().len(), 50);
            }
            assert_eq!(next(&mut b).await, "goes on");
            assert_eq!(a.stats().dropped, round + 1);
        }
    });
}

#[test]
fn a_plain_stream_closes_what_a_kernel_that_cannot_refuse_lets_by() {
    run(async {
        // Nobody told this socket to refuse, as on an older kernel.
        let (near, mut far) = raw_and_framed(LengthDelimited::u8(), Ancillary::NONE);
        let (descriptors, tokens) = make(2);
        raw::send(&near, b"\x03one", &descriptors);
        raw::send(&near, b"\x03two", &descriptors);
        drop(descriptors);
        for expected in ["one", "two"] {
            assert_plain(next(&mut far).await, expected.as_bytes());
        }
        tokens.assert_closed();
    });
}

#[test]
fn who_asks_for_credentials_alone_is_given_no_descriptors() {
    run(async {
        let (near, mut far) = raw_and_framed(LengthDelimited::u8(), Ancillary::CREDENTIALS);
        let (descriptors, tokens) = make(2);
        raw::send(&near, b"\x03one", &descriptors);
        drop(descriptors);
        let mut message = next(&mut far).await;
        assert!(message.credentials().is_some());
        assert_eq!(message.take_descriptors().len(), 0);
        tokens.assert_closed();
    });
}

#[test]
fn accepted_connections_take_what_their_listener_asked_for() {
    run(async {
        let listener = Socket::open(Cell::UNIX_STREAM).unwrap();
        listener.ask(Ancillary::DESCRIPTORS, true).unwrap();
        listener.bind(&Addr::Unix(UnixAddr::Unnamed)).unwrap();
        listener.listen(8).unwrap();
        let client = Socket::open(Cell::UNIX_STREAM).unwrap();
        client.set_pass_descriptors(false).unwrap();
        client.connect(&listener.local_addr().unwrap()).unwrap();
        let client = StreamSocket::new(client).unwrap();
        let mut client = Framed::new(client, LengthDelimited::u32());
        let (along, tokens) = attached(2);
        // Before it is accepted.
        client.send_with("early", along).await.unwrap();
        let peer = StreamSocket::new(listener.accept().unwrap().0).unwrap();
        let mut peer = Framed::new(peer, LengthDelimited::u32());
        tokens.check(&next(&mut peer).await.take_descriptors());
        let (along, tokens) = attached(1);
        client.send_with("late", along).await.unwrap();
        tokens.check(&next(&mut peer).await.take_descriptors());
        if can_refuse() {
            // The client has asked for none.
            let (along, tokens) = attached(1);
            peer.send_with("back", along).await.unwrap_err();
            tokens.assert_closed();
        }
    });
}

/// Refused, and everything as it was.
async fn is_not_attachable(mut to: impl SendHalf, mut along: Attached) -> Attached {
    to.ready().await.unwrap();
    let mut message = String::from("message");
    let payload = anysock_framing::AsPayload::as_payload(&mut message);
    let error = to.start_send(payload, &mut along).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotAttachable { .. }), "{error}");
    assert!(!error.is_fatal());
    assert_eq!(message, "message");
    to.send("goes on").await.unwrap();
    along
}

#[test]
fn what_carries_no_descriptors_says_so_and_leaves_them_alone() {
    run(async {
        let (wrapped, _other) = StreamSocket::pair().unwrap();
        let (duplex, _far) = tokio::io::duplex(100);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
        let tcp = anysock::connect(&endpoint).await.unwrap();
        let codec = LengthDelimited::u32();
        let (along, tokens) = attached(2);
        let along = is_not_attachable(Framed::new(Io::new(wrapped), codec), along).await;
        let along = is_not_attachable(Framed::new(Io::new(duplex), codec), along).await;
        let along = is_not_attachable(tcp, along).await;
        tokens.check(along.descriptors());
        drop(along);
        tokens.assert_closed();
        let (unix, _far) = StreamSocket::pair().unwrap();
        let along = Attached::nothing().traffic_class(1);
        drop(is_not_attachable(Framed::new(unix, codec), along).await);
    });
}

/// Of an empty message it writes nothing.
#[derive(Clone, Debug)]
struct Bare;

impl Codec for Bare {
    fn max_message(&self) -> usize {
        100
    }
    fn encode(&mut self, frame: &mut FrameWriter<'_>) -> Result<(), Error> {
        frame.payload();
        Ok(())
    }
    fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        Ok(Decoded::frame(0..input.len(), input.len()))
    }
}

#[test]
fn a_frame_without_bytes_carries_no_descriptors() {
    run(async {
        let (a, b) = crate::cells::streams(Ancillary::DESCRIPTORS);
        let (mut a, mut b) = (Framed::new(a, Bare), Framed::new(b, Bare));
        let (along, tokens) = attached(2);
        let error = a.send_with("", along).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotAttachable { .. }), "{error}");
        tokens.assert_closed();
        let (along, tokens) = attached(2);
        a.send_with("bytes", along).await.unwrap();
        let mut message = next(&mut b).await;
        let descriptors: Vec<OwnedFd> = message.take_descriptors();
        tokens.check(&descriptors);
        drop(a);
        assert!(b.recv().await.unwrap().is_none());
    });
}

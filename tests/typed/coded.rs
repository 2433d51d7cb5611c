//! The codecs of tokio-util over every cell, and beside tokio-util's own framing.

use anysock::prelude::{AcceptExt as _, RecvExt as _, SendExt as _};
use anysock::{Cell, Coded, CodedError, ErrorKind, Guaranteed as _, Guarantees, Type, Unframed};
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use tokio_util::codec::{Framed, LengthDelimitedCodec, LinesCodec, LinesCodecError};
use tokio_util::udp::UdpFramed;

use crate::Directory;
use crate::links::{block_on, link};
use crate::support::{endpoint, over_the_matrix};

fn lines_there_and_back(cell: Cell) {
    block_on(async {
        let (client, peer) = link(cell, Unframed::new().into()).await;
        let is_stream = cell.kind == Type::Stream;
        assert_eq!(client.guarantees().contains(Guarantees::BOUNDARIES), !is_stream);
        let mut client = Coded::new(client, LinesCodec::new());
        let mut peer = Coded::new(peer, LinesCodec::new());
        for number in 0..100 {
            let line = format!("{number} ").repeat(number % 50);
            client.send(&line).await.unwrap();
            assert_eq!(peer.recv().await.unwrap().unwrap(), line);
            peer.send(line.to_uppercase()).await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), line.to_uppercase());
        }
    });
}

over_the_matrix!(lines_there_and_back);

fn several_items_may_come_as_one_message(cell: Cell) {
    block_on(async {
        let (mut client, peer) = link(cell, Unframed::new().into()).await;
        let mut peer = Coded::new(peer, LinesCodec::new());
        client.send("one\ntwo\nthree\n").await.unwrap();
        for line in ["one", "two", "three"] {
            assert_eq!(peer.recv().await.unwrap().unwrap(), line);
        }
    });
}

over_the_matrix!(several_items_may_come_as_one_message);

/// A stream that is out of step ends, a datagram costs itself.
fn what_the_decoder_refuses_costs_a_message_or_the_stream(cell: Cell) {
    block_on(async {
        let (mut client, peer) = link(cell, Unframed::new().into()).await;
        let mut peer = Coded::new(peer, LinesCodec::new_with_max_length(5));
        client.send("far too long\n").await.unwrap();
        client.send("good\n").await.unwrap();
        let error = peer.recv().await.unwrap_err();
        let is_the_codecs =
            matches!(error, CodedError::Codec(LinesCodecError::MaxLineLengthExceeded));
        assert!(is_the_codecs, "{error}");
        let next = peer.recv().await.unwrap();
        match cell.kind {
            Type::Stream => assert_eq!(next, None),
            _ => assert_eq!(next.unwrap(), "good"),
        }
    });
}

over_the_matrix!(what_the_decoder_refuses_costs_a_message_or_the_stream);

#[test]
fn a_datagram_that_ends_inside_an_item_costs_itself() {
    block_on(async {
        let (mut client, peer) = link(Cell::UNIX_SEQPACKET, Unframed::new().into()).await;
        let mut peer = Coded::new(peer, LengthDelimitedCodec::new());
        client.send([0, 0, 0, 9, b'x']).await.unwrap();
        client.send([0, 0, 0, 1, b'y']).await.unwrap();
        assert!(matches!(peer.recv().await.unwrap_err(), CodedError::Codec(_)));
        assert_eq!(peer.recv().await.unwrap().unwrap(), &b"y"[..]);
    });
}

#[test]
fn a_decoder_that_never_makes_anything_is_bounded() {
    block_on(async {
        let (mut client, peer) = link(Cell::UNIX_STREAM, Unframed::new().into()).await;
        let mut peer = Coded::new(peer, LinesCodec::new()).max(10_000);
        let sending = tokio::spawn(async move {
            // Until the other end is gone.
            while client.send(vec![b'x'; 4096]).await.is_ok() {}
        });
        let error = peer.recv().await.unwrap_err();
        match error {
            CodedError::Transport(error) => assert!(
                matches!(error.kind(), ErrorKind::Oversize { length: 10_001.., limit: 10_000 }),
                "{error}"
            ),
            CodedError::Codec(other) => panic!("{other}"),
        }
        assert!(peer.recv().await.unwrap().is_none());
        drop(peer);
        sending.await.unwrap();
    });
}

#[test]
fn a_last_line_without_its_end_comes_with_the_end_of_the_stream() {
    block_on(async {
        let (mut client, peer) = link(Cell::IPV4_STREAM, Unframed::new().into()).await;
        client.send("one\ntwo").await.unwrap();
        drop(client);
        let lines: Vec<_> = Coded::new(peer, LinesCodec::new()).try_collect().await.unwrap();
        assert_eq!(lines, ["one", "two"]);
    });
}

/// A peer that has tokio's socket and tokio-util's framing, and nothing of ours.
fn speaks_to_tokio_util(cell: Cell) {
    let directory = Directory::new();
    block_on(async {
        let mut listener =
            anysock::bind(endpoint(cell, &directory)).codec(Unframed::new()).await.unwrap();
        let at = listener.endpoint().clone();
        let serving = tokio::spawn(async move {
            let mut peer =
                Coded::new(listener.accept().await.unwrap(), LengthDelimitedCodec::new());
            while let Some(item) = peer.recv().await.unwrap() {
                peer.send(item.freeze()).await.unwrap();
            }
        });
        let items: Vec<_> = (0..100_usize).map(|n| Bytes::from(vec![n as u8; n * 97])).collect();
        match at.to_string().strip_prefix("tcp://") {
            Some(at) => {
                let stream = tokio::net::TcpStream::connect(at).await.unwrap();
                exchange(Framed::new(stream, LengthDelimitedCodec::new()), &items).await;
            }
            None => {
                let stream =
                    tokio::net::UnixStream::connect(directory.path("stream")).await.unwrap();
                exchange(Framed::new(stream, LengthDelimitedCodec::new()), &items).await;
            }
        }
        serving.await.unwrap();
    });
    directory.assert_empty();
}

async fn exchange<S>(mut other: Framed<S, LengthDelimitedCodec>, items: &[Bytes])
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    for item in items {
        other.send(item.clone()).await.unwrap();
        assert_eq!(other.next().await.unwrap().unwrap(), item[..]);
    }
}

#[test]
fn unix_stream_speaks_to_tokio_util() {
    speaks_to_tokio_util(Cell::UNIX_STREAM);
}

#[test]
fn ipv4_stream_speaks_to_tokio_util() {
    speaks_to_tokio_util(Cell::IPV4_STREAM);
}

#[test]
fn ipv6_stream_speaks_to_tokio_util() {
    speaks_to_tokio_util(Cell::IPV6_STREAM);
}

#[test]
fn ipv4_datagram_speaks_to_tokio_utils_udp_framed() {
    block_on(async {
        let mut listener = anysock::bind("udp://127.0.0.1:0").await.unwrap();
        let endpoint = listener.endpoint().to_string();
        let at = endpoint.strip_prefix("udp://").unwrap().parse().unwrap();
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut other = UdpFramed::new(socket, LinesCodec::new());
        other.send(("hello", at)).await.unwrap();
        let mut peer = Coded::new(listener.accept().await.unwrap(), LinesCodec::new());
        assert_eq!(peer.recv().await.unwrap().unwrap(), "hello");
        peer.send("good bye").await.unwrap();
        assert_eq!(other.next().await.unwrap().unwrap(), ("good bye".into(), at));
    });
}

#[test]
fn what_made_no_item_is_given_back_with_the_transport() {
    block_on(async {
        let (mut client, peer) = link(Cell::UNIX_STREAM, Unframed::new().into()).await;
        let mut peer = Coded::new(peer, LinesCodec::new());
        client.send("one\nand a ha").await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "one");
        let (mut transport, _, rest) = peer.into_parts();
        assert_eq!(rest, "and a ha");
        client.send("lf").await.unwrap();
        assert_eq!(transport.recv().await.unwrap().unwrap(), "lf");
    });
}

/// One piece of a stream may hold as many items as it has bytes.
#[test]
fn a_flood_of_small_items_lets_others_have_their_turn() {
    block_on(async {
        let (mut client, peer) = link(Cell::UNIX_STREAM, Unframed::new().into()).await;
        let mut peer = Coded::new(peer, LinesCodec::new());
        client.send(vec![b'\n'; 100_000]).await.unwrap();
        let turns = std::rc::Rc::new(std::cell::Cell::new(0));
        let local = tokio::task::LocalSet::new();
        let counted = std::rc::Rc::clone(&turns);
        local.spawn_local(async move {
            loop {
                counted.set(counted.get() + 1);
                tokio::task::yield_now().await;
            }
        });
        local
            .run_until(async {
                for _ in 0..50_000 {
                    assert_eq!(peer.recv().await.unwrap().unwrap(), "");
                }
            })
            .await;
        // As many as if each item were a message: one in 128.
        assert!(turns.get() > 300, "others had {} turns", turns.get());
    });
}

/// What was needed for a large item is not kept for as long as nothing comes.
#[test]
fn who_waits_holds_no_large_block() {
    block_on(async {
        let (client, peer) = link(Cell::UNIX_STREAM, Unframed::new().into()).await;
        let mut client = Coded::new(client, LinesCodec::new());
        let mut peer = Coded::new(peer, LinesCodec::new());
        let sending = tokio::spawn(async move {
            client.send("x".repeat(500_000)).await.unwrap();
            client
        });
        assert_eq!(peer.recv().await.unwrap().unwrap().len(), 500_000);
        let _client = sending.await.unwrap();
        let mut receiving = tokio_test::task::spawn(peer.recv());
        assert!(receiving.poll().is_pending());
        drop(receiving);
        let (_, _, mut held) = peer.into_parts();
        assert!(held.is_empty() && !held.try_reclaim(9_000), "a large block is still there");
    });
}

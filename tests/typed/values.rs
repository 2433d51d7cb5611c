//! Typed messages: JSON, postcard, protocol buffers.

use std::fmt::Debug;
use std::io::{Read as _, Write as _};

use anysock::prelude::{RecvExt as _, SendExt as _};
use anysock::{
    Cell, Decode, Encode, ErrorKind, Json, LengthDelimited, Postcard, Protobuf, Typed, Unframed,
    Varint,
};
use futures_util::{SinkExt, StreamExt as _, TryStreamExt as _};
use prost::Message as _;

use crate::links::{block_on, link};
use crate::support::over_the_matrix;

#[derive(Clone, PartialEq, prost::Message, serde::Serialize, serde::Deserialize)]
struct Reading {
    #[prost(string, tag = "1")]
    sensor: String,
    #[prost(uint64, tag = "2")]
    at: u64,
    #[prost(double, repeated, tag = "3")]
    values: Vec<f64>,
}

fn reading(at: u64) -> Reading {
    Reading { sensor: format!("sensor {}", at % 7), at, values: vec![0.5; at as usize % 40] }
}

/// Sends some there and back, singly and together.
async fn there_and_back<F>(cell: Cell, format: F)
where
    F: Encode<Reading> + Decode<Reading> + Copy + Debug,
{
    let (client, peer) = link(cell, Varint::new().into()).await;
    let mut client: Typed<_, F, Reading> = Typed::new(client, format);
    let mut peer: Typed<_, F, Reading> = Typed::new(peer, format);
    for at in 0..50 {
        client.send(&reading(at)).await.unwrap();
        assert_eq!(peer.recv().await.unwrap(), Some(reading(at)));
    }
    // No more at once than a unix datagram socket queues.
    for at in 0..8 {
        peer.feed(&reading(at)).await.unwrap();
    }
    peer.flush().await.unwrap();
    for at in 0..8 {
        assert_eq!(client.recv().await.unwrap(), Some(reading(at)));
    }
}

fn all_formats_there_and_back(cell: Cell) {
    block_on(async {
        there_and_back(cell, Json).await;
        there_and_back(cell, Postcard).await;
        there_and_back(cell, Protobuf).await;
    });
}

over_the_matrix!(all_formats_there_and_back);

fn a_message_that_is_no_value_is_lost_alone(cell: Cell) {
    block_on(async {
        let (mut client, peer) = link(cell, LengthDelimited::u16().into()).await;
        let mut peer: Typed<_, Json, Reading> = Typed::new(peer, Json);
        client.send("{\"sensor\":").await.unwrap();
        client.send(serde_json::to_vec(&reading(3)).unwrap()).await.unwrap();
        let error = peer.recv().await.unwrap_err();
        let is_named =
            matches!(error.kind(), ErrorKind::Unreadable { format: "JSON", length: 10, .. });
        assert!(is_named && !error.is_fatal(), "{error}");
        assert!(error.to_string().contains("EOF while parsing"), "{error}");
        assert_eq!(peer.recv().await.unwrap(), Some(reading(3)));
    });
}

over_the_matrix!(a_message_that_is_no_value_is_lost_alone);

#[test]
fn a_value_that_a_format_cannot_write_is_refused_alone() {
    block_on(async {
        let (a, b) = anysock::framing::memory::pair();
        // JSON has no keys but text.
        type Map = std::collections::BTreeMap<Vec<u8>, u8>;
        let mut a: Typed<_, Json, Map> = Typed::new(a, Json);
        let error = a.send(&Map::from([(vec![1], 1)])).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unwritable { .. }), "{error}");
        assert!(!error.is_fatal() && error.to_string().contains("nothing was sent"), "{error}");
        a.send(&Map::new()).await.unwrap();
        let mut b = b;
        assert_eq!(b.recv().await.unwrap().unwrap(), "{}");
    });
}

#[test]
fn bytes_behind_a_value_make_it_unreadable() {
    block_on(async {
        let (mut a, b) = anysock::framing::memory::pair();
        let mut b: Typed<_, Postcard, u8> = Typed::new(b, Postcard);
        a.send([7, 8]).await.unwrap();
        a.send([7]).await.unwrap();
        let error = b.recv().await.unwrap_err();
        assert!(error.to_string().contains("1 bytes stand behind the value"), "{error}");
        assert_eq!(b.recv().await.unwrap(), Some(7));
    });
}

#[test]
fn a_stream_and_a_sink_of_values_end_with_the_transport() {
    block_on(async {
        let (a, b) = anysock::framing::memory::pair();
        let mut a: Typed<_, Json, u32> = Typed::new(a, Json);
        SinkExt::send(&mut a, 1).await.unwrap();
        SinkExt::feed(&mut a, 2).await.unwrap();
        SinkExt::close(&mut a).await.unwrap();
        drop(a);
        let mut b: Typed<_, Json, u32> = Typed::new(b, Json);
        let all: Vec<_> = b.by_ref().try_collect().await.unwrap();
        assert_eq!(all, [1, 2]);
        assert!(b.next().await.is_none());
    });
}

#[test]
fn a_transport_taken_out_has_lost_nothing() {
    block_on(async {
        let (a, b) = anysock::framing::memory::pair();
        let mut a: Typed<_, Json, u32> = Typed::new(a, Json);
        a.send(&1).await.unwrap();
        a.send(&2).await.unwrap();
        let mut b: Typed<_, Json, u32> = Typed::new(b, Json);
        assert_eq!(b.recv().await.unwrap(), Some(1));
        assert_eq!(b.into_inner().recv().await.unwrap().unwrap(), "2");
    });
}

/// prost's own length-delimited reading and writing, over std's own socket.
#[test]
fn protocol_buffers_over_varint_are_what_others_call_length_delimited() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        for at in 0..100 {
            reading(at).encode_length_delimited(&mut bytes).unwrap();
        }
        stream.write_all(&bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        Reading::decode_length_delimited(&answer[..]).unwrap()
    });
    block_on(async {
        let connection =
            anysock::connect(format!("tcp://{address}")).codec(Varint::new()).await.unwrap();
        let mut readings: Typed<_, Protobuf, Reading> = Typed::new(connection, Protobuf);
        for at in 0..100 {
            assert_eq!(readings.recv().await.unwrap(), Some(reading(at)));
        }
        readings.send(&reading(1000)).await.unwrap();
        readings.close().await.unwrap();
    });
    assert_eq!(other.join().unwrap(), reading(1000));
}

/// A number that came in two pieces would be two numbers.
#[test]
fn values_are_refused_where_boundaries_are_not_kept() {
    block_on(async {
        let (client, peer) = link(Cell::UNIX_STREAM, Unframed::new().into()).await;
        let mut client: Typed<_, Json, u64> = Typed::new(client, Json);
        let mut peer: Typed<_, Json, u64> = Typed::new(peer, Json);
        let refused = client.send(&12).await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Unmet { .. }), "{refused}");
        let refused = peer.recv().await.unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Unmet { .. }), "{refused}");
        assert!(peer.next().await.unwrap().is_err());
        assert!(peer.next().await.is_none());
        assert!(SinkExt::send(&mut client, 1).await.is_err());
    });
}

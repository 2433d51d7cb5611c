//! Many packets by one system call: byte for byte, empty ones among them, on every packet cell.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use anysock_async::{Connected, DatagramSocket, Inbox, Packet, SeqPacketSocket, connect};
use anysock_core::{Options, Outbox, Shutdown, Type};
use bytes::Bytes;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(10);

/// What the two ends of a packet cell have in common here.
enum End {
    Datagram(DatagramSocket),
    SeqPacket(SeqPacketSocket),
}

impl End {
    /// Sends all of `messages`, by as many calls as it takes.
    async fn send(&mut self, messages: &[Bytes]) -> io::Result<usize> {
        let mut left = Outbox::new();
        for (n, message) in messages.iter().enumerate() {
            // Copied or referenced, it is the same.
            match n % 3 {
                0 => left.push(message.clone()),
                _ => left.push_copy(message),
            }
        }
        let mut calls = 0;
        while !left.is_empty() {
            let sent = poll_fn(|cx| match self {
                Self::Datagram(socket) => socket.poll_send_packets(cx, &left),
                Self::SeqPacket(socket) => socket.poll_send_packets(cx, &left),
            });
            left.pop(timeout(DEADLINE, sent).await??);
            calls += 1;
        }
        Ok(calls)
    }

    /// Receives until `count` packets are here, or the end.
    async fn recv(&mut self, most: usize, count: usize) -> io::Result<Vec<Packet>> {
        let mut packets = Inbox::new();
        while packets.len() < count {
            let received = poll_fn(|cx| match self {
                Self::Datagram(socket) => socket.poll_recv_packets(cx, most, 32, &mut packets),
                Self::SeqPacket(socket) => socket.poll_recv_packets(cx, most, 32, &mut packets),
            });
            if !timeout(DEADLINE, received).await?? {
                break;
            }
        }
        Ok(std::iter::from_fn(|| packets.pop()).collect())
    }
}

async fn udp_pair(any: &str) -> io::Result<(End, End)> {
    let any = any.parse::<std::net::SocketAddr>().expect("an address").into();
    let options = Options::default().receive_buffer(4 * 1024 * 1024);
    let server = DatagramSocket::bind(&any, &options)?;
    let client = connect(&server.local_addr()?, Type::Datagram, &options, DEADLINE).await?;
    let Connected::Datagram(client) = client else { unreachable!("asked for datagrams") };
    server.connect(&client.local_addr()?)?;
    Ok((End::Datagram(client), End::Datagram(server)))
}

async fn pair(cell: &str) -> io::Result<(End, End)> {
    match cell {
        "unix_datagram" => {
            DatagramSocket::pair().map(|(a, b)| (End::Datagram(a), End::Datagram(b)))
        }
        "unix_seqpacket" => {
            SeqPacketSocket::pair().map(|(a, b)| (End::SeqPacket(a), End::SeqPacket(b)))
        }
        "ipv4_datagram" => udp_pair("127.0.0.1:0").await,
        _ => udp_pair("[::1]:0").await,
    }
}

fn bytes(packet: Packet) -> Bytes {
    match packet {
        Packet::Message(message) => message.into_bytes(),
        lost => panic!("a packet is lost: {lost:?}"),
    }
}

/// Messages of `lengths`, each with contents of its own.
fn messages(lengths: impl IntoIterator<Item = usize>) -> Vec<Bytes> {
    let contents = |(n, length): (usize, usize)| {
        (0..length).map(|at| (n.wrapping_mul(31) + at) as u8).collect::<Bytes>()
    };
    lengths.into_iter().enumerate().map(contents).collect()
}

async fn arrive_as_sent(cell: &str, lengths: impl IntoIterator<Item = usize>) {
    let (mut near, mut far) = pair(cell).await.expect("a pair");
    for batch in messages(lengths).chunks(64) {
        let both = tokio::join!(near.send(batch), far.recv(65_536, batch.len()));
        both.0.expect("sent");
        let received: Vec<_> = both.1.expect("received").into_iter().map(bytes).collect();
        assert_eq!(received, batch);
    }
}

macro_rules! over_packet_cells {
    ($($cell:ident)*) => {$(
        mod $cell {
            use super::*;

            #[tokio::test]
            async fn a_batch_of_one_size_arrives_byte_for_byte() {
                arrive_as_sent(stringify!($cell), [1_200; 128]).await;
            }

            #[tokio::test]
            async fn a_batch_of_many_sizes_arrives_byte_for_byte() {
                arrive_as_sent(stringify!($cell), (0..256).map(|n| n * 37 % 1_400)).await;
            }

            #[tokio::test]
            async fn empty_messages_keep_their_place_in_a_batch() {
                let lengths = [0, 5, 5, 0, 0, 5, 3, 0, 9, 9, 9, 0];
                arrive_as_sent(stringify!($cell), lengths.repeat(8)).await;
            }

            #[tokio::test]
            async fn long_messages_in_a_batch_arrive_byte_for_byte() {
                arrive_as_sent(stringify!($cell), [60_000, 60_000, 1, 30_000, 30_000, 29_999]).await;
            }

            #[tokio::test]
            async fn what_is_too_long_is_told_with_its_length_and_costs_no_other() {
                let (mut near, mut far) = pair(stringify!($cell)).await.expect("a pair");
                let sent = messages([10, 10, 101, 10, 100]);
                near.send(&sent).await.expect("sent");
                let received = far.recv(100, 5).await.expect("received");
                let lengths = received.into_iter().map(|packet| match packet {
                    Packet::Message(message) => Ok(message.len()),
                    Packet::Truncated { length } => Err(length),
 other => panic!("{other:?}"),
                });
                let lengths: Vec<_> = lengths.collect();
                assert_eq!(lengths, [Ok(10), Ok(10), Err(101), Ok(10), Ok(100)]);
            }
        }
    )*};
}

over_packet_cells!(unix_datagram unix_seqpacket ipv4_datagram ipv6_datagram);

#[tokio::test]
async fn udp_sends_a_run_of_equal_datagrams_by_one_call() {
    let (mut near, mut far) = pair("ipv4_datagram").await.expect("a pair");
    let calls = near.send(&messages([1_000; 50])).await.expect("sent");
    assert_eq!(calls, 1, "50 datagrams of 1,000 bytes are one run");
    assert_eq!(far.recv(65_536, 50).await.expect("received").len(), 50);
}

#[tokio::test]
async fn seqpacket_gives_what_was_batched_before_the_end_and_then_the_end() {
    let (mut near, mut far) = pair("unix_seqpacket").await.expect("a pair");
    near.send(&messages([3, 0, 3, 0])).await.expect("sent");
    drop(near);
    assert_eq!(far.recv(64, 100).await.expect("received").len(), 4);
    assert_eq!(far.recv(64, 1).await.expect("the end again").len(), 0);
}

#[tokio::test]
async fn seqpacket_reports_a_reset_after_what_was_batched_before_it() {
    let (mut near, mut far) = pair("unix_seqpacket").await.expect("a pair");
    far.send(&messages([1])).await.expect("sent, and never read");
    near.send(&messages([3; 5])).await.expect("sent");
    drop(near);
    assert_eq!(far.recv(64, 5).await.expect("received").len(), 5);
    let error = far.recv(64, 1).await.expect_err("the reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn unix_datagram_batches_end_when_receiving_is_shut_down() {
    let (near, mut far) = DatagramSocket::pair().expect("a pair");
    far.shutdown_now(Shutdown::Read).expect("shut down");
    let mut packets = Inbox::new();
    let received = poll_fn(|cx| far.poll_recv_packets(cx, 64, 32, &mut packets));
    assert!(!timeout(DEADLINE, received).await.expect("no wedge").expect("the end"));
    drop(near);
}

#[tokio::test]
async fn a_held_datagram_keeps_its_bytes_while_others_are_received() {
    let (mut near, mut far) = pair("ipv4_datagram").await.expect("a pair");
    let mut held = Vec::new();
    for n in 0..20_u8 {
        near.send(&vec![Bytes::from(vec![n; 1_200]); 50]).await.expect("sent");
        let mut received = far.recv(65_536, 50).await.expect("received").into_iter().map(bytes);
        held.push(received.nth(usize::from(n)).expect("fifty"));
    }
    for (n, datagram) in held.iter().enumerate() {
        assert_eq!(*datagram, vec![n as u8; 1_200]);
    }
}

#[tokio::test]
async fn datagrams_that_were_put_together_and_are_too_long_are_told_one_by_one() {
    let (mut near, mut far) = pair("ipv4_datagram").await.expect("a pair");
    near.send(&messages([500, 500, 500, 90, 700, 700])).await.expect("sent");
    let received = far.recv(100, 6).await.expect("received");
    let lengths = received.into_iter().map(|packet| match packet {
        Packet::Message(message) => Ok(message.len()),
        Packet::Truncated { length } => Err(length),
        other => panic!("{other:?}"),
    });
    let lengths: Vec<_> = lengths.collect();
    assert_eq!(lengths, [Err(500), Err(500), Err(500), Ok(90), Err(700), Err(700)]);
}

/// What is held of packets is bounded by what they have, whether they were copied or not.
#[tokio::test]
async fn packets_that_wait_hold_at_most_four_times_their_size() {
    for (length, count) in [(10, 100), (1_200, 12), (1_200, 14), (1_200, 50), (60_000, 3)] {
        let (mut near, far) = pair("ipv4_datagram").await.expect("a pair");
        near.send(&messages(vec![length; count])).await.expect("sent");
        let End::Datagram(mut far) = far else { unreachable!("asked for datagrams") };
        let mut inbox = Inbox::new();
        while inbox.len() < count {
            let received = poll_fn(|cx| far.poll_recv_packets(cx, 65_536, 32, &mut inbox));
            assert!(timeout(DEADLINE, received).await.expect("in time").expect("received"));
        }
        assert!((length * count..=4 * length * count).contains(&inbox.held()), "{}", inbox.held());
        while inbox.pop().is_some() {}
        assert_eq!(inbox.held(), 0);
    }
}

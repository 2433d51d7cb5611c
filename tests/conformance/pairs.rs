//! Unnamed pairs of unix sockets as subjects.

use anysock::framing::{SendExt, encode_frame};
use anysock::sockets::{DatagramSocket, SeqPacketSocket, StreamSocket};
use anysock::{Framed, LengthDelimited, Packets};
use anysock_testing::conformance::{Offer, Raw, Subject};

/// `socketpair(AF_UNIX, SOCK_STREAM)`, framed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StreamPair;

type Stream = Framed<StreamSocket, LengthDelimited>;

impl Subject for StreamPair {
    type Transport = Stream;

    fn name(&self) -> String {
        "unix-stream, pair".into()
    }

    async fn pair(&self) -> Offer<(Stream, Stream)> {
        let (near, far) = StreamSocket::pair()?;
        let codec = LengthDelimited::u32();
        Ok((Framed::new(near, codec), Framed::new(far, codec)))
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<(Stream, Stream)> {
        let (near_socket, far_socket) = StreamSocket::pair()?;
        let codec = |max| LengthDelimited::u32().max(max);
        Ok((Framed::new(near_socket, codec(near)), Framed::new(far_socket, codec(far))))
    }

    async fn raw(&self) -> Offer<Raw<Stream>> {
        let (near, wire) = StreamSocket::pair()?;
        let near = Framed::new(near, LengthDelimited::u32());
        Ok(Raw::new(near, wire, |message| {
            encode_frame(&mut LengthDelimited::u32(), message).expect("a sample").to_vec()
        }))
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<Stream> {
        let (mut near, mut far) = self.pair().await?;
        near.send("never read").await?;
        for word in last_words {
            far.send(word).await?;
        }
        drop(far);
        Ok(near)
    }
}

/// `socketpair(AF_UNIX, SOCK_SEQPACKET)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SeqPacketPair;

type SeqPacket = Packets<SeqPacketSocket>;

impl Subject for SeqPacketPair {
    type Transport = SeqPacket;

    fn name(&self) -> String {
        "unix-seqpacket, pair".into()
    }

    async fn pair(&self) -> Offer<(SeqPacket, SeqPacket)> {
        let (near, far) = SeqPacketSocket::pair()?;
        Ok((Packets::new(near), Packets::new(far)))
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<(SeqPacket, SeqPacket)> {
        let (near_packets, far_packets) = self.pair().await?;
        Ok((near_packets.max(near), far_packets.max(far)))
    }

    async fn reset(&self, last_words: &[Vec<u8>]) -> Offer<SeqPacket> {
        let (mut near, mut far) = self.pair().await?;
        near.send("never read").await?;
        for word in last_words {
            far.send(word).await?;
        }
        drop(far);
        Ok(near)
    }
}

/// `socketpair(AF_UNIX, SOCK_DGRAM)`: reliable, without an end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatagramPair;

type Datagram = Packets<DatagramSocket>;

impl Subject for DatagramPair {
    type Transport = Datagram;

    fn name(&self) -> String {
        "unix-datagram, pair".into()
    }

    async fn pair(&self) -> Offer<(Datagram, Datagram)> {
        let (near, far) = DatagramSocket::pair()?;
        Ok((Packets::paired(near), Packets::paired(far)))
    }

    async fn pair_with_max(&self, near: usize, far: usize) -> Offer<(Datagram, Datagram)> {
        let (near_packets, far_packets) = self.pair().await?;
        Ok((near_packets.max(near), far_packets.max(far)))
    }
}

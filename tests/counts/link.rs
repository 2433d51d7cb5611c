//! Two connected transports of each kind.

use std::net::{Ipv4Addr, SocketAddr};

use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{BoxTransport, Options, Packets};

/// What connects two transports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Link {
    UnixStream,
    UnixSeqPacket,
    Tcp,
    /// Two unix datagram sockets, connected to each other.
    UnixDatagram,
    /// Two UDP sockets, connected to each other.
    Udp,
    /// A client of a listener for unix datagrams.
    AcceptedUnixDatagram,
    /// A client of a listener for UDP.
    AcceptedUdp,
}

impl Link {
    /// Opens two ends of it, ready to be used.
    pub(crate) async fn open(self) -> (BoxTransport, BoxTransport) {
        match self {
            Self::UnixStream => accepted("unix:").await,
            Self::UnixSeqPacket => accepted("unix-seqpacket:").await,
            Self::Tcp => accepted("tcp://127.0.0.1:0").await,
            Self::AcceptedUnixDatagram => accepted("unix-dgram:").await,
            Self::AcceptedUdp => accepted("udp://127.0.0.1:0").await,
            Self::UnixDatagram => {
                let (near, far) = DatagramSocket::pair().unwrap();
                (Box::new(Packets::paired(near)), Box::new(Packets::paired(far)))
            }
            Self::Udp => {
                let (near, far) = udp_pair();
                (Box::new(Packets::new(near)), Box::new(Packets::new(far)))
            }
        }
    }
}

async fn accepted(endpoint: &str) -> (BoxTransport, BoxTransport) {
    let mut listener = anysock::bind(endpoint).await.unwrap();
    let mut near = anysock::connect(listener.endpoint()).await.unwrap();
    // The sender of datagrams is a peer once it was heard.
    near.send("hello").await.unwrap();
    let mut far = listener.accept().await.unwrap();
    assert_eq!(far.recv().await.unwrap().unwrap(), "hello");
    (Box::new(near), Box::new(far))
}

fn udp_pair() -> (DatagramSocket, DatagramSocket) {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into();
    let bind = || DatagramSocket::bind(&any, &Options::default()).unwrap();
    let (near, far) = (bind(), bind());
    near.connect(&far.local_addr().unwrap()).unwrap();
    far.connect(&near.local_addr().unwrap()).unwrap();
    (near, far)
}

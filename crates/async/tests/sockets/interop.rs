//! To and from the socket types of std and tokio: real data crosses both ways, and what is refused
//! comes back whole.

use std::io::{Read, Write};
use std::net;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net as unix;
use std::pin::pin;

use anysock_async::{
    Accepted, Connected, DatagramSocket, Inbox, Listener, PeerLimits, SeqPacketSocket,
    StreamSocket, connect,
};
use anysock_core::{Addr, Cell, ConvertError, Domain, Options, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fixture::{bind, poll_once, within};

/// The two ends of a stream.
async fn streams(cell: Cell) -> (StreamSocket, StreamSocket) {
    let mut listener = bind(cell, &PeerLimits::default()).await;
    let at = listener.local_addr().unwrap();
    let deadline = std::time::Duration::from_secs(10);
    let connected = connect(&at, Type::Stream, &Options::new(), deadline).await.unwrap();
    let Connected::Stream(near) = connected else { unreachable!() };
    let Accepted::Stream(far) = listener.accept().await.unwrap() else { unreachable!() };
    (near, far)
}

/// Reads and writes once: it waited, and so is registered, before it is converted.
async fn greet(near: &mut StreamSocket, far: &mut StreamSocket) {
    assert!(poll_once(pin!(near.read(&mut [0; 8]))).await.is_pending());
    far.write_all(b"greeting").await.unwrap();
    let mut read = [0; 8];
    near.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"greeting");
}

macro_rules! a_stream_crosses {
    ($($name:ident: $cell:ident, $std:ty, $tokio:ty;)*) => {$(
        #[tokio::test]
        async fn $name() {
            within(async {
                let (mut near, mut far) = streams(Cell::$cell).await;
                greet(&mut near, &mut far).await;

                let mut theirs = <$std>::try_from(near).unwrap();
                theirs.set_nonblocking(false).unwrap();
                theirs.write_all(b"from std").unwrap();
                let mut read = [0; 8];
                far.read_exact(&mut read).await.unwrap();
                assert_eq!(&read, b"from std");

                let mut near = StreamSocket::try_from(theirs).unwrap();
                assert_eq!(near.cell(), Cell::$cell);
                greet(&mut near, &mut far).await;

                let mut theirs = <$tokio>::try_from(near).unwrap();
                assert!(poll_once(pin!(theirs.read(&mut read))).await.is_pending());
                far.write_all(b"to tokio").await.unwrap();
                theirs.read_exact(&mut read).await.unwrap();
                assert_eq!(&read, b"to tokio");

                let mut near = StreamSocket::try_from(theirs).unwrap();
                greet(&mut near, &mut far).await;
                let mut theirs = <$std>::from(OwnedFd::try_from(near).unwrap());
                drop(far);
                theirs.set_nonblocking(false).unwrap();
                assert_eq!(theirs.read(&mut read).unwrap(), 0, "the one descriptor is closed");
            })
            .await;
        }
    )*};
}

a_stream_crosses! {
    a_unix_stream_crosses_to_std_and_tokio_and_back:
        UNIX_STREAM, unix::UnixStream, tokio::net::UnixStream;
    an_ipv4_stream_crosses_to_std_and_tokio_and_back:
        IPV4_STREAM, net::TcpStream, tokio::net::TcpStream;
    an_ipv6_stream_crosses_to_std_and_tokio_and_back:
        IPV6_STREAM, net::TcpStream, tokio::net::TcpStream;
}

#[tokio::test]
async fn udp_crosses_to_std_and_tokio_and_back() {
    within(async {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let any = Addr::Ip(any.parse().unwrap());
            let ours = DatagramSocket::bind(&any, &Options::new()).unwrap();
            let at = ours.local_addr().unwrap();
            let other = net::UdpSocket::bind(any.as_ip().unwrap()).unwrap();
            let mut buffer = [0; 64];

            let theirs = net::UdpSocket::try_from(ours).unwrap();
            theirs.set_nonblocking(false).unwrap();
            other.send_to(b"to std", at.as_ip().unwrap()).unwrap();
            assert_eq!(theirs.recv(&mut buffer).unwrap(), 6);

            let theirs = tokio::net::UdpSocket::from_std({
                theirs.set_nonblocking(true).unwrap();
                theirs
            });
            let ours = DatagramSocket::try_from(theirs.unwrap()).unwrap();
            assert!(poll_once(pin!(ours.recv(&mut buffer))).await.is_pending());
            other.send_to(b"to ours", at.as_ip().unwrap()).unwrap();
            assert_eq!(ours.recv(&mut buffer).await.unwrap().unwrap().length, 7);

            let theirs = tokio::net::UdpSocket::try_from(ours).unwrap();
            other.send_to(b"to tokio", at.as_ip().unwrap()).unwrap();
            assert_eq!(theirs.recv(&mut buffer).await.unwrap(), 8);
        }
    })
    .await;
}

#[tokio::test]
async fn unix_datagrams_cross_to_std_and_tokio_and_back() {
    within(async {
        let (near, far) = DatagramSocket::pair().unwrap();
        let mut buffer = [0; 64];
        let theirs = unix::UnixDatagram::try_from(near).unwrap();
        theirs.send(b"from std").unwrap();
        assert_eq!(far.recv(&mut buffer).await.unwrap().unwrap().length, 8);
        let near = DatagramSocket::try_from(theirs).unwrap();
        let theirs = tokio::net::UnixDatagram::try_from(near).unwrap();
        far.send(b"to tokio").await.unwrap();
        assert_eq!(theirs.recv(&mut buffer).await.unwrap(), 8);
        let near = DatagramSocket::try_from(theirs).unwrap();
        far.send(b"back").await.unwrap();
        assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, 4);
    })
    .await;
}

#[tokio::test]
async fn listeners_cross_to_std_and_tokio_and_back() {
    within(async {
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let theirs = net::TcpListener::bind(any).unwrap();
            let at = theirs.local_addr().unwrap();
            let ours = Listener::try_from(theirs).unwrap();
            let theirs = tokio::net::TcpListener::try_from(ours).unwrap();
            let (client, accepted) =
                tokio::join!(tokio::net::TcpStream::connect(at), theirs.accept());
            drop((client.unwrap(), accepted.unwrap()));
            let mut ours = Listener::try_from(theirs).unwrap();
            assert!(poll_once(pin!(ours.accept())).await.is_pending());
            let client = net::TcpStream::connect(at).unwrap();
            assert!(matches!(ours.accept().await.unwrap(), Accepted::Stream(_)));
            drop(client);
            let theirs = net::TcpListener::try_from(ours).unwrap();
            let client = net::TcpStream::connect(at).unwrap();
            theirs.set_nonblocking(false).unwrap();
            assert_eq!(theirs.accept().unwrap().1, client.local_addr().unwrap());
        }
    })
    .await;
}

#[tokio::test]
async fn a_unix_listener_crosses_and_leaves_its_file() {
    within(async {
        let path = std::env::temp_dir().join(format!("anysock-interop-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let at = anysock_core::UnixAddr::path(&path).unwrap().into();
        let (options, limits) = (Options::new(), PeerLimits::default());
        let ours = anysock_async::bind(&at, Type::Stream, &options, &limits).await.unwrap();
        let theirs = tokio::net::UnixListener::try_from(ours).unwrap();
        let client = unix::UnixStream::connect(&path).unwrap();
        theirs.accept().await.unwrap();
        drop(client);
        let theirs = unix::UnixListener::try_from(Listener::try_from(theirs).unwrap()).unwrap();
        let client = unix::UnixStream::connect(&path).unwrap();
        theirs.set_nonblocking(false).unwrap();
        theirs.accept().unwrap();
        drop((client, theirs));
        std::fs::remove_file(&path).expect("the file is left to whoever owns the socket now");
    })
    .await;
}

#[tokio::test]
async fn seqpacket_becomes_a_descriptor_and_comes_back() {
    within(async {
        let (near, far) = SeqPacketSocket::pair().unwrap();
        let mut buffer = [0; 64];
        assert!(poll_once(pin!(near.recv(&mut buffer))).await.is_pending());
        let descriptor = OwnedFd::try_from(near).unwrap();
        let Connected::SeqPacket(near) = Connected::adopt(descriptor, &Options::new()).unwrap()
        else {
            unreachable!()
        };
        // An empty message is still told from the end.
        far.send(b"").await.unwrap();
        drop(far);
        assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, 0);
        assert!(near.recv(&mut buffer).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_reset_that_is_kept_back_is_not_lost_by_converting() {
    within(async {
        let (near, far) = SeqPacketSocket::pair().unwrap();
        near.send(b"never read").await.unwrap();
        far.send(b"still here").await.unwrap();
        drop(far);
        let mut buffer = [0; 64];
        assert_eq!(near.recv(&mut buffer).await.unwrap().unwrap().length, 10);
        let refused = near.into_socket().unwrap_err();
        assert_eq!(refused.error().kind(), std::io::ErrorKind::ConnectionReset);
        let near = refused.into_inner();
        let error = near.recv(&mut buffer).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    })
    .await;
}

/// Refused, by the cell's name and as invalid input; the socket as it was.
#[track_caller]
fn given_back<T, S>(converted: Result<T, ConvertError<S>>, cell: Cell) -> S {
    let Err(refused) = converted else { panic!("a {cell} socket was converted") };
    assert_eq!(refused.error().kind(), std::io::ErrorKind::InvalidInput);
    assert!(refused.to_string().contains(&cell.to_string()), "{refused}");
    refused.into_inner()
}

#[tokio::test]
async fn a_socket_of_another_cell_is_refused_and_still_works() {
    within(async {
        for cell in [Cell::UNIX_STREAM, Cell::IPV4_STREAM, Cell::IPV6_STREAM] {
            let (near, mut far) = streams(cell).await;
            let mut near = match cell.domain {
                Domain::Unix => {
                    let near = given_back(net::TcpStream::try_from(near), cell);
                    given_back(tokio::net::TcpStream::try_from(near), cell)
                }
                _ => {
                    let near = given_back(unix::UnixStream::try_from(near), cell);
                    given_back(tokio::net::UnixStream::try_from(near), cell)
                }
            };
            greet(&mut near, &mut far).await;
        }
        let (near, far) = DatagramSocket::pair().unwrap();
        let near = given_back(net::UdpSocket::try_from(near), Cell::UNIX_DATAGRAM);
        let near = given_back(tokio::net::UdpSocket::try_from(near), Cell::UNIX_DATAGRAM);
        near.send(b"hello").await.unwrap();
        assert_eq!(far.recv(&mut [0; 64]).await.unwrap().unwrap().length, 5);
        for cell in [Cell::UNIX_STREAM, Cell::UNIX_SEQPACKET] {
            let mut listener = bind(cell, &PeerLimits::default()).await;
            listener = given_back(net::TcpListener::try_from(listener), cell);
            if cell == Cell::UNIX_SEQPACKET {
                listener = given_back(unix::UnixListener::try_from(listener), cell);
            }
            let client = Socket::open(cell).unwrap();
            client.connect(&listener.local_addr().unwrap()).unwrap();
            listener.accept().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_listener_of_datagrams_may_hold_some_and_is_not_converted() {
    within(async {
        for cell in [Cell::UNIX_DATAGRAM, Cell::IPV4_DATAGRAM] {
            let listener = bind(cell, &PeerLimits::default()).await;
            let refused = listener.into_socket().unwrap_err();
            assert_eq!(refused.error().kind(), std::io::ErrorKind::Unsupported);
            refused.into_inner().local_addr().unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn udp_of_which_batches_were_received_is_not_converted() {
    within(async {
        let any = Addr::Ip("127.0.0.1:0".parse().unwrap());
        let mut ours = DatagramSocket::bind(&any, &Options::new()).unwrap();
        let other = net::UdpSocket::bind("127.0.0.1:0").unwrap();
        other.send_to(b"one", ours.local_addr().unwrap().as_ip().unwrap()).unwrap();
        let mut inbox = Inbox::new();
        std::future::poll_fn(|cx| ours.poll_recv_packets(cx, 64, 8, &mut inbox)).await.unwrap();
        let refused = net::UdpSocket::try_from(ours).unwrap_err();
        assert_eq!(refused.error().kind(), std::io::ErrorKind::Unsupported);
        assert!(refused.to_string().contains("UDP_GRO"), "{refused}");
    })
    .await;
}

#[test]
fn outside_of_a_runtime_a_socket_is_refused_and_given_back() {
    let (near, _far) = unix::UnixStream::pair().unwrap();
    let refused = StreamSocket::try_from(near).unwrap_err();
    assert!(refused.to_string().contains("tokio runtime"), "{refused}");
    let refused = Connected::adopt(refused.into_inner().into(), &Options::new()).unwrap_err();
    assert!(refused.to_string().contains("tokio runtime"), "{refused}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ours = runtime.block_on(async {
        StreamSocket::try_from(unix::UnixStream::from(refused.into_inner())).unwrap()
    });
    // Where nobody could register it.
    let refused = tokio::net::UnixStream::try_from(ours).unwrap_err();
    assert!(refused.to_string().contains("tokio runtime"), "{refused}");
    assert_eq!(refused.into_inner().cell(), Cell::UNIX_STREAM);
}

#[tokio::test]
async fn every_socket_lends_its_descriptor() {
    within(async {
        fn inode(lent: &impl AsFd) -> u64 {
            use std::os::unix::fs::MetadataExt;
            let lent = lent.as_fd().try_clone_to_owned().unwrap();
            std::fs::File::from(lent).metadata().unwrap().ino()
        }
        let (stream, _far) = StreamSocket::pair().unwrap();
        let whole = inode(&stream);
        let (receiving, sending) = stream.into_split();
        assert!([inode(&receiving), inode(&sending)] == [whole; 2]);
        let (seqpacket, _far) = SeqPacketSocket::pair().unwrap();
        let whole = inode(&seqpacket);
        let (receiving, sending) = seqpacket.into_split();
        assert!([inode(&receiving), inode(&sending)] == [whole; 2]);
        let (datagram, _far) = DatagramSocket::pair().unwrap();
        let whole = inode(&datagram);
        let (receiving, sending) = datagram.into_split();
        assert!([inode(&receiving), inode(&sending)] == [whole; 2]);
        let listener = bind(Cell::UNIX_STREAM, &PeerLimits::default()).await;
        assert_eq!(inode(&listener), inode(listener.socket()));
    })
    .await;
}

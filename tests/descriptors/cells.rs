//! Connected transports of each unix cell.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use anysock_async::{DatagramSocket, SeqPacketSocket, StreamSocket};
use anysock_core::{Ancillary, Cell, Socket, Type};
use anysock_framing::{
    BoxTransport, Codec, Framed, LengthDelimited, Message, Packets, RecvExt, RecvHalf,
};

use crate::raw;

const DEADLINE: Duration = Duration::from_secs(60);

/// Descriptors and credentials.
pub(crate) const BOTH: Ancillary = Ancillary::DESCRIPTORS.with(Ancillary::CREDENTIALS);

/// Two transports that are connected to each other, and have asked for `what`.
pub(crate) fn pair(cell: Cell, what: Ancillary) -> (BoxTransport, BoxTransport) {
    match cell {
        Cell::UNIX_STREAM => {
            let (a, b) = streams(what);
            let frame = |socket| Box::new(Framed::new(socket, LengthDelimited::u32()));
            (frame(a), frame(b))
        }
        Cell::UNIX_SEQPACKET => {
            let (a, b) = SeqPacketSocket::pair().unwrap();
            let transport = |socket: SeqPacketSocket| -> BoxTransport {
                socket.socket().ask(what, true).unwrap();
                Box::new(Packets::new(socket))
            };
            (transport(a), transport(b))
        }
        Cell::UNIX_DATAGRAM => {
            let (a, b) = DatagramSocket::pair().unwrap();
            let transport = |socket: DatagramSocket| -> BoxTransport {
                socket.socket().ask(what, true).unwrap();
                Box::new(Packets::new(socket))
            };
            (transport(a), transport(b))
        }
        other => panic!("{other} is not among these cells"),
    }
}

/// Two streams that have asked for `what`.
pub(crate) fn streams(what: Ancillary) -> (StreamSocket, StreamSocket) {
    let (a, b) = StreamSocket::pair().unwrap();
    a.socket().ask(what, true).unwrap();
    b.socket().ask(what, true).unwrap();
    (a, b)
}

/// A socket, and a stream with a codec that has asked for `what` at its other end.
pub(crate) fn raw_and_framed<C: Codec + Clone>(
    codec: C,
    what: Ancillary,
) -> (Socket, Framed<StreamSocket, C>) {
    let (near, far) = Socket::pair(Type::Stream).unwrap();
    far.ask(what, true).unwrap();
    (near, Framed::new(StreamSocket::new(far).unwrap(), codec))
}

/// Runs a test to its end, within a deadline.
pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
    raw::allow_many_descriptors();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(DEADLINE, test).await.expect("in time") })
}

/// The next message, which there is.
pub(crate) async fn next(from: &mut (impl RecvHalf + ?Sized)) -> Message {
    from.recv().await.unwrap().expect("a message, not the end")
}

/// That nothing was passed with `message`.
#[track_caller]
pub(crate) fn assert_plain(message: Message, expected: impl AsRef<[u8]> + Debug) {
    assert_eq!(message, expected);
    assert!(message.credentials().is_none(), "{message:?}");
    assert!(message.arrival().is_none_or(|along| along.descriptors.is_empty()), "{message:?}");
}

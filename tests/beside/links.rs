//! Two ends of each packet cell, and descriptors that know whether they were closed.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use anysock::core::Socket;
use anysock::prelude::*;
use anysock::sockets::DatagramSocket;
use anysock::{Ancillary, Attached, BoxTransport, Message, Packets};

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// What connects two unix transports that keep boundaries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Link {
    SeqPacket,
    /// Two datagram sockets that are connected to each other.
    Datagram,
    /// A client of a datagram listener.
    Accepted,
}

/// Makes one test per link of a function that takes it.
macro_rules! over_the_links {
    ($function:ident) => {
        mod $function {
            #[tokio::test]
            async fn unix_seqpacket() {
                $crate::links::in_time(super::$function($crate::links::Link::SeqPacket)).await;
            }
            #[tokio::test]
            async fn unix_datagram() {
                $crate::links::in_time(super::$function($crate::links::Link::Datagram)).await;
            }
            #[tokio::test]
            async fn accepted_unix_datagram() {
                $crate::links::in_time(super::$function($crate::links::Link::Accepted)).await;
            }
        }
    };
}

pub(crate) use over_the_links;

/// No test waits for ever.
pub(crate) async fn in_time<F: Future>(test: F) -> F::Output {
    tokio::time::timeout(DEADLINE, test).await.expect("the test waits for ever")
}

impl Link {
    /// Opens it; `asked` is what comes along with what the second end receives.
    pub(crate) async fn open(self, asked: Ancillary) -> (BoxTransport, BoxTransport) {
        match self {
            Self::SeqPacket => accepted("unix-seqpacket:", asked).await,
            Self::Accepted => accepted("unix-dgram:", asked).await,
            Self::Datagram => {
                let (near, far) = DatagramSocket::pair().unwrap();
                far.socket().ask(asked, true).unwrap();
                (Box::new(Packets::paired(near)), Box::new(Packets::paired(far)))
            }
        }
    }
}

/// A client of a listener, and the peer that it is there.
pub(crate) async fn accepted(endpoint: &str, asked: Ancillary) -> (BoxTransport, BoxTransport) {
    let mut listener = anysock::bind(endpoint).await.unwrap();
    listener.as_socket().unwrap().socket().ask(asked, true).unwrap();
    let mut near = anysock::connect(listener.endpoint()).await.unwrap();
    near.send("hello").await.unwrap();
    let mut far = listener.accept().await.unwrap();
    assert_eq!(far.recv().await.unwrap().unwrap(), "hello");
    (Box::new(near), Box::new(far))
}

/// The other end of a descriptor that is passed on.
#[derive(Debug)]
pub(crate) struct Witness {
    end: UnixStream,
    name: String,
}

/// A descriptor to pass, and its witness.
pub(crate) fn passed() -> (OwnedFd, Witness) {
    let (end, other) = UnixStream::pair().unwrap();
    end.set_nonblocking(true).unwrap();
    let descriptor = OwnedFd::from(other);
    let name = name(&descriptor);
    (descriptor, Witness { end, name })
}

/// So many of them, attached to one message.
pub(crate) fn attached(count: usize) -> (Attached, Vec<Witness>) {
    let mut attached = Attached::nothing();
    let mut witnesses = Vec::new();
    for _ in 0..count {
        let (descriptor, witness) = passed();
        attached = attached.descriptor(descriptor);
        witnesses.push(witness);
    }
    (attached, witnesses)
}

impl Witness {
    /// Whether all copies of the descriptor are closed.
    pub(crate) fn is_closed(&self) -> bool {
        match (&self.end).read(&mut [0]) {
            Ok(length) => length == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        }
    }

    /// As [`expect_closed`](Self::expect_closed), where a task of this thread is to close them.
    pub(crate) async fn closed(&self) {
        while !self.is_closed() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Waits until all copies are closed. A process that is just being started may hold one for a
    /// moment.
    #[track_caller]
    pub(crate) fn expect_closed(&self) {
        let until = std::time::Instant::now() + DEADLINE;
        while !self.is_closed() {
            assert!(std::time::Instant::now() < until, "a descriptor is still open");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Whether these are copies of what the witnesses were made with, in order, and close-on-exec.
#[track_caller]
pub(crate) fn expect(descriptors: &[OwnedFd], witnesses: &[Witness]) {
    let names: Vec<_> = descriptors.iter().map(name).collect();
    let expected: Vec<_> = witnesses.iter().map(|witness| witness.name.clone()).collect();
    assert_eq!(names, expected);
    assert!(descriptors.iter().all(is_close_on_exec));
}

/// The descriptors of a message, that a witness saw go.
#[track_caller]
pub(crate) fn expect_with(mut message: Message, witnesses: &[Witness]) {
    expect(&message.take_descriptors(), witnesses);
}

/// What a descriptor is open to.
fn name(descriptor: impl AsFd) -> String {
    let path = format!("/proc/self/fd/{}", descriptor.as_fd().as_raw_fd());
    fs::read_link(path).unwrap().into_os_string().into_string().unwrap()
}

fn is_close_on_exec(descriptor: &OwnedFd) -> bool {
    let path = format!("/proc/self/fdinfo/{}", descriptor.as_raw_fd());
    let info = fs::read_to_string(path).unwrap();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    i32::from_str_radix(flags.trim(), 8).unwrap() & libc::O_CLOEXEC != 0
}

/// Whether the kernel can refuse descriptors for a receiver: Linux 6.16.
pub(crate) fn can_be_refused() -> bool {
    let (socket, _other) = Socket::pair(anysock::Type::SeqPacket).unwrap();
    socket.set_pass_descriptors(false).unwrap()
}

/// Polls once; `None` if it has to wait.
pub(crate) async fn once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

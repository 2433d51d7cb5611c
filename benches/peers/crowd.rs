//! Many senders of datagrams at one receiver: its processor time per message, and per sender.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::harness::{Contender, Measured};
use crate::observed::{Observed, at_most};
use crate::report::{Bar, Claim, Report, Unit};
use crate::servers::FIRST_MESSAGE;
use crate::sorters::{AGAIN, BY_HAND, OURS, Over, WINDOW};

const PEERS: [usize; 4] = [1, 100, 1000, 9900];

/// Datagrams from one sender before those of the next.
const BURST: usize = 4;

/// So many messages are sent in a pass at least, or it would be too short to be measured.
const PASS: usize = 16_000;

/// Passes in a round, of those that count.
const PASSES: usize = 5;

/// Each round needs a process of its own.
const ROUNDS: usize = 5;

/// What is measured of a crowd.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Moment {
    /// Everybody is heard for the first time, and accepted.
    Accepted,
    /// Everybody is known.
    Known,
}

pub(crate) fn measure(report: &mut Report) {
    for over in [Over::Udp, Over::Unix] {
        for peers in PEERS {
            measure_one(report, over, peers, Moment::Known);
        }
        measure_one(report, over, PEERS[PEERS.len() - 1], Moment::Accepted);
    }
}

fn measure_one(report: &mut Report, over: Over, peers: usize, moment: Moment) {
    let cell = match over {
        Over::Udp => "udp",
        Over::Unix => "unix datagram",
    };
    let what = match (moment, peers) {
        (Moment::Accepted, _) => format!("{cell}, {} peers, each accepted", grouped(peers)),
        (Moment::Known, 1) => format!("{cell}, 1 peer"),
        (Moment::Known, _) => format!("{cell}, {} peers", grouped(peers)),
    };
    if !report.wants(&what) {
        return;
    }
    if at_most(peers) < peers {
        return report.skip(&what, "too few descriptors are allowed");
    }
    let contenders = [OURS, BY_HAND, AGAIN].map(|name| {
        Contender::new(name, move || {
            Box::new(move |units| receiver_time(over, name, peers, moment) * units as f64)
        })
    });
    let measured = Measured::same_work(&contenders, 1, report.rounds().min(ROUNDS));
    let spread = measured.spread(OURS, AGAIN);
    let (size, against, unit) = (FIRST_MESSAGE, BY_HAND, Unit::ThousandsPerSecond);
    let claim = Claim { what: &what, size, ours: OURS, against, unit, bar: Bar::none() };
    report.compare(&measured, spread, claim);
}

/// Seconds of the receiver's processor that one message costs.
fn receiver_time(over: Over, name: &str, peers: usize, moment: Moment) -> f64 {
    let scene = match over {
        Over::Udp => "udp-crowd",
        Over::Unix => "unix-crowd",
    };
    let mut server = Observed::start(scene, name, 0);
    let mut crowd = Crowd::new(over, server.name(), peers);
    let accepting = crowd.send(&mut server, 1, 1);
    if moment == Moment::Accepted {
        return accepting;
    }
    let bursts = (PASS / (BURST * peers)).max(1);
    // Queues grow in the first.
    crowd.send(&mut server, bursts, BURST);
    let mut passes: Vec<_> = (0..PASSES).map(|_| crowd.send(&mut server, bursts, BURST)).collect();
    *passes.select_nth_unstable_by(PASSES / 2, f64::total_cmp).1
}

/// The senders. Each window of datagrams is received before the next is sent, so that no queue
/// overflows.
struct Crowd {
    senders: Vec<Sender>,
    message: [u8; FIRST_MESSAGE],
    /// Sent, and not told as received yet.
    under_way: usize,
}

enum Sender {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Crowd {
    fn new(over: Over, server: &str, peers: usize) -> Self {
        let senders = (0..peers).map(|place| match over {
            Over::Udp => {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("binding");
                socket.connect(server).expect("connecting");
                Sender::Udp(socket)
            }
            Over::Unix => {
                let addr = |name: &str| SocketAddr::from_abstract_name(name).expect("a name");
                let own = addr(&format!("{server}-{place}"));
                let socket = UnixDatagram::bind_addr(&own).expect("binding");
                socket.connect_addr(&addr(server)).expect("connecting");
                Sender::Unix(socket)
            }
        });
        Self { senders: senders.collect(), message: [7; FIRST_MESSAGE], under_way: 0 }
    }

    /// Has each send so many bursts, in turn; what a message cost the receiver.
    fn send(&mut self, server: &mut Observed, bursts: usize, burst: usize) -> f64 {
        let mut told = 0.0;
        for _ in 0..bursts {
            for sender in &self.senders {
                for _ in 0..burst {
                    sender.send(&self.message);
                    self.under_way += 1;
                    if self.under_way == WINDOW {
                        if let Sender::Udp(_) = sender {
                            server.go_on();
                        }
                        told += server.figure();
                        self.under_way = 0;
                    }
                }
            }
        }
        told / (bursts * burst * self.senders.len()) as f64
    }
}

impl Sender {
    fn send(&self, message: &[u8]) {
        let sent = match self {
            Self::Udp(socket) => socket.send(message),
            Self::Unix(socket) => socket.send(message),
        };
        assert_eq!(sent.expect("sending"), message.len());
    }
}

fn grouped(number: usize) -> String {
    match number {
        ..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}

//! A small message there and back on one runtime, at the median.

use anysock::sockets::StreamSocket;
use tokio::net::UnixStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::ends::{message, runtime};
use crate::harness::Measured;
use crate::report::{Bar, Claim, Report, Unit};
use crate::round_trips::{ByHand, Ours, contender};
use crate::streams::framed;

const SIZE: usize = 64;
const WHAT: &str = "unix stream, round trip p50";
const BY_TOKIO: &str = "tokio by hand";
const BY_FRAMED: &str = "Framed default";
const OURS: &str = "ours";
const AGAIN: &str = "ours again";

pub(crate) fn measure(report: &mut Report) {
    if !report.wants(WHAT) {
        return;
    }
    let runtime = runtime();
    let _entered = runtime.enter();
    let message = message(SIZE);
    let pair = || UnixStream::pair().expect("a socket pair");
    let ours = || {
        let (near, far) = StreamSocket::pair().expect("a socket pair");
        (Ours(framed(near)), Ours(framed(far)))
    };
    let by_hand = move || {
        let (near, far) = pair();
        (ByHand::new(near), ByHand::new(far))
    };
    let by_framed = move || {
        let (near, far) = pair();
        let wrap = |io| Framed::new(io, LengthDelimitedCodec::new());
        (wrap(near), wrap(far))
    };
    let contenders = [
        contender(BY_TOKIO, &runtime, message, by_hand),
        contender(OURS, &runtime, message, ours),
        contender(BY_FRAMED, &runtime, message, by_framed),
        contender(AGAIN, &runtime, message, ours),
    ];
    let measured = Measured::times(&contenders, 1, report.rounds());
    let spread = measured.spread(OURS, AGAIN);
    for against in [BY_TOKIO, BY_FRAMED] {
        let (unit, bar) = (Unit::Microseconds, Bar::none());
        let claim = Claim { what: WHAT, size: SIZE, ours: OURS, against, unit, bar };
        report.compare(&measured, spread, claim);
    }
}

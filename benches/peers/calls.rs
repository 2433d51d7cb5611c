//! System calls per message, counted from outside: this program runs itself under strace.

use std::io::ErrorKind;
use std::process::Command;
use std::rc::Rc;

use anysock::Packets;
use anysock::sockets::{SeqPacketSocket, StreamSocket};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

use crate::ends::{message, runtime};
use crate::harness::{Contender, Measured};
use crate::packets::our_udp_pair;
use crate::report::{Bar, Claim, Report, Unit};
use crate::round_trips::{self, Ours};
use crate::streams::{self, AGAIN, OURS, TUNED, framed};

/// Looked up around what is counted, which shows in the trace. Nobody has this file.
const MARK: &str = "/anysock-bench-mark";

/// Counts hardly wobble, and a traced process is slow.
const ROUNDS: usize = 3;

const BY_FRAMED: &str = "Framed default";
const UNIT: Unit = Unit::Count("calls");
const FED: &str = "calls per message, unix stream fed";
const STREAM: &str = "calls per round trip, unix stream";
const SEQPACKET: &str = "calls per round trip, unix seqpacket";
const UDP: &str = "calls per round trip, udp";

/// What is counted, at which size, over how many units of work.
const CASES: [(&str, usize, usize, Bar); 5] = [
    (FED, 64, 1 << 16, Bar::new(0.0015, 0.0015)),
    (FED, 16 << 10, 1 << 11, Bar::new(0.45, 0.47)),
    (STREAM, 64, 1 << 7, Bar::new(6.0, 6.0)),
    (SEQPACKET, 64, 1 << 7, Bar::goal(6.0)),
    (UDP, 64, 1 << 7, Bar::goal(6.0)),
];

pub(crate) fn measure(report: &mut Report) {
    for (place, (what, size, units, bar)) in CASES.into_iter().enumerate() {
        if !report.wants(what) {
            continue;
        }
        let runtime = runtime();
        let names: Vec<_> = contenders(what, size, &runtime).iter().map(Contender::name).collect();
        if let Err(reason) = traced(place, OURS) {
            report.skip(what, &reason);
            continue;
        }
        let counted = |&name: &&'static str| {
            Contender::new(name, move || {
                Box::new(move |_| traced(place, name).expect("it worked before"))
            })
        };
        let contenders: Vec<_> = names.iter().map(counted).collect();
        let measured = Measured::same_work(&contenders, units, ROUNDS);
        let spread = measured.spread(OURS, AGAIN);
        let claim = Claim { what, size, ours: OURS, against: "", unit: UNIT, bar };
        report.absolute(&measured, spread, claim);
        for against in [TUNED[0], BY_FRAMED].into_iter().filter(|name| names.contains(name)) {
            report.compare(&measured, spread, Claim { against, bar: Bar::none(), ..claim });
        }
    }
}

/// What the traced process does: between the marks, one unit of work, then so many more.
///
/// The difference is the work's alone; each slice also spawns tasks and waits for them.
pub(crate) fn play(place: usize, name: &str) {
    let (what, size, units, _) = CASES[place];
    let runtime = runtime();
    let _entered = runtime.enter();
    let contenders = contenders(what, size, &runtime);
    let mut run = contenders.iter().find(|one| one.name() == name).expect("a contender").open();
    // Buffers grow and registrations happen in the first slice.
    run(units);
    mark();
    run(1);
    mark();
    run(1 + units);
    mark();
}

fn mark() {
    assert!(!std::path::Path::new(MARK).exists());
}

/// How many system calls there were between the marks; or why that cannot be told.
fn traced(place: usize, name: &str) -> Result<f64, String> {
    let program = std::env::current_exe().expect("this program has a path");
    let traced = Command::new("strace")
        .args(["-f", "-qq"])
        .arg(program)
        .args(["--bench", "--scene", "calls", "--place", &place.to_string(), "--name", name])
        .output();
    let output = match traced {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err("strace is not installed".to_owned());
        }
        output => output.expect("strace can be started"),
    };
    let trace = String::from_utf8_lossy(&output.stderr);
    if !trace.contains(MARK) {
        let reason = trace.lines().next().unwrap_or("it said nothing");
        return Err(format!("strace does not work here: {reason}"));
    }
    assert!(output.status.success(), "the traced process failed:\n{trace}");
    let mut slices = trace.split(MARK).skip(1).map(calls);
    let (short, long) = (slices.next().expect("three marks"), slices.next().expect("three marks"));
    Ok(long - short)
}

/// How many calls there are between two marks.
fn calls(trace: &str) -> f64 {
    // First comes the rest of the mark's own line. Signals are not calls, and a call that
    // another thread's interrupts has two lines.
    let is_call = |line: &&str| line.contains('(') && !line.contains("resumed>");
    trace.lines().skip(1).filter(is_call).count() as f64
}

fn contenders(what: &str, size: usize, runtime: &Rc<Runtime>) -> Vec<Contender> {
    let message = message(size);
    let pair = || UnixStream::pair().expect("a socket pair");
    let ours = || {
        let (near, far) = StreamSocket::pair().expect("a socket pair");
        (Ours(framed(near)), Ours(framed(far)))
    };
    let by_framed = move || {
        let (near, far) = pair();
        let wrap = |io| Framed::new(io, LengthDelimitedCodec::new());
        (wrap(near), wrap(far))
    };
    let seqpacket = || {
        let (near, far) = SeqPacketSocket::pair().expect("a socket pair");
        (Ours(Packets::new(near)), Ours(Packets::new(far)))
    };
    let udp = || {
        let (near, far) = our_udp_pair().expect("a socket pair");
        (Ours(Packets::new(near)), Ours(Packets::new(far)))
    };
    let twice = [OURS, AGAIN].into_iter();
    match what {
        FED => twice
            .map(|name| streams::ours(name, runtime, message))
            .chain([streams::tuned(TUNED[0], runtime, message, pair, streams::READ)])
            .collect(),
        STREAM => twice
            .map(|name| round_trips::contender(name, runtime, message, ours))
            .chain([round_trips::contender(BY_FRAMED, runtime, message, by_framed)])
            .collect(),
        SEQPACKET => {
            twice.map(|name| round_trips::contender(name, runtime, message, seqpacket)).collect()
        }
        UDP => twice.map(|name| round_trips::contender(name, runtime, message, udp)).collect(),
        _ => unreachable!("all cases are above"),
    }
}

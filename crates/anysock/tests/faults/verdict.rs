//! What is specified for each fault, and whether a run kept to it.

use std::io::ErrorKind as K;

use anysock::core::faults::{Call, ERRORS, Fault, Plan};

use crate::cells::Tried;
use crate::log::{Record, Sent, Told};
use crate::script::Run;

/// How a run may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Specified {
    /// Nobody is told of anything: every message arrives, whole and in order, and the end.
    Unseen,
    /// As that; or whoever made the call is told of this very error, and who talks with him that
    /// the connection has ended. What arrived until then is whole and in order.
    Told,
}

/// Why a fault is not tried at a call. Nothing is excluded by the name of a call or of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Excluded {
    Whole,
    HalfIsOne,
    Ended,
}

impl Excluded {
    pub(crate) const ALL: [Self; 3] = [Self::Whole, Self::HalfIsOne, Self::Ended];

    /// What is not tried, and the reason.
    pub(crate) fn reason(self) -> [&'static str; 2] {
        match self {
            Self::Whole => [
                "one, half, at what is no transfer, and at one packet",
                "the kernel does it whole or not at all: in part go bytes of a stream, and batches",
            ],
            Self::HalfIsOne => ["half, at two or three bytes or packets", "that is the case `one`"],
            Self::Ended => [
                "EAGAIN, at receiving from a peer that has ended",
                "the kernel gives what there is, or the end: EAGAIN would say that receiving was shut down",
            ],
        }
    }
}

/// System calls at which nothing is tried, and why.
pub(crate) const ELSEWHERE: [[&str; 2]; 4] = [
    ["close(2)", "made by the standard library, which does not look; Linux never fails to close"],
    ["epoll_ctl(2), epoll_wait(2)", "made by tokio"],
    ["if_nametoindex(3), getaddrinfo(3)", "made by the C library, of several calls"],
    ["what the script makes itself: open(2) of /dev/null", "not made by the library"],
];

/// The table of what is specified.
///
/// | fault | at | ends as |
/// |---|---|---|
/// | `EINTR` | everything | unseen |
/// | one, half | everything | unseen |
/// | `EAGAIN` | transfers, accept4, flock; connect on unix | unseen: waited for, or tried again after a pause |
/// | any | accept4 | unseen: the listener goes on, at once or after a pause |
/// | any other | everything else | told; of a socket that was just accepted by the listener's count |
pub(crate) fn specified(tried: Tried, plan: Plan) -> Specified {
    const TRANSFERS: [Call; 6] = [
        Call::Recv,
        Call::RecvBatch,
        Call::RecvMessage,
        Call::Send,
        Call::SendBatch,
        Call::SendMessage,
    ];
    let waits = TRANSFERS.contains(&plan.call)
        || plan.call == Call::Flock
        || plan.call == Call::Connect && tried.is_unix();
    match plan.fault {
        Fault::One | Fault::Half => Specified::Unseen,
        _ if plan.call == Call::Accept => Specified::Unseen,
        Fault::Error(number) => match name(number) {
            "EINTR" => Specified::Unseen,
            "EAGAIN" if waits => Specified::Unseen,
            _ => Specified::Told,
        },
    }
}

pub(crate) fn name(number: i32) -> &'static str {
    ERRORS.iter().find(|(_, other)| *other == number).map_or("?", |(name, _)| *name)
}

/// What is wrong with a run, in words; nothing if it is as specified.
pub(crate) fn judge(tried: Tried, plan: Option<Plan>, run: &Run) -> Vec<String> {
    let record = &run.record;
    let mut wrong = record.broken.clone();
    if run.is_left && !may_leave(plan) {
        wrong.push("the socket file was left behind".to_owned());
    }
    if run.descriptors.0 != run.descriptors.1 {
        let (before, after) = run.descriptors;
        wrong.push(format!("{before} descriptors were open before, {after} are after"));
    }
    let may_be_told = plan.is_some_and(|plan| specified(tried, plan) == Specified::Told);
    if record.told.is_empty() || !may_be_told {
        wrong.extend(record.told.iter().map(|told| format!("told, and should not be: {told}")));
        wrong.extend(whole(record));
        return wrong;
    }
    if let Some(Plan { fault: Fault::Error(number), .. }) = plan {
        if !record.told.iter().any(|told| names(told, number)) && record.lost == 0 {
            wrong.push(format!("nobody was told of {}", name(number)));
        }
        let others = record.told.iter();
        let others = others.filter(|told| !names(told, number) && !is_parting(told, record));
        wrong.extend(others.map(|told| format!("another error was told: {told}")));
    }
    wrong.extend(in_part(tried, record));
    wrong
}

/// Dropping cannot fail, so that what goes wrong then is logged, and the next to bind clears it.
fn may_leave(plan: Option<Plan>) -> bool {
    plan.is_some_and(|plan| matches!(plan.call, Call::Look | Call::Unlink))
}

/// Everything there and back, and the end.
fn whole(record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    if !record.is_through {
        wrong.push(format!("nobody was told of anything, and the client is at: {}", record.step));
    }
    for (who, received) in [("server", &record.served), ("client", &record.echoed)] {
        if *received != record.sent {
            let (sent, received) = (record.sent.len(), received.len());
            wrong.push(format!("the {who} received {received} messages, {sent} were sent"));
        }
    }
    if record.taken != record.passed {
        let Record { taken, passed, .. } = record;
        wrong.push(format!("{taken} descriptors arrived, {passed} were passed"));
    }
    wrong
}

/// What arrived is in order; on a stream nothing is missing before what arrived, elsewhere no more
/// than the errors account for.
fn in_part(tried: Tried, record: &Record) -> Vec<String> {
    let mut wrong = Vec::new();
    for (who, received) in [("server", &record.served), ("client", &record.echoed)] {
        let mut sent = record.sent.iter();
        let is_in_order = received.iter().all(|one: &Sent| sent.any(|other| other == one));
        if !is_in_order {
            wrong.push(format!("what the {who} received is not in order: {received:?}"));
        } else if tried.is_stream() && !record.sent.starts_with(received) {
            wrong.push(format!("the {who} misses messages before others: {received:?}"));
        }
        let missing = record.sent.len() - received.len();
        let is_survived = !record.told.iter().any(|told| told.is_fatal);
        if is_survived && missing > record.told.len() {
            let told = record.told.len();
            wrong.push(format!("the {who} misses {missing} messages, {told} errors were told"));
        }
    }
    if record.taken > record.passed {
        wrong.push("more descriptors arrived than were passed".to_owned());
    }
    if !record.is_through && !record.told.iter().any(|told| told.is_fatal) {
        wrong.push(format!("the client gave up without a fatal error, at: {}", record.step));
    }
    wrong
}

/// Whether the error says that it is this one.
fn names(told: &Told, number: i32) -> bool {
    told.numbers.contains(&number) || told.text.contains(&format!("(os error {number})"))
}

/// Whether it is what a peer sees whose other end is gone.
fn is_parting(told: &Told, record: &Record) -> bool {
    let gone = [K::ConnectionReset, K::BrokenPipe, K::ConnectionAborted, K::NotConnected];
    let is_gone = told.kinds.iter().any(|kind| gone.contains(kind)) || is_cut_off(told);
    // A listener for datagrams outlives its clients, who are told of as refusing.
    let is_refused = told.kinds.contains(&K::ConnectionRefused) && !record.is_through;
    told.is_fatal && is_gone || !told.is_fatal && is_refused
}

fn is_cut_off(told: &Told) -> bool {
    told.text.contains("ended inside a message")
}

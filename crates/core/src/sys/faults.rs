//! What stands in the seam under `--cfg anysock_faults`: one chosen call fails, or does a part.
//!
//! A test [begins](begin) with what is to go wrong, runs its script, and [ends](end): then it is
//! told of every call that was made, and whether the fault was met. All that is the process's own,
//! so one script runs at a time.
//!
//! An injected fault is what the kernel could have done. `EAGAIN`, and a part, are for a socket that
//! has no more *now*; as there may be more at once in truth, the event that the kernel would give
//! for it is brought about after the call, by epoll_ctl(2) with what the descriptor is registered
//! for already: edge-triggered readiness is looked at anew then. Where the peer has ended there can
//! be no `EAGAIN`, and none is injected. A connect(2) that is interrupted has begun all the same.

use std::ffi::c_int;
use std::fs;
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use super::seam::Call;

/// Stands in every build that has the seam, and in no other.
pub const MARKER: &str = "anysock has a seam: system calls may be made to fail";

/// The errors that are tried, by name.
pub const ERRORS: &[(&str, i32)] = &[
    ("EINTR", libc::EINTR),
    ("EAGAIN", libc::EAGAIN),
    ("ECONNRESET", libc::ECONNRESET),
    ("EPIPE", libc::EPIPE),
    ("ENOBUFS", libc::ENOBUFS),
    ("ENOMEM", libc::ENOMEM),
    ("EMFILE", libc::EMFILE),
    ("ENFILE", libc::ENFILE),
];

/// What happens instead of the whole call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// It is not made, and gives this error of errno(3); a connect(2) that gives `EINTR` is made.
    Error(i32),
    /// It is made for one byte, or for one packet of a batch.
    One,
    /// It is made for half of the bytes, or of the packets.
    Half,
}

/// Which call it happens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    /// Which call.
    pub call: Call,
    /// Which of those, from 1 on, since [`begin`].
    pub nth: usize,
    /// What happens.
    pub fault: Fault,
}

/// A call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Made {
    /// Which.
    pub call: Call,
    /// How many bytes of a stream it was made for, or packets of a batch; 1 for what cannot be
    /// done in part.
    pub most: usize,
    /// Whether it was for what cannot have to wait: receiving where the peer has ended, which gives
    /// what there is, or the end.
    pub is_ended: bool,
}

/// What was seen of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The calls, in their order.
    pub made: Vec<Made>,
    /// Whether the fault was met.
    pub fired: bool,
}

#[derive(Debug)]
struct State {
    is_on: bool,
    plan: Option<Plan>,
    /// How many calls of the plan's were made.
    count: usize,
    trace: Trace,
}

static STATE: Mutex<State> = Mutex::new(State {
    is_on: false,
    plan: None,
    count: 0,
    trace: Trace { made: Vec::new(), fired: false },
});

/// Counts calls from here on, and has one of them fail.
pub fn begin(plan: Option<Plan>) {
    *state() = State { is_on: true, plan, count: 0, trace: Trace::default() };
}

/// Ends that, and tells what was seen.
pub fn end() -> Trace {
    let mut state = state();
    state.is_on = false;
    std::mem::take(&mut state.trace)
}

/// Neither counts nor fails anything until it is told otherwise.
pub fn pause(is_paused: bool) {
    state().is_on = !is_paused;
}

/// What a system call answers.
pub(crate) trait Answer {
    fn failed(number: i32) -> Self;
}

impl<T> Answer for io::Result<T> {
    fn failed(number: i32) -> Self {
        Err(io::Error::from_raw_os_error(number))
    }
}

impl Answer for isize {
    fn failed(number: i32) -> Self {
        // SAFETY: the C library gives the address of this thread's number.
        unsafe { *libc::__errno_location() = number };
        -1
    }
}

impl Answer for c_int {
    fn failed(number: i32) -> Self {
        isize::failed(number) as _
    }
}

pub(crate) fn call<R: Answer>(call: Call, socket: RawFd, run: impl FnOnce() -> R) -> R {
    cut(call, socket, 1, |_| run())
}

pub(crate) fn part<R: Answer>(
    call: Call,
    socket: RawFd,
    most: usize,
    run: impl FnOnce(usize) -> R,
) -> R {
    // A packet is taken whole or not at all.
    match is_stream(socket) {
        true => cut(call, socket, most, |cut| run(cut.unwrap_or(most))),
        false => cut(call, socket, 1, |_| run(most)),
    }
}

pub(crate) fn batch<R: Answer>(
    call: Call,
    socket: RawFd,
    most: usize,
    run: impl FnOnce(usize) -> R,
) -> R {
    cut(call, socket, most, |cut| run(cut.unwrap_or(most)))
}

pub(crate) fn slices<R: Answer>(
    call: Call,
    socket: RawFd,
    slices: &[IoSlice<'_>],
    run: impl FnOnce(&[IoSlice<'_>]) -> R,
) -> R {
    let most = match is_stream(socket) {
        true => slices.iter().map(|slice| slice.len()).sum(),
        false => 1,
    };
    cut(call, socket, most, |cut| {
        let Some(mut left) = cut else { return run(slices) };
        let shorter: Vec<_> = slices
            .iter()
            .map(|slice| {
                let length = slice.len().min(left);
                left -= length;
                IoSlice::new(&slice[..length])
            })
            .collect();
        run(&shorter)
    })
}

/// Makes a call whole (`None`), for a part, or not at all.
fn cut<R: Answer>(
    call: Call,
    socket: RawFd,
    most: usize,
    run: impl FnOnce(Option<usize>) -> R,
) -> R {
    match next(call, socket, most) {
        None => run(None),
        Some(Fault::Error(number)) => {
            match number {
                libc::EAGAIN => look_anew(socket),
                libc::EINTR if call == Call::Connect => drop(run(None)),
                _ => {}
            }
            R::failed(number)
        }
        Some(part) => {
            let answer = run(Some(if part == Fault::One { 1 } else { most / 2 }));
            // Where that failed, its number is still to be read.
            let number = io::Error::last_os_error().raw_os_error().unwrap_or(0);
            look_anew(socket);
            isize::failed(number);
            answer
        }
    }
}

/// Takes note of a call; what is to happen instead.
fn next(call: Call, socket: RawFd, most: usize) -> Option<Fault> {
    let receives = matches!(call, Call::Recv | Call::RecvMessage | Call::RecvBatch);
    let is_ended = receives && has_ended(socket);
    let mut state = state();
    if !state.is_on {
        return None;
    }
    state.trace.made.push(Made { call, most, is_ended });
    let plan = state.plan.filter(|plan| plan.call == call)?;
    state.count += 1;
    let is_met = state.count == plan.nth
        && match plan.fault {
            Fault::Error(number) => number != libc::EAGAIN || !is_ended,
            Fault::One | Fault::Half => most > 1,
        };
    state.trace.fired |= is_met;
    if is_met && std::env::var_os("ANYSOCK_FAULT").is_some() {
        let made = state.trace.made.len();
        eprintln!(
            "{MARKER}: {plan:?}, the {made}th call of all, {most} in all\n{}",
            std::backtrace::Backtrace::force_capture()
        );
    }
    is_met.then_some(plan.fault)
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_stream(socket: RawFd) -> bool {
    let mut kind: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to a number and its length, which outlive the call.
    let result = unsafe {
        let kind = (&raw mut kind).cast();
        libc::getsockopt(socket, libc::SOL_SOCKET, libc::SO_TYPE, kind, &raw mut length)
    };
    result == 0 && kind == libc::SOCK_STREAM
}

/// Whether the peer has ended its direction, or the connection.
fn has_ended(socket: RawFd) -> bool {
    let mut asked = libc::pollfd { fd: socket, events: libc::POLLRDHUP, revents: 0 };
    // SAFETY: the pointer is to one structure, which outlives the call; it does not wait.
    let result = unsafe { libc::poll(&raw mut asked, 1, 0) };
    result > 0 && asked.revents & (libc::POLLRDHUP | libc::POLLHUP) != 0
}

/// Has every reactor of this process look anew at whatever of this socket it watches.
fn look_anew(socket: RawFd) {
    let Some(socket) = inode(socket) else { return };
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return };
    for entry in entries.flatten() {
        let Ok(target) = fs::read_link(entry.path()) else { continue };
        if target.as_os_str() != "anon_inode:[eventpoll]" {
            continue;
        }
        let number = entry.file_name().into_string().unwrap_or_default();
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
        let Ok(reactor) = number.parse::<RawFd>() else { continue };
        for (watched, events, data) in info.lines().filter_map(watched) {
            if inode(watched) == Some(socket) {
                let mut event = libc::epoll_event { events, u64: data };
                // SAFETY: epoll_ctl reads the event, and fails where this is watched no longer.
                unsafe {
                    libc::epoll_ctl(reactor, libc::EPOLL_CTL_MOD, watched, &raw mut event);
                }
            }
        }
    }
}

/// A line of proc_pid_fdinfo(5): `tfd: 5 events: 8000201d data: 7f..`.
fn watched(line: &str) -> Option<(RawFd, u32, u64)> {
    let mut words = line.strip_prefix("tfd:")?.split_whitespace();
    let descriptor = words.next()?.parse().ok()?;
    let events = u32::from_str_radix(words.nth(1)?, 16).ok()?;
    let data = u64::from_str_radix(words.nth(1)?, 16).ok()?;
    Some((descriptor, events, data))
}

/// Which socket it is, whatever the number of its descriptor.
fn inode(descriptor: RawFd) -> Option<u64> {
    let mut found = MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the pointer is to room for the structure, all of which was zeroed.
    let found =
        unsafe { (libc::fstat(descriptor, found.as_mut_ptr()) == 0).then(|| found.assume_init())? };
    Some(found.st_ino)
}

//! Accepting where accept(2) fails: each error of the man page, put in from outside by strace.

use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use anysock_async::{Listener, ListenerStats, PeerLimits, bind};
use anysock_core::{Cell, Options};

use crate::ends::{connecting, fresh};
use crate::lacking;
use crate::process::{rerun, run};
use crate::watchdog;

const CELL: &str = "ANYSOCK_TEST_ACCEPTING_CELL";
const EXPECTED: &str = "ANYSOCK_TEST_ACCEPTING_EXPECTED";

/// So many calls in a row are made to fail.
const FAILURES: u64 = 3;

const AT_ONCE: [&str; 12] = [
    "ECONNABORTED",
    "ECONNRESET",
    "ETIMEDOUT",
    "EPERM",
    "EPROTO",
    "ENOPROTOOPT",
    "EOPNOTSUPP",
    "ENETDOWN",
    "ENETUNREACH",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "ENONET",
];
const AFTER_A_PAUSE: [&str; 4] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];
const NEVER: [&str; 4] = ["EINVAL", "EBADF", "ENOTSOCK", "EFAULT"];

/// What a class of errors is told apart by, from outside.
const LOST: &str = "lost";
const PAUSED: &str = "paused";
const FINAL: &str = "final";

#[test]
fn each_error_of_one_connection_is_tried_again_at_once() {
    AT_ONCE.iter().for_each(|error| inject(Cell::UNIX_STREAM, error, LOST));
}

#[test]
fn each_error_of_shortage_is_tried_again_after_a_pause() {
    AFTER_A_PAUSE.iter().for_each(|error| inject(Cell::UNIX_STREAM, error, PAUSED));
}

#[test]
fn each_other_error_comes_out() {
    NEVER.iter().for_each(|error| inject(Cell::UNIX_STREAM, error, FINAL));
}

/// One error of each class.
fn goes_on_unless_the_error_is_final(cell: Cell) {
    inject(cell, "ECONNABORTED", LOST);
    inject(cell, "ENOBUFS", PAUSED);
    inject(cell, "EINVAL", FINAL);
}

per_cell! { goes_on_unless_the_error_is_final {
    unix_stream_goes_on_accepting_unless_the_error_is_final => UNIX_STREAM,
    unix_seqpacket_goes_on_accepting_unless_the_error_is_final => UNIX_SEQPACKET,
    ipv4_stream_goes_on_accepting_unless_the_error_is_final => IPV4_STREAM,
    ipv6_stream_goes_on_accepting_unless_the_error_is_final => IPV6_STREAM,
} }

/// Has the first calls fail by `error`, in a process of its own.
fn inject(cell: Cell, error: &str, expected: &str) {
    if !can_trace() {
        return;
    }
    let part = rerun("accepting::the_part_of_a_process_whose_calls_fail");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=accept4", "-e"]);
    command.arg(format!("inject=accept4:error={error}:when=1..{FAILURES}"));
    command.arg(part.get_program()).args(part.get_args().map(OsString::from));
    run(command.env(CELL, cell.to_string()).env(EXPECTED, expected));
}

/// Whether strace can be used here, which in continuous integration it must.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-qq", "-e", "trace=none", "true"]).output();
    let works = traced.is_ok_and(|output| output.status.success());
    if !works {
        lacking::say("strace cannot be used here");
    }
    works
}

#[test]
fn the_part_of_a_process_whose_calls_fail() {
    let Ok(name) = std::env::var(CELL) else { return };
    let cell = Cell::ALL.into_iter().find(|cell| cell.to_string() == name).unwrap();
    let expected = std::env::var(EXPECTED).unwrap();
    watchdog::run(move || async move {
        let (any, options) = (fresh(cell.domain), Options::new());
        let mut listener = bind(&any, cell.kind, &options, &PeerLimits::default()).await.unwrap();
        let client = connecting(listener.socket());
        match &expected[..] {
            FINAL => {
                listener.accept().await.unwrap_err();
                assert_eq!(listener.stats(), ListenerStats::default());
            }
            _ => goes_on(&mut listener, expected == PAUSED).await,
        }
        drop(client);
    });
}

async fn goes_on(listener: &mut Listener, paused: bool) {
    let begun = Instant::now();
    listener.accept().await.unwrap();
    let stats = listener.stats();
    let failures = if paused { (0, FAILURES) } else { (FAILURES, 0) };
    assert_eq!((stats.lost, stats.shortages, stats.accepted), (failures.0, failures.1, 1));
    if paused {
        // 5, 10 and 20 ms, of which a timer may cut a little.
        assert!(begun.elapsed() > Duration::from_millis(30), "{:?}", begun.elapsed());
    }
}

//! A process of its own for each case: this test binary again, which plays it and tells of it.

use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anysock::Type;

use crate::sockets::Sockets;
use crate::stage::{Stage, play};
use crate::trap::{Case, Trap};
use crate::with_anysock::Anysock;
use crate::with_tokio::Tokio;
use crate::{states, traps};

/// Names the case, in a process that is to play it.
pub(crate) const CASE: &str = "ANYSOCK_WEDGE_CASE";
/// Names the sockets, one of [`On`].
pub(crate) const ON: &str = "ANYSOCK_WEDGE_ON";
/// For how long it is watched, in milliseconds.
pub(crate) const WINDOW: &str = "ANYSOCK_WEDGE_WINDOW";
/// A directory for its paths.
pub(crate) const DIRECTORY: &str = "ANYSOCK_WEDGE_DIRECTORY";

/// On what a case is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Anysock,
    Tokio,
}

/// What this binary is started with to run one test, by its module and name.
pub(crate) fn arguments(test: &str) -> [&str; 4] {
    ["--exact", test, "--nocapture", "--test-threads=1"]
}

/// The test that plays a case.
pub(crate) const PART: &str = "child::the_part_of_a_process_that_plays_a_case";

#[test]
fn the_part_of_a_process_that_plays_a_case() {
    let Ok(case) = std::env::var(CASE) else { return };
    let case = Case::parse(&case).unwrap();
    let asked = |name| std::env::var(name).unwrap();
    let window = Duration::from_millis(asked(WINDOW).parse().unwrap());
    let directory = PathBuf::from(asked(DIRECTORY));
    let report = match &asked(ON)[..] {
        "Anysock" => play(case, directory, window, move |stage| stage_it::<Anysock>(case, stage)),
        _ => play(case, directory, window, move |stage| stage_it::<Tokio>(case, stage)),
    };
    println!("\n{}", report.line());
    // Whoever reads this kills the process, wedged or not; or is gone himself.
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(0);
}

async fn stage_it<S: Sockets>(case: Case, stage: Stage) {
    match case.trap {
        Trap::T1 => traps::shut_down::<S>(stage).await,
        Trap::T2 => traps::write_closed::<S>(stage, false).await,
        Trap::T3 => traps::full_queue_of_a_client::<S>(stage).await,
        Trap::T4 => traps::short_read::<S>(stage).await,
        Trap::T5 => traps::full_backlog::<S>(stage).await,
        Trap::T6 => traps::first_send::<S>(stage).await,
        Trap::T7 => traps::flood::<S>(stage).await,
        Trap::T8 => traps::announced::<S>(stage).await,
        Trap::FullQueue => states::full_queue::<S>(stage).await,
        Trap::SilentPeer => states::silent_peer::<S>(stage).await,
        Trap::HalfOpen => states::half_open::<S>(stage).await,
        Trap::HalfClosed => states::half_closed::<S>(stage).await,
        Trap::ShutDownElsewhere => states::shut_down_elsewhere::<S>(stage).await,
        Trap::AcceptShutDownElsewhere => states::accept_shut_down_elsewhere::<S>(stage).await,
        Trap::IcmpError => states::icmp_error::<S>(stage).await,
        Trap::IcmpErrorOfAPeer => states::icmp_error_of_a_peer::<S>(stage).await,
        Trap::NoDescriptor if case.cell.kind == Type::Datagram => {
            traps::write_closed::<S>(stage, true).await;
        }
        Trap::NoDescriptor => states::no_descriptor::<S>(stage).await,
    }
}

//! A send to a closed peer gives an error, and never a signal.

use anysock_core::Cell;

use crate::ends::{Ends, send};
use crate::process::{rerun, run};
use crate::raw::{POLLIN, poll, restore_sigpipe};

const SIGPIPE: &str = "ANYSOCK_TEST_SIGPIPE";

#[test]
fn no_cell_raises_sigpipe() {
    run(rerun("sigpipe::the_part_of_a_process_that_sigpipe_kills").env(SIGPIPE, "1"));
}

#[test]
fn the_part_of_a_process_that_sigpipe_kills() {
    if std::env::var_os(SIGPIPE).is_none() {
        return;
    }
    restore_sigpipe();
    for cell in Cell::ALL.into_iter().filter(|cell| cell.kind.is_connection_oriented()) {
        if anysock_core::probe().get(cell).is_err() {
            continue;
        }
        let Ends { near, far } = Ends::new(cell);
        drop(far);
        poll(&near, POLLIN);
        let failed = (0..3).any(|_| send(&near, b"x") == Err(libc::EPIPE));
        assert!(failed, "{cell}");
        let slices = [std::io::IoSlice::new(b"x")];
        let error = near.send_message(&slices, &Default::default()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EPIPE), "{cell}");
    }
}

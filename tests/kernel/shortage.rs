//! Accepting where there is no descriptor for the connection.

use std::fs::File;
use std::pin::pin;

use anysock_async::{PeerLimits, bind};
use anysock_core::{Cell, Options};

use crate::ends::{connecting, fresh};
use crate::limits::limit_descriptors;
use crate::process::{rerun, run};
use crate::watchdog::{self, assert_idle_while_blocked};

const CELL: &str = "ANYSOCK_TEST_SHORT_CELL";

fn accepts_once_there_is_a_descriptor(cell: Cell) {
    let part = "shortage::the_part_of_a_process_that_accepts_without_a_descriptor";
    run(rerun(part).env(CELL, cell.to_string()));
}

per_cell! { accepts_once_there_is_a_descriptor {
    unix_stream_accepts_once_there_is_a_descriptor => UNIX_STREAM,
    unix_seqpacket_accepts_once_there_is_a_descriptor => UNIX_SEQPACKET,
    ipv4_stream_accepts_once_there_is_a_descriptor => IPV4_STREAM,
    ipv6_stream_accepts_once_there_is_a_descriptor => IPV6_STREAM,
} }

#[test]
fn the_part_of_a_process_that_accepts_without_a_descriptor() {
    let Ok(name) = std::env::var(CELL) else { return };
    let cell = Cell::ALL.into_iter().find(|cell| cell.to_string() == name).unwrap();
    watchdog::run(move || async move {
        let (any, options) = (fresh(cell.domain), Options::new());
        let mut listener = bind(&any, cell.kind, &options, &PeerLimits::default()).await.unwrap();
        let client = connecting(listener.socket());
        limit_descriptors(64);
        let mut taken: Vec<_> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
        {
            // The connection stays queued, and no event comes when a descriptor is free again.
            let mut accept = pin!(listener.accept());
            assert_idle_while_blocked(accept.as_mut()).await;
            taken.clear();
            accept.await.unwrap();
        }
        drop(client);
    });
}

//! Ordinary builds have nothing of the seam at which the suite of faults has system calls fail.

use anysock_core::{Cell, Socket};

/// What is in every build that has the seam, backwards, so that it is not here itself.
const MARKER: &str = "liaf ot edam eb yam sllac metsys :maes a sah kcosyna";

#[test]
fn an_ordinary_build_has_no_seam() {
    // Or nothing of the library would be linked.
    Socket::open(Cell::UNIX_STREAM).unwrap().listen(1).unwrap_err();
    let marker: Vec<u8> = MARKER.bytes().rev().collect();
    let binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let is_there = binary.windows(marker.len()).any(|bytes| bytes == marker);
    assert_eq!(is_there, cfg!(anysock_faults), "the seam is there under the cfg, and only then");
}

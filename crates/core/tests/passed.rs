//! What was passed beside the bytes of a stream.

use std::fs::File;
use std::io::IoSlice;
use std::os::fd::OwnedFd;

use anysock_core::{Ancillary, Outgoing, Passed, Socket, Type};

#[test]
fn a_chunk_of_a_stream_tells_what_was_passed_beside_it_and_that_it_ended_there() {
    let (a, b) = Socket::pair(Type::Stream).unwrap();
    b.ask(Ancillary::DESCRIPTORS, true).unwrap();
    let files: Vec<OwnedFd> = (0..253).map(|_| File::open("/dev/null").unwrap().into()).collect();
    let mut with = Outgoing::default();
    with.descriptors = &files;
    a.send(b"plain, ").unwrap();
    a.send_message(&[IoSlice::new(b"passing")], &with).unwrap();
    a.send(b"plain").unwrap();
    let read = |passed: &mut Passed| {
        let mut buffer = Vec::with_capacity(100);
        let chunk = b.recv_chunk_passed(&mut buffer, passed).unwrap();
        (String::from_utf8(buffer).unwrap(), chunk.fell_short)
    };
    let mut passed = Passed::default();
    assert_eq!(read(&mut passed), ("plain, passing".into(), false));
    assert_eq!((passed.descriptors.len(), passed.is_truncated), (253, false));
    assert!(passed.credentials.is_none());
    let mut passed = Passed::default();
    assert_eq!(read(&mut passed), ("plain".into(), true));
    assert!(passed.is_empty());

    // Beside credentials there is room for as many.
    b.ask(Ancillary::CREDENTIALS, true).unwrap();
    a.send_message(&[IoSlice::new(b"both")], &with).unwrap();
    assert_eq!(read(&mut passed), ("both".into(), false));
    assert_eq!((passed.descriptors.len(), passed.is_truncated), (253, false));
    assert_eq!(passed.credentials.unwrap().pid, Some(std::process::id()));
    passed.keep(Ancillary::NONE);
    assert!(passed.is_empty());
}

#[test]
fn a_stream_that_is_told_to_refuse_descriptors_still_looks_for_credentials() {
    let (a, b) = Socket::pair(Type::Stream).unwrap();
    b.set_pass_credentials(true).unwrap();
    b.set_pass_descriptors(false).unwrap();
    a.send(b"text").unwrap();
    let mut buffer = Vec::with_capacity(100);
    let chunk = b.recv_chunk(&mut buffer).unwrap();
    assert_eq!((chunk.length, chunk.fell_short), (4, false));
}

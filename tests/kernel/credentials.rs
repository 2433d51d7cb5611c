//! The sender's credentials, which also tell an empty message from the end.

use std::os::fd::AsFd;
use std::process::Command;

use anysock_core::{Cell, Socket};

use crate::ends::{Ends, connecting, listening, send};
use crate::process::spawn;

#[test]
fn unix_seqpacket_has_credentials_with_an_empty_message_and_none_at_the_end() {
    let Ends { near, far } = Ends::new(Cell::UNIX_SEQPACKET);
    near.set_pass_credentials(true).unwrap();
    send(&far, b"").unwrap();
    drop(far);
    let empty = near.recv_message(&mut [0; 8]).unwrap();
    assert_eq!(empty.length, 0);
    assert_eq!(empty.credentials.unwrap().pid, Some(std::process::id()));
    let end = near.recv_message(&mut [0; 8]).unwrap();
    assert_eq!(end.length, 0);
    assert!(end.credentials.is_none());
}

#[test]
fn unix_seqpacket_has_credentials_with_what_was_sent_before_anybody_asked() {
    let listener = listening(Cell::UNIX_SEQPACKET, 8);
    let far = connecting(&listener);
    send(&far, b"").unwrap();
    let (near, _) = listener.accept().unwrap();
    send(&far, b"").unwrap();
    near.set_pass_credentials(true).unwrap();
    for _ in 0..2 {
        assert!(near.recv_message(&mut [0; 8]).unwrap().credentials.is_some());
    }
}

/// Another process writes to the same end of a connection; its process id.
fn write_by_another(socket: &Socket, text: &str) -> u32 {
    let end = socket.as_fd().try_clone_to_owned().unwrap();
    let mut command = Command::new("/bin/sh");
    // The shell's own printf, so that it is this process.
    let mut child = spawn(command.args(["-c", "printf \"$0\" >&0", text]).stdin(end));
    assert!(child.wait().unwrap().success());
    child.id()
}

#[test]
fn unix_stream_stops_a_read_where_the_senders_credentials_change_if_they_were_asked_for() {
    for asked in [true, false] {
        let Ends { near, far } = Ends::new(Cell::UNIX_STREAM);
        far.set_pass_credentials(asked).unwrap();
        send(&near, b"AAAA").unwrap();
        let other = write_by_another(&near, "BBBB");
        send(&near, b"CC").unwrap();
        send(&near, b"CC").unwrap();
        let mut reads = Vec::new();
        while let Ok(received) = far.recv_message(&mut [0; 100]) {
            reads.push((received.length, received.credentials.and_then(|who| who.pid)));
        }
        let own = std::process::id();
        match asked {
            true => assert_eq!(reads, [(4, Some(own)), (4, Some(other)), (4, Some(own))]),
            false => assert_eq!(reads, [(12, None)]),
        }
    }
}

fn names_the_process_that_made_the_other_end(cell: Cell) {
    let Ends { near, far } = Ends::new(cell);
    for socket in [near, far] {
        assert_eq!(socket.peer_credentials().unwrap().pid, Some(std::process::id()));
    }
}

per_cell! { names_the_process_that_made_the_other_end {
    unix_stream_names_the_process_that_made_the_other_end => UNIX_STREAM,
    unix_seqpacket_names_the_process_that_made_the_other_end => UNIX_SEQPACKET,
} }

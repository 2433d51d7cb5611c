//! What tells an empty message from the end: the sender's credentials.

use anysock_core::Cell;

use crate::ends::{Ends, connecting, listening, send};

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

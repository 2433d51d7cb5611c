//! Who sent a message, as the kernel vouches for it.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use anysock_core::{Ancillary, Cell, Credentials, Socket};
use anysock_framing::{Delimited, RecvExt, SendExt};

use crate::cells::{BOTH, next, pair, raw_and_framed, run};
use crate::tokens::attached;
use crate::{lacking, raw};

over_the_unix_cells! {
    each_message_has_its_senders_credentials,
    credentials_and_descriptors_come_together,
}

/// Nobody, on every system.
const NOBODY: u32 = 65534;

fn each_message_has_its_senders_credentials(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, Ancillary::CREDENTIALS);
        for number in 0..100 {
            a.feed(number.to_string()).await.unwrap();
        }
        a.flush().await.unwrap();
        for number in 0..100 {
            let message = next(&mut b).await;
            assert_eq!(message, number.to_string());
            assert_eq!(message.credentials().unwrap().pid, Some(std::process::id()));
        }
    });
}

fn credentials_and_descriptors_come_together(cell: Cell) {
    run(async {
        let (mut a, mut b) = pair(cell, BOTH);
        for count in [0, 3, 0, 1] {
            let (along, tokens) = attached(count);
            a.send_with("both", along).await.unwrap();
            let mut message = next(&mut b).await;
            assert!(message.credentials().is_some());
            tokens.check(&message.take_descriptors());
        }
    });
}

/// Another process writes to our end of the connection; its process id.
fn write_by_another(socket: &Socket, text: &str, user: Option<u32>) -> u32 {
    let end: OwnedFd = socket.as_fd().try_clone_to_owned().unwrap();
    let mut command = Command::new("/bin/sh");
    // The shell's own printf, so that it is this process.
    command.args(["-c", "printf \"$0\" >&0", text]).stdin(Stdio::from(end));
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let mut child = command.spawn().unwrap();
    assert!(child.wait().unwrap().success());
    child.id()
}

#[test]
fn a_forked_process_is_told_from_its_parent_and_a_shared_line_is_of_neither() {
    run(async {
        let own = std::process::id();
        let (near, mut far) = raw_and_framed(Delimited::lines(), Ancillary::CREDENTIALS);
        raw::send(&near, b"one of mine\nanother of mine\n", &[]);
        let child = write_by_another(&near, "of a child\\nbegun by a child, ", None);
        raw::send(&near, b"ended by me\nmine again\n", &[]);
        let sender = |message: &anysock_framing::Message| message.credentials().map(|who| who.pid);
        for (expected, who) in [
            ("one of mine", Some(Some(own))),
            ("another of mine", Some(Some(own))),
            ("of a child", Some(Some(child))),
            ("begun by a child, ended by me", None),
            ("mine again", Some(Some(own))),
        ] {
            let message = next(&mut far).await;
            assert_eq!(message, expected);
            assert_eq!(sender(&message), who, "{expected}");
        }
        drop(near);
        assert!(far.recv().await.unwrap().is_none());
    });
}

#[test]
fn a_process_that_has_changed_its_user_is_seen_as_that_one() {
    run(async {
        let (near, mut far) = raw_and_framed(Delimited::lines(), BOTH);
        raw::send(&near, b"mine\n", &[]);
        let own = next(&mut far).await.credentials().copied().unwrap();
        if own.uid != 0 {
            lacking::say("only root can change its user");
            return;
        }
        let child = write_by_another(&near, "of nobody\\n", Some(NOBODY));
        let message = next(&mut far).await;
        assert_eq!(message, "of nobody");
        let expected = Credentials { pid: Some(child), uid: NOBODY, gid: NOBODY };
        assert_eq!(message.credentials(), Some(&expected));
        // While the connection is still that of who made it.
        assert_eq!(far.stream().peer_credentials().unwrap().uid, 0);
    });
}

#[test]
fn nobody_who_did_not_ask_is_given_credentials() {
    run(async {
        let (mut a, mut b) = pair(Cell::UNIX_STREAM, Ancillary::NONE);
        a.send("anonymous").await.unwrap();
        assert!(next(&mut b).await.arrival().is_none());
    });
}

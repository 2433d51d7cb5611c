//! Python's `send_fds` and `recv_fds` at the other end.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use anysock::prelude::*;
use anysock::{Ancillary, Attached};

use crate::support::{Directory, run};
use crate::tool;

#[tokio::test]
async fn descriptors_pass_both_ways_between_python_and_unix_seqpacket() {
    pass("unix-seqpacket").await;
}

#[tokio::test]
async fn descriptors_pass_both_ways_between_python_and_unix_datagram() {
    pass("unix-dgram").await;
}

async fn pass(scheme: &str) {
    if !tool::is_there("python3", "--version") {
        return;
    }
    let directory = Directory::new();
    let endpoint = format!("{scheme}:{}", directory.path("s"));
    let mut listener = anysock::bind(&endpoint).await.unwrap();
    let socket = listener.as_socket().unwrap().socket();
    socket.ask(Ancillary::DESCRIPTORS | Ancillary::CREDENTIALS, true).unwrap();
    let python = tokio::task::spawn_blocking(move || {
        let script = format!("{}/tests/foreign/beside.py", env!("CARGO_MANIFEST_DIR"));
        // -B, as a test leaves no compiled script behind.
        run("python3", &["-B", &script, &endpoint], b"")
    });
    let mut peer = listener.accept().await.unwrap();
    let mut number = 0;
    for (text, count) in [("two", 2), ("none", 0), ("one", 1)] {
        let mut message = peer.recv().await.unwrap().unwrap();
        assert_eq!(message, text);
        assert_ne!(message.credentials().unwrap().pid, Some(std::process::id()));
        let descriptors = message.take_descriptors();
        assert_eq!(descriptors.len(), count);
        for descriptor in descriptors {
            let mut pipe = std::fs::File::from(descriptor);
            write!(pipe, "from rust {number}").unwrap();
            number += 1;
        }
    }
    let mut ends = Vec::new();
    for (text, count) in [("three", 3), ("none", 0), ("", 1)] {
        let mut attached = Attached::nothing();
        for _ in 0..count {
            let (end, other) = UnixStream::pair().unwrap();
            attached = attached.descriptor(other);
            ends.push((end, format!("from python {}", text.len())));
        }
        peer.feed_with(text, attached).await.unwrap();
    }
    peer.flush().await.unwrap();
    let output = python.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said == "ok\n", "{said}{failed}");
    for (mut end, expected) in ends {
        let mut written = String::new();
        end.read_to_string(&mut written).unwrap();
        assert_eq!(written, expected);
    }
    drop((peer, listener));
    directory.assert_empty();
}

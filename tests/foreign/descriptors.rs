//! Descriptors to and from Python's `socket.send_fds` and `recv_fds`.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use anysock_async::StreamSocket;
use anysock_core::{Ancillary, Socket, Type};
use anysock_framing::{Attached, Framed, LengthDelimited, RecvExt, SendExt};

use crate::support::process::{DEADLINE, Guarded, output};
use crate::tool;

#[test]
fn python_passes_descriptors_over_a_stream_and_takes_them() {
    if !tool::is_there("python3", "--version") {
        return;
    }
    let (near, far) = Socket::pair(Type::Stream).unwrap();
    near.ask(Ancillary::DESCRIPTORS, true).unwrap();
    let script = format!("{}/tests/foreign/descriptors.py", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.args(["-B", &script]).stdin(OwnedFd::from(far));
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Until then it holds the other end.
    drop(command);
    let child = Guarded(child);

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let talk = async {
            let stream = StreamSocket::new(near).unwrap();
            let mut near = Framed::new(stream, LengthDelimited::u32());
            for _ in 0..2 {
                plain(&mut near).await;
                for count in [1, 2, 3, 253] {
                    take(&mut near, count).await;
                    plain(&mut near).await;
                }
            }
            for count in [0, 1, 2, 3, 253] {
                pass(&mut near, count).await;
                near.send("plain").await.unwrap();
            }
            assert!(near.recv().await.unwrap().is_none());
        };
        // A Python that has failed says why below.
        let _ = tokio::time::timeout(DEADLINE / 2, talk).await;
    });
    let output = output(child);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{failed}");
    assert_eq!(said, "ok\n", "{failed}");
}

type Transport = Framed<StreamSocket, LengthDelimited>;

async fn plain(from: &mut Transport) {
    let message = from.recv().await.unwrap().unwrap();
    assert_eq!(message, "plain");
    assert!(message.arrival().is_none());
}

/// A message whose descriptors are those that the text says.
async fn take(from: &mut Transport, count: usize) {
    let mut message = from.recv().await.unwrap().unwrap();
    assert_eq!(message, format!("{count} of them"));
    let descriptors = message.take_descriptors();
    assert_eq!(descriptors.len(), count);
    for (number, descriptor) in descriptors.into_iter().enumerate() {
        let mut text = String::new();
        File::from(descriptor).read_to_string(&mut text).unwrap();
        assert_eq!(text, format!("text {number}"));
    }
}

async fn pass(to: &mut Transport, count: usize) {
    let attached = (0..count).fold(Attached::nothing(), |attached, number| {
        attached.descriptor(readable(&format!("text {number}")))
    });
    to.send_with(format!("{count} of them"), attached).await.unwrap();
}

/// A descriptor from which `text` can be read.
fn readable(text: &str) -> OwnedFd {
    let (reader, mut writer) = std::os::unix::net::UnixStream::pair().unwrap();
    writer.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    reader.into()
}

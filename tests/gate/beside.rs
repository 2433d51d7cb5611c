//! The gate holds whatever else was asked of the datagrams: each way of receiving them asks it.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Attached, Connection, Gate, Options};

/// Long enough for a machine with other things to do.
const DEADLINE: Duration = Duration::from_secs(30);

/// Sends a message, with a descriptor where they are asked for; what tells that it was closed.
async fn send(client: &mut Connection, text: &'static str, passes: bool) -> UnixStream {
    let (near, far) = UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    let attached = match passes {
        true => Attached::nothing().descriptor(far),
        false => Attached::nothing(),
    };
    client.send_with(text, attached).await.unwrap();
    near
}

async fn holds(options: Options, passes: bool) {
    let is_open = Arc::new(AtomicBool::new(false));
    let opened = Arc::clone(&is_open);
    let gate = Gate::nobody().when(move |_| opened.load(Ordering::Relaxed));
    let binding = anysock::bind("unix-dgram:").options(options).allow(gate);
    let mut listener = binding.await.unwrap();
    let mut client = anysock::connect(listener.endpoint()).await.unwrap();

    let mut refused = send(&mut client, "refused", passes).await;
    while listener.stats().refused == 0 {
        tokio::task::yield_now().await;
    }
    // Nobody holds what came with it.
    assert_eq!(refused.read(&mut [0]).map_err(|error| error.kind()), Ok::<_, ErrorKind>(0));

    is_open.store(true, Ordering::Relaxed);
    let _admitted = send(&mut client, "admitted", passes).await;
    let mut peer = listener.accept().await.unwrap();
    let mut message = peer.recv().await.unwrap().unwrap();
    assert_eq!(message.take_descriptors().len(), usize::from(passes));
    assert_eq!(message, "admitted");
    assert_eq!(listener.stats().refused, 1);
}

#[tokio::test]
async fn a_datagram_that_is_refused_is_not_received_whatever_may_come_with_it() {
    let test = async {
        holds(Options::new(), false).await;
        holds(Options::new().receive_credentials(true), false).await;
        holds(Options::new().receive_descriptors(true), false).await;
        holds(Options::new().receive_descriptors(true), true).await;
        holds(Options::new().receive_descriptors(true).receive_credentials(true), true).await;
    };
    tokio::time::timeout(DEADLINE, test).await.expect("this hangs");
}

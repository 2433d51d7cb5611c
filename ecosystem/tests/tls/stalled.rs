//! Who does not shake hands costs only himself.

use std::future::IntoFuture;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Error, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fixture::{CELLS, DEADLINE, HOUSE, localhost, run};
use crate::upgrade;

/// Who says nothing, who says half of his hello, who says so much as a record may be long and no
/// more: each in turn.
const BEGINNINGS: [&[u8]; 3] =
    [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"\x16\x03\x01\x40\x00\x01"];

const STALLED: usize = 60;

#[test]
fn peers_that_stall_in_the_handshake_hold_up_nobody_and_are_closed_at_their_deadline() {
    for endpoint in CELLS {
        run(async move {
            let listener = anysock::bind(endpoint).await.unwrap();
            let endpoint = listener.endpoint().clone();
            let errors = Arc::new(Mutex::new(Vec::new()));
            let (shutdown, met) = (Shutdown::new(), errors.clone());
            let patience = Duration::from_secs(3);
            let serving = anysock::serve(listener, move |peer| {
                let met = met.clone();
                async move {
                    let upgrading =
                        peer.upgrade(patience, |socket| upgrade::accept(HOUSE.mutual(), socket));
                    let mut peer = upgrading.await.inspect_err(|error| {
                        met.lock().unwrap().push((error.io_kind(), error.to_string()));
                    })?;
                    while let Some(message) = peer.recv().await? {
                        peer.send(message).await?;
                    }
                    peer.close().await
                }
            });
            let serving = serving.shutdown(shutdown.clone(), DEADLINE).into_future();
            let serving = tokio::spawn(serving);

            let mut stalled = Vec::new();
            for number in 0..STALLED {
                let peer = anysock::connect(&endpoint).await.unwrap();
                let mut socket = peer.into_stream().unwrap();
                socket.write_all(BEGINNINGS[number % BEGINNINGS.len()]).await.unwrap();
                stalled.push(socket);
            }
            // Behind all of them, and answered before any of them is given up.
            let client = anysock::connect(&endpoint).await.unwrap();
            let mut client = client
                .upgrade(DEADLINE, |socket| upgrade::connect(HOUSE.member(), localhost(), socket))
                .await
                .unwrap();
            client.send("hello").await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
            assert!(errors.lock().unwrap().is_empty(), "the honest one had to wait for others");
            client.close().await.unwrap();

            for mut socket in stalled {
                let mut left = Vec::new();
                // The end, or a reset where something was unread: closed in either case.
                let _ = socket.read_to_end(&mut left).await;
            }
            shutdown.begin();
            let report = serving.await.unwrap();
            assert_eq!((report.finished, report.failed), (1, STALLED as u64), "{report}");
            for (kind, told) in errors.lock().unwrap().iter() {
                assert_eq!(*kind, Some(io::ErrorKind::TimedOut), "{told}");
                assert_eq!(told, "the upgrade of the connection was not done within 3s");
            }
        });
    }
}

#[test]
fn a_server_that_stalls_in_the_handshake_costs_the_client_its_deadline_at_most() {
    run(async {
        for endpoint in CELLS {
            let mut listener = anysock::bind(endpoint).await.unwrap();
            let client = anysock::connect(listener.endpoint()).await.unwrap();
            let _silent = listener.accept().await.unwrap();
            let upgrading = client.upgrade(Duration::from_millis(50), |socket| {
                upgrade::connect(HOUSE.member(), localhost(), socket)
            });
            let error: Error = upgrading.await.unwrap_err();
            assert_eq!(error.io_kind(), Some(io::ErrorKind::TimedOut), "{error}");
        }
    });
}

//! A server that is told to end while there is traffic answers what it took, and says what it did.

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{Cell, Connection, Error};
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::runtime::block_on;
use crate::support::{Directory, Server, endpoint};

/// What a server says that was told to end, and was started with `--json`.
fn ended(server: Server) -> (ExitStatus, Value) {
    let (status, said) = server.ended();
    let report = serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
    (status, report)
}

fn counts<const N: usize>(report: &Value, names: [&str; N]) -> [u64; N] {
    names.map(|name| report[name].as_u64().unwrap_or_else(|| panic!("no {name} in {report}")))
}

macro_rules! over_connections {
    ($($function:ident;)*) => {$(
        mod $function {
            use anysock::Cell;

            #[test]
            fn unix_stream() {
                super::$function(Cell::UNIX_STREAM);
            }

            #[test]
            fn unix_seqpacket() {
                super::$function(Cell::UNIX_SEQPACKET);
            }

            #[test]
            fn ipv4_stream() {
                super::$function(Cell::IPV4_STREAM);
            }

            #[test]
            fn ipv6_stream() {
                super::$function(Cell::IPV6_STREAM);
            }
        }
    )*};
}

over_connections! {
    sigterm_during_traffic_loses_no_message_that_was_taken;
    sigterm_aborts_a_connection_that_does_not_end_within_the_grace;
}

/// The client sends without a pause, in one task, and counts the answers in another. It goes on after
/// the signal for a while, and then ends as well: who never does is cut off by the deadline of
/// closing.
fn sigterm_during_traffic_loses_no_message_that_was_taken(cell: Cell) {
    const ON: u64 = 2_000;
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &["--json", "--grace", "60"]);
    let answers = block_on(async {
        let client = anysock::connect(&server.endpoints[0]).await.unwrap();
        let (mut sending, mut receiving) = client.split();
        let (signalled, until) = watch::channel(false);
        let traffic = tokio::spawn(async move {
            let (mut number, mut left) = (0_u64, ON);
            while left > 0 {
                sending.feed(number.to_string()).await?;
                if number % 64 == 0 {
                    sending.flush().await?;
                }
                number += 1;
                left -= u64::from(*until.borrow());
            }
            sending.close().await?;
            Ok::<_, Error>(number)
        });
        let mut answers = 0_u64;
        while let Some(answer) = receiving.recv().await.unwrap() {
            assert_eq!(answer, answers.to_string().as_str(), "in order");
            answers += 1;
            if answers == 1000 {
                server.signal("TERM");
                signalled.send(true).unwrap();
            }
        }
        assert!(answers <= traffic.await.unwrap().unwrap());
        answers
    });
    let (status, report) = ended(server);
    assert_eq!(status.code(), Some(0), "{report}");
    assert_eq!(counts(&report, ["accepted", "finished", "aborted"]), [1, 1, 0], "{report}");
    assert_eq!(counts(&report["messages"], ["received", "answered"]), [answers; 2], "{report}");
    directory.assert_empty();
}

/// A client that sends and never reads keeps its handler in a flush.
fn sigterm_aborts_a_connection_that_does_not_end_within_the_grace(cell: Cell) {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &["--json", "--grace", "0.5"]);
    block_on(async {
        let mut client = anysock::connect(&server.endpoints[0]).await.unwrap();
        let mut well_behaved = anysock::connect(&server.endpoints[0]).await.unwrap();
        well_behaved.send("hello").await.unwrap();
        assert_eq!(well_behaved.recv().await.unwrap().unwrap(), "hello");
        drop(well_behaved);
        fill(&mut client).await;
        let start = Instant::now();
        server.signal("TERM");
        let (status, report) = ended(server);
        assert_eq!(status.code(), Some(3), "{report}");
        assert_eq!(counts(&report, ["accepted", "finished", "aborted"]), [2, 1, 1], "{report}");
        assert!(start.elapsed() >= Duration::from_millis(500));
        drop(client);
    });
    directory.assert_empty();
}

/// Sends and does not read, until nothing more is taken for a while: the answers fill all that lies
/// between.
async fn fill(client: &mut Connection) {
    let message = vec![b'.'; 32_000];
    while timeout(Duration::from_millis(300), client.send(&message)).await.is_ok() {}
}

#[test]
fn a_second_sigterm_ends_the_server_at_once() {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(Cell::UNIX_STREAM, &directory)], &["--grace", "3600"]);
    block_on(async {
        let mut client = anysock::connect(&server.endpoints[0]).await.unwrap();
        fill(&mut client).await;
        server.signal("TERM");
        // It no longer listens: the first has been seen.
        while anysock::connect(&server.endpoints[0]).await.is_ok() {}
        server.signal("TERM");
        let (status, said) = server.ended();
        assert_eq!((status.code(), said.as_str()), (Some(3), ""));
    });
    directory.assert_empty();
}

#[test]
fn the_limits_hold_and_what_was_refused_is_said() {
    let directory = Directory::new();
    let endpoints = [Cell::IPV4_STREAM, Cell::UNIX_STREAM].map(|cell| endpoint(cell, &directory));
    let limits = ["--max-per-address", "1", "--max-per-uid", "1", "--idle", "0.2", "--json"];
    let server = Server::start(&endpoints, &limits);
    block_on(async {
        for endpoint in &server.endpoints {
            let mut first = anysock::connect(endpoint).await.unwrap();
            first.send("hello").await.unwrap();
            assert_eq!(first.recv().await.unwrap().unwrap(), "hello");
            let mut second = anysock::connect(endpoint).await.unwrap();
            assert!(!matches!(second.recv().await, Ok(Some(_))), "it is refused");
            // Until it has been idle for too long.
            assert!(!matches!(first.recv().await, Ok(Some(_))), "it is closed");
        }
    });
    server.signal("INT");
    let (status, report) = ended(server);
    assert_eq!(status.code(), Some(0), "{report}");
    assert_eq!(counts(&report, ["accepted", "failed", "refused"]), [2, 2, 2], "{report}");
    for listener in report["listeners"].as_array().unwrap() {
        assert_eq!(counts(listener, ["accepted", "refused"]), [1, 1], "{report}");
        assert!(listener["error"].is_null());
    }
}

#[test]
fn a_table_says_the_same_to_a_person() {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(Cell::IPV4_DATAGRAM, &directory)], &[]);
    let at = server.endpoints[0].clone();
    block_on(async {
        let mut client = anysock::connect(&at).await.unwrap();
        client.send("hello").await.unwrap();
        assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
    });
    server.signal("TERM");
    let (status, said) = server.ended();
    assert!(status.success());
    let lines: Vec<_> = said.lines().collect();
    let widths = lines[..8].iter().map(|line| line.len());
    assert!(lines[0].starts_with("accepted ") && lines[0].ends_with(" 1"), "{said}");
    assert!(widths.collect::<std::collections::HashSet<_>>().len() == 1, "aligned: {said}");
    assert!(lines[8].starts_with(&at) && lines[8].contains("1 accepted, 0 refused"), "{said}");
    assert_eq!(lines[9], "1 messages received, 1 answered");
}

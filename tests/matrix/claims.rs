//! What the observer says of false claims, of true ones, and of none.
//!
//! Time is paused: it moves on only while everybody waits, so that a wait that runs into its
//! deadline takes none.

use std::sync::mpsc;
use std::time::Duration;

use anysock::{Cell, Guarantees};
use serde_json::Value;

use crate::liar::{Fault, Liars};
use crate::observe::{self, Observed, Open};
use crate::report::{self, Row};
use crate::speed::{self, Speed};
use crate::watch::watched;

const ALL: Guarantees = Guarantees::RELIABLE
    .with(Guarantees::ORDERED)
    .with(Guarantees::BOUNDARIES)
    .with(Guarantees::CONNECTION_ORIENTED)
    .with(Guarantees::END_OF_FILE);

const SPEED: Speed = Speed { p50_us: 10.5, p99_us: 20.0, messages_per_second: 1_000 };

async fn observed(claims: [Guarantees; 2], fault: Fault) -> Observed {
    observe::observe(&mut Liars { claims, fault, made_first: true }).await.unwrap()
}

fn contradicted(observed: &Observed) -> Vec<&'static str> {
    observed.contradictions().iter().map(|one| one.guarantee).collect()
}

macro_rules! a_false_claim_is_contradicted {
    ($($test:ident: $claim:ident, $fault:ident, $name:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            let claim = Guarantees::$claim;
            let alone = observed([claim; 2], Fault::$fault).await;
            assert_eq!(contradicted(&alone), [$name], "{alone:?}");

            let among_others = observed([ALL; 2], Fault::$fault).await;
            assert!(contradicted(&among_others).contains(&$name), "{among_others:?}");
        }
    )*};
}

a_false_claim_is_contradicted! {
    reliable_is_contradicted_by_a_transport_that_loses: RELIABLE, Loses, "reliable";
    ordered_is_contradicted_by_a_transport_that_swaps: ORDERED, Swaps, "ordered";
    ordered_is_contradicted_by_a_transport_that_repeats: ORDERED, Repeats, "ordered";
    boundaries_are_contradicted_by_a_transport_that_merges: BOUNDARIES, Merges, "boundaries";
    boundaries_are_contradicted_by_a_transport_that_splits: BOUNDARIES, Splits, "boundaries";
    boundaries_are_contradicted_by_a_transport_that_truncates: BOUNDARIES, Truncates, "boundaries";
    boundaries_are_contradicted_by_a_transport_that_skips_empty_messages:
        BOUNDARIES, SkipsEmpty, "boundaries";
    a_connection_is_contradicted_by_a_transport_that_never_ends:
        CONNECTION_ORIENTED, NeverEnds, "connection-oriented";
    end_of_file_is_contradicted_by_a_transport_that_never_ends:
        END_OF_FILE, NeverEnds, "end-of-file";
    end_of_file_is_contradicted_by_a_transport_that_ends_in_an_error:
        END_OF_FILE, EndsInError, "end-of-file";
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_contradicted_by_a_peer_that_is_made_by_its_first_message() {
    let claims = [Guarantees::CONNECTION_ORIENTED; 2];
    let mut liars = Liars { claims, fault: Fault::Honest, made_first: false };
    let observed = observe::observe(&mut liars).await.unwrap();
    assert_eq!(contradicted(&observed), ["connection-oriented"]);
}

#[tokio::test(start_paused = true)]
async fn an_honest_transport_is_not_contradicted() {
    let observed = observed([ALL; 2], Fault::Honest).await;
    assert_eq!(contradicted(&observed), [""; 0], "{observed:?}");
    assert_eq!(observed.largest, 64 * 1024);
}

#[tokio::test(start_paused = true)]
async fn more_than_was_promised_is_no_contradiction() {
    let observed = observed([Guarantees::NONE; 2], Fault::Honest).await;
    assert_eq!(contradicted(&observed), [""; 0], "{observed:?}");
    assert!(observed.reliable.kept && observed.connection.kept && observed.end_of_file.kept);
}

#[tokio::test(start_paused = true)]
async fn what_only_one_end_claims_is_no_promise() {
    let observed = observed([ALL, ALL - Guarantees::RELIABLE], Fault::Loses).await;
    assert!(!observed.reliable.kept, "{observed:?}");
    assert!(!contradicted(&observed).contains(&"reliable"), "{observed:?}");
}

#[tokio::test(start_paused = true)]
async fn the_report_names_the_cell_the_guarantee_and_what_was_seen() {
    let observed = observed([Guarantees::END_OF_FILE; 2], Fault::NeverEnds).await;
    let row = Row::observed(Cell::UNIX_STREAM, "unix:@a".into(), &observed, SPEED);
    let wrong = report::wrong(&[row]);
    let [wrong] = &wrong[..] else { panic!("{wrong:?}") };
    let said = "unix-stream: end-of-file is promised, and not kept; seen: no end";
    assert!(wrong.starts_with(said), "{wrong}");
}

#[tokio::test(start_paused = true)]
async fn the_table_is_aligned_and_shows_reasons() {
    let observed = observed([ALL; 2], Fault::Honest).await;
    let rows = [
        Row::observed(Cell::UNIX_STREAM, "unix:@a".into(), &observed, SPEED),
        Row::unsupported(Cell::IPV4_SEQPACKET, "sctp://127.0.0.1:0", "no SCTP".into()),
        Row::failed(Cell::IPV6_DATAGRAM, "no end within 30s"),
    ];
    let table = report::table(&rows);
    let lines: Vec<&str> = table.lines().collect();
    let [head, works, unsupported, failed, "", sum] = lines[..] else { panic!("{table}") };
    let start = |line: &str, text| line.find(text).unwrap_or_else(|| panic!("{text}: {table}"));
    assert_eq!(start(head, "reliable"), start(works, "yes: "), "{table}");
    assert_eq!(start(head, "reliable"), start(unsupported, "no SCTP"), "{table}");
    assert_eq!(start(head, "reliable"), start(failed, "failed: no end"), "{table}");
    assert_eq!(head.len(), works.len(), "{table}");
    assert_eq!(sum, "1 of 2 supported cells work as promised, 1 unsupported");
    assert_eq!(report::wrong(&rows), ["ipv6-datagram: failed: no end within 30s"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_observed_is_null() {
    let rows = [Row::unsupported(Cell::IPV4_SEQPACKET, "sctp://127.0.0.1:0", "no SCTP".into())];
    let rows: Value = serde_json::from_str(&report::json(&rows)).unwrap();
    let nothing = serde_json::json!({ "promised": null, "observed": null });
    let expected = serde_json::json!([{
        "cell": "ipv4-seqpacket", "endpoint": "sctp://127.0.0.1:0", "supported": false,
        "why": "no SCTP", "reliable": nothing, "boundaries": nothing, "connection": nothing,
        "largest": null, "p50_us": null, "p99_us": null, "messages_per_second": null,
    }]);
    assert_eq!(rows, expected);
}

#[tokio::test(start_paused = true)]
async fn an_echo_that_loses_a_message_fails_within_its_deadline() {
    let mut liars = Liars { claims: [ALL; 2], fault: Fault::Loses, made_first: true };
    let link = liars.open().await.unwrap();
    let error = speed::measure(link, 100).await.unwrap_err().to_string();
    assert!(error.contains("nothing came within"), "{error}");
}

#[test]
fn a_cell_that_hangs_or_panics_is_reported_as_failed() {
    let (end, wedged) = mpsc::channel::<()>();
    let hangs = watched(Cell::UNIX_STREAM, Duration::from_millis(20), move || {
        let _ = wedged.recv_timeout(Duration::from_secs(60));
        Row::failed(Cell::UNIX_STREAM, "too late to be seen")
    });
    let panics =
        watched(Cell::UNIX_DATAGRAM, Duration::from_secs(60), || panic!("as it should here"));
    let expected =
        ["unix-stream: failed: no end within 20ms", "unix-datagram: failed: its thread panicked"];
    assert_eq!(report::wrong(&[hangs, panics]), expected);
    drop(end);
}

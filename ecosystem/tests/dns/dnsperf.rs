//! dnsperf, with as much as it likes.

use std::fs;

use crate::program::{report, start};
use crate::support::{Directory, run};
use crate::tool;

/// How often it asks what stands in its file.
const TIMES: usize = 500;

#[test]
fn dnsperf_has_every_query_answered_by_udp_and_by_tcp() {
    if !tool::is_there("dnsperf", "-h") {
        return;
    }
    let directory = Directory::new();
    let queries = directory.path("queries");
    let asked = "www.example.org A\nwww.example.org AAAA\nweb.example.org A\nnobody.example.org A\n\
                 example.org MX\nexample.com A\n";
    fs::write(&queries, asked).unwrap();
    let each = asked.lines().count();
    let server = start("dns", &["udp://127.0.0.1:0", "tcp://127.0.0.1:0", "--json"], 2);
    for endpoint in &server.endpoints {
        let (mode, port) = (&endpoint[..3], endpoint.rsplit_once(':').unwrap().1);
        let times = TIMES.to_string();
        let what = ["-d", &queries, "-n", &times, "-c", "4", "-m", mode, "-t", "20"];
        let output = run("dnsperf", &[&["-s", "127.0.0.1", "-p", port], &what[..]].concat(), b"");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let all = each * TIMES;
        for line in [
            format!("Queries sent:         {all}"),
            format!("Queries completed:    {all} (100.00%)"),
            "Queries lost:         0 (0.00%)".into(),
            format!(
                "Response codes:       NOERROR {} (66.67%), NXDOMAIN {TIMES} (16.67%), REFUSED {TIMES} (16.67%)",
                4 * TIMES
            ),
        ] {
            assert!(said.contains(&line), "{line:?} is not in {said}");
        }
    }
    let report = report(server);
    assert_eq!(report["messages"]["answered"], 2 * 5 * TIMES, "{report}");
    assert_eq!(report["messages"]["refused"], 2 * TIMES, "{report}");
    assert_eq!((&report["failed"], &report["aborted"]), (&0.into(), &0.into()), "{report}");
    fs::remove_file(queries).unwrap();
    directory.assert_empty();
}

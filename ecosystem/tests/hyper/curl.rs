//! The server, asked by curl in both versions of HTTP, to its orderly end.

use std::process::Command;
use std::thread;

use crate::fixture::{Server, count, over};
use crate::process;

/// Whether curl is there; where not, the test is skipped for all to see, or fails where `CI` is set.
fn is_there() -> bool {
    let version = Command::new("curl").arg("--version").output();
    let there = version.is_ok_and(|it| String::from_utf8_lossy(&it.stdout).contains("HTTP2"));
    if !there {
        assert!(std::env::var_os("CI").is_none(), "curl is missing, or has no HTTP/2");
        eprintln!("skipped: curl is missing, or has no HTTP/2");
    }
    there
}

/// What curl is told of the endpoint for the path; the version of HTTP is behind it.
fn curl(endpoint: &str, path: &str, more: &[&str]) -> String {
    let common = ["-sS", "-g", "--max-time", "60", "-w", "%{http_code} by %{http_version}"];
    let mut arguments: Vec<_> = common.into_iter().chain(more.iter().copied()).collect();
    let host = match endpoint.strip_prefix("unix:") {
        Some(socket) => {
            arguments.extend(["--unix-socket", socket]);
            "localhost"
        }
        None => endpoint.strip_prefix("tcp://").unwrap(),
    };
    let url = format!("http://{host}{path}");
    arguments.push(&url);
    let output = process::run("curl", &arguments, b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const VERSIONS: [(&str, &str); 2] = [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")];

#[test]
fn curl_is_answered_in_both_versions_over_unix_ipv4_and_ipv6_at_once() {
    if !is_there() {
        return;
    }
    let server = Server::start("curl", &[]);
    let mut asked = 0;
    for endpoint in &server.endpoints {
        for (flag, version) in VERSIONS {
            let answer = curl(endpoint, "/greet/you", &[flag]);
            let over = over(endpoint);
            let hello = format!("hello you, over {over} (request 1 of this connection)\n");
            assert_eq!(answer, format!("{hello}200 by {version}"));
            let answer = curl(endpoint, "/echo", &[flag, "-d", "sent back"]);
            assert_eq!(answer, format!("sent back200 by {version}"));
            let answer = curl(endpoint, "/nowhere", &[flag]);
            assert_eq!(answer, format!("404 Not Found\n404 by {version}"));
            let answer = curl(endpoint, "/slow", &[flag, "-X", "DELETE"]);
            assert_eq!(answer, format!("405 Method Not Allowed\n405 by {version}"));
            asked += 4;
        }
    }
    let report = server.end();
    assert_eq!((count(&report, "accepted"), count(&report, "failed")), (asked, 0), "{report}");
}

#[test]
fn requests_under_way_are_answered_before_the_end() {
    if !is_there() {
        return;
    }
    let mut server = Server::start("graceful", &[]);
    let asking: Vec<_> = server
        .endpoints
        .clone()
        .into_iter()
        .flat_map(|endpoint| VERSIONS.map(|(flag, version)| (endpoint.clone(), flag, version)))
        .map(|(endpoint, flag, version)| {
            thread::spawn(move || (curl(&endpoint, "/slow", &[flag]), version))
        })
        .collect();
    for _ in &asking {
        assert_eq!(server.line(), "slow has begun");
    }
    let report = server.end();
    for answer in asking {
        let (answer, version) = answer.join().unwrap();
        assert_eq!(answer, format!("answered all the same\n200 by {version}"));
    }
    assert_eq!((count(&report, "finished"), count(&report, "aborted")), (6, 0), "{report}");
}

//! The client: against its own server, against axum's, and against nobody.

use crate::fixture::{Server, get, over, socket};

/// As many as it may take until one comes by a connection that was kept: with HTTP/1.1 the client
/// connects anew if it is asked again before it has put the last one back.
const REQUESTS: usize = 20;

#[test]
fn connections_are_kept_for_the_next_request_in_both_versions_over_every_stream() {
    let server = Server::start("pooling", &[]);
    for endpoint in &server.endpoints {
        for (more, version) in [(&[][..], "HTTP/1.1"), (&["--http2"][..], "HTTP/2.0")] {
            let paths: Vec<_> = (0..REQUESTS).map(|which| format!("/greet/{which}")).collect();
            let paths: Vec<_> = paths.iter().map(String::as_str).collect();
            let (ok, out, err) = get(&[&[endpoint.as_str()], &paths[..], more].concat());
            assert!(ok, "{err}");
            assert_eq!(out.lines().count(), REQUESTS, "{out}");
            let mut kept = 0;
            for (which, line) in out.lines().enumerate() {
                let hello = format!("{version} 200 OK: hello {which}, over {}", over(endpoint));
                assert!(line.starts_with(&hello), "{out}");
                kept += usize::from(!line.ends_with("(request 1 of this connection)"));
            }
            // By HTTP/2 one connection is for all.
            let least = if more.is_empty() { 1 } else { REQUESTS - 1 };
            assert!(kept >= least, "{endpoint}, {version}: {out}");
        }
    }
    server.end();
}

#[test]
fn axum_answers_it_over_every_stream() {
    let path = format!("unix:{}", socket("axum"));
    let endpoints = [path.as_str(), "tcp://127.0.0.1:0", "tcp://[::1]:0"];
    let mut server = Server::of("http", &endpoints, 3);
    for endpoint in &server.endpoints {
        let (ok, out, err) = get(&[endpoint, "/greet/one", "/greet/two"]);
        assert!(ok, "{err}");
        let line = |name| format!("HTTP/1.1 200 OK: hello {name}, over {}\n", over(endpoint));
        assert_eq!(out, line("one") + &line("two"));
    }
    server.terminate();
    assert_eq!(server.line(), "all requests were answered");
    assert!(server.child.0.wait().unwrap().success());
}

#[test]
fn what_is_not_to_be_had_is_told_with_its_status() {
    let server = Server::start("status", &[]);
    let (ok, out, err) = get(&[&server.endpoints[0], "/nowhere"]);
    assert!(!ok);
    assert_eq!(out, "HTTP/1.1 404 Not Found: 404 Not Found\n");
    assert_eq!(err, "hyper: /nowhere was not to be had\n");
    server.end();
}

#[test]
fn who_asks_where_nobody_listens_or_no_stream_is_told_the_reason() {
    let endpoint = format!("unix:{}", socket("nobody"));
    let (ok, _, err) = get(&[&endpoint]);
    assert!(!ok);
    assert!(err.starts_with(&format!("hyper: {endpoint} has not answered /greet/you: ")), "{err}");
    assert!(err.contains("No such file"), "{err}");
    let (ok, _, err) = get(&["udp://127.0.0.1:9"]);
    assert!(!ok);
    assert!(err.contains("no stream of bytes"), "{err}");
}

#[test]
fn what_is_no_stream_is_refused_by_the_server_in_words() {
    let program = crate::process::example("hyper");
    for endpoint in ["udp://127.0.0.1:0", "unix-seqpacket:", "mem:hyper"] {
        let output = crate::process::run(program.to_str().unwrap(), &["serve", endpoint], b"");
        assert!(!output.status.success());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(told, format!("hyper: HTTP needs a stream, and {endpoint} is none\n"));
    }
}

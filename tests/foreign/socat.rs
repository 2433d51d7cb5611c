//! socat, with lines over streams.

use crate::support::{Directory, Server, run};
use crate::tool;

/// What `echo` takes at most, unless told otherwise.
const MOST: usize = 1024 * 1024;

#[test]
fn socat_is_answered_line_by_line_over_unix_stream() {
    let directory = Directory::new();
    let endpoint = format!("unix:{}", directory.path("s"));
    echo_lines(&endpoint, |endpoint| endpoint.replacen("unix:", "UNIX-CONNECT:", 1));
    directory.assert_empty();
}

#[test]
fn socat_is_answered_line_by_line_over_ipv4_stream() {
    echo_lines("tcp://127.0.0.1:0", |endpoint| endpoint.replacen("tcp://", "TCP4:", 1));
}

#[test]
fn socat_is_answered_line_by_line_over_ipv6_stream() {
    echo_lines("tcp://[::1]:0", |endpoint| endpoint.replacen("tcp://", "TCP6:", 1));
}

/// An empty line, the largest, a hundred at once; then socat half closes, and waits for the end.
fn echo_lines(endpoint: &str, address: impl Fn(&str) -> String) {
    if !tool::is_there("socat", "-V") {
        return;
    }
    let server = Server::start(&[endpoint.into()], &["--codec", "lines"]);
    let mut lines = String::from("\n");
    lines.push_str(&"largest".repeat(MOST)[..MOST]);
    lines.push('\n');
    for number in 0..100 {
        lines.push_str(&format!("line {number}\n"));
    }
    let output = run("socat", &["-t", "20", "-", &address(&server.endpoints[0])], lines.as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == lines.as_bytes(), "{} bytes came back", output.stdout.len());
    assert!(server.stop("TERM").success());
}

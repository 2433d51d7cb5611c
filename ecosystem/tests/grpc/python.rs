//! gRPC's own implementation as the client, by code that Python generates from the same `.proto`.
//!
//! It also holds `words.rs` to `words.proto`: what one says and the other does not, goes unanswered.

use std::path::Path;
use std::process::Command;

use crate::fixture::{Server, socket};
use crate::{lacking, process};

/// A Python that has grpcio-tools, `ANYSOCK_PYTHON` or python3; where there is none, the test is
/// skipped for all to see, or fails where `CI` is set.
fn python() -> Option<String> {
    let python = std::env::var("ANYSOCK_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = Command::new(&python).args(["-c", "import grpc, grpc_tools"]).output();
    if imports.is_ok_and(|it| it.status.success()) {
        return Some(python);
    }
    lacking::say(
        "grpcio-tools is missing: pip install it, or let ANYSOCK_PYTHON name a Python with it",
    );
    None
}

#[test]
fn a_client_that_python_generates_is_answered_over_unix_ipv4_and_ipv6() {
    let Some(python) = python() else { return };
    let path = socket("python");
    let unix = format!("unix:{path}");
    let server = Server::start(&["tcp://127.0.0.1:0", "tcp://[::1]:0", &unix]);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = here.join("tests/grpc/client.py");
    let proto = here.join("examples/grpc/words.proto");
    let mut arguments = vec![script.to_str().unwrap(), proto.to_str().unwrap()];
    let targets: Vec<_> = server
        .endpoints
        .iter()
        .map(|endpoint| endpoint.strip_prefix("tcp://").unwrap_or(endpoint))
        .collect();
    arguments.extend(&targets);
    let output = process::run(&python, &arguments, b"");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let expected: String = targets
        .iter()
        .map(|target| {
            let over = if target.starts_with("unix:") { "a unix socket" } else { "TCP" };
            format!("{target}: ONE over {over}, counted to 5000, echoed 100, INVALID_ARGUMENT\n")
        })
        .collect();
    assert_eq!(told, expected);
    server.end();
}

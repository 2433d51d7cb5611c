//! tonic under TCP and unix sockets at once: its own client, Python's, a server that goes and comes.

mod fixture;
#[path = "../../../tests/support/lacking.rs"]
mod lacking;
mod lifetime;
mod python;

use self::fixture::{Server, grpc, socket};

#[path = "../../../tests/support/process.rs"]
mod process;
#[path = "../../examples/grpc/transport.rs"]
#[expect(dead_code, reason = "the server's side is in the example")]
mod transport;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[expect(clippy::allow_attributes_without_reason, reason = "generated")]
#[expect(unreachable_pub, reason = "generated")]
mod words {
    include!("../../examples/grpc/words.rs");
}

#[test]
fn every_kind_of_call_is_answered_over_unix_ipv4_and_ipv6_at_once() {
    let path = format!("unix:{}", socket("answered"));
    let server = Server::start(&["tcp://127.0.0.1:0", "tcp://[::1]:0", &path]);
    for endpoint in &server.endpoints {
        let (ok, out, err) = grpc(&["ask", endpoint, "one", "two", "--count", "5000"]);
        assert!(ok, "{endpoint}: {err}");
        let over = if endpoint.starts_with("unix") { "a unix socket" } else { "TCP" };
        let capitals = format!("ONE (over {over})\nTWO (over {over})\n");
        assert_eq!(out, format!("{capitals}counted to 5000\none\ntwo\n"), "{endpoint}");

        let (ok, _, err) = grpc(&["ask", endpoint, ""]);
        assert!(!ok);
        assert!(err.contains("nothing to be put in capitals"), "{err}");
    }
    server.end();
}

#[test]
fn what_is_no_stream_is_refused_in_words() {
    let (ok, _, err) = grpc(&["serve", "udp://127.0.0.1:0"]);
    assert!(!ok);
    assert!(err.starts_with("grpc: a stream of bytes is wanted, and udp://127.0.0.1:"), "{err}");
    let (ok, _, err) = grpc(&["ask", "udp://127.0.0.1:9"]);
    assert!(!ok);
    assert!(
        err.starts_with("grpc: cannot connect to udp://127.0.0.1:9: gRPC needs a stream"),
        "{err}"
    );
}

#[test]
fn who_asks_where_nobody_listens_is_told_so() {
    let endpoint = format!("unix:{}", socket("nobody"));
    let (ok, _, err) = grpc(&["ask", &endpoint]);
    assert!(!ok);
    assert!(err.starts_with(&format!("grpc: cannot connect to {endpoint}: ")), "{err}");
    assert!(err.contains("No such file"), "{err}");
}

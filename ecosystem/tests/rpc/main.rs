//! tarpc over every reliable cell, and the refusal of those that are not.

use self::process::{example, run};

#[path = "../../../tests/support/process.rs"]
mod process;

fn rpc(arguments: &[&str]) -> (bool, String, String) {
    let output = run(example("rpc").to_str().unwrap(), arguments, b"");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn calls_are_answered_over_every_reliable_cell_in_any_order() {
    let (ok, out, err) = rpc(&[]);
    assert!(ok, "{err}");
    for cell in ["tcp://127.0.0.1:", "tcp://[::1]:", "unix:", "unix-seqpacket:", "mem:"] {
        let is_told = |line: &str| line.starts_with(cell) && line.ends_with("out of order");
        assert!(out.lines().any(is_told), "{cell} is missing:\n{out}");
    }
    assert!(out.lines().any(|line| line.starts_with("accepted") && line.ends_with(" 5")), "{out}");
}

#[test]
fn a_transport_that_may_lose_calls_is_refused_before_the_first() {
    let (ok, _, err) = rpc(&["udp://127.0.0.1:0"]);
    assert!(!ok);
    assert!(err.starts_with("rpc: udp://127.0.0.1:"), "{err}");
    assert!(err.contains("required is also: ") && err.contains("reliable"), "{err}");
}

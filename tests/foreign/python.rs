//! Python's `socket` and `struct`, one script per socket type.

use anysock::{Cell, Type};

use crate::support::{Directory, Server, endpoint, over_the_matrix, run};
use crate::tool;

over_the_matrix!(a_python_client_is_answered_byte_by_byte);

fn a_python_client_is_answered_byte_by_byte(cell: Cell) {
    if !tool::is_there("python3", "--version") {
        return;
    }
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &[]);
    let script = match cell.kind {
        Type::Stream => "stream.py",
        Type::Datagram => "datagram.py",
        Type::SeqPacket => "seqpacket.py",
    };
    let script = format!("{}/tests/foreign/{script}", env!("CARGO_MANIFEST_DIR"));
    // -B, as a test leaves no compiled script behind.
    let output = run("python3", &["-B", &script, &server.endpoints[0]], b"");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{failed}");
    assert_eq!(said, "ok\n", "{failed}");
    assert!(server.stop("TERM").success());
    directory.assert_empty();
}

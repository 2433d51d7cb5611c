//! A server that is interrupted ends well and leaves nothing behind.

use anysock::Cell;
use anysock::prelude::*;

use crate::runtime::block_on;
use crate::support::{Directory, Server, endpoint, over_the_matrix};

over_the_matrix!(sigint_ends_the_server_and_removes_its_file);
over_the_matrix!(sigterm_ends_the_server_and_removes_its_file);

fn sigint_ends_the_server_and_removes_its_file(cell: Cell) {
    interrupt(cell, "INT");
}

fn sigterm_ends_the_server_and_removes_its_file(cell: Cell) {
    interrupt(cell, "TERM");
}

fn interrupt(cell: Cell, signal: &str) {
    let directory = Directory::new();
    let server = Server::start(&[endpoint(cell, &directory)], &[]);
    block_on(async {
        // In the middle of a conversation, the client with an answer that it has not read.
        let mut client = anysock::connect(&server.endpoints[0]).await.unwrap();
        for message in ["read", "not read"] {
            client.send(message).await.unwrap();
        }
        assert_eq!(client.recv().await.unwrap().unwrap(), "read");
        assert_eq!(server.stop(signal).code(), Some(0));
        directory.assert_empty();
        if client.guarantees().end_of_file() {
            while let Ok(Some(_)) = client.recv().await {}
        }
    });
}

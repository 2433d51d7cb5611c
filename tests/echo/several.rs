//! One server on several endpoints at once.

use anysock::Cell;
use anysock::prelude::*;

use crate::runtime::block_on;
use crate::support::{Directory, Server, endpoint};

#[test]
fn all_seven_cells_are_served_at_once() {
    let directory = Directory::new();
    let working = Cell::ALL.map(|cell| anysock::probe().get(cell).is_ok().then_some(cell));
    let endpoints: Vec<_> =
        working.into_iter().flatten().map(|cell| endpoint(cell, &directory)).collect();
    let server = Server::start(&endpoints, &[]);
    assert!(server.endpoints.len() >= 7);
    block_on(async {
        let mut clients = Vec::new();
        for endpoint in &server.endpoints {
            assert!(!endpoint.ends_with(":0"), "{endpoint} is no port");
            clients.push(anysock::connect(endpoint).await.unwrap());
        }
        for round in 0..3 {
            for (client, endpoint) in clients.iter_mut().zip(&server.endpoints) {
                client.send(format!("{endpoint} {round}")).await.unwrap();
            }
            for (client, endpoint) in clients.iter_mut().zip(&server.endpoints) {
                let answer = client.recv().await.unwrap().unwrap();
                assert_eq!(answer, format!("{endpoint} {round}").as_str());
            }
        }
    });
    assert!(server.stop("TERM").success());
    directory.assert_empty();
}

#[test]
fn a_maximum_holds_for_every_endpoint() {
    let directory = Directory::new();
    let cells = [Cell::UNIX_STREAM, Cell::UNIX_SEQPACKET, Cell::IPV4_DATAGRAM];
    let endpoints = cells.map(|cell| endpoint(cell, &directory));
    let server = Server::start(&endpoints, &["--max", "1000"]);
    block_on(async {
        for endpoint in &server.endpoints {
            let mut client = anysock::connect(endpoint).await.unwrap();
            client.send(vec![b'.'; 1000]).await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap().len(), 1000);
            // A stream is out of step after too long a message, a packet is lost alone.
            client.send(vec![b'.'; 1001]).await.unwrap();
            if client.cell() == Some(Cell::UNIX_STREAM) {
                assert!(!matches!(client.recv().await, Ok(Some(_))));
                client = anysock::connect(endpoint).await.unwrap();
            }
            client.send("after").await.unwrap();
            assert_eq!(client.recv().await.unwrap().unwrap(), "after");
        }
    });
    assert!(server.stop("TERM").success());
}

//! An echo leaves no descriptor open, whatever way its connections end.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anysock::prelude::*;
use anysock::{Cell, Connection, Error};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::alone;
use crate::support::process::DEADLINE;
use crate::support::{Directory, endpoint, over_the_matrix};

over_the_matrix!(the_same_descriptors_are_open_after_an_echo_as_before);

fn the_same_descriptors_are_open_after_an_echo_as_before(cell: Cell) {
    let cell_name = cell.to_string().replace('-', "_");
    let test = "descriptors::the_same_descriptors_are_open_after_an_echo_as_before";
    if !alone::here() {
        return alone::run_again(&format!("{test}::{cell_name}"));
    }
    let directory = Directory::new();
    // What a process opens once and keeps, for its first runtime, is no leak.
    drop(runtime());
    let before = descriptors();
    for _ in 0..3 {
        let runtime = runtime();
        let during = runtime.block_on(async {
            timeout(DEADLINE, converse(&endpoint(cell, &directory))).await.expect("in time")
        });
        assert!(during.unwrap() > before.len(), "nothing was opened at all");
        drop(runtime);
        assert_eq!(descriptors(), before);
    }
    directory.assert_empty();
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Open descriptors, and what they are open to.
fn descriptors() -> BTreeMap<PathBuf, PathBuf> {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let targets = entries.map(|path| (path.clone(), fs::read_link(&path).unwrap_or_default()));
    // The directory that is being read.
    targets.filter(|(_, target)| !target.starts_with("/proc")).collect()
}

/// Connections that end in as many ways; how many descriptors were open in the midst of it.
async fn converse(endpoint: &str) -> Result<usize, Error> {
    let mut listener = anysock::bind(endpoint).await?;
    let endpoint = listener.endpoint().clone();
    let server = tokio::spawn(async move {
        loop {
            tokio::spawn(echo(listener.accept().await?));
        }
        #[expect(unreachable_code, reason = "it says what type the error has")]
        Ok::<_, Error>(())
    });

    let mut closed = anysock::connect(&endpoint).await?;
    let mut dropped = anysock::connect(&endpoint).await?;
    let split = anysock::connect(&endpoint).await?;
    for client in [&mut closed, &mut dropped] {
        for message in ["hello", ""] {
            client.send(message).await?;
            assert_eq!(client.recv().await?.unwrap(), message);
        }
        // Neither reads the answer to this.
        client.send("not read").await?;
    }
    let (mut sending, mut receiving) = split.split();
    sending.send("by halves").await?;
    assert_eq!(receiving.recv().await?.unwrap(), "by halves");
    let during = descriptors().len();

    closed.close().await?;
    drop(dropped);
    drop(receiving);
    // The server and a half are left to the end of the runtime.
    tokio::spawn(async move {
        let _half = sending;
        server.await
    });
    Ok(during)
}

async fn echo(mut peer: Connection) -> Result<(), Error> {
    while let Some(message) = peer.recv().await? {
        peer.feed(message).await?;
    }
    peer.close().await
}

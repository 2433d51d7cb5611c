//! Over sockets: any transport can be impaired.

use crate::within;
use std::time::Duration;

use anysock::Connection;
use anysock::prelude::*;
use anysock_testing::impaired::{Happening, Impaired, Impairments, Seed, Spread};
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(30);

const ENDPOINTS: [&str; 6] = [
    "tcp://127.0.0.1:0",
    "udp://127.0.0.1:0",
    "unix:",
    "unix-dgram:",
    "unix-seqpacket:",
    "mem:impaired-cells",
];

async fn connect(endpoint: &str) -> (Connection, Connection) {
    let mut listener = anysock::bind(endpoint).await.expect("bound");
    let mut client = anysock::connect(listener.endpoint()).await.expect("connected");
    // A peer of datagrams is there once it was heard.
    client.send("first").await.expect("sent");
    let mut peer = listener.accept().await.expect("accepted");
    assert_eq!(peer.recv().await.expect("received").expect("a message"), "first");
    (client, peer)
}

async fn impaired(endpoint: &str) {
    const COUNT: usize = 100;
    let late = Duration::ZERO..=Duration::from_millis(4);
    let faults = Impairments::none().delay(late, Spread::Even).duplicate(0.2);
    let (client, mut peer) = connect(endpoint).await;
    let client = Impaired::new(client, Seed::new(4)).both(faults);
    assert!(client.require(Guarantees::RELIABLE).is_err());
    let handle = client.handle();
    // As any other connection from here on.
    let mut client = Connection::from_transport(client);
    let echo = tokio::spawn(async move {
        while let Some(message) = peer.recv().await? {
            peer.send(message).await?;
        }
        Ok::<_, anysock::Error>(())
    });
    let mut arrived = Vec::new();
    for number in 0..COUNT {
        client.send(number.to_string()).await.expect("sent");
        while !arrived.contains(&number) {
            let answer = client.recv().await.expect("received").expect("a message");
            let answer = std::str::from_utf8(&answer).expect("a number").parse().expect("a number");
            arrived.push(answer);
        }
    }
    assert!(arrived.len() > COUNT, "{endpoint}: nothing came twice");
    let trace = handle.trace();
    let doubled = trace.records().iter().filter(
        |record| matches!(record.what, Happening::Message { decision, .. } if decision.duplicated),
    );
    assert!((COUNT / 8..COUNT).contains(&doubled.count()), "{trace}");
    handle.reset();
    let broken = async { while client.recv().await.is_ok() {} };
    broken.await;
    drop(client);
    echo.abort();
}

#[tokio::test]
async fn every_cell_can_be_impaired() {
    within(async {
        for endpoint in ENDPOINTS {
            let done = timeout(DEADLINE, impaired(endpoint)).await;
            assert!(done.is_ok(), "{endpoint} took too long");
        }
    })
    .await;
}

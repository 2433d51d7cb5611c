//! Many clients and servers, a partition that heals, a server that restarts: in one test.

use std::time::Duration;

use anysock_testing::impaired::{Happening, Impairments, Seed, Spread, Trace};
use anysock_testing::network::Network;
use tokio::time::sleep;

use crate::service::{ask, echo};
use crate::within;

const CLIENTS: u32 = 100;
const SERVERS: u32 = 5;
const REQUESTS: u32 = 20;

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// What was done, and how many tries each client needed.
async fn run(seed: Seed) -> (Trace, Vec<u32>) {
    let network = Network::new(seed);
    let _network = network.enter();
    network.links(Impairments::none().delay(ms(1)..=ms(40), Spread::Tail).bandwidth(1_000_000));
    let lossy = Impairments::none().delay(ms(5)..=ms(60), Spread::Tail).loss(0.02);
    network.link("client 7", "server 2", lossy);

    let serve = |number: u32| network.host(&format!("server {number}")).spawn(echo(name(number)));
    let mut servers: Vec<_> = (0..SERVERS).map(serve).collect();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let host = network.host(&format!("client {number}"));
            host.spawn(ask(name(number % SERVERS), REQUESTS))
        })
        .collect();

    sleep(ms(400)).await;
    for client in (0..CLIENTS).step_by(3) {
        network.partition(&format!("client {client}"), "server 1");
    }
    sleep(ms(500)).await;
    // It is away for a while; its connections go with it.
    servers[0].abort();
    network.crash("server 0");
    sleep(ms(700)).await;
    servers[0] = serve(0);
    for client in (0..CLIENTS).step_by(3) {
        network.heal(&format!("client {client}"), "server 1");
    }
    let mut tries = Vec::new();
    for client in clients {
        tries.push(client.await.expect("it had its answers"));
    }
    servers.into_iter().for_each(|server| server.abort());
    (network.trace(), tries)
}

fn name(server: u32) -> String {
    format!("mem:echo-{server}")
}

#[tokio::test(start_paused = true)]
async fn a_hundred_clients_have_their_answers_and_two_runs_are_the_same() {
    within(async {
        let (start, real) = (tokio::time::Instant::now(), std::time::Instant::now());
        let (trace, tries) = run(Seed::new(1)).await;
        let (simulated, real, records) = (start.elapsed(), real.elapsed(), trace.records().len());
        println!("{simulated:?} and {records} records were simulated in {real:?}");
        assert!(simulated > Duration::from_secs(2), "no time has passed");
        let (same, again) = run(Seed::new(1)).await;
        assert_eq!(tries, again);
        assert!(trace == same, "two runs with one seed differ:\n{}", difference(&trace, &same));
        let (another, _) = run(Seed::new(2)).await;
        assert!(trace != another, "two seeds gave one run");

        let messages = trace
            .records()
            .iter()
            .filter(|record| matches!(record.what, Happening::Message { .. }));
        assert!(messages.count() >= (CLIENTS * REQUESTS * 2) as usize);
        // The clients of the server that restarted had to begin anew, the others not.
        let restarted = |number: &usize| number % SERVERS as usize == 0;
        for (number, tries) in tries.iter().enumerate().filter(|(number, _)| *number != 7) {
            assert_eq!(*tries > REQUESTS, restarted(&number), "client {number}: {tries} tries");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_more_client_changes_nothing_for_the_others() {
    within(async {
        let fates = async |clients: u32| {
            let network = Network::new(5);
            let _network = network.enter();
            network.links(Impairments::none().delay(ms(1)..=ms(40), Spread::Even));
            let server = network.host("server").spawn(echo(name(0)));
            let asking = |number| network.host(&format!("client {number}")).spawn(ask(name(0), 5));
            for client in (0..clients).rev().map(asking).collect::<Vec<_>>() {
                client.await.expect("it had its answers");
            }
            server.abort();
            let trace = network.trace();
            let of_first = trace.records().iter().filter(|one| one.line.starts_with("client 0-"));
            of_first.map(ToString::to_string).collect::<Vec<_>>()
        };
        let alone = fates(1).await;
        assert_eq!(alone.len(), 11);
        assert_eq!(alone, fates(2).await);
    })
    .await;
}

/// Where the first difference lies.
fn difference(one: &Trace, other: &Trace) -> String {
    let pairs = one.records().iter().zip(other.records());
    let differs = pairs.enumerate().find(|(_, (one, other))| one != other);
    differs.map_or("one is longer".into(), |(number, (one, other))| {
        format!("record {number}:\n{one}\n{other}")
    })
}

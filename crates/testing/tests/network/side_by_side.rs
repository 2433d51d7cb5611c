//! Names of two networks, and of the process, do not collide.

use std::time::Duration;

use anysock::prelude::*;
use anysock_testing::network::Network;
use tokio::time::timeout;

use crate::service::{ask, echo};
use crate::within;

#[tokio::test(start_paused = true)]
async fn the_same_name_in_two_networks_and_in_the_process_is_three_endpoints() {
    within(async {
        let networks = [Network::new(1), Network::new(2)];
        let mut listeners = Vec::new();
        for network in &networks {
            let host = network.host("server");
            let bound = host.run(async { anysock::bind("mem:three-endpoints").await }).await;
            listeners.push(bound.expect("bound"));
            let again = host.run(async { anysock::bind("mem:three-endpoints").await }).await;
            let error = again.expect_err("in use");
            assert_eq!(error.io_kind(), Some(std::io::ErrorKind::AddrInUse));
        }
        listeners.push(anysock::bind("mem:three-endpoints").await.expect("bound"));

        let mut clients = Vec::new();
        for network in &networks {
            let host = network.host("client");
            let client = host.run(async { anysock::connect("mem:three-endpoints").await }).await;
            clients.push(client.expect("connected"));
        }
        clients.push(anysock::connect("mem:three-endpoints").await.expect("connected"));
        for (number, (listener, client)) in listeners.iter_mut().zip(&mut clients).enumerate() {
            client.send(number.to_string()).await.expect("sent");
            let mut peer = listener.accept().await.expect("accepted");
            let message = peer.recv().await.expect("received").expect("a message");
            assert_eq!(message, number.to_string());
            let more = timeout(Duration::from_secs(1), listener.accept()).await;
            assert!(more.is_err(), "a connection came from elsewhere");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_networks_run_side_by_side_and_each_is_parted_alone() {
    within(async {
        let run = |network: &Network| {
            let server = network.host("server").spawn(echo("mem:side".into()));
            (server, network.host("client").spawn(ask("mem:side".into(), 10)))
        };
        let (one, other) = (Network::new(1), Network::new(2));
        let (server, parted) = run(&one);
        let (other_server, client) = run(&other);
        tokio::time::sleep(Duration::from_millis(120)).await;
        one.partition("client", "server");
        assert_eq!(client.await.expect("answered"), 10);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!parted.is_finished());
        one.heal("server", "client");
        assert!(parted.await.expect("answered") > 10);
        server.abort();
        other_server.abort();
    })
    .await;
}

#[tokio::test]
async fn a_network_is_left_when_its_guard_is_dropped() {
    within(async {
        let network = Network::new(1);
        let entered = network.enter();
        // Spawned tasks are in it as well.
        let binding = tokio::spawn(async { anysock::bind("mem:left").await });
        let _listener = binding.await.expect("spawned").expect("bound");
        anysock::connect("mem:left").await.expect("connected");
        {
            let within = Network::new(2);
            let _within = within.enter();
            assert!(anysock::connect("mem:left").await.is_err());
        }
        anysock::connect("mem:left").await.expect("connected");
        drop(entered);
        assert!(anysock::connect("mem:left").await.is_err());
    })
    .await;
}

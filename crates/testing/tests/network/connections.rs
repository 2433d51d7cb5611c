//! One connection through the network: its times, its end, its break.

use crate::within;
use std::io::ErrorKind;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Connection, Listener};
use anysock_testing::impaired::Impairments;
use anysock_testing::network::Network;
use tokio::time::{Instant, timeout};

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

async fn connect(network: &Network) -> (Connection, Connection, Listener) {
    let binding = network.host("server").run(async { anysock::bind("mem:service").await });
    let mut listener = binding.await.expect("bound");
    let connecting = network.host("client").run(async { anysock::connect("mem:service").await });
    let client = connecting.await.expect("connected");
    let peer = listener.accept().await.expect("accepted");
    (client, peer, listener)
}

#[tokio::test(start_paused = true)]
async fn messages_take_the_time_of_their_way() {
    within(async {
        let network = Network::new(1);
        network.one_way("client", "server", Impairments::none().latency(ms(30)));
        network.one_way("server", "client", Impairments::none().latency(ms(5)));
        let start = Instant::now();
        let (mut client, mut peer, _listener) = connect(&network).await;
        assert_eq!(start.elapsed(), ms(35));
        for _ in 0..10 {
            client.send("there").await.expect("sent");
        }
        // Sending does not wait for the way.
        assert_eq!(start.elapsed(), ms(35));
        for _ in 0..10 {
            assert_eq!(peer.recv().await.expect("received").expect("a message"), "there");
        }
        assert_eq!(start.elapsed(), ms(65));
        peer.send("back").await.expect("sent");
        assert_eq!(client.recv().await.expect("received").expect("a message"), "back");
        assert_eq!(start.elapsed(), ms(70));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_and_what_was_sent_before_it_arrive() {
    within(async {
        let network = Network::new(1);
        network.links(Impairments::none().latency(ms(30)));
        let (mut client, mut peer, _listener) = connect(&network).await;
        let (done, ()) = tokio::join!(
            async {
                client.send("last words").await?;
                client.close().await
            },
            async {
                assert_eq!(peer.recv().await.expect("received").expect("a message"), "last words");
                assert!(peer.recv().await.expect("received").is_none());
                peer.close().await.expect("closed");
            }
        );
        done.expect("closed");
        assert!(client.recv().await.expect("received").is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_gone_is_told() {
    within(async {
        let network = Network::new(1);
        network.links(Impairments::none().latency(ms(30)));
        let (mut client, peer, _listener) = connect(&network).await;
        drop(peer);
        assert!(client.recv().await.expect("received").is_none());
        client.send("too late").await.expect("it does not know yet");
        tokio::time::sleep(ms(100)).await;
        let error = client.send("too late").await.expect_err("gone");
        assert_eq!(error.io_kind(), Some(ErrorKind::BrokenPipe));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_reaches_both_ends_and_loses_what_is_on_its_way() {
    within(async {
        let network = Network::new(1);
        network.links(Impairments::none().latency(ms(30)));
        let (mut client, mut peer, _listener) = connect(&network).await;
        client.send("arrives").await.expect("sent");
        tokio::time::sleep(ms(40)).await;
        client.send("does not").await.expect("sent");
        network.reset("server", "client");
        assert_eq!(peer.recv().await.expect("received").expect("a message"), "arrives");
        for end in [&mut peer, &mut client] {
            let error = end.recv().await.expect_err("reset");
            assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionReset));
            assert!(end.send("more").await.is_err());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_parted_waits_and_is_not_connected() {
    within(async {
        let network = Network::new(1);
        let (mut client, mut peer, mut listener) = connect(&network).await;
        network.partition("client", "server");
        client.send("held up").await.expect("sent");
        assert!(timeout(ms(500), peer.recv()).await.is_err());
        let host = network.host("client");
        let connecting =
            host.run(async { anysock::connect("mem:service").deadline(ms(500)).await });
        let error = connecting.await.expect_err("parted");
        assert_eq!(error.io_kind(), Some(ErrorKind::TimedOut));
        // Others are not concerned.
        network
            .host("other")
            .run(async { anysock::connect("mem:service").await })
            .await
            .expect("made");
        listener.accept().await.expect("accepted");

        let waiting = host.spawn(async { anysock::connect("mem:service").await });
        tokio::time::sleep(ms(500)).await;
        assert!(!waiting.is_finished());
        network.heal("client", "server");
        waiting.await.expect("a task").expect("connected");
        assert_eq!(peer.recv().await.expect("received").expect("a message"), "held up");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lossy_link_promises_less_and_loses_in_a_partition() {
    within(async {
        let network = Network::new(1);
        network.link("client", "server", Impairments::none().loss(0.2));
        let (mut client, mut peer, _listener) = connect(&network).await;
        for end in [&client, &peer] {
            assert!(end.require(Guarantees::RELIABLE).is_err());
            end.require(Guarantees::ORDERED | Guarantees::BOUNDARIES).expect("kept");
        }
        for number in 0..100_u8 {
            client.send([number]).await.expect("sent");
        }
        let mut arrived = Vec::new();
        while let Ok(message) = timeout(ms(100), peer.recv()).await {
            arrived.push(message.expect("received").expect("a message")[0]);
        }
        assert!((60..95).contains(&arrived.len()), "{} of 100", arrived.len());
        assert!(arrived.is_sorted());
        network.partition("client", "server");
        for number in 0..100_u8 {
            client.send([number]).await.expect("sent");
        }
        tokio::time::sleep(ms(100)).await;
        network.heal("client", "server");
        assert!(timeout(ms(100), peer.recv()).await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_holds_the_sender_up() {
    within(async {
        let network = Network::new(1);
        let (mut client, mut peer, _listener) = connect(&network).await;
        let mut sent = 0;
        while timeout(ms(100), client.send([0; 1000])).await.is_ok() {
            sent += 1;
            assert!(sent < 1000, "nothing holds the sender up");
        }
        let mut received = 0;
        while let Ok(message) = timeout(ms(100), peer.recv()).await {
            message.expect("received").expect("a message");
            received += 1;
        }
        assert!(sent == received, "{sent} sent, {received} received");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn connecting_takes_a_round_trip_once_the_way_is_free() {
    within(async {
        let network = Network::new(1);
        network.links(Impairments::none().latency(ms(30)));
        let binding = network.host("server").run(async { anysock::bind("mem:service").await });
        let _listener = binding.await.expect("bound");
        let connecting =
            network.host("client").spawn(async { anysock::connect("mem:service").await });
        // On its way it is lost, and it is tried again.
        tokio::time::sleep(ms(40)).await;
        network.partition("client", "server");
        tokio::time::sleep(ms(1000)).await;
        network.heal("client", "server");
        let start = Instant::now();
        connecting.await.expect("a task").expect("connected");
        assert_eq!(start.elapsed(), ms(60));
        let nobody = network.host("client").run(async { anysock::connect("mem:nobody").await });
        let error = nobody.await.expect_err("nobody listens");
        assert_eq!(error.io_kind(), Some(ErrorKind::ConnectionRefused));
        assert_eq!(start.elapsed(), ms(120));
    })
    .await;
}

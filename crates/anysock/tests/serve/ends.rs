//! What becomes of handlers and listeners is counted, and stays with whom it concerns.

use std::os::fd::AsFd;

use anysock::prelude::*;
use anysock::{Error, Phase};

use crate::fixture::{GRACE, Service, ask, is_closed, over_the_cells, within};

over_the_cells! {
    every_client_is_answered_and_counted;
    a_handler_that_panics_or_fails_costs_its_own_connection_only;
}

async fn every_client_is_answered_and_counted(endpoint: &str) {
    let service = Service::start(endpoint, |serve| serve).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(service.client().await);
    }
    for client in &mut clients {
        ask(client, "again").await;
    }
    let endpoint = service.endpoints[0].clone();
    let report = service.stop().await;
    assert_eq!((report.accepted, report.finished, report.refused()), (5, 5, 0), "{report}");
    let [listener] = &report.listeners[..] else { panic!("{report}") };
    assert_eq!((&listener.endpoint, listener.accepted), (&endpoint, 5));
    assert!(listener.error.is_none());
}

async fn a_handler_that_panics_or_fails_costs_its_own_connection_only(endpoint: &str) {
    let mut service = Service::start(endpoint, |serve| serve).await;
    let mut bystander = service.client().await;
    for order in ["panic", "fail", "end"] {
        let mut client = service.client().await;
        client.send(order).await.expect("sent");
        service.reaches(Phase::Running { connections: 1 }).await;
        if client.guarantees().end_of_file() {
            assert!(is_closed(&mut client).await);
        }
        ask(&mut bystander, "still there").await;
    }
    let report = service.stop().await;
    let ends = (report.finished, report.failed, report.panicked, report.aborted);
    assert_eq!((report.accepted, ends), (4, (2, 1, 1, 0)), "{report}");
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_costs_its_own_connection_only() {
    within(async {
        let listener = anysock::bind("mem:serve-panic-early").await.unwrap();
        let endpoint = listener.endpoint().clone();
        let mut count = 0;
        let handler = move |_| {
            count += 1;
            assert_ne!(count, 1, "as told");
            std::future::ready(Ok::<_, Error>(()))
        };
        let shutdown = anysock::Shutdown::new();
        let serving = anysock::serve(listener, handler).shutdown(shutdown.clone(), GRACE);
        let clients = async {
            for _ in 0..2 {
                let mut client = anysock::connect(&endpoint).await.unwrap();
                assert!(is_closed(&mut client).await);
            }
            shutdown.begin();
        };
        let (report, ()) = tokio::join!(serving.into_future(), clients);
        assert_eq!((report.accepted, report.panicked, report.finished), (2, 1, 1), "{report}");
    })
    .await;
}

/// Receiving on a listening socket is shut down by whoever holds it.
fn break_down(listener: &anysock::Listener) {
    let socket = listener.as_socket().unwrap().socket();
    let duplicate = socket.as_fd().try_clone_to_owned().unwrap();
    std::net::TcpStream::from(duplicate).shutdown(std::net::Shutdown::Both).unwrap();
}

#[tokio::test]
async fn a_listener_that_fails_leaves_the_others_running_and_stands_in_the_report() {
    within(async {
        let broken = anysock::bind("tcp://127.0.0.1:0").await.unwrap();
        let sound = anysock::bind("unix:").await.unwrap();
        let endpoint = sound.endpoint().clone();
        break_down(&broken);
        let service = Service::on([broken, sound], GRACE, |serve| serve);
        for _ in 0..3 {
            let mut client = anysock::connect(&endpoint).await.unwrap();
            ask(&mut client, "hello").await;
        }
        let report = service.stop().await;
        assert!(report.listeners[0].error.is_some(), "{report}");
        assert!(report.listeners[1].error.is_none() && report.accepted == 3, "{report}");
        assert!(report.to_string().contains("ended: "), "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_service_ends_with_its_last_listener_once_its_handlers_have() {
    within(async {
        let listener = anysock::bind("tcp://127.0.0.1:0").await.unwrap();
        let duplicate = {
            let socket = listener.as_socket().unwrap().socket();
            socket.as_fd().try_clone_to_owned().unwrap()
        };
        let mut service = Service::on(listener, GRACE, |serve| serve);
        let mut client = service.client().await;
        std::net::TcpStream::from(duplicate).shutdown(std::net::Shutdown::Both).unwrap();
        service.reaches(Phase::Draining { left: 1 }).await;
        ask(&mut client, "still served").await;
        drop(client);
        let report = service.report().await;
        assert!(report.listeners[0].error.is_some() && report.finished == 1, "{report}");
    })
    .await;
}

#[tokio::test]
async fn the_same_service_serves_shards_and_cells_of_every_kind_at_once() {
    within(async {
        let mut listeners = anysock::bind("tcp://127.0.0.1:0").shards(3).await.unwrap();
        for endpoint in ["unix:", "unix-dgram:", "udp://[::1]:0", "mem:serve-at-once"] {
            listeners.push(anysock::bind(endpoint).await.unwrap());
        }
        let service = Service::on(listeners, GRACE, |serve| serve);
        let mut clients = Vec::new();
        for endpoint in service.endpoints.iter().cycle().take(35) {
            let mut client = anysock::connect(endpoint).await.unwrap();
            ask(&mut client, "hello").await;
            clients.push(client);
        }
        let report = service.stop().await;
        let accepted: Vec<_> = report.listeners.iter().map(|listener| listener.accepted).collect();
        assert_eq!(accepted[..3].iter().sum::<u64>(), 15, "{report}");
        assert_eq!(accepted[3..], [5; 4], "{report}");
    })
    .await;
}

#[tokio::test]
async fn a_crowd_at_one_listener_does_not_keep_others_waiting() {
    within(async {
        let crowded = anysock::bind("mem:serve-crowd").await.unwrap();
        let other = anysock::bind("unix:").await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..50 {
            clients.push(anysock::connect(crowded.endpoint()).await.unwrap());
        }
        clients.push(anysock::connect(other.endpoint()).await.unwrap());
        let (accepted, mut order) = tokio::sync::mpsc::unbounded_channel();
        let serving = anysock::serve([crowded, other], move |peer| {
            accepted.send(peer.cell()).unwrap();
            std::future::ready(Ok::<_, Error>(()))
        });
        let serving = tokio::spawn(serving.into_future());
        let first = [order.recv().await.unwrap(), order.recv().await.unwrap()];
        assert!(first.contains(&Some(anysock::Cell::UNIX_STREAM)), "{first:?}");
        serving.abort();
    })
    .await;
}

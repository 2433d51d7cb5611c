//! The three steps of a shutdown, each observed.

use std::time::Duration;

use anysock::Phase;
use anysock::prelude::*;
use tokio::sync::watch;

use crate::fixture::{GRACE, Service, ask, is_closed, over_the_cells, within};

over_the_cells! {
    an_idle_service_is_done_at_once_and_no_longer_there;
    handlers_that_are_told_finish_within_the_grace;
    handlers_that_hang_are_aborted_when_the_grace_is_over;
}

async fn an_idle_service_is_done_at_once_and_no_longer_there(endpoint: &str) {
    let service = Service::start(endpoint, |serve| serve).await;
    assert_eq!(*service.phases.borrow(), Phase::Running { connections: 0 });
    let (phases, endpoint) = (service.phases.clone(), service.endpoints[0].clone());
    let report = service.stop().await;
    assert_eq!(*phases.borrow(), Phase::Done);
    assert_eq!(report.accepted, 0);
    // The address is free again.
    anysock::bind(endpoint).await.expect("bound again");
}

async fn handlers_that_are_told_finish_within_the_grace(endpoint: &str) {
    let mut service = Service::start(endpoint, |serve| serve).await;
    let mut clients = [service.client().await, service.client().await];
    service.reaches(Phase::Running { connections: 2 }).await;
    let report = service.stop().await;
    assert_eq!((report.finished, report.aborted), (2, 0), "{report}");
    for client in &mut clients {
        if client.guarantees().end_of_file() {
            assert!(is_closed(client).await);
        }
    }
}

async fn handlers_that_hang_are_aborted_when_the_grace_is_over(endpoint: &str) {
    let listener = anysock::bind(endpoint).await.expect("bound");
    let mut service = Service::on(listener, Duration::from_millis(50), |serve| serve);
    let mut hanging = service.client().await;
    hanging.send("hang").await.expect("sent");
    let mut other = service.client().await;
    other.send("hang").await.expect("sent");
    // What follows on the same connection is not read, so that this tells that both hang.
    let _third = service.client().await;
    service.reaches(Phase::Running { connections: 3 }).await;
    let seen = tokio::spawn(record(service.phases.clone()));
    service.begin_shutdown();
    let report = service.report().await;
    let seen = seen.await.expect("recorded");
    let steps = [Phase::Draining { left: 2 }, Phase::Aborting { left: 2 }, Phase::Done];
    let mut left = seen.iter();
    assert!(steps.iter().all(|step| left.any(|seen| seen == step)), "{seen:?}");
    assert_eq!((report.finished, report.aborted, report.stuck), (1, 2, 0), "{report}");
    if hanging.guarantees().end_of_file() {
        assert!(is_closed(&mut hanging).await);
    }
}

/// All that a task of its own sees.
async fn record(mut phases: watch::Receiver<Phase>) -> Vec<Phase> {
    let mut seen = Vec::new();
    while phases.changed().await.is_ok() {
        seen.push(*phases.borrow_and_update());
    }
    seen
}

#[tokio::test]
async fn a_busy_handler_finishes_while_draining_and_nothing_new_is_accepted() {
    within(async {
        let listener = anysock::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = listener.endpoint().clone();
        let shutdown = anysock::Shutdown::new();
        // It does not look at the shutdown at all.
        let serving = anysock::serve(listener, |mut peer: anysock::Connection| async move {
            while let Some(message) = peer.recv().await? {
                peer.feed(message).await?;
            }
            Ok::<_, anysock::Error>(())
        })
        .shutdown(shutdown.clone(), GRACE);
        let mut phases = serving.phases();
        let serving = tokio::spawn(serving.into_future());
        let mut client = anysock::connect(&endpoint).await.unwrap();
        ask(&mut client, "before").await;
        shutdown.begin();
        phases.wait_for(|phase| *phase == Phase::Draining { left: 1 }).await.unwrap();
        ask(&mut client, "during").await;
        anysock::connect(&endpoint).await.expect_err("nobody listens");
        drop(client);
        let report = serving.await.unwrap();
        assert_eq!((report.accepted, report.finished), (1, 1), "{report}");
        assert_eq!(*phases.borrow(), Phase::Done);
    })
    .await;
}

#[tokio::test]
async fn dropping_a_service_closes_everything() {
    within(async {
        let listener = anysock::bind("tcp://127.0.0.1:0").await.unwrap();
        let endpoint = listener.endpoint().clone();
        let serving = anysock::serve(listener, |peer| async move {
            let _peer = peer;
            std::future::pending::<Result<(), anysock::Error>>().await
        });
        let mut phases = serving.phases();
        let serving = tokio::spawn(serving.into_future());
        let mut client = anysock::connect(&endpoint).await.unwrap();
        phases.wait_for(|phase| *phase == Phase::Running { connections: 1 }).await.unwrap();
        serving.abort();
        assert!(is_closed(&mut client).await);
        assert!(phases.changed().await.is_err(), "the sender is gone");
        anysock::connect(&endpoint).await.expect_err("nobody listens");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_never_waits_is_left_behind_and_reported() {
    within(async {
        let listener = anysock::bind("mem:serve-stuck").await.unwrap();
        let endpoint = listener.endpoint().clone();
        let (release, stuck) = std::sync::mpsc::channel::<()>();
        let stuck = std::sync::Arc::new(std::sync::Mutex::new(stuck));
        let shutdown = anysock::Shutdown::new();
        let serving = anysock::serve(listener, move |_| {
            let stuck = stuck.clone();
            async move {
                let _ = stuck.lock().unwrap().recv();
                Ok::<_, anysock::Error>(())
            }
        })
        .shutdown(shutdown.clone(), Duration::ZERO);
        let mut phases = serving.phases();
        let serving = tokio::spawn(serving.into_future());
        let _client = anysock::connect(&endpoint).await.unwrap();
        phases.wait_for(|phase| *phase == Phase::Running { connections: 1 }).await.unwrap();
        shutdown.begin();
        let report = serving.await.unwrap();
        drop(release);
        // A processor that is busy elsewhere may not have begun to run it.
        assert_eq!((report.accepted, report.aborted), (1, 1), "{report}");
        assert!(report.stuck <= 1, "{report}");
    })
    .await;
}

//! Permits are taken before accepting: a full service leaves the rest to the backlog.

use anysock::Phase;
use anysock::prelude::*;

use crate::alone;
use crate::fixture::{Service, ask, over_the_cells, within};

over_the_cells! {
    who_comes_to_a_full_service_is_served_once_somebody_has_left;
}

async fn who_comes_to_a_full_service_is_served_once_somebody_has_left(endpoint: &str) {
    let mut service = Service::start(endpoint, |serve| serve.max_connections(2)).await;
    let mut served = vec![service.client().await, service.client().await];
    service.reaches(Phase::Running { connections: 2 }).await;
    let mut waiting = Vec::new();
    for number in 0..3 {
        let mut client = service.stranger().await;
        client.send(number.to_string()).await.expect("sent");
        waiting.push(client);
    }
    for (number, mut client) in waiting.into_iter().enumerate() {
        ask(served.last_mut().expect("one that stays"), "still served").await;
        assert_eq!(*service.phases.borrow(), Phase::Running { connections: 2 });
        served.remove(0).send("end").await.expect("sent");
        let answer = client.recv().await.expect("received").expect("an answer");
        assert_eq!(answer, number.to_string().as_str());
        served.push(client);
    }
    let report = service.stop().await;
    assert_eq!((report.accepted, report.finished, report.refused()), (5, 5, 0), "{report}");
}

/// Descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_full_service_holds_no_descriptor_of_those_that_wait() {
    alone::run("permits::the_part_that_fills_a_service", 1024);
}

#[tokio::test]
async fn the_part_that_fills_a_service() {
    if !alone::here() {
        return;
    }
    within(async {
        const MOST: usize = 4;
        const CLIENTS: usize = 100;
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0"] {
            let mut service = Service::start(endpoint, |serve| serve.max_connections(MOST)).await;
            let before = descriptors();
            let mut clients = Vec::new();
            for _ in 0..CLIENTS {
                let mut client = service.stranger().await;
                client.send("hello").await.unwrap();
                clients.push(client);
            }
            for client in &mut clients[..MOST] {
                assert_eq!(client.recv().await.unwrap().unwrap(), "hello");
            }
            service.reaches(Phase::Running { connections: MOST }).await;
            assert_eq!(descriptors(), before + CLIENTS + MOST);
            let report = service.stop().await;
            assert_eq!(report.accepted, MOST as u64, "{report}");
        }
    })
    .await;
}

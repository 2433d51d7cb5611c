//! A service that runs out of descriptors goes on when there are some again.

use std::fs::File;
use std::future::poll_fn;
use std::task::Poll;

use anysock::Phase;
use anysock::prelude::*;

use crate::alone;
use crate::fixture::{Service, ask, within};

#[test]
fn a_service_without_descriptors_accepts_once_there_are_some() {
    alone::run("shortage::the_part_that_has_no_descriptors", 64);
}

#[tokio::test]
async fn the_part_that_has_no_descriptors() {
    if !alone::here() {
        return;
    }
    within(async {
        for endpoint in ["unix:", "unix-seqpacket:", "tcp://127.0.0.1:0"] {
            let service = Service::start(endpoint, |serve| serve).await;
            let mut served = service.client().await;
            // The client's own descriptor is open after one poll, and before the service has its
            // turn again there is none left for the other end.
            let mut connecting = Box::pin(service.stranger());
            let begun = poll_fn(|cx| Poll::Ready(connecting.as_mut().poll(cx))).await;
            let mut taken = Vec::from_iter(all_that_are_left());
            let mut client = match begun {
                Poll::Ready(client) => client,
                Poll::Pending => connecting.as_mut().await,
            };
            drop(connecting);
            taken.extend(all_that_are_left()); // connecting may have held another for a while
            client.send("hello").await.unwrap();
            for _ in 0..10 {
                // Nobody else suffers.
                ask(&mut served, "still served").await;
            }
            assert_eq!(*service.phases.borrow(), Phase::Running { connections: 1 });
            assert!(!taken.is_empty() && File::open("/dev/null").is_err());
            taken.clear();
            let answer = client.recv().await;
            assert_eq!(answer.unwrap().unwrap(), "hello");
            let report = service.stop().await;
            assert_eq!((report.accepted, report.finished), (2, 2), "{report}");
            assert!(report.listeners[0].error.is_none());
        }
    })
    .await;
}

fn all_that_are_left() -> impl Iterator<Item = File> {
    std::iter::from_fn(|| File::open("/dev/null").ok())
}

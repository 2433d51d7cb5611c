//! What the counters of the `metrics` facade tell, read by a recorder of this test.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anysock::{Error, prelude::*};
use metrics::{
    Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Counters and gauges by name and labels, as `name{label=value,..}`.
#[derive(Clone, Debug, Default)]
struct Meters(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

/// A gauge of whole numbers, which all of ours are.
#[derive(Debug)]
struct Whole(Arc<AtomicU64>);

impl GaugeFn for Whole {
    fn increment(&self, value: f64) {
        self.0.fetch_add(value as u64, Ordering::Relaxed);
    }
    fn decrement(&self, value: f64) {
        self.0.fetch_sub(value as u64, Ordering::Relaxed);
    }
    fn set(&self, value: f64) {
        self.0.store(value as u64, Ordering::Relaxed);
    }
}

impl Meters {
    fn meter(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<_> =
            key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn read(&self, name: &str) -> u64 {
        let meters = self.0.lock().unwrap();
        let found = meters.get(name);
        found.unwrap_or_else(|| panic!("{name} is none of {meters:?}")).load(Ordering::Relaxed)
    }
}

impl Recorder for Meters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.meter(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Arc::new(Whole(self.meter(key))))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Runs it on this thread, whose recorder the meters are.
fn counted<T>(meters: &Meters, test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let deadline = Duration::from_secs(20);
    metrics::with_local_recorder(meters, || {
        runtime.block_on(async { tokio::time::timeout(deadline, test).await.expect("in time") })
    })
}

#[test]
fn messages_are_counted_while_a_connection_lives_and_it_is_at_its_end() {
    let meters = Meters::default();
    counted(&meters, async {
        let mut listener = anysock::bind("tcp://127.0.0.1:0").await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        for _ in 0..3 {
            client.send("hello").await.unwrap();
        }
        for _ in 0..3 {
            peer.recv().await.unwrap().unwrap();
        }
        // It has to wait, and counts meanwhile.
        let waited = tokio::time::timeout(Duration::from_millis(1), peer.recv()).await;
        assert!(waited.is_err());
        let client_end = "{cell=ipv4-stream,end=client}";
        let peer_end = "{cell=ipv4-stream,end=accepted}";
        let read = |name: &str, end: &str| meters.read(&format!("anysock_{name}{end}"));
        assert_eq!(read("messages_sent_total", client_end), 3);
        assert_eq!(read("sent_bytes_total", client_end), 15);
        assert_eq!(read("messages_received_total", peer_end), 3);
        assert_eq!(read("received_bytes_total", peer_end), 15);
        assert_eq!(read("connections", client_end), 1);
        assert_eq!(read("connections_opened_total", peer_end), 1);

        let (mut sending, receiving) = client.split();
        sending.send("more").await.unwrap();
        drop(receiving);
        assert_eq!(read("messages_sent_total", client_end), 4);
        assert_eq!(read("connections_closed_total", client_end), 0);
        drop(sending);
        assert_eq!(read("connections_closed_total", client_end), 1);
        assert_eq!(read("connections", client_end), 0);
        assert_eq!(peer.recv().await.unwrap().unwrap(), "more");
        drop(peer);
        assert_eq!(read("messages_received_total", peer_end), 4);
        assert_eq!(read("connections", peer_end), 0);
    });
}

#[test]
fn a_service_counts_how_its_handlers_end_and_whom_it_refuses() {
    let meters = Meters::default();
    counted(&meters, async {
        let listener = anysock::bind("unix:").await.unwrap();
        let endpoint = listener.endpoint().clone();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = anysock::serve(listener, |mut peer| async move {
            let message = peer.recv().await?.expect("one message");
            match &message[..] {
                b"panic" => panic!("as was asked for"),
                b"fail" => Err(anysock::ErrorKind::Closed.into()),
                _ => Ok::<_, Error>(()),
            }
        })
        .max_per_uid(1)
        .shutdown(async { drop(stopped.await) }, Duration::from_secs(5));
        let (report, ()) = tokio::join!(serving.into_future(), async {
            for message in ["panic", "fail", "well"] {
                let mut client = anysock::connect(&endpoint).await.unwrap();
                // Refused while the other is there; that it is accepted before is not certain.
                client.send(message).await.unwrap();
                assert!(client.recv().await.is_ok_and(|end| end.is_none()));
            }
            let waiting = anysock::connect(&endpoint).await.unwrap();
            let mut refused = anysock::connect(&endpoint).await.unwrap();
            assert!(refused.recv().await.is_ok_and(|end| end.is_none()));
            drop((waiting, stop));
        });
        assert_eq!(report.refused_per_uid, 1);
    });
    assert_eq!(meters.read("anysock_connections_refused_total{limit=uid}"), 1);
    assert_eq!(meters.read("anysock_handlers_ended_total{how=finished}"), 1);
    assert_eq!(meters.read("anysock_handlers_ended_total{how=failed}"), 1);
    // The last one was asked for nothing, and its client left.
    assert_eq!(meters.read("anysock_handlers_ended_total{how=panicked}"), 2);
}

#[test]
fn a_failure_to_connect_is_counted() {
    let meters = Meters::default();
    counted(&meters, async {
        anysock::connect("unix:/nowhere/at/all").await.unwrap_err();
    });
    assert_eq!(meters.read("anysock_connect_failures_total{}"), 1);
}

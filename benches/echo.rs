//! Round trips and pipelined throughput per cell, client and server on one current-thread
//! runtime: the CPU cost of both ends, without wake-ups across processors.

use std::time::Duration;

use anysock::prelude::*;
use anysock::{Cell, Connection};
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

/// The cells that Linux has without SCTP, each with an endpoint that needs no clean-up.
const CELLS: [(Cell, &str); 7] = [
    (Cell::UNIX_STREAM, "unix:"),
    (Cell::UNIX_DATAGRAM, "unix-dgram:"),
    (Cell::UNIX_SEQPACKET, "unix-seqpacket:"),
    (Cell::IPV4_STREAM, "tcp://127.0.0.1:0"),
    (Cell::IPV4_DATAGRAM, "udp://127.0.0.1:0"),
    (Cell::IPV6_STREAM, "tcp://[::1]:0"),
    (Cell::IPV6_DATAGRAM, "udp://[::1]:0"),
];

const SIZES: [usize; 3] = [64, 1024, 16 * 1024];

/// Messages in flight when pipelined: what the queue of every cell holds.
const BATCH: usize = 8;

/// A client of an echo server that runs in a task of the same runtime.
fn client(runtime: &Runtime, endpoint: &str) -> Connection {
    runtime.block_on(async {
        let mut listener = anysock::bind(endpoint).await.expect("bind");
        let client = anysock::connect(listener.endpoint()).await.expect("connect");
        tokio::spawn(async move {
            let mut peer = listener.accept().await?;
            while let Some(message) = peer.recv().await? {
                peer.feed(message).await?;
            }
            Ok::<_, anysock::Error>(())
        });
        client
    })
}

/// Sends `count` messages together, and receives as many.
async fn exchange(client: &mut Connection, message: &Bytes, count: usize) {
    for _ in 0..count {
        client.feed(message.clone()).await.expect("feed");
    }
    client.flush().await.expect("flush");
    for _ in 0..count {
        let echo = client.recv().await.expect("receive").expect("an echo");
        assert_eq!(echo.len(), message.len());
    }
}

fn echo(criterion: &mut Criterion) {
    for (name, count) in [("round_trip", 1), ("pipelined", BATCH)] {
        for (cell, endpoint) in CELLS {
            let mut group = criterion.benchmark_group(format!("{name}/{cell}"));
            for size in SIZES {
                let runtime = Builder::new_current_thread().enable_all().build().expect("runtime");
                let mut client = client(&runtime, endpoint);
                let message = Bytes::from(vec![7; size]);
                group.throughput(Throughput::Elements(count as u64));
                group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                    bencher.iter(|| runtime.block_on(exchange(&mut client, &message, count)));
                });
            }
            group.finish();
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = echo
}
criterion_main!(benches);

//! There and back over every cell, one message at a time, on one current-thread runtime: the
//! cost of both ends, without wake-ups across processors.

mod cells;

use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{Connection, Error};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::time::timeout;

use crate::cells::{connection, offered, runtime};

const SIZES: [usize; 2] = [64, 1 << 10];

/// How long a sample may take before something is held to be lost.
const LOST: Duration = Duration::from_secs(30);

fn latency(criterion: &mut Criterion) {
    for cell in offered() {
        let mut group = criterion.benchmark_group(format!("latency/{cell}"));
        group.throughput(Throughput::Elements(1));
        for size in SIZES {
            let runtime = runtime();
            let message = vec![7; size];
            let (mut near, far) = runtime.block_on(connection(cell));
            runtime.spawn(echo(far));
            group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
                bencher.iter_custom(|trips| {
                    let start = Instant::now();
                    let all = async {
                        for _ in 0..trips {
                            trip(&mut near, &message).await;
                        }
                    };
                    let done = runtime.block_on(async { timeout(LOST, all).await });
                    done.expect("nothing is lost");
                    start.elapsed()
                });
            });
        }
        group.finish();
    }
}

async fn trip(client: &mut Connection, message: &[u8]) {
    client.send(message).await.expect("sending");
    let echo = client.recv().await.expect("receiving").expect("an echo");
    assert_eq!(echo.len(), message.len());
}

async fn echo(mut peer: Connection) -> Result<(), Error> {
    while let Some(message) = peer.recv().await? {
        peer.feed(message).await?; // flushed when recv would wait
    }
    Ok(())
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = latency
}
criterion_main!(benches);

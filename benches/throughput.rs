//! One way over every cell: a burst is fed, flushed and received, on one current-thread runtime.
//!
//! `cargo bench --bench throughput` takes little more than a minute. Every cell appears twice:
//! as the concrete [`Connection`](anysock::Connection), and as a `Box<dyn Transport>`.

mod cells;

use std::time::{Duration, Instant};

use anysock::prelude::*;
use anysock::{BoxTransport, Cell, RecvHalf, SendHalf, Type};
use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::cells::{connection, offered, runtime};

const SIZES: [usize; 3] = [64, 1 << 10, 16 << 10];

/// Bytes of a burst where the kernel holds a sender back.
const STREAMED: usize = 256 << 10;

/// Bytes, and messages, of a burst of datagrams: what a listener holds for one peer at least,
/// so that none is lost.
const HELD: (usize, usize) = (128 << 10, 128);

/// How long a sample may take before something is held to be lost.
const LOST: Duration = Duration::from_secs(30);

fn throughput(criterion: &mut Criterion) {
    for cell in offered() {
        for size in SIZES {
            let runtime = runtime();
            let (near, far) = runtime.block_on(connection(cell));
            measure(criterion, "concrete", &runtime, cell, size, near, far);
            let (near, far) = runtime.block_on(connection(cell));
            let (near, far): (BoxTransport, BoxTransport) = (Box::new(near), Box::new(far));
            measure(criterion, "boxed", &runtime, cell, size, near, far);
        }
    }
}

fn measure(
    criterion: &mut Criterion,
    how: &str,
    runtime: &Runtime,
    cell: Cell,
    size: usize,
    mut near: impl SendHalf,
    mut far: impl RecvHalf,
) {
    let count = burst(cell, size);
    // It lives for ever, so that no reference is counted.
    let message: &'static [u8] = vec![7; size].leak();
    let mut group = criterion.benchmark_group(format!("throughput/{cell}/{how}"));
    let (elements, bytes) = (count as u64, (count * size) as u64);
    group.throughput(Throughput::ElementsAndBytes { elements, bytes });
    group.bench_function(BenchmarkId::from_parameter(size), |bencher| {
        bencher.iter_custom(|bursts| {
            let start = Instant::now();
            let all = async {
                for _ in 0..bursts {
                    tokio::join!(send(&mut near, message, count), recv(&mut far, size, count));
                }
            };
            let done = runtime.block_on(async { timeout(LOST, all).await });
            done.expect("nothing is lost");
            start.elapsed()
        });
    });
    group.finish();
}

async fn send(to: &mut impl SendHalf, message: &'static [u8], count: usize) {
    for _ in 0..count {
        to.feed(Bytes::from_static(message)).await.expect("feeding");
    }
    to.flush().await.expect("flushing");
}

async fn recv(from: &mut impl RecvHalf, size: usize, count: usize) {
    for _ in 0..count {
        let message = from.recv().await.expect("receiving").expect("a message");
        assert_eq!(message.len(), size);
    }
}

/// How many messages are under way at a time.
fn burst(cell: Cell, size: usize) -> usize {
    match cell.kind {
        Type::Datagram => (HELD.0 / size).min(HELD.1),
        Type::Stream | Type::SeqPacket => STREAMED / size,
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = throughput
}
criterion_main!(benches);

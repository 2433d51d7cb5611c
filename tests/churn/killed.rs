//! Peers are killed in the middle of connecting, sending, receiving, and passing descriptors: the
//! server notices each, receives all that each had sent, and nobody else loses anything.

mod peer;
mod server;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anysock::{Phase, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use self::peer::{Fate, Peers};
use self::server::{BYSTANDERS, Server};
use crate::children::{Child, End};
use crate::effort::tell;
use crate::figures::{Grown, descriptors, descriptors_are};
use crate::part::{Run, per_cell};

per_cell! { killed_peers_are_noticed_and_cost_nobody_else_anything }

const DEADLINE: Duration = Duration::from_secs(10);
/// Peers are killed in two parts, and whether all were accepted is asked after each.
const PARTS: u64 = 2;
/// Peers that are alive at a time.
const TOGETHER: usize = 4;
/// What a thousand peers may leave behind, in bytes of the heap and of pages: of the heap no more than
/// the block that each thread keeps to send from, which grows with what was sent so far.
const HEAP: i64 = 512 << 10;
const PAGES: i64 = 2 << 20;

fn killed_peers_are_noticed_and_cost_nobody_else_anything(run: &Run) {
    let counted = run.effort.pick(24, 200, 1000);
    // After these nothing is done for the first time.
    let before = run.effort.pick(24, 100, 200);
    let peers = Peers::new(run.cell, run.seed, before + counted);
    let (orders, spawner) = UnixStream::pair().unwrap();
    let spawner = Child::fork(|| spawn(&peers, before, spawner));
    // Of one thread, so that all blocks that threads keep are this one's, to be freed.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let survived = runtime.block_on(survive(run, &peers, before, orders));
    assert_eq!(spawner.wait(), End::Done, "the spawner fails, as it says above");

    let Survived { noticed, grown, exchanged, messages, descriptors } = survived;
    let cell = run.cell;
    let along = match cell.domain {
        anysock::Domain::Unix => format!(", {descriptors} descriptors"),
        _ => String::new(),
    };
    tell(
        &format!("a killed peer is noticed, {cell}"),
        format_args!("{counted} peers killed, {messages} messages of theirs{along}"),
        format_args!("{noticed:.0?} after the last"),
        format_args!("{DEADLINE:?}, and none of what they sent is lost"),
    );
    tell(
        &format!("a killed peer costs nobody else anything, {cell}"),
        format_args!("{exchanged} messages there and back meanwhile"),
        format_args!("0 lost, 0 descriptors, {grown}"),
        format_args!("0, 0, heap {} KiB, pages {} KiB", HEAP >> 10, PAGES >> 10),
    );
}

/// Forks peers, a few at a time, kills those that do not kill themselves, and waits for all. Does
/// it in two parts, each when it is told to.
fn spawn(peers: &Peers, before: usize, mut orders: UnixStream) {
    let mut line = Vec::new();
    let mut next = || {
        let mut byte = [0];
        orders.read_exact(&mut byte).map(|()| byte[0])
    };
    while let Ok(byte @ 1..) = next() {
        line.push(byte);
    }
    let to = crate::words::addr(&String::from_utf8(line).unwrap().parse().unwrap());
    for part in [0..before, before..peers.count] {
        next_order(&mut orders);
        for first in part.clone().step_by(TOGETHER) {
            let indices = first..part.end.min(first + TOGETHER);
            let (mut told, tells) = UnixStream::pair().unwrap();
            let start = |index| Child::fork(|| peers.play(index, &to, &tells));
            let children: Vec<_> = indices.clone().map(start).collect();
            drop(tells);
            for _ in indices.clone().filter(|index| peers.script(*index).by_another) {
                let mut slot = [0];
                told.read_exact(&mut slot).expect("a peer says how far it is");
                children[usize::from(slot[0])].kill();
            }
            for (child, index) in children.into_iter().zip(indices) {
                let script = peers.script(index);
                assert_eq!(child.wait(), End::Killed, "peer {index}, {script:?}");
            }
        }
        orders.write_all(b"done").unwrap();
    }
}

fn next_order(orders: &mut UnixStream) {
    orders.read_exact(&mut [0]).expect("whoever gives orders is there");
}

struct Survived {
    /// How long after the last peer was dead the server had noticed it.
    noticed: Duration,
    grown: Grown,
    exchanged: u64,
    /// What peers had sent, and how many descriptors of theirs were received.
    messages: u64,
    descriptors: u64,
}

async fn survive(run: &Run, peers: &Peers, before: usize, orders: UnixStream) -> Survived {
    orders.set_nonblocking(true).unwrap();
    let mut orders = tokio::net::UnixStream::from_std(orders).unwrap();
    let directory = crate::directory::Directory::new();
    let mut server = Server::start(run.cell, peers.count, &directory).await;
    orders.write_all(format!("{}\0", server.endpoint).as_bytes()).await.unwrap();
    let bystanders = server.bystanders(run.seed).await;

    let clean = descriptors();
    kill_some(&mut orders, &mut server).await;
    descriptors_are(clean, DEADLINE).await;
    let baseline = bystanders.held().await;
    let noticed = kill_some(&mut orders, &mut server).await;
    descriptors_are(clean, DEADLINE).await;
    let grown = bystanders.held().await.grown_within(&baseline, HEAP, PAGES);
    let exchanged = bystanders.stop().await;

    let (tally, report) = server.stop().await;
    directory.assert_empty();
    let mut messages = 0;
    for (index, received) in tally.received.iter().enumerate() {
        let (received, fate) = (received.load(Ordering::Relaxed), peers.fate(index));
        // The last may have left as the peer was killed, before it was counted.
        let Fate { sent, certain } = fate;
        assert!(
            (certain..=sent + 1).contains(&received),
            "of peer {index} {received} messages came; it has sent {sent}, {certain} for certain"
        );
        messages += u64::from(certain) * u64::from(index >= before);
    }
    assert_eq!((report.panicked, report.aborted), (0, 0), "{report}");
    if run.cell.kind != Type::Datagram {
        let accepted = report.accepted - BYSTANDERS as u64 - PARTS;
        let connected = peers.connected();
        assert!(connected.contains(&accepted), "{accepted} accepted of {connected:?} connected");
    }
    let passed = tally.descriptors.load(Ordering::Relaxed);
    Survived { noticed, grown, exchanged, messages, descriptors: passed }
}

/// Has the next part of the peers killed, and waits until the server has noticed it; how long it
/// took after the last was dead.
async fn kill_some(orders: &mut tokio::net::UnixStream, server: &mut Server) -> Duration {
    orders.write_all(&[1]).await.unwrap();
    orders.read_exact(&mut [0; 4]).await.expect("the spawner fails, as it says above");
    let dead = Instant::now();
    server.has_accepted_all().await;
    let phases = &mut server.phases;
    let none = |phase: &Phase| matches!(phase, Phase::Running { connections } if *connections == BYSTANDERS);
    let noticed = timeout(DEADLINE, phases.wait_for(none)).await.is_ok();
    assert!(noticed, "after {DEADLINE:?} dead peers are served: {:?}", *phases.borrow());
    dead.elapsed()
}

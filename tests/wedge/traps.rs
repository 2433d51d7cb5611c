//! The traps T1 to T8, as `docs/KERNEL-TESTS.md` has them: what makes a naive loop spin or sleep.

use std::io::IoSlice;
use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anysock::{Addr, Domain, Options, Type, UnixAddr};
use anysock_core::{Outgoing, Shutdown, Socket};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::task::LocalSet;

use crate::far::{bound, client, drain, ends, fill, frame, fresh};
use crate::limits::limit_descriptors;
use crate::link::{self, DEADLINE};
use crate::network;
use crate::outcome::{ends_receiving, fails, is_done, receives};
use crate::sockets::{LONGEST, Sockets};
use crate::stage::{Release, Stage, poll_once};

/// T1: receiving on datagrams, accepting elsewhere.
pub(crate) async fn shut_down<S: Sockets>(stage: Stage) {
    let cell = stage.cell;
    if cell.kind == Type::Datagram {
        let (mut near, _far) = ends::<S>(cell, &Options::new()).await;
        S::duplicate(&near).shutdown(Shutdown::Read).unwrap();
        return stage.watch(async { ends_receiving(S::recv(&mut near).await) }, None).await;
    }
    let mut listener = S::bind(cell, &fresh(cell.domain)).await.unwrap();
    S::duplicate_listener(&listener).shutdown(Shutdown::Read).unwrap();
    stage.watch(async { fails(S::accept(&mut listener).await) }, None).await;
}

/// T2, also where no descriptor is left to register the socket anew.
pub(crate) async fn write_closed<S: Sockets>(stage: Stage, exhausted: bool) {
    let cell = stage.cell;
    let (mut near, release): (_, Release) = match cell.domain {
        Domain::Unix => {
            let (mut near, far) = ends::<S>(cell, &Options::new()).await;
            let addr = S::duplicate(&near).local_addr().unwrap();
            let purge = |near: &Socket| {
                near.send(b"purged").unwrap();
                far.connect(&bound(cell).local_addr().unwrap()).unwrap();
                far.connect(&addr).unwrap();
            };
            meet_error::<S>(&mut near, purge).await;
            (near, Box::new(move || drain(far)))
        }
        domain => {
            let network = network::Alone::new(domain);
            network.be_the_neighbour();
            let mut near = network.connect::<S>(cell).await;
            meet_error::<S>(&mut near, |near| assert_eq!(near.send(b"lost").unwrap(), 4)).await;
            network.leave();
            (near, Box::new(move || network.answer()))
        }
    };
    let duplicate = S::duplicate(&near);
    let taken = if exhausted { use_up_descriptors() } else { Vec::new() };
    fill(&duplicate, None);
    let is_over = stage.is_over();
    let sending = async {
        while !is_over() {
            is_done(S::send(&mut near, &[7; 1000]).await)?;
        }
        Ok(())
    };
    let release = move || {
        drop(taken);
        release();
    };
    stage.watch(sending, Some(Box::new(release))).await;
}

/// Has the reactor take note of an error that is made while a reader waits.
async fn meet_error<S: Sockets>(near: &mut S::Connection, make: impl FnOnce(&Socket)) {
    let duplicate = S::duplicate(near);
    let mut receiving = pin!(S::recv(near));
    assert!(poll_once(receiving.as_mut()).await.is_none());
    make(&duplicate);
    // tokio's readers are not woken by an error alone. The reactor has run all the same.
    match tokio::time::timeout(Duration::from_millis(20), receiving).await {
        Ok(received) => drop(received.unwrap_err()),
        Err(_) => drop(duplicate.take_error().unwrap().expect("there is an error")),
    }
}

/// All descriptors that this process may still have.
pub(crate) fn use_up_descriptors() -> Vec<std::fs::File> {
    limit_descriptors(64);
    std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect()
}

/// T3: no event tells of room in the queue of a socket that one is not connected to.
pub(crate) async fn full_queue_of_a_client<S: Sockets>(stage: Stage) {
    let cell = stage.cell;
    // By paths, since tokio answers no other names.
    let addr = |name: &str| Addr::Unix(UnixAddr::path(stage.directory.join(name)).unwrap());
    let mut listener = S::bind(cell, &addr("listener")).await.unwrap();
    let client = link::bind(cell.kind, &addr("client"), &Options::new()).unwrap();
    link::send_to(&client, b"hello", &addr("listener")).unwrap();
    let mut near = S::accept(&mut listener).await.unwrap();
    fill(&bound(cell), Some(&addr("client")));
    let (other, client_addr) = (bound(cell), addr("client"));
    // By the listener, and by a socket that only sends.
    let sending = async {
        let (reply, message) =
            tokio::join!(S::send(&mut near, b"reply"), S::send_to(other, b"m", &client_addr));
        is_done(reply).and(is_done(message))
    };
    stage.watch(sending, Some(Box::new(move || drain(client)))).await;
}

/// T4: a short read ends at a descriptor, or before an urgent byte, with more behind it.
pub(crate) async fn short_read<S: Sockets>(stage: Stage) {
    let cell = stage.cell;
    let options = match cell.domain {
        Domain::Unix => Options::new().receive_descriptors(true),
        _ => Options::new(),
    };
    let (mut near, far) = ends::<S>(cell, &options).await;
    // The reactor knows of the socket before all of it comes at once.
    assert!(poll_once(pin!(S::recv(&mut near))).await.is_none());
    let (first, second) = (frame(cell, b"AAAA"), frame(cell, b"BBBB"));
    match cell.domain {
        Domain::Unix => {
            let file = [OwnedFd::from(std::fs::File::open("/dev/null").unwrap())];
            let mut with = Outgoing::default();
            with.descriptors = &file;
            far.send_message(&[IoSlice::new(&first)], &with).unwrap();
        }
        _ => {
            far.send(&first).unwrap();
            socket2::SockRef::from(&far).send_out_of_band(b"!").unwrap();
        }
    }
    far.send(&second).unwrap();
    let receiving = async {
        receives(S::recv(&mut near).await)?;
        receives(S::recv(&mut near).await)
    };
    stage.watch(receiving, None).await;
}

/// T5: nothing is in progress, and nothing tells of room in the backlog.
pub(crate) async fn full_backlog<S: Sockets>(stage: Stage) {
    let cell = stage.cell;
    let listener = link::bind(cell.kind, &fresh(cell.domain), &Options::new().backlog(0)).unwrap();
    let _first = client(&listener);
    let addr = listener.local_addr().unwrap();
    let connecting = async { is_done(S::connect(cell, &addr, None, &Options::new()).await) };
    let release = move || {
        for _ in 0..2 {
            std::thread::spawn({
                let listener = listener.try_clone().unwrap();
                move || link::accept(&listener)
            });
        }
    };
    stage.watch(connecting, Some(Box::new(release))).await;
}

/// T6: whoever accepts has not asked the reactor yet whether there is room.
pub(crate) async fn first_send<S: Sockets>(stage: Stage) {
    let cell = stage.cell;
    if cell.kind == Type::Datagram {
        let far = bound(cell);
        let addr = far.local_addr().unwrap();
        let sending = async {
            let connected = S::connect(cell, &addr, None, &Options::new()).await;
            is_done(connected.and_then(|mut near| S::try_send(&mut near, b"hello")))
        };
        return stage.watch(sending, None).await;
    }
    let mut listener = S::bind(cell, &fresh(cell.domain)).await.unwrap();
    let _client = client(&S::duplicate_listener(&listener));
    let accepting = async {
        let accepted = S::accept(&mut listener).await;
        let mut near = accepted.map_err(|error| error.to_string())?;
        is_done(S::try_send(&mut near, b"hello"))
    };
    stage.watch(accepting, None).await;
}

/// What a service does for each message.
const WORK: Duration = Duration::from_micros(20);

/// T7: there is always one more message.
pub(crate) async fn flood<S: Sockets>(stage: Stage) {
    let (mut near, far) = ends::<S>(stage.cell, &Options::new()).await;
    let frames = match stage.cell.kind {
        Type::Stream => frame(stage.cell, b"x").repeat(1000),
        _ => b"x".to_vec(),
    };
    let (tell, hear) = mpsc::channel();
    std::thread::spawn(move || flood_from(&far, &frames, &tell));
    // There is more than one turn's share before it begins.
    hear.recv_timeout(DEADLINE).unwrap();
    let (is_over, counter) = (stage.is_over(), stage.counter());
    // A task of its own, as a service has for each connection: who is not spawned has the reactor
    // asked whenever others run.
    let tasks = LocalSet::new();
    let receiving = tasks.spawn_local(async move {
        let receiving = async {
            while !is_over() {
                receives(S::recv(&mut near).await)?;
                counter.count();
                work();
            }
            Ok(())
        };
        counter.by_poll(receiving).await
    });
    stage.watch(tasks.run_until(async { receiving.await.unwrap() }), None).await;
}

fn work() {
    let began = Instant::now();
    while began.elapsed() < WORK {
        std::hint::spin_loop();
    }
}

/// Sends the same bytes, or messages, over and over; tells when there are many.
fn flood_from(far: &Socket, frames: &[u8], tell: &mpsc::Sender<()>) {
    let (mut sent, mut calls, mut told) = (0, 0, false);
    loop {
        calls += 1;
        let is_full = match far.send(&frames[sent..]) {
            Ok(length) => {
                sent = (sent + length) % frames.len();
                false
            }
            // It is tried again at once: a reader is to find no moment without more.
            Err(_) => true,
        };
        if !told && (is_full || calls == MANY) {
            tell.send(()).unwrap();
            told = true;
        }
    }
}

/// So many calls find room on a socket that is never full.
const MANY: u32 = 1000;

/// How many connections announce a message that does not come.
pub(crate) const ANNOUNCING: usize = 1000;
/// What comes of each, in bytes: more than the first block holds, so that another is asked for.
const BEGINNING: usize = 20_000;
/// What this process may have beside what it has before they come: a thirtieth of what they announce.
pub(crate) const ROOM: u64 = 256 << 20;

/// T8: what is announced is not there yet, and may never be.
pub(crate) async fn announced<S: Sockets>(stage: Stage) {
    limit_descriptors(4 * ANNOUNCING as u64);
    let mut listener = S::bind(stage.cell, &fresh(stage.cell.domain)).await.unwrap();
    let socket = S::duplicate_listener(&listener);
    stage.limit_growth(ROOM);
    let (mut near, mut far) = (Vec::new(), Vec::new());
    for _ in 0..ANNOUNCING {
        let client = client(&socket);
        client.send(&(LONGEST as u32).to_be_bytes()).unwrap();
        client.send(&[7; BEGINNING]).unwrap();
        far.push(client);
        near.push(S::accept(&mut listener).await.unwrap());
    }
    let sockets: Vec<_> = near.iter().map(S::duplicate).collect();
    let mut receiving: FuturesUnordered<_> = near.iter_mut().map(S::recv).collect();
    // All have read what there is, before it is looked at how idle they are.
    while sockets.iter().any(|socket| socket.unread_bytes().unwrap() > 0) {
        let turn = tokio::time::timeout(Duration::from_millis(5), receiving.next());
        assert!(turn.await.is_err(), "one of them received what was never sent");
    }
    let receiving = async {
        match receiving.next().await {
            Some(Err(_)) => Ok(()),
            other => Err(format!("cut off inside a message, it gave {other:?}")),
        }
    };
    stage.watch(receiving, Some(Box::new(move || drop(far)))).await;
}

//! The last of the traps, T7: a loop that never waits starves its neighbours. tokio lets a task
//! make 128 steps before it must yield.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use anysock_async::{Accepted, PeerLimits, bind};
use anysock_core::{Cell, Options, Socket, Type};

use crate::ends::{bound, connecting, fresh};
use crate::near::Near;
use crate::watchdog;

const BUDGET: usize = 128;

fn yields_within_the_budget(cell: Cell) {
    watchdog::run(move || async move {
        let (mut near, far) = Near::new(cell);
        let sent = steps_in_one_poll(move |cx| near.poll_send(cx)).await;
        assert!((1..=BUDGET).contains(&sent), "{sent} sent in one poll");

        let (mut near, other) = Near::new(cell);
        for _ in 0..2 * BUDGET {
            other.send(b"x").unwrap();
        }
        // The first tells that the reactor knows of them.
        poll_fn(|cx| near.poll_recv(cx)).await;
        let received = steps_in_one_poll(move |cx| near.poll_recv(cx)).await;
        assert!((1..=BUDGET).contains(&received), "{received} received in one poll");
        drop((far, other));

        let (near, far) = Near::new(cell);
        for _ in 0..2 * BUDGET {
            far.send(b"x").unwrap();
        }
        if cell.kind == Type::Stream {
            return;
        }
        near.recv().await;
        let near = Arc::new(near);
        let sending = Arc::clone(&near);
        let sent = steps_in_one_poll(move |cx| pin!(sending.send()).poll(cx)).await;
        let received = steps_in_one_poll(move |cx| pin!(near.recv()).poll(cx)).await;
        assert!((1..=BUDGET).contains(&sent), "{sent} sent in one poll");
        assert!((1..=BUDGET).contains(&received), "{received} received in one poll");
    });
}

per_cell! { yields_within_the_budget {
    unix_stream_yields_within_the_budget => UNIX_STREAM,
    unix_datagram_yields_within_the_budget => UNIX_DATAGRAM,
    unix_seqpacket_yields_within_the_budget => UNIX_SEQPACKET,
    ipv4_stream_yields_within_the_budget => IPV4_STREAM,
    ipv4_datagram_yields_within_the_budget => IPV4_DATAGRAM,
    ipv6_stream_yields_within_the_budget => IPV6_STREAM,
    ipv6_datagram_yields_within_the_budget => IPV6_DATAGRAM,
} }

fn accepting_yields_within_the_budget(cell: Cell) {
    watchdog::run(move || async move {
        let any = fresh(cell.domain);
        let limits = PeerLimits::default();
        let mut listener = bind(&any, cell.kind, &Options::new(), &limits).await.unwrap();
        let mut clients = Vec::new();
        while clients.len() < BUDGET + 50 {
            clients.push(client(listener.socket()));
            // Unix queues few datagrams: their reader is to take them.
            tokio::task::yield_now().await;
        }
        poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        let accepted = steps_in_one_poll(move |cx| {
            listener.poll_accept(cx).map(|accepted| drop(accepted.unwrap()))
        });
        let accepted = accepted.await;
        assert!((1..=BUDGET).contains(&accepted), "{accepted} accepted in one poll");
    });
}

/// One that has connected, or has sent a datagram.
fn client(listener: &Socket) -> Socket {
    if listener.cell().kind != Type::Datagram {
        return connecting(listener);
    }
    let client = bound(listener.cell());
    client.connect(&listener.local_addr().unwrap()).unwrap();
    client.send(b"x").unwrap();
    client
}

per_cell! { accepting_yields_within_the_budget {
    unix_stream_accepting_yields_within_the_budget => UNIX_STREAM,
    unix_datagram_accepting_yields_within_the_budget => UNIX_DATAGRAM,
    unix_seqpacket_accepting_yields_within_the_budget => UNIX_SEQPACKET,
    ipv4_stream_accepting_yields_within_the_budget => IPV4_STREAM,
    ipv4_datagram_accepting_yields_within_the_budget => IPV4_DATAGRAM,
    ipv6_stream_accepting_yields_within_the_budget => IPV6_STREAM,
    ipv6_datagram_accepting_yields_within_the_budget => IPV6_DATAGRAM,
} }

fn accepted_peer_yields_within_the_budget(cell: Cell) {
    watchdog::run(move || async move {
        let any = fresh(cell.domain);
        let limits = PeerLimits { queue_messages: 1000, ..PeerLimits::default() };
        let mut listener = bind(&any, cell.kind, &Options::new(), &limits).await.unwrap();
        let client = client(listener.socket());
        let Accepted::Peer(mut peer) = listener.accept().await.unwrap() else { unreachable!() };
        while peer.held() < BUDGET + 50 {
            client.send(b"x").unwrap();
            tokio::task::yield_now().await;
        }
        let received = steps_in_one_poll(move |cx| {
            peer.poll_recv_packet(cx).map(|packet| assert!(packet.unwrap().is_some()))
        });
        let received = received.await;
        assert!((1..=BUDGET).contains(&received), "{received} received in one poll");
    });
}

per_cell! { accepted_peer_yields_within_the_budget {
    unix_datagram_accepted_peer_yields_within_the_budget => UNIX_DATAGRAM,
    ipv4_datagram_accepted_peer_yields_within_the_budget => IPV4_DATAGRAM,
    ipv6_datagram_accepted_peer_yields_within_the_budget => IPV6_DATAGRAM,
} }

fn flooded_reader_lets_a_timer_run(cell: Cell) {
    watchdog::run(move || async move {
        let (near, far) = Near::new(cell);
        let done = Arc::new(AtomicBool::new(false));
        let flood = std::thread::spawn({
            let done = Arc::clone(&done);
            move || {
                while !done.load(Ordering::Relaxed) {
                    let _ = far.send(b"flood");
                }
            }
        });
        let reader = tokio::spawn(async move {
            loop {
                near.recv().await;
            }
        });
        let mut timer = tokio::time::interval(Duration::from_millis(10));
        for _ in 0..20 {
            timer.tick().await;
        }
        done.store(true, Ordering::Relaxed);
        reader.abort();
        flood.join().unwrap();
    });
}

per_cell! { flooded_reader_lets_a_timer_run {
    unix_datagram_flooded_reader_lets_a_timer_run => UNIX_DATAGRAM,
    unix_seqpacket_flooded_reader_lets_a_timer_run => UNIX_SEQPACKET,
    ipv4_datagram_flooded_reader_lets_a_timer_run => IPV4_DATAGRAM,
    ipv6_datagram_flooded_reader_lets_a_timer_run => IPV6_DATAGRAM,
} }

/// How often a task of its own makes a step before it yields.
async fn steps_in_one_poll(
    mut step: impl FnMut(&mut Context<'_>) -> Poll<()> + Send + 'static,
) -> usize {
    let task = tokio::spawn(poll_fn(move |cx| {
        Poll::Ready((0..10 * BUDGET).take_while(|_| step(cx).is_ready()).count())
    }));
    task.await.unwrap()
}

//! A gate on each unix cell: root is served, nobody is refused before the first byte.

use std::future::Future;
use std::time::Duration;

use anysock::prelude::*;
use anysock::{Gate, Listener, Type};

use crate::another_user::{Becoming, NOBODY, connects, is_possible};

/// A group that is in use nowhere.
const GROUP: u32 = 47_110_815;

const UNIX: [&str; 3] = ["unix:", "unix-dgram:", "unix-seqpacket:"];

/// Runs a test that ends, if there are other users to be had.
fn run(test: impl Future<Output = ()>) {
    if !is_possible() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let test = async { tokio::time::timeout(Duration::from_secs(60), test).await };
    runtime.block_on(test).expect("this hangs");
}

/// Answers everybody who is accepted and says something.
async fn serve(listener: &mut Listener) {
    loop {
        let mut peer = listener.accept().await.unwrap();
        if let Ok(Some(message)) = peer.recv().await {
            let _ = peer.send([b"served: ", &message[..]].concat()).await;
        }
    }
}

/// What `work` gives, while the listener is served.
async fn while_served<T>(listener: &mut Listener, work: impl Future<Output = T>) -> T {
    tokio::select! {
        done = work => done,
        () = serve(listener) => unreachable!(),
    }
}

/// Root, who is this process, is answered.
async fn root_is_served(listener: &mut Listener) {
    let mut client = anysock::connect(listener.endpoint()).await.unwrap();
    let asking = async {
        client.send("root").await.unwrap();
        client.recv().await.unwrap().unwrap()
    };
    assert_eq!(while_served(listener, asking).await, "served: root");
}

async fn nobody_is_served(listener: &mut Listener, becoming: Becoming) -> bool {
    let endpoint = listener.endpoint().clone();
    let before = listener.stats();
    let answered = while_served(listener, connects(&endpoint, becoming)).await;
    let is_datagram = listener.cell().unwrap().kind == Type::Datagram;
    if !is_datagram {
        return answered;
    }
    // What was sent by who is gone by now: the counters tell what became of it.
    let decided = async |listener: &Listener| {
        let stats = listener.stats();
        (stats != before).then_some(stats.accepted > before.accepted)
    };
    loop {
        let turn = tokio::time::sleep(Duration::from_millis(1));
        while_served(listener, turn).await;
        if let Some(served) = decided(listener).await {
            return served;
        }
    }
}

#[test]
fn root_is_served_and_nobody_refused_by_user_over_each_unix_cell() {
    run(async {
        for endpoint in UNIX {
            let mut listener = anysock::bind(endpoint).allow(Gate::nobody().uid(0)).await.unwrap();
            for round in 1..=2 {
                assert!(!nobody_is_served(&mut listener, Becoming::Early).await, "{endpoint}");
                assert_eq!(listener.stats().refused, round, "{endpoint}");
                root_is_served(&mut listener).await;
                assert_eq!(listener.stats().accepted, round, "{endpoint}");
            }
        }
    });
}

#[test]
fn nobody_is_served_where_his_user_or_his_group_is_admitted() {
    run(async {
        for endpoint in UNIX {
            for gate in [Gate::nobody().uid(NOBODY), Gate::nobody().gid(NOBODY)] {
                let mut listener = anysock::bind(endpoint).allow(gate).await.unwrap();
                assert!(nobody_is_served(&mut listener, Becoming::Early).await, "{endpoint}");
                assert_eq!(listener.stats().refused, 0);
            }
        }
    });
}

#[test]
fn a_predicate_decides_by_all_that_is_known() {
    run(async {
        for endpoint in UNIX {
            let own = std::process::id();
            let gate = Gate::nobody().when(move |peer| peer.pid == Some(own) && peer.uid == 0);
            let mut listener = anysock::bind(endpoint).allow(gate).await.unwrap();
            assert!(!nobody_is_served(&mut listener, Becoming::Early).await, "{endpoint}");
            root_is_served(&mut listener).await;
        }
    });
}

#[test]
fn supplementary_groups_count_where_the_kernel_tells_them() {
    run(async {
        for endpoint in UNIX {
            let gate = Gate::nobody().gid(GROUP);
            let mut listener = anysock::bind(endpoint).allow(gate).await.unwrap();
            assert!(!nobody_is_served(&mut listener, Becoming::Early).await, "{endpoint}");
            // Only one group comes along with a datagram.
            let is_told = endpoint != "unix-dgram:";
            let member = Becoming::Member(GROUP);
            assert_eq!(nobody_is_served(&mut listener, member).await, is_told, "{endpoint}");
        }
    });
}

#[test]
fn a_connection_is_its_creators_and_a_datagram_its_senders() {
    run(async {
        for endpoint in UNIX {
            let mut listener = anysock::bind(endpoint).allow(Gate::nobody().uid(0)).await.unwrap();
            let is_of_root = endpoint != "unix-dgram:";
            let served = nobody_is_served(&mut listener, Becoming::Late).await;
            assert_eq!(served, is_of_root, "{endpoint}");
        }
    });
}

#[test]
fn who_waits_already_when_a_gate_is_set_must_pass_as_well() {
    run(async {
        for endpoint in UNIX {
            let mut listener = anysock::bind(endpoint).await.unwrap();
            let mut early = anysock::connect(listener.endpoint()).await.unwrap();
            early.send("early").await.unwrap();
            if endpoint == "unix-dgram:" {
                // Heard by the reader, and nobody knows who it was.
                let heard = listener.as_socket().unwrap().as_datagrams().unwrap();
                while heard.peers() == 0 {
                    tokio::task::yield_now().await;
                }
                early.send("not heard yet").await.unwrap();
            }
            listener.allow(Gate::nobody().uid(NOBODY)).unwrap();
            assert!(nobody_is_served(&mut listener, Becoming::Early).await, "{endpoint}");
            let expected = if endpoint == "unix-dgram:" { 2 } else { 1 };
            assert_eq!(listener.stats().refused, expected, "{endpoint}");
        }
    });
}

#[test]
fn an_accepted_sender_of_datagrams_must_pass_with_each_of_them() {
    run(async {
        let admitted = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        let asked = std::sync::Arc::clone(&admitted);
        let gate = Gate::nobody().when(move |_| asked.load(std::sync::atomic::Ordering::SeqCst));
        let mut listener = anysock::bind("unix-dgram:").allow(gate).await.unwrap();
        let mut client = anysock::connect(listener.endpoint()).await.unwrap();
        client.send("one").await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "one");
        admitted.store(false, std::sync::atomic::Ordering::SeqCst);
        client.send("two").await.unwrap();
        while listener.stats().refused == 0 {
            tokio::task::yield_now().await;
        }
        admitted.store(true, std::sync::atomic::Ordering::SeqCst);
        client.send("three").await.unwrap();
        assert_eq!(peer.recv().await.unwrap().unwrap(), "three");
    });
}

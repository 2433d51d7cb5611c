//! What carries the messages of one connection, each way by a task of its own.
//!
//! ```text
//! client ──> Memory pair ──> line from client to server ──> Memory pair ──> server
//!        <──             <── line from server to client <──             <──
//! ```

use std::sync::Arc;
use std::time::Duration;

use anysock::core::EndpointName;
use anysock::framing::memory::{Memory, MemorySend, Options};
use anysock::framing::{Error, Guarantees, RecvExt, RecvHalf, SendExt};
use anysock::{Dialing, Wiring};

use super::host::here;
use super::simulated::Inner;
use crate::impaired::control::{Control, Side};
use crate::impaired::trace::Happening;
use crate::impaired::{ImpairedRecv, Impairments, Seed, travel_time};

/// The network, as anysock uses it.
pub(super) struct Wires(pub(super) Arc<Inner>);

impl Wiring for Wires {
    fn bound(&self, name: &EndpointName) {
        self.0.links().place(name, here());
    }

    fn dial(&self, name: &EndpointName, options: Options) -> Dialing {
        let (network, name, from) = (Arc::clone(&self.0), name.clone(), here());
        Box::pin(async move {
            let call = network.call(from, &name);
            loop {
                network.passable(&call.ends).await;
                // There and back; if they were parted meanwhile, once more.
                tokio::time::sleep(call.round_trip()).await;
                if network.links().is_passable(&call.ends) {
                    break;
                }
            }
            Ok(network.wire(&call, options))
        })
    }
}

/// A connection in the making.
pub(super) struct Call {
    pub(super) ends: (Arc<str>, Arc<str>),
    label: Arc<str>,
    seed: Seed,
    there: Impairments,
    back: Impairments,
}

impl Call {
    fn round_trip(&self) -> Duration {
        let (there, back) = (self.seed.of("dial there"), self.seed.of("dial back"));
        travel_time(&self.there, there) + travel_time(&self.back, back)
    }
}

impl Inner {
    fn call(&self, from: Arc<str>, name: &EndpointName) -> Call {
        let mut links = self.links();
        let to = links.place_of(name).unwrap_or_else(|| super::Network::ELSEWHERE.into());
        let kind = format!("{from}--{to}/{name}");
        let label: Arc<str> = format!("{kind}#{}", links.number(&kind)).into();
        let (there, back) = (links.between(&from, &to), links.between(&to, &from));
        let seed = self.seed().of(&label);
        Call { ends: (from, to), label, seed, there, back }
    }

    /// Waits until the two hosts reach each other.
    async fn passable(&self, ends: &(Arc<str>, Arc<str>)) {
        loop {
            let changed = self.changed().notified();
            if self.links().is_passable(ends) {
                return;
            }
            changed.await;
        }
    }

    fn wire(&self, call: &Call, options: Options) -> (Memory, Memory) {
        let all = Guarantees::RELIABLE
            | Guarantees::ORDERED
            | Guarantees::BOUNDARIES
            | Guarantees::CONNECTION_ORIENTED
            | Guarantees::END_OF_FILE;
        let options = options.guarantees(call.back.leaves(call.there.leaves(all)));
        let (near, near_relay) = options.clone().pair();
        let (far_relay, far) = options.pair();
        let control = Control::new(self.journal().clone(), Arc::clone(&call.label));
        self.links().connect(call.ends.clone(), &control);
        self.journal().write(&call.label, Happening::Event("connected"));

        let (from, to) = &call.ends;
        let (label, seed) = (&call.label, call.seed);
        let (near_send, near_recv) = near_relay.split();
        let (far_send, far_recv) = far_relay.split();
        let line = |from: &str, to: &str| format!("{label} {from}->{to}").into();
        let there = ImpairedRecv::of(
            near_recv,
            &call.there,
            seed,
            Arc::clone(&control),
            Side::Out,
            line(from, to),
        );
        let back = ImpairedRecv::of(far_recv, &call.back, seed, control, Side::In, line(to, from));
        tokio::spawn(carry(there, far_send));
        tokio::spawn(carry(back, near_send));
        (near, far)
    }
}

/// Carries messages, the end and a break, until there is nothing left to carry.
async fn carry(mut from: impl RecvHalf, mut to: MemorySend) {
    loop {
        match from.recv().await {
            Ok(Some(message)) => {
                if to.send(message).await.is_err() {
                    // Nobody receives: the sender learns of it, as `from` is dropped.
                    return;
                }
            }
            Ok(None) => {
                // Closing a half of a connection in memory neither waits nor loses anything.
                let _: Result<(), Error> = to.close().await;
                return;
            }
            Err(error) if error.is_fatal() => return to.reset(),
            // One message that is longer than is received: lost, as anywhere.
            Err(_) => {}
        }
    }
}

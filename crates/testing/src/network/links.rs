//! What lies between two hosts, and the connections that do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use anysock::core::EndpointName;

use crate::impaired::control::Control;
use crate::impaired::{ImpairedHandle, Impairments};

type HostName = Arc<str>;

/// All that is known of a network.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Where a name was bound last.
    places: BTreeMap<EndpointName, HostName>,
    /// Of all links that nothing else was said of.
    pub(super) usual: Impairments,
    /// From host to host.
    special: BTreeMap<(HostName, HostName), Impairments>,
    parted: BTreeSet<(HostName, HostName)>,
    stalled: BTreeSet<(HostName, HostName)>,
    connections: Vec<Connection>,
    /// How many were made, by what tells them apart.
    made: BTreeMap<String, u64>,
}

#[derive(Debug)]
struct Connection {
    ends: (HostName, HostName),
    control: Weak<Control>,
}

impl Links {
    pub(super) fn place(&mut self, name: &EndpointName, host: HostName) {
        self.places.insert(name.clone(), host);
    }

    pub(super) fn place_of(&self, name: &EndpointName) -> Option<HostName> {
        self.places.get(name).cloned()
    }

    pub(super) fn set(&mut self, from: &str, to: &str, impairments: Impairments) {
        self.special.insert((from.into(), to.into()), impairments);
    }

    pub(super) fn between(&self, from: &HostName, to: &HostName) -> Impairments {
        let special = self.special.get(&(Arc::clone(from), Arc::clone(to)));
        special.unwrap_or(&self.usual).clone()
    }

    /// Parts two hosts, or not any more.
    pub(super) fn part(&mut self, ends: (HostName, HostName), parted: bool) -> Vec<ImpairedHandle> {
        mark(&mut self.parted, &ends, parted);
        self.handles(|others| same(others, &ends))
    }

    /// Stalls what lies between two hosts, or not any more.
    pub(super) fn stall(
        &mut self,
        ends: (HostName, HostName),
        stalled: bool,
    ) -> Vec<ImpairedHandle> {
        mark(&mut self.stalled, &ends, stalled);
        self.handles(|others| same(others, &ends))
    }

    pub(super) fn is_passable(&self, ends: &(HostName, HostName)) -> bool {
        let key = sorted(ends);
        !self.parted.contains(&key) && !self.stalled.contains(&key)
    }

    /// The number of the next connection of this kind.
    pub(super) fn number(&mut self, kind: &str) -> u64 {
        let made = self.made.entry(kind.to_owned()).or_default();
        *made += 1;
        *made - 1
    }

    /// From now on this connection is controlled with the others.
    pub(super) fn connect(&mut self, ends: (HostName, HostName), control: &Arc<Control>) {
        // Those that are over are forgotten, so that they do not pile up.
        self.connections.retain(|connection| connection.control.strong_count() > 0);
        self.connections.push(Connection { ends, control: Arc::downgrade(control) });
    }

    /// The connections whose two ends are such, in the order in which they were made.
    pub(super) fn handles(
        &self,
        such: impl Fn(&(HostName, HostName)) -> bool,
    ) -> Vec<ImpairedHandle> {
        let such = self.connections.iter().filter(|connection| such(&connection.ends));
        such.filter_map(|one| one.control.upgrade()).map(ImpairedHandle::new).collect()
    }
}

fn mark(pairs: &mut BTreeSet<(HostName, HostName)>, ends: &(HostName, HostName), is_marked: bool) {
    match is_marked {
        true => pairs.insert(sorted(ends)),
        false => pairs.remove(&sorted(ends)),
    };
}

pub(super) fn same(one: &(HostName, HostName), other: &(HostName, HostName)) -> bool {
    sorted(one) == sorted(other)
}

fn sorted((one, other): &(HostName, HostName)) -> (HostName, HostName) {
    let (one, other) = (Arc::clone(one), Arc::clone(other));
    if one <= other { (one, other) } else { (other, one) }
}

//! Who is served, and how many of the same origin at a time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::net::IpAddr;

use anysock_core::{Addr, UnixAddr};

use crate::Connection;

/// The limits by origin, and what is used of them.
#[derive(Debug, Default)]
pub(super) struct Admission {
    per_address: Option<Count<Origin>>,
    per_uid: Option<Count<u32>>,
}

/// Where a connection comes from: an address without its port, or the name of a unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Origin {
    Ip(IpAddr),
    Unix(UnixAddr),
}

/// What an admitted connection takes up, to be given back at its end.
#[derive(Debug, Default)]
pub(super) struct Ticket {
    origin: Option<Origin>,
    uid: Option<u32>,
}

/// The limit that a connection has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    PerAddress,
    PerUid,
}

impl Refusal {
    /// What a counter calls the limit.
    pub(super) const fn limit(self) -> &'static str {
        match self {
            Self::PerAddress => "address",
            Self::PerUid => "uid",
        }
    }
}

impl Admission {
    pub(super) fn limit_per_address(&mut self, most: usize) {
        self.per_address = Some(Count::new(most));
    }

    pub(super) fn limit_per_uid(&mut self, most: usize) {
        self.per_uid = Some(Count::new(most));
    }

    /// Lets a connection in, or says why not. Whose origin cannot be told is let in.
    pub(super) fn admit(&mut self, connection: &Connection) -> Result<Ticket, Refusal> {
        let origin = self.per_address.as_ref().and_then(|_| origin(connection));
        let uid = self.per_uid.as_ref().and_then(|_| Some(connection.peer_credentials().ok()?.uid));
        if !Count::has_room(&self.per_address, &origin) {
            return Err(Refusal::PerAddress);
        }
        if !Count::has_room(&self.per_uid, &uid) {
            return Err(Refusal::PerUid);
        }
        Count::take(&mut self.per_address, &origin);
        Count::take(&mut self.per_uid, &uid);
        Ok(Ticket { origin, uid })
    }

    /// A connection has ended.
    pub(super) fn release(&mut self, ticket: Ticket) {
        Count::give_back(&mut self.per_address, ticket.origin);
        Count::give_back(&mut self.per_uid, ticket.uid);
    }
}

fn origin(connection: &Connection) -> Option<Origin> {
    match connection.peer_addr().ok()? {
        Addr::Ip(addr) => Some(Origin::Ip(addr.ip().to_canonical())),
        Addr::Unix(UnixAddr::Unnamed) => None,
        Addr::Unix(name) => Some(Origin::Unix(name)),
    }
}

/// How many there are of each key: as many entries as there are connections at most.
#[derive(Debug)]
struct Count<K> {
    most: usize,
    now: HashMap<K, usize>,
}

impl<K: Eq + Hash + Clone> Count<K> {
    fn new(most: usize) -> Self {
        Self { most, now: HashMap::new() }
    }

    fn has_room(count: &Option<Self>, key: &Option<K>) -> bool {
        let (Some(count), Some(key)) = (count, key) else { return true };
        count.now.get(key).copied().unwrap_or(0) < count.most
    }

    fn take(count: &mut Option<Self>, key: &Option<K>) {
        if let (Some(count), Some(key)) = (count, key) {
            *count.now.entry(key.clone()).or_default() += 1;
        }
    }

    fn give_back(count: &mut Option<Self>, key: Option<K>) {
        let (Some(count), Some(key)) = (count, key) else { return };
        if let Entry::Occupied(mut entry) = count.now.entry(key) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_leaves_nothing_behind() {
        let mut count = Some(Count::new(2));
        let key = Some(7);
        for _ in 0..2 {
            assert!(Count::has_room(&count, &key));
            Count::take(&mut count, &key);
        }
        assert!(!Count::has_room(&count, &key));
        assert!(Count::has_room(&count, &Some(8)) && Count::has_room(&count, &None));
        for _ in 0..2 {
            Count::give_back(&mut count, key);
        }
        assert!(count.unwrap().now.is_empty());
    }
}

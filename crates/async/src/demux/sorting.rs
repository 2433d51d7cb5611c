//! One batch of datagrams, taken apart by peer.

use anysock_core::{Addr, Ancillary, Batched, Message, Received, UnixAddr};

use super::mailbox::Key;
use crate::inbox::Entry;
use crate::packet::{self, Packet, Wanted};

/// Datagrams that wait in a queue share memory up to so many bytes: ten bytes never keep much
/// more alive.
const SHARED: usize = 4 * 1024;

/// A peer is looked for among so many who were heard last: of a crowd each is heard once.
const LOOKED_AT: usize = 4;

/// The datagrams of a batch by peer, copied to their size.
#[derive(Debug, Default)]
pub(super) struct Sorted(Vec<OfPeer>);

/// What one peer has sent: mostly one.
#[derive(Debug)]
struct OfPeer {
    key: Key,
    first: Option<Entry>,
    more: Vec<Entry>,
}

impl Sorted {
    /// Puts in one packet, which may be several datagrams of `size` bytes, and what came along.
    pub(super) fn put(&mut self, one: &Batched<'_>, along: Received, size: usize, wanted: Wanted) {
        let entries = self.of(key(&along));
        let mut arrival = along.into_arrival(wanted.asked);
        if one.is_truncated() {
            entries.push(Entry::Truncated { length: one.length() });
            return;
        }
        if one.length() == 0 {
            entries.push(Entry::One(Message::default()).along(arrival));
            return;
        }
        let (fitting, too_long) = match size <= wanted.most {
            true => (one.bytes(), 0),
            // Of several only the last may be shorter than it may be.
            false => {
                let last = one.length() % size;
                let kept = if last <= wanted.most { last } else { 0 };
                let (lost, last) = one.bytes().split_at(one.length() - kept);
                (last, lost.len())
            }
        };
        for lost in (0..too_long).step_by(size) {
            entries.push(Entry::Truncated { length: size.min(too_long - lost) });
        }
        let together = (SHARED / size).max(1) * size;
        for some in fitting.chunks(together) {
            let arrival = match some.len() == fitting.len() {
                true => arrival.take(),
                false => arrival.as_ref().map(|along| Box::new(along.without_descriptors())),
            };
            entries.push(Entry::copied(some, size).along(arrival));
        }
    }

    /// Puts in one packet that was received by itself.
    pub(super) fn put_one(&mut self, packet: Packet, received: Received, asked: Ancillary) {
        let entries = self.of(key(&received));
        entries.push(packet::with_along(packet, received, asked).into());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all out, by peer.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (Key, impl Iterator<Item = Entry>)> {
        self.0.drain(..).map(|one| (one.key, one.first.into_iter().chain(one.more)))
    }

    /// Those of one peer.
    fn of(&mut self, key: Key) -> &mut OfPeer {
        let before = self.0.len().saturating_sub(LOOKED_AT);
        let place = self.0[before..].iter().rposition(|one| one.key == key);
        let place = place.map_or(self.0.len(), |place| before + place);
        if place == self.0.len() {
            self.0.push(OfPeer { key, first: None, more: Vec::new() });
        }
        &mut self.0[place]
    }
}

/// Whose packet it is.
fn key(received: &Received) -> Key {
    Key {
        source: received.source.clone().unwrap_or(Addr::Unix(UnixAddr::Unnamed)),
        local: received.destination.filter(|local| !local.address.is_multicast()),
    }
}

impl OfPeer {
    fn push(&mut self, entry: Entry) {
        match self.first {
            None => self.first = Some(entry),
            Some(_) => self.more.push(entry),
        }
    }
}

//! Everybody who is known, and who of them a source is.

use std::collections::HashMap;
use std::sync::Arc;

use anysock_core::{Addr, LocalAddress};

use super::mailbox::{Key, Mailbox};

/// The mailboxes of all peers, found by source alone as well: whoever is flooded under many addresses
/// must not look through all of them for each.
#[derive(Debug, Default)]
pub(super) struct Peers {
    mailboxes: HashMap<Key, Arc<Mailbox>>,
    /// Where they have asked, and how many there: as many entries as this host has addresses.
    locals: HashMap<Option<LocalAddress>, usize>,
}

impl Peers {
    pub(super) fn len(&self) -> usize {
        self.mailboxes.len()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Arc<Mailbox>> {
        self.mailboxes.get(key)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.mailboxes.values()
    }

    /// Those of one source: one for each local address that it asked.
    pub(super) fn of(&self, source: &Addr) -> Vec<Arc<Mailbox>> {
        let at = |local: &Option<LocalAddress>| {
            self.get(&Key { source: source.clone(), local: *local }).cloned()
        };
        self.locals.keys().filter_map(at).collect()
    }

    /// Puts in one who is not known yet.
    pub(super) fn insert(&mut self, mailbox: Arc<Mailbox>) {
        *self.locals.entry(mailbox.key.local).or_default() += 1;
        self.mailboxes.insert(mailbox.key.clone(), mailbox);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        if self.mailboxes.remove(key).is_some() {
            forget(&mut self.locals, key.local);
        }
    }

    pub(super) fn retain(&mut self, mut keeps: impl FnMut(&Mailbox) -> bool) {
        let Self { mailboxes, locals } = self;
        mailboxes.retain(|key, mailbox| {
            let is_kept = keeps(mailbox);
            if !is_kept {
                forget(locals, key.local);
            }
            is_kept
        });
    }
}

fn forget(locals: &mut HashMap<Option<LocalAddress>, usize>, local: Option<LocalAddress>) {
    if let Some(count) = locals.get_mut(&local) {
        *count -= 1;
        if *count == 0 {
            locals.remove(&local);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16, local: Option<u8>) -> Key {
        let address = |last: u8| LocalAddress { address: [127, 0, 0, last].into(), interface: 1 };
        let source = std::net::SocketAddr::from(([10, 0, 0, 1], port));
        Key { source: source.into(), local: local.map(address) }
    }

    #[test]
    fn who_is_gone_is_not_found_by_source_and_leaves_nothing_behind() {
        let mut peers = Peers::default();
        let keys = [key(1, None), key(1, Some(1)), key(1, Some(2)), key(2, Some(1))];
        for key in &keys {
            peers.insert(Arc::new(Mailbox::new(key.clone(), Arc::default())));
        }
        assert_eq!((peers.of(&keys[0].source).len(), peers.of(&keys[3].source).len()), (3, 1));
        peers.remove(&keys[1]);
        peers.remove(&keys[1]);
        assert_eq!((peers.of(&keys[0].source).len(), peers.of(&keys[3].source).len()), (2, 1));
        peers.retain(|mailbox| mailbox.key == keys[2]);
        assert_eq!((peers.len(), peers.locals.len()), (1, 1));
        assert!(peers.of(&keys[3].source).is_empty());
        peers.remove(&keys[2]);
        assert_eq!((peers.len(), peers.locals.len()), (0, 0));
    }
}

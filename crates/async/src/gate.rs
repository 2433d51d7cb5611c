//! Who may connect: a gate that looks at the credentials of peers.

use std::fmt;
use std::io;
use std::sync::Arc;

use anysock_core::{Cell, Credentials, Domain, OptionError, Socket, Type};

/// Who may connect to a unix listener, by the credentials that the kernel vouches for.
///
/// A peer is admitted if he fits any of what was said: his user, one of his groups, a predicate.
/// A gate of which nothing was said admits nobody.
///
/// | cell | whose credentials | groups |
/// |---|---|---|
/// | stream, seqpacket | of whoever created the other end, when he did (`SO_PEERCRED`): a process that forked or changed its user since still shows the first one | his own and the supplementary ones (`SO_PEERGROUPS`) |
/// | datagram | of the sender of each datagram (`SO_PASSCRED`): he may name his real, effective or saved user and group; who has `CAP_SETUID` or `CAP_SETGID` may name any | the one that came along |
///
/// Users and groups are those of this process's user namespace; who has none in it shows as the
/// overflow user, mostly 65534, which is also `nobody`: not one to admit. A datagram that was on its
/// way before the kernel was asked shows the same, and no process: nothing admits it.
///
/// ```
/// use anysock_async::Gate;
/// use anysock_core::Credentials;
///
/// let gate = Gate::nobody().uid(0).gid(27).when(|peer| peer.pid == Some(4711));
/// let peer = |uid, gid| Credentials { pid: None, uid, gid };
/// assert!(gate.admits(&peer(0, 0), &[]) && gate.admits(&peer(1000, 27), &[]));
/// assert!(gate.admits(&peer(1000, 1000), &[4, 27]));
/// assert!(!gate.admits(&peer(1000, 1000), &[4]));
/// ```
#[derive(Clone, Default)]
pub struct Gate {
    uids: Vec<u32>,
    gids: Vec<u32>,
    predicates: Vec<Predicate>,
}

/// What the kernel says of the sender of a datagram that was on its way before it was asked: no
/// process, and the overflow user and group (`/proc/sys/kernel/overflowuid`).
const UNKNOWN: Credentials = Credentials { pid: None, uid: 65_534, gid: 65_534 };

type Predicate = Arc<dyn Fn(&Credentials) -> bool + Send + Sync>;

impl Gate {
    /// Admits nobody, unless more is said.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// Admits this user as well.
    #[must_use]
    pub fn uid(self, uid: u32) -> Self {
        self.uids([uid])
    }

    /// Admits these users as well.
    #[must_use]
    pub fn uids(mut self, uids: impl IntoIterator<Item = u32>) -> Self {
        self.uids.extend(uids);
        self
    }

    /// Admits members of this group as well.
    #[must_use]
    pub fn gid(self, gid: u32) -> Self {
        self.gids([gid])
    }

    /// Admits members of these groups as well.
    #[must_use]
    pub fn gids(mut self, gids: impl IntoIterator<Item = u32>) -> Self {
        self.gids.extend(gids);
        self
    }

    /// Admits as well who fits `predicate`. It is asked within accepting, on datagram sockets for
    /// each datagram, and so must not block; it is not asked about who is admitted anyway.
    #[must_use]
    pub fn when(
        mut self,
        predicate: impl Fn(&Credentials) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.predicates.push(Arc::new(predicate));
        self
    }

    /// Whether a peer with these credentials, and these supplementary groups, is admitted.
    pub fn admits(&self, peer: &Credentials, groups: &[u32]) -> bool {
        self.uids.contains(&peer.uid)
            || self.gids.iter().any(|gid| *gid == peer.gid || groups.contains(gid))
            || self.predicates.iter().any(|predicate| predicate(peer))
    }

    /// Whether whoever created the other end of an accepted connection is admitted. His groups
    /// are asked for only where they decide; whom the kernel does not tell of is refused.
    pub(crate) fn admits_connection(&self, socket: &Socket) -> bool {
        let admits = || -> io::Result<(bool, Credentials)> {
            let peer = socket.peer_credentials()?;
            let is_member = |groups: Vec<u32>| groups.iter().any(|group| self.gids.contains(group));
            let admitted = self.admits(&peer, &[])
                || !self.gids.is_empty() && socket.peer_groups().map(is_member)?;
            Ok((admitted, peer))
        };
        match admits() {
            Ok((admitted, peer)) => {
                if !admitted {
                    let Credentials { uid, gid, pid } = peer;
                    tracing::info!(uid, gid, pid, "a connection was refused by the gate");
                }
                admitted
            }
            Err(error) => {
                tracing::warn!(%error, "a connection was refused by the gate: whose it is, is not known");
                false
            }
        }
    }

    /// Whether the sender of a datagram is admitted. One of whom the kernel says nothing, or that it
    /// does not know him, is not.
    pub(crate) fn admits_datagram(&self, sender: Option<&Credentials>) -> bool {
        sender.is_some_and(|sender| *sender != UNKNOWN && self.admits(sender, &[]))
    }

    /// Refuses cells whose peers have no credentials.
    pub(crate) fn check(cell: Cell) -> Result<(), OptionError> {
        match cell.domain {
            Domain::Unix => Ok(()),
            Domain::Ipv4 | Domain::Ipv6 => {
                let why = "only the peers of unix sockets have credentials";
                Err(OptionError::Meaningless { option: "allow", cell, why })
            }
        }
    }

    /// Has the kernel tell of each sender of datagrams to `socket`, which is best done before it
    /// is bound.
    pub(crate) fn prepare(socket: &Socket) -> io::Result<()> {
        match socket.cell().kind {
            Type::Datagram => socket.set_pass_credentials(true),
            Type::Stream | Type::SeqPacket => Ok(()),
        }
    }
}

/// Predicates by their number.
impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("uids", &self.uids)
            .field("gids", &self.gids)
            .field("predicates", &self.predicates.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Credentials = Credentials { pid: Some(1), uid: 10, gid: 20 };

    #[test]
    fn nobody_is_admitted_by_a_gate_of_which_nothing_was_said() {
        assert!(!Gate::nobody().admits(&PEER, &[20]));
    }

    #[test]
    fn any_of_what_was_said_is_enough_and_nothing_else() {
        let others = Gate::nobody().uids([1, 2]).gids([3, 4]).when(|_| false);
        assert!(!others.admits(&PEER, &[5]));
        let gates = [
            others.clone().uid(10),
            others.clone().gid(20),
            others.clone().gid(5),
            others.clone().when(|peer| peer.pid == Some(1)),
        ];
        for gate in gates {
            assert!(gate.admits(&PEER, &[5]), "{gate:?}");
        }
    }

    #[test]
    fn who_sent_before_the_kernel_was_asked_is_admitted_by_no_predicate() {
        let (near, far) = Socket::pair(Type::Datagram).unwrap();
        near.send(b"before").unwrap();
        Gate::prepare(&far).unwrap();
        near.send(b"after").unwrap();
        let everybody = Gate::nobody().uid(65_534).when(|_| true);
        for (message, is_admitted) in [("before", false), ("after", true)] {
            let received = far.recv_message(&mut [0; 8]).unwrap();
            assert_eq!(received.length, message.len());
            let sender = received.credentials;
            assert_eq!(everybody.admits_datagram(sender.as_ref()), is_admitted, "{sender:?}");
        }
        assert!(!everybody.admits_datagram(None));
    }

    #[test]
    fn a_user_is_not_taken_for_a_group_of_the_same_number() {
        assert!(!Gate::nobody().uid(20).gid(10).admits(&PEER, &[]));
    }
}

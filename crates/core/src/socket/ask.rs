//! What is asked for beside the bytes, and what the kernel may let come.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::{Ancillary, Domain, Socket, Type, sys};

impl Socket {
    /// What its owner wants to come along with messages: see [`ask`](Self::ask).
    pub fn asked(&self) -> Ancillary {
        Ancillary::from_bits(self.asked.load(Ordering::Relaxed))
    }

    /// Asks for `what` to come along with messages, or no longer, and remembers it: one system
    /// call for each, two on IPv6 sockets, which may have IPv4 peers.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](io::ErrorKind::Unsupported) for what does not exist on this cell, before
    /// any system call; those of setsockopt(2).
    pub fn ask(&self, what: Ancillary, on: bool) -> io::Result<()> {
        if let Some((_, name)) = (what - Ancillary::of(self.cell)).iter().next() {
            let text = format!("{name} do not come along on {} sockets", self.cell);
            return Err(io::Error::new(io::ErrorKind::Unsupported, text));
        }
        for (one, _) in what.iter() {
            match one {
                Ancillary::DESCRIPTORS => {
                    self.set_pass_descriptors(on)?;
                    // Those that are no longer asked for may be on their way.
                    note(&self.let_by, one, true);
                }
                // They tell empty messages from the end there, and stay.
                Ancillary::CREDENTIALS if !on && self.cell.kind == Type::SeqPacket => {}
                Ancillary::CREDENTIALS => self.set_pass_credentials(on)?,
                Ancillary::DESTINATION => self.set_receive_destination(on)?,
                Ancillary::TRAFFIC_CLASS => self.set_receive_traffic_class(on)?,
                Ancillary::HOP_LIMIT => self.set_receive_hop_limit(on)?,
                Ancillary::TIMESTAMP => self.set_receive_timestamp(on)?,
                Ancillary::DROPS => self.set_receive_drops(on)?,
                _ => {}
            }
            note(&self.asked, one, on);
        }
        Ok(())
    }

    /// Whether the kernel takes descriptors that are passed to this socket, or to those that it
    /// accepts: `SO_PASSRIGHTS`. Who passes some where they are refused gets `EPERM`. Whether the
    /// kernel knows the option: unix sockets do since Linux 6.16. To be refused before anybody can
    /// have passed one.
    ///
    /// # Errors
    ///
    /// Those of setsockopt(2), but for an option that is not known.
    pub fn set_pass_descriptors(&self, on: bool) -> io::Result<bool> {
        if self.cell.domain.is_inet() {
            return Ok(false);
        }
        match sys::set_flag(self.as_fd(), libc::SOL_SOCKET, sys::SO_PASSRIGHTS, on) {
            Err(error) if error.raw_os_error() == Some(libc::ENOPROTOOPT) => return Ok(false),
            done => done?,
        }
        note(&self.let_by, Ancillary::DESCRIPTORS, on);
        Ok(true)
    }

    /// Asks for the sender's credentials with each message: `SO_PASSCRED`, unix only.
    ///
    /// On a socket without a name, a later connect(2) then gives it an automatic one.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_pass_credentials(&self, on: bool) -> io::Result<()> {
        if on {
            note(&self.let_by, Ancillary::CREDENTIALS, true);
        }
        sys::set_flag(self.as_fd(), libc::SOL_SOCKET, libc::SO_PASSCRED, on)?;
        note(&self.let_by, Ancillary::CREDENTIALS, on);
        Ok(())
    }

    /// Asks for the destination of each datagram: `IP_PKTINFO` or `IPV6_RECVPKTINFO`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_destination(&self, on: bool) -> io::Result<()> {
        match self.cell.domain {
            Domain::Ipv6 => {
                sys::set_flag(self.as_fd(), libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, on)
            }
            _ => sys::set_flag(self.as_fd(), libc::IPPROTO_IP, libc::IP_PKTINFO, on),
        }
    }

    /// Asks for the traffic class of each datagram: `IP_RECVTOS`, `IPV6_RECVTCLASS`.
    ///
    /// An IPv6 socket may have IPv4 peers, of whom it is asked for separately: two calls.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_traffic_class(&self, on: bool) -> io::Result<()> {
        self.set_both(libc::IP_RECVTOS, libc::IPV6_RECVTCLASS, on)
    }

    /// Asks for the TTL or hop limit of each datagram: `IP_RECVTTL`, `IPV6_RECVHOPLIMIT`. Two
    /// calls on IPv6.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_hop_limit(&self, on: bool) -> io::Result<()> {
        self.set_both(libc::IP_RECVTTL, libc::IPV6_RECVHOPLIMIT, on)
    }

    /// Asks for the time at which the kernel received each message: `SO_TIMESTAMPNS`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_timestamp(&self, on: bool) -> io::Result<()> {
        sys::set_flag(self.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, on)?;
        note(&self.let_by, Ancillary::TIMESTAMP, on);
        Ok(())
    }

    /// Asks how many messages were dropped for a full receive buffer: `SO_RXQ_OVFL`.
    ///
    /// # Errors
    ///
    /// Those of the system call.
    pub fn set_receive_drops(&self, on: bool) -> io::Result<()> {
        sys::set_flag(self.as_fd(), libc::SOL_SOCKET, libc::SO_RXQ_OVFL, on)
    }

    /// Whether times may come along, asked for or not.
    pub(crate) fn lets_times_by(&self) -> bool {
        self.let_by().contains(Ancillary::TIMESTAMP)
    }

    pub(super) fn let_by(&self) -> Ancillary {
        Ancillary::from_bits(self.let_by.load(Ordering::Relaxed))
    }

    /// An option of IP, which an IPv6 socket also has for its IPv4 peers.
    pub(super) fn set_both(&self, v4: libc::c_int, v6: libc::c_int, on: bool) -> io::Result<()> {
        if self.cell.domain == Domain::Ipv6 {
            sys::set_flag(self.as_fd(), libc::IPPROTO_IPV6, v6, on)?;
        }
        sys::set_flag(self.as_fd(), libc::IPPROTO_IP, v4, on)
    }
}

/// Adds `one` to a set, or takes it away.
fn note(set: &AtomicU8, one: Ancillary, on: bool) {
    match on {
        true => set.fetch_or(one.bits(), Ordering::Relaxed),
        false => set.fetch_and(!one.bits(), Ordering::Relaxed),
    };
}

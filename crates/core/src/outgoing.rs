//! What goes with the bytes of one send call.

use std::io;
use std::os::fd::OwnedFd;

use crate::{Addr, Attached, Domain, LocalAddress};

/// What goes with the bytes of one send call.
///
/// ```
/// use anysock_core::Outgoing;
/// assert!(Outgoing::default().to.is_none());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Outgoing<'a> {
    /// The receiver; `None` on a connected socket.
    pub to: Option<&'a Addr>,
    /// The address of this host to send from.
    pub source: Option<LocalAddress>,
    /// Descriptors to pass; at most 253.
    pub descriptors: &'a [OwnedFd],
    /// Cut the bytes into datagrams of this size, the last one may be shorter: UDP only, at
    /// most 64 of them, none larger than the path takes without fragments (udp(7),
    /// `UDP_SEGMENT`).
    pub segment: Option<u16>,
    /// The traffic class of the IP header, UDP only: six bits of DSCP and two of ECN. It takes the
    /// place of the socket's own.
    pub traffic_class: Option<u8>,
    /// The TTL or hop limit, UDP only, 1 to 255, in place of the socket's own.
    pub hop_limit: Option<u8>,
}

impl<'a> Outgoing<'a> {
    /// To `to`, on an unconnected socket.
    pub fn to(to: &'a Addr) -> Self {
        Self { to: Some(to), ..Self::default() }
    }

    /// Also with what is attached to a message.
    #[must_use]
    pub fn with_attached(mut self, attached: &'a Attached) -> Self {
        let source = attached.source_addr().map(|address| LocalAddress { address, interface: 0 });
        self.source = source.or(self.source);
        self.descriptors = attached.descriptors();
        self.traffic_class = attached.traffic_class_value().or(self.traffic_class);
        self.hop_limit = attached.hop_limit_value().or(self.hop_limit);
        self
    }

    /// Refuses, as the kernel would, what there is no room for, or what it would pass over.
    pub(crate) fn check(&self, domain: Domain) -> io::Result<()> {
        let is_foreign = |source: LocalAddress| {
            domain == Domain::Ipv4 && source.address.to_canonical().is_ipv6()
        };
        match self.descriptors.len() > Attached::MAX_DESCRIPTORS
            || self.source.is_some_and(is_foreign)
        {
            true => Err(io::Error::from_raw_os_error(libc::EINVAL)),
            false => Ok(()),
        }
    }
}

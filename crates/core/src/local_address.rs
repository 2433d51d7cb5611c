//! An address of this host, and the interface it was reached by.

use std::net::IpAddr;

/// An address of this host, and the interface it was reached by.
///
/// ```
/// use anysock_core::LocalAddress;
/// let local = LocalAddress { address: [127, 0, 0, 1].into(), interface: 1 };
/// assert!(local.address.is_loopback());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LocalAddress {
    /// The address.
    pub address: IpAddr,
    /// Index of the interface, from 1; 0 if unknown.
    pub interface: u32,
}

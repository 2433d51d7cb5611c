//! What is sent beside the bytes of a message.

use std::net::IpAddr;
use std::os::fd::OwnedFd;

/// What is sent beside the bytes of one message; nothing, most of the time, and then one word.
///
/// A transport that cannot carry what is attached refuses the message with a typed error and
/// leaves both untouched.
///
/// ```
/// use anysock_core::Attached;
///
/// assert!(Attached::nothing().is_empty());
/// let file = std::fs::File::open("/dev/null")?;
/// let attached = Attached::nothing().descriptor(file);
/// assert_eq!(attached.descriptors().len(), 1);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Attached(Option<Box<Along>>);

#[derive(Debug, Default)]
struct Along {
    descriptors: Vec<OwnedFd>,
    source: Option<IpAddr>,
    traffic_class: Option<u8>,
    hop_limit: Option<u8>,
}

impl Along {
    fn is_empty(&self) -> bool {
        let Self { descriptors, source, traffic_class, hop_limit } = self;
        descriptors.is_empty() && source.is_none() && traffic_class.is_none() && hop_limit.is_none()
    }
}

impl Attached {
    /// The most descriptors that one message carries (`SCM_MAX_FD`, unix(7)).
    pub const MAX_DESCRIPTORS: usize = 253;

    /// Nothing.
    #[inline]
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// Whether nothing is attached.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|along| along.is_empty())
    }

    /// Also passes a descriptor, on unix cells.
    #[must_use]
    pub fn descriptor(mut self, descriptor: impl Into<OwnedFd>) -> Self {
        self.0.get_or_insert_default().descriptors.push(descriptor.into());
        self
    }

    /// Sends from this address of the host, on UDP sockets.
    #[must_use]
    pub fn source(mut self, source: IpAddr) -> Self {
        self.0.get_or_insert_default().source = Some(source);
        self
    }

    /// Sends with this traffic class, on UDP sockets: six bits of DSCP (RFC 2474) and two of ECN
    /// (RFC 3168). It takes the place of the socket's own.
    #[must_use]
    pub fn traffic_class(mut self, class: u8) -> Self {
        self.0.get_or_insert_default().traffic_class = Some(class);
        self
    }

    /// Sends with this TTL or hop limit, 1 to 255, on UDP sockets.
    #[must_use]
    pub fn hop_limit(mut self, hops: u8) -> Self {
        self.0.get_or_insert_default().hop_limit = Some(hops);
        self
    }

    /// The descriptors to pass.
    #[inline]
    pub fn descriptors(&self) -> &[OwnedFd] {
        self.0.as_ref().map(|along| &along.descriptors[..]).unwrap_or_default()
    }

    /// The address to send from.
    pub fn source_addr(&self) -> Option<IpAddr> {
        self.0.as_ref()?.source
    }

    /// The traffic class to send with.
    pub fn traffic_class_value(&self) -> Option<u8> {
        self.0.as_ref()?.traffic_class
    }

    /// The TTL or hop limit to send with.
    pub fn hop_limit_value(&self) -> Option<u8> {
        self.0.as_ref()?.hop_limit
    }

    /// Whether the same is attached, and no descriptor.
    pub(crate) fn is_alike(&self, other: &Self) -> bool {
        let values =
            |one: &Self| (one.source_addr(), one.traffic_class_value(), one.hop_limit_value());
        self.descriptors().is_empty()
            && other.descriptors().is_empty()
            && values(self) == values(other)
    }

    /// Takes everything out, leaving nothing.
    #[must_use]
    pub fn take(&mut self) -> Self {
        Self(self.0.take())
    }
}

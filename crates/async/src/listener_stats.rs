//! What a listener has counted.

/// Counters of a [`Listener`](crate::Listener), since it was made.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_async::{ListenerStats, PeerLimits, bind};
/// use anysock_core::{Options, Type};
///
/// let any = "127.0.0.1:0".parse::<std::net::SocketAddr>()?.into();
/// let listener = bind(&any, Type::Stream, &Options::default(), &PeerLimits::default()).await?;
/// assert_eq!(listener.stats(), ListenerStats::default());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerStats {
    /// Peers that were accepted.
    pub accepted: u64,
    /// Connections, or datagrams, that the [gate](crate::Gate) refused.
    pub refused: u64,
    /// Connections that were lost before they were accepted: see
    /// [`AcceptFault::Connection`](crate::AcceptFault::Connection). None on datagram sockets.
    pub lost: u64,
    /// How often accepting paused for want of descriptors or memory. Never on datagram sockets.
    pub shortages: u64,
    /// Datagrams that were received and not handed to a peer: of strangers beyond the bound, for full
    /// queues, or still waiting for a peer who is gone. What the kernel dropped before they came this
    /// far, its own [counter](anysock_core::Socket::kernel_drops) tells.
    pub dropped: u64,
    /// Replies that found no room within [`PeerLimits::patience`](crate::PeerLimits::patience).
    pub replies_dropped: u64,
}

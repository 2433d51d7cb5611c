//! Timeouts and limits as wrappers over any transport.
//!
//! Each is a transport over a transport, and keeps its laws: what it waits for stands in the
//! wrapper, never in a future that may be dropped; it takes a message whole or leaves it; its error
//! is typed. [`Limits`] puts them together in the one order that makes sense:
//!
//! ```text
//!  who sends and receives
//!      │
//!  Rate        outermost: who waits for his quota is not idle, and misses no deadline
//!      │
//!  Idle        counts what passes, also what MaxLength then discards
//!      │
//!  Deadlines   of a single wait
//!      │
//!  MaxLength   innermost: what is refused takes no quota
//!      │
//!  the transport
//! ```
//!
//! None of them lowers what a transport guarantees: a rate delays, a deadline leaves everything
//! where it was, and what a maximum takes away is reported as it is on any packet transport. The
//! layers of tower stand around requests and their answers, and see no message that nobody answers:
//! a service on top of a transport uses them beside these.

/// Promises, counts and tells what the transport within does.
macro_rules! guaranteed_as_within {
    ($limit:ident) => {
        impl<T: Guaranteed> Guaranteed for $limit<T> {
            fn guarantees(&self) -> Guarantees {
                self.inner.guarantees()
            }

            fn stats(&self) -> Stats {
                self.inner.stats()
            }

            fn closed(&self) -> std::io::Result<anysock_async::Closed> {
                self.inner.closed()
            }

            fn socket_ref(&self) -> Option<anysock_async::SocketRef<'_>> {
                self.inner.socket_ref()
            }
        }
    };
}

mod alarm;
mod deadlines;
mod drive;
mod idle;
mod max_length;
mod quota;
mod rate;

use std::time::Duration;

use crate::Transport;

pub use deadlines::Deadlines;
pub use idle::Idle;
pub use max_length::MaxLength;
pub use quota::Quota;
pub use rate::Rate;

/// A transport under [`Limits`].
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use anysock_framing::{Limited, Limits, memory};
///
/// let (a, _b) = memory::pair();
/// let limited: Limited<memory::Memory> = Limits::default().max_message(100).wrap(a);
/// # });
/// # Ok::<_, std::io::Error>(())
/// ```
pub type Limited<T> = Rate<Idle<Deadlines<MaxLength<T>>>>;

/// Which limits a transport is put under; none, unless said.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use anysock_framing::{Limits, Quota, RecvExt, SendExt, memory};
///
/// let limits = Limits::default()
///     .idle(Duration::from_secs(60))
///     .write_deadline(Duration::from_secs(5))
///     .rate(Quota::messages(1000, 100))
///     .max_message(4096);
///
/// let (mut client, server) = memory::pair();
/// let mut server = limits.wrap(server);
/// client.send("hello").await?;
/// assert_eq!(server.recv().await?.unwrap(), "hello");
/// assert!(server.send(vec![0; 4097]).await.is_err());
/// # Ok::<_, Box<dyn std::error::Error>>(()) })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    idle: Option<Duration>,
    read_deadline: Option<Duration>,
    write_deadline: Option<Duration>,
    rate: Option<Quota>,
    send_rate: Option<Quota>,
    max_message: Option<usize>,
}

impl Limits {
    /// Nothing passes for so long at most: see [`Idle`].
    #[must_use]
    pub const fn idle(mut self, after: Duration) -> Self {
        self.idle = Some(after);
        self
    }

    /// Receiving waits so long at most: see [`Deadlines::read`].
    #[must_use]
    pub const fn read_deadline(mut self, longest: Duration) -> Self {
        self.read_deadline = Some(longest);
        self
    }

    /// Sending waits so long at most: see [`Deadlines::write`].
    #[must_use]
    pub const fn write_deadline(mut self, longest: Duration) -> Self {
        self.write_deadline = Some(longest);
        self
    }

    /// How much is received: see [`Rate::received`].
    #[must_use]
    pub const fn rate(mut self, quota: Quota) -> Self {
        self.rate = Some(quota);
        self
    }

    /// How much is sent: see [`Rate::sent`].
    #[must_use]
    pub const fn send_rate(mut self, quota: Quota) -> Self {
        self.send_rate = Some(quota);
        self
    }

    /// The longest message sent and received, in bytes: see [`MaxLength`].
    #[must_use]
    pub const fn max_message(mut self, bytes: usize) -> Self {
        self.max_message = Some(bytes);
        self
    }

    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Puts `transport` under these limits. Each that is not set costs a comparison per message.
    pub fn wrap<T: Transport + Send + 'static>(&self, transport: T) -> Limited<T> {
        let mut max_length = MaxLength::new(transport);
        if let Some(bytes) = self.max_message {
            max_length = max_length.sent(bytes).received(bytes);
        }
        let mut deadlines = Deadlines::new(max_length);
        if let Some(longest) = self.read_deadline {
            deadlines = deadlines.read(longest);
        }
        if let Some(longest) = self.write_deadline {
            deadlines = deadlines.write(longest);
        }
        let idle = match self.idle {
            Some(after) => Idle::new(deadlines, after),
            None => Idle::never(deadlines),
        };
        let mut rate = Rate::new(idle);
        if let Some(quota) = self.rate {
            rate = rate.received(quota);
        }
        if let Some(quota) = self.send_rate {
            rate = rate.sent(quota);
        }
        rate
    }
}

//! When TCP asks a silent peer whether it is alive.

use std::io;
use std::time::Duration;

use crate::Socket;
use crate::sys::Call;

/// TCP keepalive: when a silent peer is probed, and when it is given up.
///
/// What is unset keeps the system's value. Source: tcp(7).
///
/// ```
/// use std::time::Duration;
/// use anysock_core::{Keepalive, Options};
///
/// // A peer that vanished is noticed after 30 s + 3 × 10 s.
/// let keepalive =
///     Keepalive::new().idle(Duration::from_secs(30)).interval(Duration::from_secs(10)).count(3);
/// let options = Options::new().keepalive(keepalive);
/// # assert_eq!(options.keepalive, Some(keepalive));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Keepalive {
    /// See [`idle`](Self::idle).
    pub idle: Option<Duration>,
    /// See [`interval`](Self::interval).
    pub interval: Option<Duration>,
    /// See [`count`](Self::count).
    pub count: Option<u32>,
}

impl Keepalive {
    /// Keepalive with the system's times.
    pub fn new() -> Self {
        Self::default()
    }

    /// Silence before the first probe: 1 to 32,767 whole seconds, 7,200 by default
    /// (`TCP_KEEPIDLE`).
    pub fn idle(self, idle: Duration) -> Self {
        Self { idle: Some(idle), ..self }
    }

    /// Time between probes: 1 to 32,767 whole seconds, 75 by default (`TCP_KEEPINTVL`).
    pub fn interval(self, interval: Duration) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// Unanswered probes before the connection is broken: 1 to 127, 9 by default
    /// (`TCP_KEEPCNT`).
    pub fn count(self, count: u32) -> Self {
        Self { count: Some(count), ..self }
    }

    pub(super) fn is_valid(&self) -> bool {
        let seconds = |time: Duration| {
            (1..=32_767).contains(&time.as_secs()) && super::whole(time, Duration::from_secs(1))
        };
        self.idle.is_none_or(seconds)
            && self.interval.is_none_or(seconds)
            && self.count.is_none_or(|count| (1..=127).contains(&count))
    }

    pub(super) fn set(&self, socket: &Socket) -> io::Result<()> {
        let mut all = socket2::TcpKeepalive::new();
        if let Some(idle) = self.idle {
            all = all.with_time(idle);
        }
        if let Some(interval) = self.interval {
            all = all.with_interval(interval);
        }
        if let Some(count) = self.count {
            all = all.with_retries(count);
        }
        socket.settled(Call::SetOption, |socket| socket.set_tcp_keepalive(&all))
    }

    pub(super) fn get(socket: &Socket) -> io::Result<Option<Self>> {
        use socket2::Socket as Os;
        if !socket.settled(Call::GetOption, Os::keepalive)? {
            return Ok(None);
        }
        Ok(Some(Self {
            idle: Some(socket.settled(Call::GetOption, Os::tcp_keepalive_time)?),
            interval: Some(socket.settled(Call::GetOption, Os::tcp_keepalive_interval)?),
            count: Some(socket.settled(Call::GetOption, Os::tcp_keepalive_retries)?),
        }))
    }
}

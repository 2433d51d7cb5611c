//! Counters for whoever has a recorder of the `metrics` facade.

use anysock_framing::Stats;
use metrics::{Counter, Gauge, counter, gauge};

use super::End;
use crate::Connection;

/// The counters of one connection's cell and end.
pub(super) struct Meters {
    open: Gauge,
    closed: Counter,
    sent: Counter,
    sent_bytes: Counter,
    received: Counter,
    received_bytes: Counter,
    truncated: Counter,
    dropped: Counter,
    discarded: Counter,
}

impl Meters {
    pub(super) fn begin(connection: &Connection, end: End) -> Self {
        let cell = connection.cell().map_or_else(|| "memory".into(), |cell| cell.to_string());
        macro_rules! meter {
            ($kind:ident, $name:literal) => {
                $kind!($name, "cell" => cell.clone(), "end" => end.name())
            };
        }
        meter!(counter, "anysock_connections_opened_total").increment(1);
        let open = meter!(gauge, "anysock_connections");
        open.increment(1.0);
        Self {
            open,
            closed: meter!(counter, "anysock_connections_closed_total"),
            sent: meter!(counter, "anysock_messages_sent_total"),
            sent_bytes: meter!(counter, "anysock_sent_bytes_total"),
            received: meter!(counter, "anysock_messages_received_total"),
            received_bytes: meter!(counter, "anysock_received_bytes_total"),
            truncated: meter!(counter, "anysock_messages_truncated_total"),
            dropped: meter!(counter, "anysock_messages_dropped_total"),
            discarded: meter!(counter, "anysock_frames_discarded_total"),
        }
    }

    /// Adds what has come since.
    pub(super) fn count(&self, before: &Stats, now: &Stats) {
        for (meter, before, now) in [
            (&self.sent, before.sent, now.sent),
            (&self.sent_bytes, before.sent_bytes, now.sent_bytes),
            (&self.received, before.received, now.received),
            (&self.received_bytes, before.received_bytes, now.received_bytes),
            (&self.truncated, before.truncated, now.truncated),
            (&self.dropped, before.dropped, now.dropped),
            (&self.discarded, before.discarded, now.discarded),
        ] {
            if now > before {
                meter.increment(now - before);
            }
        }
    }

    pub(super) fn end(&self) {
        self.open.decrement(1.0);
        self.closed.increment(1);
    }
}

impl std::fmt::Debug for Meters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meters")
    }
}

/// An attempt to connect has failed.
pub(super) fn connect_failed() {
    counter!("anysock_connect_failures_total").increment(1);
}

/// A service has refused a connection by this limit.
pub(super) fn refused(limit: &'static str) {
    counter!("anysock_connections_refused_total", "limit" => limit).increment(1);
}

/// A service's handler has ended like this.
pub(super) fn handler_ended(how: &'static str) {
    counter!("anysock_handlers_ended_total", "how" => how).increment(1);
}

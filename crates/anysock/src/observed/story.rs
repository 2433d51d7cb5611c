//! One connection from its beginning to its end, whole or in halves.

use std::fmt::Display;
use std::sync::Mutex;

use anysock_framing::Stats;
use tracing::{Level, Span, field};

use super::End;
#[cfg(feature = "metrics")]
use super::meters::Meters;
use crate::Connection;

/// What a subscriber chooses connections by.
const TARGET: &str = "anysock::connection";

/// Shared by both halves; it ends with the last of them.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) span: Span,
    /// The counters of what has been dropped.
    stats: Mutex<Stats>,
    #[cfg(feature = "metrics")]
    pub(super) meters: Meters,
}

impl Story {
    /// Of a connection that was just made; `None` if nobody looks.
    pub(super) fn begin(connection: &Connection, endpoint: &dyn Display, end: End) -> Option<Self> {
        let is_traced = tracing::enabled!(target: TARGET, Level::DEBUG);
        if !is_traced && cfg!(not(feature = "metrics")) {
            return None;
        }
        let peer = is_traced.then(|| connection.peer_addr().ok()).flatten();
        let span = tracing::debug_span!(
            target: TARGET,
            "connection",
            %endpoint,
            peer = peer.as_ref().map(field::display),
            end = end.name(),
            sent = field::Empty,
            sent_bytes = field::Empty,
            received = field::Empty,
            received_bytes = field::Empty,
            truncated = field::Empty,
            dropped = field::Empty,
            discarded = field::Empty,
        );
        Some(Self {
            span,
            stats: Mutex::default(),
            #[cfg(feature = "metrics")]
            meters: Meters::begin(connection, end),
        })
    }

    /// Adds the counters of the whole, or of a half, that is dropped.
    pub(super) fn end_with(&self, part: Stats) {
        let mut stats = self.stats.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *stats = stats.merge(part);
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        let stats = self.stats.get_mut().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Stats { sent, sent_bytes, received, received_bytes, truncated, dropped, .. } = *stats;
        let discarded = stats.discarded;
        tracing::debug!(
            target: TARGET,
            parent: &self.span,
            sent,
            sent_bytes,
            received,
            received_bytes,
            truncated,
            dropped,
            discarded,
            "the connection is over"
        );
        self.span.record("sent", sent).record("sent_bytes", sent_bytes);
        self.span.record("received", received).record("received_bytes", received_bytes);
        self.span.record("truncated", truncated).record("dropped", dropped);
        self.span.record("discarded", discarded);
        #[cfg(feature = "metrics")]
        self.meters.end();
    }
}

/// The span of closing.
pub(super) fn closing(connection: &Span) -> Span {
    tracing::debug_span!(target: TARGET, parent: connection, "close")
}

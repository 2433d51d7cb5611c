//! The seven cells, and what the script says to each.

use std::path::Path;
use std::time::Duration;

use anysock::{Cell, Domain, Keepalive, Options, Type};

/// A cell, by the scheme of its endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    pub(crate) name: &'static str,
    pub(crate) cell: Cell,
}

pub(crate) const ALL: [Tried; 7] = [
    Tried { name: "tcp4", cell: Cell::IPV4_STREAM },
    Tried { name: "tcp6", cell: Cell::IPV6_STREAM },
    Tried { name: "unix", cell: Cell::UNIX_STREAM },
    Tried { name: "unix-seqpacket", cell: Cell::UNIX_SEQPACKET },
    Tried { name: "unix-dgram", cell: Cell::UNIX_DATAGRAM },
    Tried { name: "udp4", cell: Cell::IPV4_DATAGRAM },
    Tried { name: "udp6", cell: Cell::IPV6_DATAGRAM },
];

impl Tried {
    pub(crate) fn named(name: &str) -> Self {
        let found = ALL.into_iter().find(|tried| tried.name == name);
        found.unwrap_or_else(|| panic!("{name:?} is none of {:?}", ALL.map(|tried| tried.name)))
    }

    pub(crate) fn is_unix(self) -> bool {
        self.cell.domain == Domain::Unix
    }

    pub(crate) fn is_stream(self) -> bool {
        self.cell.kind == Type::Stream
    }

    pub(crate) fn has_end(self) -> bool {
        self.cell.kind.is_connection_oriented()
    }

    /// Where its listener is bound; a unix socket's path lies in `directory`.
    pub(crate) fn endpoint(self, directory: &Path) -> String {
        match self.name {
            "tcp4" => "tcp://127.0.0.1:0".to_owned(),
            "tcp6" => "tcp://[::1]:0".to_owned(),
            "udp4" => "udp://127.0.0.1:0".to_owned(),
            "udp6" => "udp://[::1]:0".to_owned(),
            unix => format!("{unix}:{}/socket", directory.display()),
        }
    }

    /// Options that take system calls, of several kinds.
    pub(crate) fn options(self, is_listener: bool) -> Options {
        let mut options = Options::new().send_buffer(256 * 1024);
        if self.is_unix() && is_listener {
            options = options.file_mode(0o660).receive_descriptors(true);
        }
        if !self.is_stream() && is_listener {
            options = options.receive_timestamp(true);
        }
        if !self.is_unix() {
            options = options.receive_buffer(256 * 1024).ttl(33);
        }
        if self.is_stream() && !self.is_unix() {
            let keepalive = Keepalive::new().idle(Duration::from_secs(60));
            options = options.keepalive(keepalive).user_timeout(Duration::from_secs(30));
        }
        options
    }

    /// Lengths of messages that are sent one by one, each when the one before has come back.
    pub(crate) fn singles(self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..22).map(|n| [16, 100, 0, 1000, 4100][n % 5]).collect();
        all.extend(match self.name {
            "tcp4" | "tcp6" | "unix" => [65_536, 20_000, 300_000, 5000, 1_000_000],
            _ => [60_000, 20_000, 30_000, 5000, 8192],
        });
        all
    }

    /// Lengths of messages that are fed together and flushed once, while those that come back are
    /// received beside it. Together they stay below what a socket's queue holds.
    pub(crate) fn batches(self) -> Vec<Vec<usize>> {
        let mut all = vec![
            vec![16; 8],
            vec![100; 40],
            (0..20).map(|n| 8 + n * 50).collect(),
            vec![0, 16, 0, 0, 1000, 8],
            vec![5000, 16, 5000, 5000, 16],
            vec![20_000, 9000, 100],
        ];
        if self.is_stream() {
            all.push(vec![100_000, 16, 200_000, 4096]);
        }
        for length in 0..14 {
            all.push(vec![64 + length; 3 + length % 4]);
        }
        all
    }

    /// How many messages are sent with descriptors, and how many of these with each.
    pub(crate) fn descriptors(self) -> &'static [usize] {
        if self.is_unix() { &[1, 2, 0, 5, 1] } else { &[] }
    }
}

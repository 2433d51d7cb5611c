//! Where there is no gate: what is refused, and what is warned of.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};

use anysock::prelude::*;
use anysock::{Cell, Error, Gate, OptionError};
use tracing_subscriber::fmt::MakeWriter;

/// What was logged.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What is warned of while two are accepted at `endpoint`.
fn warnings(endpoint: &str, gate: Option<Gate>, later: bool) -> Vec<String> {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(log.clone())
        .with_ansi(false)
        .with_max_level(tracing::Level::WARN)
        .finish();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async {
            let bind = anysock::bind(endpoint);
            let mut listener = match &gate {
                Some(gate) if !later => bind.allow(gate.clone()).await.unwrap(),
                _ => bind.await.unwrap(),
            };
            if let Some(gate) = gate.filter(|_| later) {
                listener.allow(gate).unwrap();
            }
            let mut clients = Vec::new();
            for _ in 0..2 {
                let mut client = anysock::connect(listener.endpoint()).await.unwrap();
                client.send("hello").await.unwrap();
                clients.push(client);
                listener.accept().await.unwrap();
            }
        });
    });
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    log.lines().map(String::from).collect()
}

#[test]
fn an_abstract_name_without_a_gate_is_warned_of_once() {
    for scheme in ["unix", "unix-dgram", "unix-seqpacket"] {
        for name in [format!("@anysock-test-gate-{}", std::process::id()), String::new()] {
            let endpoint = format!("{scheme}:{name}");
            let warnings = warnings(&endpoint, None, false);
            let [warning] = &warnings[..] else { panic!("{endpoint}: {warnings:?}") };
            assert!(warning.contains("WARN") && warning.contains("abstract name"), "{warning}");
            assert!(warning.contains(&name), "{warning}");
        }
    }
}

#[test]
fn what_has_a_gate_or_permissions_or_no_credentials_is_not_warned_of() {
    let everybody = || Some(Gate::nobody().when(|_| true));
    for scheme in ["unix", "unix-dgram", "unix-seqpacket"] {
        for later in [false, true] {
            assert_eq!(warnings(&format!("{scheme}:"), everybody(), later), [""; 0]);
        }
        let path = std::env::temp_dir().join(format!("anysock-gate-{}", std::process::id()));
        assert_eq!(warnings(&format!("{scheme}:{}", path.display()), None, false), [""; 0]);
    }
    for endpoint in ["tcp://127.0.0.1:0", "udp://[::1]:0"] {
        assert_eq!(warnings(endpoint, None, false), [""; 0]);
    }
}

fn io_error(error: &Error) -> &io::Error {
    match error.kind() {
        anysock::ErrorKind::Io(error) => error,
        _ => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_gate_where_nobody_has_credentials_is_refused_by_a_typed_error() {
    let cells = [
        ("tcp://127.0.0.1:0", Cell::IPV4_STREAM),
        ("tcp://[::1]:0", Cell::IPV6_STREAM),
        ("udp://127.0.0.1:0", Cell::IPV4_DATAGRAM),
        ("udp://[::1]:0", Cell::IPV6_DATAGRAM),
    ];
    for (endpoint, expected) in cells {
        let bind = || anysock::bind(endpoint).allow(Gate::nobody());
        let mut listener = anysock::bind(endpoint).await.unwrap();
        let refusals = [
            bind().await.map(drop).unwrap_err(),
            bind().shards(2).await.map(drop).unwrap_err(),
            listener.allow(Gate::nobody()).unwrap_err(),
        ];
        for error in refusals {
            let inner = io_error(&error).get_ref().and_then(|inner| inner.downcast_ref());
            let Some(OptionError::Meaningless { option, cell, .. }) = inner else {
                panic!("{error}");
            };
            assert_eq!((*option, *cell), ("allow", expected));
        }
    }
    let memory = anysock::bind("mem:gate").allow(Gate::nobody()).await.map(drop).unwrap_err();
    assert_eq!(io_error(&memory).kind(), ErrorKind::Unsupported);
    anysock::bind("mem:gate").await.unwrap();
}

//! Every public operation that may wait, beside where it is tried; a new one without a row fails.
//!
//! The sources are read for what they offer, line by line: `pub async fn`, public functions that
//! take or give a future, `poll_` methods of public types and traits, implementations of `Future`
//! and its like, and types that are transports or what lies beneath one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use How::{Except, Over, Tried};

/// Where an operation is tried.
enum How {
    /// By these operations of `ANYSOCK_DROP`.
    Tried(&'static [&'static str]),
    /// By all operations over these transports of `ANYSOCK_DROP`.
    Over(&'static [&'static str]),
    /// Not, and why.
    Except(&'static str),
}

type Row = (&'static [&'static str], How);

const DATAGRAMS: &[&str] = &["unix-datagram", "unix-datagram+halves", "ipv4-datagram-peer"];
const PEERS: &[&str] = &["unix-datagram-peer", "unix-datagram-peer+halves", "ipv6-datagram-peer"];
const SEQPACKET: &[&str] = &["unix-seqpacket", "unix-seqpacket+halves"];
const STREAM: &[&str] = &["unix-stream", "unix-stream+halves", "ipv4-stream", "ipv6-stream"];
const LIMITS: &[&str] = &["unix-stream+limits", "memory+limits", "unix-stream+limited-halves"];

/// By file, in the order of the layers.
const TABLE: &[(&str, &[Row])] = &[
    (
        "async/src/addressed.rs",
        &[
            (&["recv_batch"], Tried(&["recv_batch"])),
            (&["recv_error"], Tried(&["recv_error"])),
            (&["recv_from"], Tried(&["recv_from"])),
            (&["send_batch"], Tried(&["send_batch"])),
            (&["send_to"], Tried(&["send_to"])),
            (&["send_with"], Tried(&["send_with"])),
        ],
    ),
    (
        "async/src/bind.rs",
        &[
            (&["bind"], Tried(&["sockets.bind"])),
            (&["bind_allowing"], Tried(&["bind_allowing"])),
            (&["bind_shards"], Tried(&["bind_shards"])),
        ],
    ),
    (
        "async/src/budget.rs",
        &[(&["poll_budget"], Except("it moves nothing; here every poll may find none left"))],
    ),
    (
        "async/src/closed.rs",
        &[(&["Future for Closed"], Tried(&["closed"])), (&["from_future"], Over(&["memory"]))],
    ),
    ("async/src/connect.rs", &[(&["connect"], Tried(&["sockets.connect"]))]),
    (
        "async/src/connector.rs",
        &[
            (&["connect"], Tried(&["connector.connect"])),
            (&["connect_resolving"], Tried(&["connector.connect_resolving"])),
        ],
    ),
    (
        "async/src/datagram/mod.rs",
        &[
            (&["send", "recv"], Tried(&["send", "recv"])),
            (&["closed"], Except("always an error: nothing tells that a datagram's peer is gone")),
            (
                &["poll_recv_packet", "poll_recv_packets", "poll_send", "poll_send_packets"],
                Over(DATAGRAMS),
            ),
        ],
    ),
    (
        "async/src/datagram/recv.rs",
        &[(&["poll_recv_packet", "poll_recv_packets"], Over(DATAGRAMS))],
    ),
    ("async/src/datagram/send.rs", &[(&["poll_send", "poll_send_packets"], Over(DATAGRAMS))]),
    ("async/src/demux/mod.rs", &[(&["poll_accept"], Tried(&["sockets.accept"]))]),
    (
        "async/src/demux/peer.rs",
        &[(
            &["poll_recv_packet", "poll_recv_packets", "poll_send", "poll_send_packets"],
            Over(PEERS),
        )],
    ),
    (
        "async/src/listener.rs",
        &[
            (&["accept", "poll_accept"], Tried(&["sockets.accept"])),
            (&["poll_accept_from"], Tried(&["streams.accept"])),
        ],
    ),
    ("async/src/resolve.rs", &[(&["resolve"], Tried(&["resolve"]))]),
    (
        "async/src/seqpacket/mod.rs",
        &[
            (&["send", "send_with", "recv"], Tried(&["send", "send_with", "recv"])),
            (&["closed"], Tried(&["closed"])),
            (
                &["poll_recv_packet", "poll_recv_packets", "poll_send", "poll_send_packets"],
                Over(SEQPACKET),
            ),
        ],
    ),
    (
        "async/src/seqpacket/recv.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_recv_packet", "poll_recv_packets"], Over(SEQPACKET)),
        ],
    ),
    (
        "async/src/seqpacket/send.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_drain"], Tried(&["close"])),
            (&["poll_send", "poll_send_packets"], Over(SEQPACKET)),
        ],
    ),
    (
        "async/src/stream/halves.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_drain"], Tried(&["close"])),
            (&["poll_recv_block", "poll_recv_passed", "poll_send_passing"], Over(STREAM)),
        ],
    ),
    ("async/src/stream/handle.rs", &[(&["closed"], Tried(&["closed"]))]),
    (
        "async/src/stream/mod.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_recv_block", "poll_recv_passed", "poll_send_passing"], Over(STREAM)),
        ],
    ),
    (
        "async/src/stream/transfer.rs",
        &[
            (&["AsyncRead for $type"], Tried(&["read"])),
            (&["AsyncWrite for $type"], Tried(&["write", "write_vectored"])),
        ],
    ),
    (
        "framing/src/adapters.rs",
        &[
            (
                &["Sink for MessageSink"],
                Tried(&["sink.send", "sink.feed", "sink.flush", "sink.close"]),
            ),
            (&["Stream for MessageStream"], Tried(&["stream.next"])),
            (&["FusedStream for MessageStream"], Except("it tells, and does not wait")),
        ],
    ),
    (
        "framing/src/auto_flush.rs",
        &[(&["SendHalf for AutoFlush"], Over(&["unix-stream+auto", "unix-seqpacket+auto"]))],
    ),
    (
        "framing/src/coded.rs",
        &[
            (&["send", "feed", "flush"], Tried(&["coded.send", "coded.feed", "coded.flush"])),
            (&["close", "Sink for Coded"], Tried(&["coded.close", "coded.sink.send"])),
            (&["recv", "Stream for Coded"], Tried(&["coded.recv", "coded.next"])),
        ],
    ),
    (
        "framing/src/typed/mod.rs",
        &[
            (&["send", "feed", "flush"], Tried(&["typed.send", "typed.feed", "typed.flush"])),
            (&["close", "Sink for Typed"], Tried(&["typed.close", "typed.sink.send"])),
            (&["recv", "Stream for Typed"], Tried(&["typed.recv", "typed.next"])),
        ],
    ),
    (
        "anysock/src/observed/mod.rs",
        &[(
            &["SendHalf for Observed", "RecvHalf for Observed"],
            Over(&["ipv4-stream+observed", "unix-seqpacket+observed-halves"]),
        )],
    ),
    (
        "framing/src/byte_stream/io.rs",
        &[(
            &["ByteRecv for Io", "ByteRecv for IoHalf", "ByteSend for Io", "ByteSend for IoHalf"],
            Over(&["chopped", "chopped+halves"]),
        )],
    ),
    (
        "framing/src/byte_stream/mod.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_drain", "poll_shutdown"], Tried(&["close"])),
            (
                &["poll_flush", "poll_recv", "poll_recv_passed", "poll_send", "poll_send_passing"],
                Over(STREAM),
            ),
        ],
    ),
    (
        "framing/src/byte_stream/socket.rs",
        &[(&["ByteRecv for $socket", "ByteSend for $socket"], Over(STREAM))],
    ),
    (
        "framing/src/extension.rs",
        &[
            (&["Future for $name"], Except("a macro; each of its futures has a row")),
            (&["accept", "Future for Accepting"], Tried(&["accept"])),
            (&["close", "Future for Close"], Tried(&["close"])),
            (&["feed", "feed_with", "Future for Feed"], Tried(&["feed", "feed_with"])),
            (&["flush", "Future for Flush"], Tried(&["flush"])),
            (&["ready", "Future for Ready"], Tried(&["ready"])),
            (&["recv", "Future for Recv"], Tried(&["recv"])),
            (&["recv_many", "Future for RecvMany"], Tried(&["recv_many"])),
            (&["send", "send_with", "Future for Send"], Tried(&["send", "send_with"])),
        ],
    ),
    (
        "framing/src/framed/mod.rs",
        &[
            (&["SendHalf for Framed", "RecvHalf for Framed"], Over(STREAM)),
            (&["SendHalf for FramedSend", "RecvHalf for FramedRecv"], Over(STREAM)),
        ],
    ),
    (
        "framing/src/limits/deadlines.rs",
        &[(&["SendHalf for Deadlines", "RecvHalf for Deadlines"], Over(LIMITS))],
    ),
    ("framing/src/limits/idle.rs", &[(&["SendHalf for Idle", "RecvHalf for Idle"], Over(LIMITS))]),
    (
        "framing/src/limits/max_length.rs",
        &[(&["SendHalf for MaxLength", "RecvHalf for MaxLength"], Over(LIMITS))],
    ),
    ("framing/src/limits/rate.rs", &[(&["SendHalf for Rate", "RecvHalf for Rate"], Over(LIMITS))]),
    (
        "framing/src/memory/halves.rs",
        &[(&["SendHalf for MemorySend", "RecvHalf for MemoryRecv"], Over(&["memory+halves"]))],
    ),
    (
        "framing/src/memory/mod.rs",
        &[(&["SendHalf for Memory", "RecvHalf for Memory"], Over(&["memory"]))],
    ),
    (
        "framing/src/packet_socket/datagram.rs",
        &[(&["PacketRecv for $socket", "PacketSend for $socket"], Over(DATAGRAMS))],
    ),
    (
        "framing/src/packet_socket/mod.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_drain"], Tried(&["close"])),
            (&["poll_recv", "poll_recv_batch", "poll_send", "poll_send_batch"], Over(SEQPACKET)),
        ],
    ),
    (
        "framing/src/packet_socket/peer.rs",
        &[(&["PacketRecv for $socket", "PacketSend for $socket"], Over(PEERS))],
    ),
    (
        "framing/src/packet_socket/seqpacket.rs",
        &[(&["PacketRecv for $socket", "PacketSend for $socket"], Over(SEQPACKET))],
    ),
    (
        "framing/src/packets.rs",
        &[
            (&["SendHalf for Packets", "RecvHalf for Packets"], Over(SEQPACKET)),
            (&["SendHalf for PacketsSend", "RecvHalf for PacketsRecv"], Over(SEQPACKET)),
        ],
    ),
    (
        "framing/src/transport.rs",
        &[
            (&["closed"], Tried(&["closed"])),
            (&["poll_accept", "Accept for Box"], Tried(&["accept"])),
            (&["poll_close"], Tried(&["close"])),
            (&["poll_feed", "poll_flush", "poll_ready"], Tried(&["feed", "flush", "ready"])),
            (&["poll_recv", "poll_recv_many"], Tried(&["recv", "recv_many"])),
            // All transports here are boxed, and borrowed by sinks and streams.
            (
                &["SendHalf for $pointer", "RecvHalf for $pointer"],
                Tried(&["send", "sink.send", "recv", "stream.next"]),
            ),
        ],
    ),
    ("anysock/src/bind.rs", &[(&["IntoFuture for Bind"], Tried(&["bind"]))]),
    ("anysock/src/connect.rs", &[(&["IntoFuture for Connect"], Tried(&["connect"]))]),
    (
        "anysock/src/connection.rs",
        &[(
            &["SendHalf for $type", "RecvHalf for $type"],
            Over(&["unix-stream", "unix-stream+halves", "unix-datagram-peer", "ipv4-stream"]),
        )],
    ),
    (
        "anysock/src/connection/upgrade.rs",
        &[(&["upgrade"], Except("it closes the connection where it is dropped, and says so"))],
    ),
    ("anysock/src/listener.rs", &[(&["Accept for Listener"], Tried(&["accept"]))]),
    (
        "anysock/src/memory.rs",
        &[
            (&["scope"], Tried(&["names.scope"])),
            (
                &["dial"],
                Except("it is the user's; `connect` to memory, which waits for it, is tried"),
            ),
        ],
    ),
    (
        "anysock/src/reconnecting/halves.rs",
        &[(
            &["SendHalf for ReconnectingSend", "RecvHalf for ReconnectingRecv"],
            Over(&["reconnecting+halves"]),
        )],
    ),
    (
        "anysock/src/reconnecting/mod.rs",
        &[
            (&["IntoFuture for Reconnect"], Tried(&["reconnect"])),
            (&["SendHalf for Reconnecting", "RecvHalf for Reconnecting"], Over(&["reconnecting"])),
        ],
    ),
    (
        "anysock/src/serve/mod.rs",
        &[(&["IntoFuture for Serve", "serve", "shutdown"], Tried(&["serve"]))],
    ),
    (
        "anysock/src/serve/shutdown.rs",
        &[(&["begun"], Tried(&["begun"])), (&["IntoFuture for Shutdown"], Tried(&["shutdown"]))],
    ),
    ("anysock/src/shards.rs", &[(&["IntoFuture for Shards"], Tried(&["shards"]))]),
    (
        "anysock/src/streams.rs",
        &[(&["accept", "poll_accept", "Stream for Streams"], Tried(&["streams.accept"]))],
    ),
];

/// Fails unless the table has what the sources have, and names only what `cases` try.
pub(crate) fn check(cases: &[crate::prove::Case]) {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut offered = BTreeSet::new();
    for of in ["async", "framing", "anysock"] {
        for file in sources(&crates.join(of).join("src")) {
            let name = file.strip_prefix(&crates).unwrap().to_str().unwrap().to_owned();
            let found = offers(&fs::read_to_string(&file).unwrap());
            offered.extend(found.into_iter().map(|offer| (name.clone(), offer)));
        }
    }
    let mut listed = BTreeSet::new();
    for (file, rows) in TABLE {
        for (names, how) in *rows {
            for name in *names {
                assert!(listed.insert(((*file).to_owned(), (*name).to_owned())), "{file}: {name}");
            }
            expect_tried(cases, how);
        }
    }
    let untried: Vec<_> = offered.difference(&listed).collect();
    assert!(untried.is_empty(), "these have no row in tests/dropped/table.rs: {untried:#?}");
    let gone: Vec<_> = listed.difference(&offered).collect();
    assert!(gone.is_empty(), "these rows of tests/dropped/table.rs name nothing: {gone:#?}");
}

fn expect_tried(cases: &[crate::prove::Case], how: &How) {
    match how {
        Tried(operations) => operations.iter().for_each(|operation| {
            assert!(cases.iter().any(|case| case.0 == *operation), "no suite tries {operation}");
        }),
        Over(transports) => transports.iter().for_each(|transport| {
            let tried = cases.iter().filter(|case| case.1 == *transport).count();
            assert!(tried >= 12, "only {tried} operations are tried over {transport}");
        }),
        Except(why) => assert!(!why.is_empty()),
    }
}

/// All sources under `directory`, less those of tests.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                found.push(path);
            }
            false => {}
        }
    }
    found
}

/// What a source offers that may wait.
fn offers(source: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_trait = false;
    let lines: Vec<_> = source.lines().take_while(|line| *line != "#[cfg(test)]").collect();
    for (at, line) in lines.iter().enumerate() {
        in_trait = line.starts_with("pub trait ") || in_trait && !line.starts_with('}');
        let head = line.trim_start();
        if head.starts_with("impl") {
            found.extend(implementation(&whole(&lines[at..])));
        } else if head.starts_with("pub ") || in_trait && head.contains("fn ") {
            found.extend(function(&whole(&lines[at..])));
        } else {
            // Futures that the macro of `extension.rs` makes.
            let made = head.split_once(": ").filter(|(name, rest)| {
                is_name(name) && rest.contains(", poll_") && rest.contains(" -> ")
            });
            found.extend(made.map(|(name, _)| format!("Future for {name}")));
        }
    }
    found
}

/// What is declared here, up to its body.
fn whole(lines: &[&str]) -> String {
    let end = lines.iter().position(|line| line.contains(['{', ';'])).unwrap_or(lines.len() - 1);
    let all: Vec<_> = lines[..=end].iter().map(|line| line.trim()).collect();
    all.join(" ").split(['{', ';']).next().unwrap().trim().to_owned()
}

fn implementation(declared: &str) -> Option<String> {
    const TRAITS: [&str; 14] = [
        "IntoFuture",
        "Future",
        "Stream",
        "FusedStream",
        "Sink",
        "AsyncRead",
        "AsyncWrite",
        "SendHalf",
        "RecvHalf",
        "Accept",
        "ByteRecv",
        "ByteSend",
        "PacketRecv",
        "PacketSend",
    ];
    let (of, to) = declared.split_once(" for ")?;
    let of = of.rsplit(' ').next()?.split('<').next()?;
    let to: String =
        to.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '$').collect();
    TRAITS.contains(&of).then(|| format!("{of} for {to}"))
}

fn function(declared: &str) -> Option<String> {
    const FUTURES: [&str; 8] =
        ["Ready", "Send", "Feed", "Flush", "Close", "Recv", "RecvMany", "Accepting"];
    let declared = declared.strip_prefix("pub ").unwrap_or(declared);
    let (before, after) = declared.split_once("fn ")?;
    let name: String =
        after.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let gives = after.rsplit_once("-> ").map_or("", |(_, gives)| gives);
    let waits = before.contains("async")
        || name.starts_with("poll_")
        || after.contains("Future")
        || gives.contains("Closed>")
        || gives.starts_with("Dialing")
        || FUTURES.iter().any(|future| gives.starts_with(&format!("{future}<")));
    waits.then_some(name)
}

fn is_name(word: &str) -> bool {
    word.chars().all(char::is_alphanumeric) && word.starts_with(char::is_uppercase)
}

#[test]
fn the_sources_are_read_for_what_may_wait() {
    let source = "
        pub trait Waits {
            fn poll_it(&mut self);
            fn quick(&self);
        }
        impl<T: Any> Future for Waiting<'_, T> {
            pub async fn one(&self) {}
            pub fn two() -> io::Result<Closed> {}
            pub fn three(
                future: impl Future,
            ) {
            }
            pub fn four() -> usize {}
            // pub async fn five() {}
            Made: SendHalf, poll_made -> ()
    ";
    let source = source.replace("\n        ", "\n");
    let found: Vec<_> = offers(&source).into_iter().collect();
    assert_eq!(found, ["Future for Made", "Future for Waiting", "one", "poll_it", "three", "two"]);
}

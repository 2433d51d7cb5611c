//! What a service may hold, by the formulas of `SECURITY.md`, whose constants are read from there.

use anysock::{Cell, Type};

use crate::serving::THREADS;

const SECURITY: &str = include_str!("../../SECURITY.md");

/// A constant of the document, in bytes or pieces.
fn constant(name: &str) -> usize {
    let row = SECURITY.lines().find_map(|line| line.strip_prefix(&format!("| `{name}` | ")));
    let row = row.unwrap_or_else(|| panic!("SECURITY.md has a row for {name}"));
    parse(row.split(" | ").next().unwrap())
}

/// `8 KiB`, `2 MiB`, `253`.
fn parse(text: &str) -> usize {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let unit = match unit {
        "MiB" => 1 << 20,
        "KiB" => 1 << 10,
        "" | "bytes" => 1,
        other => panic!("{other} is no unit"),
    };
    number.replace(',', "").parse::<usize>().unwrap() * unit
}

/// What the threads of the service keep, whoever is connected.
pub(crate) fn service(cell: Cell) -> usize {
    let to_send_from = match cell.kind {
        Type::Stream => constant("WRITES"),
        _ => constant("PACKETS") + constant("BATCH") * constant("ROOM"),
    };
    THREADS * (constant("KEPT") + to_send_from)
}

/// A connection of which `here` bytes of a message have come, and that waits for more.
pub(crate) fn waiting(here: usize) -> usize {
    constant("CONNECTION") + 4 * here + if here < 2048 { 0 } else { constant("FIRST_READ") }
}

/// A connection, or an accepted sender of datagrams, on which `here` bytes came in all, in messages of
/// `size` bytes.
pub(crate) fn brief(here: usize, size: usize) -> usize {
    let answers = here / size.max(1) * (size + 64);
    constant("CONNECTION") + constant("FIRST_READ") + 4 * here + 2 * answers
}

/// A connection, or an accepted sender of datagrams, on which messages of `size` bytes come as fast
/// as they are taken.
pub(crate) fn busy(cell: Cell, size: usize) -> usize {
    match cell.kind {
        Type::Stream => {
            let block = constant("READ") + 4 * constant("LONG");
            constant("CONNECTION") + block.max(size) + unsent(size)
        }
        Type::SeqPacket => constant("CONNECTION") + constant("BATCH") * size + unsent(size + 64),
        Type::Datagram => constant("CONNECTION") + unsent(size + 64),
    }
}

fn unsent(size: usize) -> usize {
    2 * (constant("WATERMARK") + size) + constant("GONE")
}

/// A peer of a datagram listener, whose queue takes so many messages and bytes, of messages of
/// `size` bytes.
pub(crate) fn peer(messages: usize, bytes: usize, size: usize) -> usize {
    constant("PEER") + (messages * size).min(bytes + size) + messages * constant("QUEUED")
}

/// Descriptors of a connection on which some are passed: its own, those that wait for their message,
/// and those of one read.
pub(crate) fn descriptors() -> usize {
    1 + 2 * constant("DESCRIPTORS")
}

#[test]
fn the_constants_of_the_document_are_those_of_the_code() {
    let code = [
        ("FIRST_READ", "framing/src/read_buffer.rs", "SMALLEST"),
        ("READ", "framing/src/read_buffer.rs", "LARGEST"),
        ("LONG", "framing/src/read_buffer.rs", "LONG"),
        ("WATERMARK", "framing/src/sending.rs", "HIGH_WATERMARK"),
        ("GONE", "framing/src/write_queue.rs", "COMPACTED"),
        ("KEPT", "core/src/block/spares.rs", "MOST"),
        ("WRITES", "framing/src/write_queue.rs", "LARGEST"),
        ("PACKETS", "core/src/outbox.rs", "LARGEST"),
        ("ROOM", "core/src/batch.rs", "ROOM"),
        ("BATCH", "core/src/sys/batch.rs", "MOST"),
        ("DESCRIPTORS", "core/src/attached.rs", "MAX_DESCRIPTORS"),
    ];
    for (name, file, identifier) in code {
        let path = format!("{}/crates/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.contains(&format!("const {identifier}: ")));
        let line = line.unwrap_or_else(|| panic!("{file} has a constant {identifier}"));
        let value = line.split(" = ").nth(1).unwrap().trim_end_matches(';').replace('_', "");
        let number = |part: &str| part.trim().parse::<usize>().unwrap();
        let product = |term: &str| term.split('*').map(number).product::<usize>();
        let value = value.split('+').map(product).sum::<usize>();
        assert_eq!(constant(name), value, "{name} is {identifier} of {file}");
    }
}

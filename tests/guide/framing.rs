//! What is drawn of frames is what is written, and a codec of one's own takes twenty lines.

use anysock_framing::{AnyCodec, Codec as _, Decoded, encode_frame};

use super::read;

/// Names and bytes, as far as there are bytes in a line, of the drawing behind this sentence.
fn drawn<'a>(page: &'a str, behind: &str) -> Vec<(&'a str, Vec<u8>)> {
    let (_, rest) = page.split_once(behind).unwrap_or_else(|| panic!("{behind:?} is gone"));
    let drawing = rest.split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
    let line = |line: &'a str| {
        let (name, bytes) = line.split_once(' ').unwrap();
        let bytes = bytes.trim_start().split("   ").next().unwrap();
        (name, bytes.split_whitespace().map(byte).collect())
    };
    drawing.lines().map(line).collect()
}

/// One character is itself, two are hexadecimal.
fn byte(drawn: &str) -> u8 {
    match drawn.as_bytes() {
        [byte] => *byte,
        _ => u8::from_str_radix(drawn, 16).unwrap_or_else(|_| panic!("{drawn:?} is no byte")),
    }
}

#[test]
fn frames_are_written_and_read_as_they_are_drawn() {
    let page = read("docs/FRAMING.md");
    let hello = drawn(&page, "So `hello` goes over the wire");
    let marks = drawn(&page, "of the bytes `01 00 c0 02 db`");
    assert_eq!((hello.len(), marks.len()), (17, 2));
    let hello = hello.into_iter().map(|frame| (frame, &b"hello"[..]));
    let marks = marks.into_iter().map(|frame| (frame, &[0x01, 0x00, 0xc0, 0x02, 0xdb][..]));
    for ((name, wire), message) in hello.chain(marks) {
        let mut codec: AnyCodec = name.parse().unwrap();
        assert_eq!(encode_frame(&mut codec, message).unwrap(), wire, "{name}");
        let (found, consumed) = match codec.decode(&wire).unwrap() {
            Decoded::Frame { payload, consumed } => (wire[payload].to_vec(), consumed),
            Decoded::Made { message, consumed } => (message.to_vec(), consumed),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!((&found[..], consumed), (message, wire.len()), "{name}");
    }
}

#[test]
fn every_codec_of_the_table_is_drawn_by_its_first_name() {
    let page = read("docs/FRAMING.md");
    let drawn = drawn(&page, "So `hello` goes over the wire");
    let (_, table) = page.split_once("| codec | name |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let name = |row: &'_ str| row.split('`').nth(3).unwrap().to_owned();
    let names: Vec<_> = rows.map(name).collect();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let name = name.replace(":N", ":5");
        assert!(drawn.iter().any(|(drawn, _)| *drawn == name), "{name} is not drawn");
    }
}

#[test]
fn a_codec_of_ones_own_takes_at_most_twenty_lines() {
    let source = read("crates/framing/src/codec/mod.rs");
    let (_, docs) = source.split_once("/// Marks message boundaries in a byte stream.").unwrap();
    let example = docs.split("/// ```").nth(1).unwrap();
    let shown =
        example.lines().filter(|line| line.starts_with("///") && !line.starts_with("/// #"));
    // An attribute is shown, what rustdoc hides is not.
    let attributes = example.lines().filter(|line| line.starts_with("/// #["));
    let count = shown.count() + attributes.count();
    assert!((10..=20).contains(&count), "{count} lines");
    assert!(example.contains("impl Codec for"));
}

//! Hostile bytes: whatever parses what others wrote agrees with a plain reader of the same bytes,
//! panics at nothing, and holds no more memory than it says.
//!
//! | target | is given | beside |
//! |---|---|---|
//! | `codec_…`, each codec | its shape and a stream for it, cut anywhere; the same through `Framed` | a reader of the whole stream, for each codec a page (`targets/references`); the bound on held bytes |
//! | `codec_resync` | the same, of any of them that goes on behind what is too long or malformed | what is given up, frame by frame and byte by byte |
//! | `codec_unframed` | a stream, cut anywhere | that all of it arrives in its order, within the maximum |
//! | `endpoint` | text; the name of a unix socket | the grammar, and that what is printed parses to the same |
//! | `control` | a buffer of control messages | cmsg(3), and a pair of sockets whose other end sees whether a descriptor leaked |
//! | `address` | what the kernel writes as an address | unix(7), ip(7), ipv6(7) |
//! | `demux` | what senders do to a datagram socket, over real ones | that every message was received, or dropped and counted; the limits |
//!
//! A target is a function of bytes and is written once. The fuzzer drives it (`fuzz/`), and what it
//! found is kept in `fuzz/corpus`; this suite gives it every input of the corpus, codecs cut at every
//! place, and mutations of them, which a seed and a number decide.
//!
//! What fails is printed in hexadecimal with its target, seed and number, and is tried again by
//!
//! ```console
//! $ ANYSOCK_HOSTILE='codec_length 0020030005' cargo test --test hostile replayed
//! $ ANYSOCK_HOSTILE_SEED=7 cargo test --test hostile     # other mutations
//! ```
//!
//! A new codec is a file in `targets/references`, a line in its table, one in `targets/mod.rs`, a target of
//! `fuzz`, and some inputs.

mod corpus;
mod mutations;
#[path = "../support/effort.rs"]
mod support;
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

// What `core`'s own files, which `targets/library.rs` includes, name by the root of their crate.
use anysock_core::{
    AbstractName, Addr, Domain, LocalAddress, Outgoing, Received, UnixAddr, UnixPath,
};

use self::mutations::Mutations;
use self::support::{Effort, tell};
use self::targets::{Target, Tried, target};

/// Mutations by target, of the codecs for each: as many as plain tests, the short and the long form try.
const COUNTS: [(&str, [u64; 3]); 5] = [
    ("codec", [200, 2_500, 42_000]),
    ("endpoint", [5_000, 100_000, 2_000_000]),
    ("control", [5_000, 60_000, 1_000_000]),
    ("address", [10_000, 100_000, 2_000_000]),
    ("demux", [200, 2_000, 30_000]),
];

/// Tries the corpus and mutations of it, of all targets whose names begin so, and tells what came of it.
fn survive(kind: &str, promise: &str) {
    let (_, counts) = COUNTS.into_iter().find(|(counted, _)| *counted == kind).unwrap();
    let count = Effort::asked().pick(counts[0], counts[1], counts[2]);
    let (mut inputs, mut tried) = (0, Tried::default());
    for target in targets::targets().filter(|target| target.name.starts_with(kind)) {
        let (some, so) = survives(target, count);
        inputs += some;
        tried = tried.and(so);
    }
    let held = if tried.held > 0 { format!(", {} % held", tried.held) } else { String::new() };
    let bound = if tried.held > 0 { "0, 100 % held" } else { "0" };
    tell(
        promise,
        format!("{inputs} inputs, {} ways", tried.ways),
        format!("0 disagreements{held}"),
        bound,
    );
}

/// How many inputs were tried, so many of them mutations.
fn survives(target: &Target, count: u64) -> (u64, Tried) {
    let corpus = corpus::inputs(target.name);
    let mut tried = Tried::default();
    for (file, input) in &corpus {
        tried = tried.and(attempt(target, target.run_all, input, file));
    }
    let inputs: Vec<_> = corpus.into_iter().map(|(_, input)| input).collect();
    let mutations = Mutations::new(&inputs);
    for number in 0..count {
        let input = mutations.input(number);
        let what = format!("seed {}, number {number}", mutations.seed());
        tried = tried.and(attempt(target, target.run, &input, &what));
    }
    (inputs.len() as u64 + count, tried)
}

/// Tries one input, and says which it was if it is not survived.
fn attempt(target: &Target, run: fn(&[u8]) -> Tried, input: &[u8], what: &str) -> Tried {
    catch_unwind(AssertUnwindSafe(|| run(input))).unwrap_or_else(|panic| {
        let hex: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{} fails by {what}: ANYSOCK_HOSTILE='{} {hex}'", target.name, target.name);
        resume_unwind(panic)
    })
}

#[test]
fn codecs_agree_with_a_plain_reader_wherever_the_stream_is_cut() {
    survive("codec", "codecs read any stream as a plain reader does, wherever it is cut");
}

#[test]
fn what_parses_as_an_endpoint_is_one_and_prints_to_the_same() {
    survive("endpoint", "what parses as an endpoint is one, and prints to the same");
}

#[test]
fn any_control_buffer_is_read_within_its_bounds_and_leaks_no_descriptor() {
    survive("control", "any control buffer is read within it, each descriptor closed once");
}

#[test]
fn any_address_of_the_kernel_is_read_as_it_stands() {
    survive("address", "any address that the kernel writes is read as it stands");
}

#[test]
fn whatever_senders_do_each_datagram_is_received_or_counted() {
    survive("demux", "whatever senders do, a datagram is received or dropped and counted");
}

/// Nothing to do unless `ANYSOCK_HOSTILE` names an input.
#[test]
fn an_input_that_is_named_is_replayed() {
    let Ok(named) = std::env::var("ANYSOCK_HOSTILE") else { return };
    let (name, hex) = named.split_once(' ').expect("a target, a space, and bytes in hexadecimal");
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("two hexadecimal digits");
    let input: Vec<u8> = (0..hex.len()).step_by(2).map(digit).collect();
    let tried = attempt(target(name), target(name).run_all, &input, "replay");
    println!("{name}: {tried:?} of {} bytes", input.len());
}

#[test]
fn every_target_has_a_corpus_that_stays_small() {
    for target in targets::targets() {
        let corpus = corpus::inputs(target.name);
        assert!((1..=96).contains(&corpus.len()), "{}: {} inputs", target.name, corpus.len());
        for (file, input) in corpus {
            assert!(input.len() <= 512, "{file} is {} bytes long", input.len());
        }
    }
}

#[test]
fn every_target_is_one_of_the_fuzzers_and_the_other_way_round() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let mut named: Vec<_> = manifest
        .split("[[bin]]\nname = \"")
        .skip(1)
        .map(|rest| rest.split_once('"').unwrap().0)
        .collect();
    let mut all: Vec<_> = targets::targets().map(|target| target.name).collect();
    named.sort_unstable();
    all.sort_unstable();
    assert_eq!(named, all);
    for name in all {
        let source = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("run(\"{name}\", input)")), "{name}");
    }
}

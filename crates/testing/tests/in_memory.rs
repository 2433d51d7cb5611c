//! Transports in memory keep the laws: that of which the broken ones are made, and all codecs.

use std::num::NonZeroUsize;
use std::thread;

use anysock_framing::{Delimited, Fixed, LengthDelimited, Varint};
use anysock_testing::conformance::{Boxed, InMemory, InPipe, Kit, Table, noise};

#[test]
fn in_memory_keeps_the_laws() {
    let kit = Kit::default();
    let reports = [kit.check(InMemory), kit.check(Boxed(InMemory))];
    println!("{}", Table(&reports));
    reports.iter().for_each(|report| report.assert());
}

#[test]
fn every_codec_in_a_pipe_keeps_the_laws() {
    let fixed = |length, seed| (length == 64).then(|| noise(length, seed));
    let subjects = [
        InPipe::new(LengthDelimited::u8()),
        InPipe::new(LengthDelimited::u16().little_endian()),
        InPipe::new(LengthDelimited::u24().including_header()),
        InPipe::new(LengthDelimited::u32()),
        InPipe::new(LengthDelimited::u64()),
        InPipe::new(Varint::new()),
        InPipe::new(Delimited::lines()).printable().refuses(["two\nlines", "\n", "carriage\r"]),
        InPipe::new(Delimited::crlf()).printable().refuses(["two\r\nlines", "\r\n"]),
        InPipe::new(Delimited::nul()).printable().refuses(["\0"]),
        InPipe::new(Fixed::new(NonZeroUsize::new(64).expect("not 0"))).sample(fixed),
    ];
    // At once: they wait most of the time.
    let threads = subjects.map(|subject| thread::spawn(|| Kit::default().check(subject)));
    let reports = threads.map(|thread| thread.join().expect("a report"));
    println!("{}", Table(&reports));
    reports.iter().for_each(|report| report.assert());
}

//! The in-memory transport, which every broken one is made of, keeps the laws.

use anysock_testing::conformance::{Boxed, InMemory, Kit, Table};

#[test]
fn in_memory_keeps_the_laws() {
    let kit = Kit::default();
    let reports = [kit.check(InMemory), kit.check(Boxed(InMemory))];
    println!("{}", Table(&reports));
    reports.iter().for_each(|report| report.assert());
}

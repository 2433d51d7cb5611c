//! Allocations per message, of both ends.

use crate::allocator::allocations;
use crate::bounds::{ALLOCATIONS_OF_PACKETS, ALLOCATIONS_ON_STREAMS, Bound};
use crate::work::Workshop;

/// Over how many messages allocations are counted.
const MESSAGES: usize = 1 << 14;

#[test]
fn a_message_on_a_stream_is_hardly_ever_an_allocation() {
    check(&ALLOCATIONS_ON_STREAMS);
}

#[test]
fn a_packet_costs_few_allocations() {
    check(&ALLOCATIONS_OF_PACKETS);
}

fn check(bounds: &[Bound]) {
    let broken = bounds.iter().filter(|bound| {
        let mut workshop = Workshop::new(bound.link, bound.work, bound.size);
        let mut cost = |count| {
            let before = allocations();
            workshop.run(count);
            (allocations() - before) as f64
        };
        // Buffers grow and registrations happen in the first run; and what every run costs is no
        // message's.
        cost(MESSAGES);
        let one = cost(1);
        let each = (cost(1 + MESSAGES) - one) / MESSAGES as f64;
        bound.is_broken_by(each, "allocations")
    });
    assert_eq!(broken.count(), 0, "more allocations than the bound, as is printed above");
}

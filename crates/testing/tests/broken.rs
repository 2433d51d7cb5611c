//! The kit convicts every broken transport, by its law's name and for what it does.

use std::thread;
use std::time::Duration;

use anysock_framing::memory::Memory;
use anysock_testing::broken::{Fault, Faulty, specimens};
use anysock_testing::conformance::{InMemory, Kit, Law};

#[test]
fn kit_convicts_every_broken_transport() {
    // Most of these wait in vain for something: at once, and not for long.
    let tried: Vec<_> = specimens()
        .into_iter()
        .map(|one| {
            let kit = Kit::default().only(&[one.breaks]).patience(Duration::from_millis(1500));
            (one, thread::spawn(move || one.check(&kit)))
        })
        .collect();
    let mut acquitted = Vec::new();
    for (one, trial) in tried {
        let report = trial.join().expect("a verdict");
        println!("{report}");
        if !one.is_convicted_by(&report) {
            acquitted.push(format!("{} ({}; by: {:?})", one.name, one.breaks, one.words));
        }
    }
    assert!(acquitted.is_empty(), "not convicted:\n{}", acquitted.join("\n"));
}

#[test]
fn every_law_is_broken_by_some_transport() {
    for law in Law::ALL {
        assert!(specimens().iter().any(|one| one.breaks == law), "nothing breaks {law}");
    }
}

/// As the broken ones are made, but for the fault.
#[derive(Debug, Default)]
struct Sound;

impl Fault for Sound {
    const NAME: &'static str = "sound";
    const BREAKS: Law = Law::Boundaries;
    const WORDS: &'static str = "nothing";

    fn split(self, inner: Memory) -> anysock_framing::Halves {
        let (send, recv) = inner.split();
        (Box::new(send), Box::new(recv))
    }
}

#[test]
fn without_its_fault_a_broken_transport_is_clean() {
    Kit::default().check(InMemory).assert();
    Kit::default().check(Faulty::<Sound>::default()).assert();
}

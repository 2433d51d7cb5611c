//! All broken transports, each to be tried.

use super::fault::{Fault, Faulty};
use super::{
    BuffersAll, ClaimsAll, ClosesInHaste, Cuts, DiesOfRefusal, Doubles, DoublesOnDrop, EmptyIsEnd,
    EndsOnce, FlushStopsRecv, ForgetsLastFlush, HangsAfterFatal, HidesTruncated, HoldsMaximum,
    KeepsFirstWaker, KeepsLast, Loses, LosesOnDrop, Merges, NeverYields, OneLock, OneWaker,
    RecvDoesNotFlush, ResetIsEnd, SendErrorFirst, SendsPart, SkipsEmpty, Spins, Splits, Swaps,
    TakesRefused, Untyped, Wedges,
};
use crate::conformance::{Kit, Law, Report};

/// One broken transport, of any type.
///
/// ```
/// use anysock_testing::broken::specimens;
/// use anysock_testing::conformance::{Kit, Law};
///
/// let specimens = specimens();
/// let one = specimens.iter().find(|one| one.breaks == Law::Boundaries).unwrap();
/// let report = one.check(&Kit::default().only(&[one.breaks]));
/// assert!(one.is_convicted_by(&report));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Specimen {
    /// What it does, in a few words.
    pub name: &'static str,
    /// The law that this breaks.
    pub breaks: Law,
    /// Words in the sentence that convicts it.
    pub words: &'static str,
    check: fn(&Kit) -> Report,
}

impl Specimen {
    /// A transport with this fault.
    pub fn of<F: Fault>() -> Self {
        Self::new(F::NAME, F::BREAKS, F::WORDS, |kit| kit.check(Faulty::<F>::default()))
    }

    pub(super) const fn new(
        name: &'static str,
        breaks: Law,
        words: &'static str,
        check: fn(&Kit) -> Report,
    ) -> Self {
        Self { name, breaks, words, check }
    }

    /// Tries it.
    pub fn check(&self, kit: &Kit) -> Report {
        (self.check)(kit)
    }

    /// Whether the report finds it guilty of breaking its law, and for what it does.
    pub fn is_convicted_by(&self, report: &Report) -> bool {
        let convicts = |(law, note): (Law, &crate::conformance::Note)| {
            law == self.breaks && note.why.contains(self.words)
        };
        report.failures().any(convicts)
    }
}

/// All of them: at least one for each law.
pub fn specimens() -> Vec<Specimen> {
    let mut specimens = vec![
        Specimen::of::<Merges>(),
        Specimen::of::<Cuts>(),
        Specimen::of::<Splits>(),
        Specimen::of::<SendsPart>(),
        Specimen::of::<TakesRefused>(),
        Specimen::of::<HidesTruncated>(),
        Specimen::of::<EmptyIsEnd>(),
        Specimen::of::<SkipsEmpty>(),
        Specimen::of::<ResetIsEnd>(),
        Specimen::of::<SendErrorFirst>(),
        Specimen::of::<EndsOnce>(),
        Specimen::of::<Loses>(),
        Specimen::of::<Doubles>(),
        Specimen::of::<Swaps>(),
        Specimen::of::<ClaimsAll>(),
        Specimen::of::<ClosesInHaste>(),
        Specimen::of::<KeepsLast>(),
        Specimen::of::<RecvDoesNotFlush>(),
        Specimen::of::<ForgetsLastFlush>(),
        Specimen::of::<FlushStopsRecv>(),
        Specimen::of::<BuffersAll>(),
        Specimen::of::<HoldsMaximum>(),
        Specimen::of::<LosesOnDrop>(),
        Specimen::of::<DoublesOnDrop>(),
        Specimen::of::<KeepsFirstWaker>(),
        Specimen::of::<DiesOfRefusal>(),
        Specimen::of::<Untyped>(),
        Specimen::of::<HangsAfterFatal>(),
        Specimen::of::<NeverYields>(),
        Specimen::of::<Spins>(),
        Specimen::of::<Wedges>(),
        Specimen::of::<OneLock>(),
        Specimen::of::<OneWaker>(),
    ];
    specimens.extend(super::over_bytes::specimens());
    specimens
}

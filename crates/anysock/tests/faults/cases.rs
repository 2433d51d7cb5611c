//! The cases: every fault at every call of a trace, each with a name by which it is run alone.

use std::collections::BTreeMap;
use std::fmt;

use anysock::core::faults::{Call, ERRORS, Fault, Made, Plan};

use crate::cells::Tried;
use crate::verdict::{self, Excluded};

/// One fault at one call of one cell's script: `tcp4 sendmsg 17 EPIPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) tried: Tried,
    pub(crate) plan: Plan,
}

impl Case {
    /// As it prints.
    pub(crate) fn parse(text: &str) -> Self {
        let words: Vec<_> = text.split_whitespace().collect();
        let [cell, call, nth, fault] = words[..] else {
            panic!("{text:?} is not `cell call n error`, as in 'tcp4 sendmsg 17 EPIPE'");
        };
        let found = Call::ALL.iter().find(|known| known.name() == call);
        let call = *found.unwrap_or_else(|| panic!("{call:?} is no system call of these"));
        let fault = match fault {
            "one" => Fault::One,
            "half" => Fault::Half,
            name => {
                let found = ERRORS.iter().find(|(known, _)| *known == name);
                Fault::Error(found.unwrap_or_else(|| panic!("{name:?} is no error of these")).1)
            }
        };
        let nth = nth.parse().expect("the number of the call, from 1 on");
        Self { tried: Tried::named(cell), plan: Plan { call, nth, fault } }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { call, nth, fault } = self.plan;
        let fault = match fault {
            Fault::One => "one",
            Fault::Half => "half",
            Fault::Error(number) => verdict::name(number),
        };
        write!(f, "{} {} {nth} {fault}", self.tried.name, call.name())
    }
}

/// So many of the cases, spread over all of them, always the same.
pub(crate) fn spread(cases: Vec<Case>, most: usize) -> Vec<Case> {
    let mut numbered: Vec<_> = cases.into_iter().enumerate().collect();
    // Fibonacci hashing: neighbours end up far from each other.
    numbered.sort_by_key(|(number, _)| (*number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    numbered.into_iter().take(most).map(|(_, case)| case).collect()
}

/// All cases of a script that made these calls, and how many are excluded.
pub(crate) fn all(tried: Tried, made: &[Made]) -> (Vec<Case>, BTreeMap<Excluded, usize>) {
    let (mut cases, mut excluded, mut counts) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for Made { call, most, is_ended } in made {
        let nth = counts.entry(call.name()).or_insert(0);
        *nth += 1;
        let errors = ERRORS.iter().map(|(_, number)| Fault::Error(*number));
        for fault in errors.chain([Fault::One, Fault::Half]) {
            let why = match fault {
                Fault::One | Fault::Half if *most < 2 => Some(Excluded::Whole),
                Fault::Half if *most < 4 => Some(Excluded::HalfIsOne),
                Fault::Error(number) if *is_ended && verdict::name(number) == "EAGAIN" => {
                    Some(Excluded::Ended)
                }
                _ => None,
            };
            match why {
                Some(why) => *excluded.entry(why).or_insert(0) += 1,
                None => cases.push(Case { tried, plan: Plan { call: *call, nth: *nth, fault } }),
            }
        }
    }
    (cases, excluded)
}

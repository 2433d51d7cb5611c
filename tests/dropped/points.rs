//! Which drop points were tried: each counts once.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

/// The drop points of one promise.
///
/// A drop point is an operation, a transport, what had happened before (the schedule: which
/// messages of what lengths were sent and received, and which polls had to wait) and the number of
/// the poll after which the future was dropped. Two that agree in all of that are one.
#[derive(Debug, Default)]
pub(crate) struct Points(Mutex<Tried>);

#[derive(Debug, Default)]
struct Tried {
    distinct: HashSet<u64>,
    by_operation: BTreeMap<&'static str, u64>,
    deepest: u32,
}

impl Points {
    pub(crate) fn add(&self, operation: &'static str, schedule: u64, polls: u32) {
        let mut hasher = DefaultHasher::new();
        (operation, schedule, polls).hash(&mut hasher);
        let mut tried = self.0.lock().unwrap();
        if tried.distinct.insert(hasher.finish()) {
            *tried.by_operation.entry(operation).or_default() += 1;
        }
        tried.deepest = tried.deepest.max(polls);
    }

    /// How many distinct ones there are.
    pub(crate) fn count(&self) -> u64 {
        self.0.lock().unwrap().distinct.len() as u64
    }

    /// How many of each operation, and the latest poll after which something was dropped.
    pub(crate) fn summary(&self) -> String {
        let tried = self.0.lock().unwrap();
        let operations: Vec<_> =
            tried.by_operation.iter().map(|(name, count)| format!("{name} {count}")).collect();
        format!("{}; latest at poll {}", operations.join(", "), tried.deepest)
    }
}

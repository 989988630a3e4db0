//! Reruns that a runner writes as cases of the same name: gotestsum, with `--rerun-fails`, lists every attempt
//! within its package, failed ones first. The last decides; those before it are earlier attempts.

use std::collections::HashMap;

use domain::run::reported::{EarlierAttempt, ReportedCase};

/// How many cases are held at once: a package of Go has fewer, and memory must stay flat whatever comes.
const MOST: usize = 10_000;

/// Cases of a suite that is open.
#[derive(Default)]
pub(super) struct Reruns {
    cases: Vec<ReportedCase>,
    places: HashMap<String, usize>,
}

impl Reruns {
    /// Takes a case; another one of the same id becomes an earlier attempt at it.
    pub(super) fn hold(&mut self, mut case: ReportedCase) {
        let known = self.places.get(&case.id).and_then(|place| self.cases.get_mut(*place));
        let Some(before) = known else {
            self.places.insert(case.id.clone(), self.cases.len());
            self.cases.push(case);
            return;
        };
        let mut earlier = std::mem::take(&mut before.earlier);
        earlier.push(EarlierAttempt {
            outcome: before.outcome,
            duration_us: before.duration_us,
            message: std::mem::take(&mut before.message),
        });
        earlier.append(&mut case.earlier);
        *before = ReportedCase { earlier, ..case };
    }

    /// Whether no more must be held.
    pub(super) fn is_full(&self) -> bool {
        self.cases.len() >= MOST
    }

    /// Gives what is held, in the order in which it came first.
    pub(super) fn take(&mut self) -> Vec<ReportedCase> {
        self.places.clear();
        std::mem::take(&mut self.cases)
    }
}

//! Plans: what must be run to judge a release: boot entries × machines × suites, and the approved set of
//! cases that a gate demands of them.
//!
//! Plan `smoke` and its suite are built in. All others are rows that people make, each change of which
//! is a revision; a revision names its suites with theirs, so that a result counts for exactly what
//! it was made by. What decides about a release is worked out here, from what the newest runs say
//! ([`Plan::decide`]).

mod built_in;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    evidence::DecidingCase,
    ids::RunId,
    kernel::DefinitionFault,
    manifest::{BootEntry, Manifest},
    run::{Outcome, file::named},
    suite::fault,
    time::Timestamp,
};

pub use self::built_in::{BuiltInSuite, PlanCase, SMOKE};

/// The machine that the runner has: an emulated one. What a plan asks of others comes in by tokens and
/// by what approvers attach.
pub const RUNNER_MACHINE: &str = SMOKE.machine;
/// The case by which a run as a whole is named, where a suite has no list of approved cases.
pub const WHOLE_RUN: &str = "*";
/// The most that a plan has of machines, suites or entries, or a suite of approved cases.
const MOST: usize = 200;
/// The most often that a run is tried again.
const MOST_RETRIES: u32 = 5;
/// The longest text, in characters.
const LONGEST_TEXT: usize = 500;

/// What a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PlanDefinition {
    /// What it is for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Labels of the boot entries; every entry of a release where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<String>,
    /// Names of the machines.
    pub machines: Vec<String>,
    /// The suites.
    pub suites: Vec<PlannedSuite>,
    /// How often a run that did not pass is tried again before it counts.
    #[serde(default)]
    pub retries: u32,
}

/// A suite of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PlannedSuite {
    /// Its name.
    pub suite: String,
    /// Its revision; filled in when the plan is saved.
    #[serde(default)]
    pub revision: u32,
    /// Whether it is run for each entry; filled in when the plan is saved.
    #[serde(default)]
    pub each_entry: bool,
    /// The approved set: ids of the cases that must have passed. Where there are none, the run must be
    /// whole and none of its cases may fail; of the built-in suite, each of its cases must have passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved: Vec<String>,
}

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Unique name.
    pub name: String,
    /// Counts from 1 with each change, also of one of its suites; of the built-in one, that of its
    /// suite.
    pub revision: u32,
    /// What it asks for.
    pub definition: PlanDefinition,
    /// When this revision was saved; `None` of the built-in one.
    pub saved_at: Option<Timestamp>,
    /// Name of the person who saved it; empty of the built-in one.
    pub saved_by: String,
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedRun {
    /// The step of the job that runs it.
    pub step: String,
    /// The machine.
    pub machine: String,
    /// The suite.
    pub suite: String,
    /// Label of the boot entry; empty where the suite is run once for the machine.
    pub entry: String,
}

/// The newest run of a suite on a lane, as far as it decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidingRun {
    /// The run.
    pub run: RunId,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where it was run for none.
    pub entry: String,
    /// Name of the suite.
    pub suite: String,
    /// Whether everything that it found is known: its results were whole, and there are some.
    pub whole: bool,
    /// The cases that the plan asks for and those that failed, with their outcomes.
    pub results: Vec<(String, Outcome)>,
}

impl Plan {
    /// Plan `smoke`: the built-in suite on every entry.
    #[must_use]
    pub fn smoke() -> Self {
        let suite = PlannedSuite {
            suite: SMOKE.name.to_owned(),
            revision: SMOKE.revision,
            each_entry: true,
            approved: Vec::new(),
        };
        let definition = PlanDefinition {
            description: "boots every entry on an emulated machine and looks around inside"
                .to_owned(),
            entries: Vec::new(),
            machines: vec![SMOKE.machine.to_owned()],
            suites: vec![suite],
            retries: 0,
        };
        Self {
            name: SMOKE.name.to_owned(),
            revision: SMOKE.revision,
            definition,
            saved_at: None,
            saved_by: String::new(),
        }
    }

    /// Whether it is built in, and so nobody's to change.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.name == SMOKE.name
    }

    /// The entries of a release that it concerns.
    fn entries<'a>(&'a self, manifest: &'a Manifest) -> impl Iterator<Item = &'a BootEntry> {
        let labels = &self.definition.entries;
        manifest
            .entries
            .iter()
            .filter(move |it| labels.is_empty() || labels.iter().any(|label| label == it.label()))
    }

    /// What is run for a release, on whatever machine, in order.
    fn lanes(&self, manifest: &Manifest) -> Vec<(&PlannedSuite, String, String)> {
        let mut lanes = Vec::new();
        for machine in &self.definition.machines {
            for suite in &self.definition.suites {
                if suite.each_entry {
                    let of_entry =
                        |entry: &BootEntry| (suite, machine.clone(), entry.label().to_owned());
                    lanes.extend(self.entries(manifest).map(of_entry));
                } else {
                    lanes.push((suite, machine.clone(), String::new()));
                }
            }
        }
        lanes
    }

    /// What the runner runs of it for a release, in order.
    #[must_use]
    pub fn runs(&self, manifest: &Manifest) -> Vec<PlannedRun> {
        let lanes = self.lanes(manifest).into_iter();
        let ours = lanes.filter(|(_, machine, _)| machine == RUNNER_MACHINE);
        ours.map(|(suite, machine, entry)| {
            let step = match (suite.suite == SMOKE.name, entry.is_empty()) {
                (true, _) => entry.clone(),
                (false, true) => format!("suite {}", suite.suite),
                (false, false) => format!("{entry}, suite {}", suite.suite),
            };
            PlannedRun { step, machine, suite: suite.suite.clone(), entry }
        })
        .collect()
    }

    /// The ids of all cases that it demands by name, of a release.
    #[must_use]
    pub fn demanded(&self, manifest: &Manifest) -> Vec<String> {
        let mut ids: Vec<String> =
            self.definition.suites.iter().flat_map(|it| it.approved.clone()).collect();
        if self.definition.suites.iter().any(|it| it.suite == SMOKE.name && it.approved.is_empty())
        {
            let kinds = manifest.entries.iter().map(BootEntry::kind);
            ids.extend(kinds.flat_map(|kind| SMOKE.cases_of(kind)).map(|it| it.id.to_owned()));
        }
        ids.sort();
        ids.dedup();
        ids
    }

    /// What decides about a release, ordered: each demanded case with the newest run that answers for it.
    #[must_use]
    pub fn decide(&self, manifest: &Manifest, runs: &[DecidingRun]) -> Vec<DecidingCase> {
        let mut cases = Vec::new();
        for (suite, machine, entry) in self.lanes(manifest) {
            let run = runs
                .iter()
                .find(|it| it.machine == machine && it.entry == entry && it.suite == suite.suite);
            let mut decide = |case: &str, outcome: Outcome| {
                cases.push(DecidingCase {
                    entry: entry.clone(),
                    machine: machine.clone(),
                    suite: suite.suite.clone(),
                    case: case.to_owned(),
                    run: run.map(|it| it.run.clone()),
                    outcome: outcome.into(),
                    blame: None,
                    issue: None,
                    waiver: None,
                });
            };
            let of_case = |case: &str| {
                let found = run.and_then(|it| it.results.iter().find(|(id, _)| id == case));
                found.map_or(Outcome::NotRun, |(_, outcome)| *outcome)
            };
            let built_in = suite.suite == SMOKE.name;
            if !suite.approved.is_empty() {
                // Of the built-in suite, an entry answers for what concerns it only.
                let kind = manifest.entry(&entry).map(BootEntry::kind);
                let concerns = |case: &str| {
                    !built_in
                        || kind.is_some_and(|kind| SMOKE.cases_of(kind).any(|it| it.id == case))
                };
                for case in suite.approved.iter().filter(|it| concerns(it)) {
                    decide(case, of_case(case));
                }
            } else if built_in {
                let kind = manifest.entry(&entry).map(BootEntry::kind);
                for case in kind.into_iter().flat_map(|kind| SMOKE.cases_of(kind)) {
                    decide(case.id, of_case(case.id));
                }
            } else {
                let whole = match run {
                    None => Outcome::NotRun,
                    Some(run) if run.whole => Outcome::Passed,
                    Some(_) => Outcome::Errored,
                };
                decide(WHOLE_RUN, whole);
                let failed = run.iter().flat_map(|run| &run.results).filter(|(_, it)| it.fails());
                for (case, outcome) in failed {
                    decide(case, *outcome);
                }
            }
        }
        cases.sort();
        cases
    }
}

impl PlanDefinition {
    /// Everything that is wrong with it as it stands, without asking anybody.
    ///
    /// # Errors
    /// Every fault, in the order of the fields.
    pub fn check(&self) -> Result<(), Vec<DefinitionFault>> {
        let mut faults = Vec::new();
        if self.description.chars().count() > LONGEST_TEXT {
            faults.push(fault("description", "a description has 500 characters at the most"));
        }
        let names = |names: &[String]| {
            names.len() <= MOST
                && names.iter().all(|it| named(it) == Some(it))
                && names.iter().enumerate().all(|(at, it)| !names[..at].contains(it))
        };
        if !names(&self.entries) {
            faults
                .push(fault("entries", "name each boot entry once by its label, 200 at the most"));
        }
        if self.machines.is_empty() || !names(&self.machines) {
            faults.push(fault("machines", "name 1 to 200 machines, each once and on one line"));
        }
        let suites: Vec<String> = self.suites.iter().map(|it| it.suite.clone()).collect();
        if self.suites.is_empty() || !names(&suites) {
            faults.push(fault("suites", "name 1 to 200 suites, each once"));
        }
        let id = |it: &String| {
            (1..=LONGEST_TEXT).contains(&it.chars().count()) && !it.chars().any(char::is_control)
        };
        let approved = |it: &PlannedSuite| it.approved.len() <= MOST && it.approved.iter().all(id);
        if !self.suites.iter().all(approved) {
            faults.push(fault(
                "suites",
                "an approved set has 200 ids of cases at the most, each on one line",
            ));
        }
        let unknown = self
            .suites
            .iter()
            .filter(|it| it.suite == SMOKE.name)
            .flat_map(|it| &it.approved)
            .find(|case| SMOKE.title(case).is_none());
        if let Some(case) = unknown {
            faults.push(fault("suites", &format!("suite \"smoke\" has no case {case}")));
        }
        if self.retries > MOST_RETRIES {
            faults.push(fault("retries", "a run is tried again 5 times at the most"));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }
}

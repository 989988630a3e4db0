//! Results of one validation beside those of another: of a variant beside its base.
//!
//! A case is the same where its id, the boot entry and the machine are. What decides on a side is the
//! newest of its runs that ended, as for evidence.

mod markdown;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

pub use self::markdown::markdown;
use super::{CaseResult, Outcome, Run};
use crate::ids::RunId;

/// Time differences below this are noise of a machine, in microseconds.
const NOISE_US: i64 = 1_000_000;

/// How a case stands beside the same case of the base; what needs somebody comes before the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CaseChange {
    /// It passes on the base and fails here.
    Regression,
    /// It fails here, and the base gave no answer.
    NewFailure,
    /// It fails on both.
    StillFailing,
    /// It fails on the base and passes here.
    Fixed,
    /// It passes here, and the base gave no answer.
    NewPass,
    /// It was asked here alone and gave no answer.
    Appeared,
    /// The base gave an answer, and there is none here.
    Disappeared,
    /// It is on both sides the same.
    Unchanged,
}

impl CaseChange {
    /// All of them, what needs somebody first.
    pub const ALL: [Self; 8] = [
        Self::Regression,
        Self::NewFailure,
        Self::StillFailing,
        Self::Fixed,
        Self::NewPass,
        Self::Appeared,
        Self::Disappeared,
        Self::Unchanged,
    ];

    /// The word used in lists and documents; pages write it without hyphens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::NewFailure => "new-failure",
            Self::StillFailing => "still-failing",
            Self::Fixed => "fixed",
            Self::NewPass => "new-pass",
            Self::Appeared => "appeared",
            Self::Disappeared => "disappeared",
            Self::Unchanged => "unchanged",
        }
    }

    /// What the word means, in words that stand beside it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Regression => "newly failing: the base passes",
            Self::NewFailure => "fails here; the base has no answer",
            Self::StillFailing => "fails on both",
            Self::Fixed => "newly passing: the base fails",
            Self::NewPass => "passes here; the base has no answer",
            Self::Appeared => "only here, without an answer",
            Self::Disappeared => "no answer here; the base has one",
            Self::Unchanged => "the same on both",
        }
    }

    /// How a case changed that ended so here and on the base.
    #[must_use]
    pub fn of(here: Option<Outcome>, base: Option<Outcome>) -> Self {
        use Verdict::{Fails, Passes, Silent};
        match (Verdict::of(here), Verdict::of(base)) {
            (Fails, Passes) => Self::Regression,
            (Fails, Silent) => Self::NewFailure,
            (Fails, Fails) => Self::StillFailing,
            (Passes, Fails) => Self::Fixed,
            (Passes, Silent) => Self::NewPass,
            (Passes, Passes) => Self::Unchanged,
            (Silent, Passes | Fails) => Self::Disappeared,
            (Silent, Silent) => match (here, base) {
                (Some(_), None) => Self::Appeared,
                (None, Some(_)) => Self::Disappeared,
                (Some(_), Some(_)) | (None, None) => Self::Unchanged,
            },
        }
    }
}

/// What an outcome says of what is tested; one that was skipped or not reached says nothing.
enum Verdict {
    Passes,
    Fails,
    Silent,
}

impl Verdict {
    const fn of(outcome: Option<Outcome>) -> Self {
        match outcome {
            Some(Outcome::Passed) => Self::Passes,
            Some(Outcome::Failed | Outcome::Errored) => Self::Fails,
            Some(Outcome::Skipped | Outcome::NotRun) | None => Self::Silent,
        }
    }
}

/// What one side saw of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SeenCase {
    /// The run that decides.
    pub run: RunId,
    /// How the case ended in it.
    pub outcome: Outcome,
    /// How long it took, in microseconds; `None` where nobody measured it.
    pub duration_us: Option<i64>,
    /// What was seen.
    pub message: String,
}

/// A case on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ComparedCase {
    /// Label of the boot entry.
    pub entry: String,
    /// Name of the machine.
    pub machine: String,
    /// The case's id.
    pub case: String,
    /// What the case checks, in one line.
    pub title: String,
    /// How it stands here beside the base.
    pub change: CaseChange,
    /// What was seen here.
    pub here: Option<SeenCase>,
    /// What was seen on the base.
    pub base: Option<SeenCase>,
}

impl ComparedCase {
    /// By how many microseconds it takes longer here, where it passed on both sides and the
    /// difference is more than noise.
    #[must_use]
    pub fn longer_us(&self) -> Option<i64> {
        let passed = |side: &Option<SeenCase>| {
            side.as_ref().filter(|it| it.outcome == Outcome::Passed)?.duration_us
        };
        let (here, base) = (passed(&self.here)?, passed(&self.base)?);
        let longer = here.saturating_sub(base);
        // A tenth of a long boot is noise as well.
        let noise = NOISE_US.max(base.saturating_abs() / 10);
        (longer.saturating_abs() > noise).then_some(longer)
    }
}

/// Runs of both sides case by case: in the order in which they ran here, then what only the base has.
#[must_use]
pub fn compare(here: &[Run], base: &[Run]) -> Vec<ComparedCase> {
    let (here, base) = (deciding(here), deciding(base));
    let only_there = base.iter().filter(|run| counterpart(&here, run).is_none());
    let pairs = here.iter().map(|run| (Some(*run), counterpart(&base, run)));
    pairs
        .chain(only_there.map(|run| (None, Some(*run))))
        .flat_map(|(here, base)| compare_runs(here, base))
        .collect()
}

/// Two runs case by case, wherever they were made.
#[must_use]
pub fn compare_two(here: &Run, base: &Run) -> Vec<ComparedCase> {
    compare_runs(Some(here), Some(base))
}

/// How many cases changed how, without those that did not: `1 regression, 2 fixed`.
#[must_use]
pub fn summary(cases: &[ComparedCase]) -> String {
    let counts = CaseChange::ALL.into_iter().filter(|it| *it != CaseChange::Unchanged);
    let parts: Vec<String> = counts
        .map(|change| (cases.iter().filter(|it| it.change == change).count(), change))
        .filter(|(count, _)| *count > 0)
        .map(|(count, change)| format!("{count} {}", change.word().replace('-', " ")))
        .collect();
    if parts.is_empty() { "nothing differs".to_owned() } else { parts.join(", ") }
}

/// For each entry and machine the newest run that ended, in the order in which these began first.
fn deciding(runs: &[Run]) -> Vec<&Run> {
    let mut deciding: Vec<&Run> = Vec::new();
    for run in runs.iter().filter(|run| run.ended_at.is_some()) {
        match deciding.iter_mut().find(|it| same_place(it, run)) {
            Some(known) if known.ended_at <= run.ended_at => *known = run,
            Some(_) => {}
            None => deciding.push(run),
        }
    }
    deciding
}

fn same_place(a: &Run, b: &Run) -> bool {
    (&a.entry, &a.machine) == (&b.entry, &b.machine)
}

fn counterpart<'a>(runs: &[&'a Run], of: &Run) -> Option<&'a Run> {
    runs.iter().find(|run| same_place(run, of)).copied()
}

fn compare_runs(here: Option<&Run>, base: Option<&Run>) -> Vec<ComparedCase> {
    let Some(place) = here.or(base) else { return Vec::new() };
    let by_case = |run: Option<&Run>| -> HashMap<String, SeenCase> {
        let Some(run) = run else { return HashMap::new() };
        run.results.iter().map(|result| (result.case.clone(), seen(run, result))).collect()
    };
    let (mut seen_here, mut seen_base) = (by_case(here), by_case(base));
    let all = [here, base].into_iter().flatten().flat_map(|run| &run.results);
    let mut compared = Vec::new();
    for result in all {
        let (here, base) = (seen_here.remove(&result.case), seen_base.remove(&result.case));
        if here.is_none() && base.is_none() {
            continue;
        }
        let outcome = |side: &Option<SeenCase>| side.as_ref().map(|it| it.outcome);
        compared.push(ComparedCase {
            entry: place.entry.clone(),
            machine: place.machine.clone(),
            case: result.case.clone(),
            title: result.title.clone(),
            change: CaseChange::of(outcome(&here), outcome(&base)),
            here,
            base,
        });
    }
    compared
}

fn seen(run: &Run, result: &CaseResult) -> SeenCase {
    SeenCase {
        run: run.id.clone(),
        outcome: result.outcome,
        duration_us: result.duration_us,
        message: result.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        run::{RunSource, reported::Totals},
        time::Timestamp,
    };

    type Cases<'a> = &'a [(&'a str, Outcome, i64)];

    fn run(id: &str, entry: &str, ended_at: Option<i64>, cases: Cases<'_>) -> Run {
        let result = |(case, outcome, seconds): &(&str, Outcome, i64)| CaseResult {
            case: (*case).to_owned(),
            title: format!("checks {case}"),
            outcome: *outcome,
            duration_us: Some(seconds * 1_000_000),
            message: format!("seen by {id}"),
        };
        Run {
            id: id.into(),
            validation: Some("v".into()),
            subject: None,
            suite: "smoke".to_owned(),
            source: RunSource::Runner,
            entry: entry.to_owned(),
            machine: "qemu".to_owned(),
            machine_details: String::new(),
            kernel: String::new(),
            started_at: Timestamp(0),
            ended_at: ended_at.map(Timestamp),
            outcome: None,
            failure: None,
            message: String::new(),
            file: None,
            generator: String::new(),
            incomplete: None,
            remarks: Vec::new(),
            recorded_by: "runner".to_owned(),
            plan: None,
            totals: Totals::default(),
            console: None,
            stages: Vec::new(),
            results: cases.iter().map(result).collect(),
        }
    }

    #[test]
    fn each_pair_of_outcomes_has_a_word() {
        use CaseChange::{
            Appeared, Disappeared, Fixed, NewFailure, NewPass, Regression, StillFailing, Unchanged,
        };
        use Outcome::{Errored, Failed, NotRun, Passed, Skipped};
        for (here, base, change) in [
            (Some(Failed), Some(Passed), Regression),
            (Some(Errored), Some(Passed), Regression),
            (Some(Failed), Some(NotRun), NewFailure),
            (Some(Failed), None, NewFailure),
            (Some(Errored), Some(Failed), StillFailing),
            (Some(Passed), Some(Errored), Fixed),
            (Some(Passed), Some(Skipped), NewPass),
            (Some(Passed), None, NewPass),
            (Some(Skipped), None, Appeared),
            (Some(NotRun), Some(Passed), Disappeared),
            (None, Some(Failed), Disappeared),
            (None, Some(Skipped), Disappeared),
            (Some(Passed), Some(Passed), Unchanged),
            (Some(Skipped), Some(NotRun), Unchanged),
        ] {
            assert_eq!(CaseChange::of(here, base), change, "{here:?} beside {base:?}");
        }
    }

    #[test]
    fn cases_are_compared_where_entry_and_id_are_the_same() {
        use Outcome::{Failed, Passed};
        let here = [
            run("h1", "linux", Some(1), &[("boot", Passed, 20), ("module", Failed, 1)]),
            run("h2", "rescue", Some(2), &[("boot", Passed, 20)]),
        ];
        let base = [
            run("b1", "rescue", Some(1), &[("boot", Failed, 300)]),
            run(
                "b2",
                "linux",
                Some(2),
                &[("boot", Passed, 14), ("module", Passed, 1), ("iommu", Passed, 1)],
            ),
            run("b3", "old", Some(3), &[("boot", Passed, 14)]),
        ];
        let compared = compare(&here, &base);
        let known: Vec<_> =
            compared.iter().map(|it| (&*it.entry, &*it.case, it.change.word())).collect();
        let expected = [
            ("linux", "boot", "unchanged"),
            ("linux", "module", "regression"),
            ("linux", "iommu", "disappeared"),
            ("rescue", "boot", "fixed"),
            ("old", "boot", "disappeared"),
        ];
        assert_eq!(known, expected);
        let module = &compared[1];
        assert_eq!(module.title, "checks module");
        let runs = [&module.here, &module.base].map(|it| it.as_ref().map(|it| it.run.to_string()));
        assert_eq!(runs, [Some("h1".to_owned()), Some("b2".to_owned())]);
        assert_eq!(summary(&compared), "1 regression, 1 fixed, 2 disappeared");
        assert_eq!(summary(&compare(&here, &here)), "1 still failing");
        assert_eq!(summary(&compare(&here[1..], &here[1..])), "nothing differs");
        assert_eq!(compare(&[], &[]), []);
    }

    #[test]
    fn the_newest_run_that_ended_decides() {
        use Outcome::{Failed, Passed};
        let here = [
            run("late", "linux", Some(9), &[("boot", Passed, 1)]),
            run("early", "linux", Some(5), &[("boot", Failed, 1)]),
            run("running", "linux", None, &[]),
        ];
        let compared = compare(&here, &[]);
        assert_eq!(compared.len(), 1);
        assert_eq!(compared[0].change, CaseChange::NewPass);
        assert_eq!(compared[0].here.as_ref().unwrap().message, "seen by late");
    }

    #[test]
    fn a_difference_in_time_is_more_than_noise() {
        use Outcome::{Failed, Passed};
        let longer = |here: (Outcome, i64), base: (Outcome, i64)| {
            let side =
                |(outcome, seconds)| [run("r", "linux", Some(1), &[("boot", outcome, seconds)])];
            compare(&side(here), &side(base))[0].longer_us()
        };
        assert_eq!(longer((Passed, 25), (Passed, 20)), Some(5_000_000));
        assert_eq!(longer((Passed, 10), (Passed, 20)), Some(-10_000_000));
        assert_eq!(longer((Passed, 21), (Passed, 20)), None);
        assert_eq!(longer((Passed, 105), (Passed, 100)), None, "a twentieth");
        assert_eq!(longer((Failed, 300), (Passed, 20)), None, "a time-out is no time");
        assert_eq!(
            compare(&[run("r", "a", Some(1), &[("x", Passed, 9)])], &[])[0].longer_us(),
            None
        );
    }
}

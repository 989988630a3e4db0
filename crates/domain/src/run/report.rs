//! The report of a release as teams post it: what changed, how many cases passed and failed against a
//! baseline, why cases fail, what the files are, who approved it, and what was not tested.
//!
//! All figures are computed from rows, in integers; teams that typed them were wrong in 5 of 57 posts. What
//! counts is the newest result of each case on each machine and boot entry, in the suite of the run that
//! gave it, so that the rows and columns of a matrix sum up to its totals.

mod figures;
#[cfg(test)]
mod tests;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use self::figures::Figures;
use super::{
    FailureClass, Outcome,
    comparison::{CaseChange, ComparedCase},
    reported::Totals,
};
use crate::{
    assessment::Issue,
    deployment::Verdict,
    digest::Digest,
    history::{Failing, Group},
    manifest::Component,
    time::Timestamp,
};

/// How many cases are listed of each kind of change; all of them are counted.
const MOST_LISTED: usize = 50;

/// What the denominator of a rate is, in one sentence: readers ask.
pub const RATE: &str = "PASSED [%] is PASSED of PASSED and FAILED together; what was skipped, is not \
                        supported or was not reached is on neither side.";

/// What counts at one place, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// Name of the suite of the runs that decide.
    pub suite: String,
    /// The plan that they were for; `None` where they were for none.
    pub plan: Option<String>,
    /// The results that count there.
    pub totals: Totals,
}

impl Placed {
    /// Adds up what counts at places of the same name; a place without one is left out.
    pub fn grouped<'a>(all: &'a [Self], name: impl Fn(&'a Self) -> Option<&'a str>) -> Vec<Group> {
        let mut sums = BTreeMap::<&str, Totals>::new();
        for it in all {
            if let Some(name) = name(it) {
                let sum = sums.entry(name).or_default();
                *sum = sum.plus(&it.totals);
            }
        }
        let group = |(name, totals): (&str, Totals)| Group { name: name.to_owned(), totals };
        sums.into_iter().map(group).collect()
    }
}

/// What a report is made of.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What is reported.
    pub release: String,
    /// The address of its results: a release's name, or `recorded/…`.
    pub about: String,
    /// How far it has come; `None` of a release that was made elsewhere.
    pub stage: Option<String>,
    /// What it is measured against: its name and its address.
    pub baseline: Option<(String, String)>,
    /// What is new, as people wrote it.
    pub key_changes: String,
    /// What is known not to work, as people wrote it.
    pub known_issues: String,
    /// What counts of it.
    pub here: Vec<Placed>,
    /// What counts of the baseline; `None` without one.
    pub base: Option<Vec<Placed>>,
    /// What differs between both, case by case.
    pub compared: Vec<ComparedCase>,
    /// What speaks against it, with what people say of that.
    pub failing: Vec<Failing>,
    /// When this was so: waivers end.
    pub now: Timestamp,
    /// Whether more speaks against it than `failing` holds.
    pub more_failing: bool,
    /// Its files.
    pub binaries: Vec<Component>,
    /// SHA-256 of its manifest.
    pub manifest: Option<Digest>,
    /// Id of the key that signed the manifest.
    pub signed_by: Option<String>,
    /// Labels of its boot entries, in menu order.
    pub entries: Vec<String>,
    /// What approvers said.
    pub judgements: Vec<Judgement>,
}

/// The report of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReleaseReport))]
pub struct Report {
    /// What is reported.
    pub release: String,
    /// The address of its results: a release's name, or `recorded/…`.
    pub about: String,
    /// How far it has come; `null` of a release that was made elsewhere.
    pub stage: Option<String>,
    /// What it is measured against; `null` where nothing stands before it.
    pub baseline: Option<String>,
    /// The address of the baseline's results.
    pub baseline_about: Option<String>,
    /// What is new, as people wrote it.
    pub key_changes: String,
    /// What is known not to work, as people wrote it.
    pub known_issues: String,
    /// All results that count.
    pub figures: Figures,
    /// The same by machine and suite.
    pub matrix: Matrix,
    /// The cases whose standing changed against the baseline, by how it did.
    pub changes: Vec<Changes>,
    /// Why cases fail.
    pub fails: Vec<Fail>,
    /// Whether more cases fail than are listed.
    pub more_fails: bool,
    /// Its files.
    pub binaries: Vec<Component>,
    /// SHA-256 of its manifest, which names them all.
    pub manifest: Option<Digest>,
    /// Id of the key that signed the manifest.
    pub signed_by: Option<String>,
    /// What approvers said, newest first.
    pub approvals: Vec<Judgement>,
    /// What was not tested, a sentence each.
    pub not_tested: Vec<String>,
}

/// Machines and suites.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportMatrix))]
pub struct Matrix {
    /// The suites, by name, each with all machines together.
    pub suites: Vec<Line>,
    /// The machines, by name, each with all suites together.
    pub machines: Vec<Line>,
    /// For each machine a cell for each suite; `null` where nothing counts on either side.
    pub cells: Vec<Vec<Option<Figures>>>,
}

/// A machine or a suite of a matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportLine))]
pub struct Line {
    /// Its name.
    pub name: String,
    /// What counts of it.
    pub figures: Figures,
}

/// How cases changed against a baseline, in the words of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportChangeKind))]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// The baseline has no result of it.
    Added,
    /// It was skipped or not reached in the baseline, and passes.
    Improved,
    /// It failed in the baseline, and passes.
    Fixed,
    /// It passed in the baseline, or gave no answer there, and fails.
    TurnedBad,
    /// The baseline has an answer of it, and there is none here.
    Gone,
}

impl ChangeKind {
    /// All of them, in the order of a report.
    pub const ALL: [Self; 5] =
        [Self::Added, Self::Improved, Self::Fixed, Self::TurnedBad, Self::Gone];

    /// What their outcome is: that here, or that in the baseline where there is none here.
    #[must_use]
    pub const fn outcome_is(self) -> &'static str {
        match self {
            Self::Added | Self::Improved | Self::Fixed | Self::TurnedBad => "Result",
            Self::Gone => "Before",
        }
    }

    /// The heading above them.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Added => "Added",
            Self::Improved => "Improved",
            Self::Fixed => "Fixed",
            Self::TurnedBad => "Turned bad",
            Self::Gone => "Not tested any more",
        }
    }

    /// How a compared case is reported; `None` where nothing is to be said of it.
    fn of(case: &ComparedCase) -> Option<Self> {
        match (case.change, &case.base) {
            (CaseChange::NewPass | CaseChange::NewFailure | CaseChange::Appeared, None) => {
                Some(Self::Added)
            }
            (CaseChange::NewPass, Some(_)) => Some(Self::Improved),
            (CaseChange::Fixed, _) => Some(Self::Fixed),
            (CaseChange::Regression, _) | (CaseChange::NewFailure, Some(_)) => {
                Some(Self::TurnedBad)
            }
            (CaseChange::Disappeared, _) => Some(Self::Gone),
            (CaseChange::StillFailing | CaseChange::Unchanged | CaseChange::Appeared, _) => None,
        }
    }
}

/// The cases that changed in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportChanges))]
pub struct Changes {
    /// In which way.
    pub kind: ChangeKind,
    /// How many they are.
    pub counted: u64,
    /// The first of them, by id.
    pub cases: Vec<ChangedCase>,
}

/// A case that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportChangedCase))]
pub struct ChangedCase {
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// Where: machines, with their boot entries where these are known.
    pub places: Vec<String>,
    /// How it ends here; of what is not tested any more, how it ended before.
    pub outcome: Outcome,
}

/// Why a case fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportFail))]
pub struct Fail {
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// The machine, with the boot entry where it is known.
    pub place: String,
    /// Name of the suite.
    pub suite: String,
    /// The run.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen, the first line of it.
    pub reason: String,
    /// Whose problem it is, where somebody has said so.
    pub blame: Option<FailureClass>,
    /// Where it is tracked.
    pub issue: Option<Issue>,
    /// Who answers for it that it does not stand in the way, where that holds.
    pub waiver: Option<FailWaiver>,
}

/// Somebody's word that a failure does not stand in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportWaiver))]
pub struct FailWaiver {
    /// Whose.
    pub by: String,
    /// Until when it holds.
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub until: String,
    /// Why.
    pub reason: String,
}

/// What an approver said of a deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportJudgement))]
pub struct Judgement {
    /// Where it was to go.
    pub environment: String,
    /// Name of who said it.
    pub by: String,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub comment: String,
    /// When.
    #[cfg_attr(feature = "schema", schema(format = DateTime))]
    pub at: String,
}

impl From<Facts> for Report {
    fn from(facts: Facts) -> Self {
        let not_tested = not_tested(&facts);
        let sum = |placed: &[Placed]| {
            placed.iter().fold(Totals::default(), |sum, it| sum.plus(&it.totals))
        };
        let figures = Figures::new(sum(&facts.here), facts.base.as_deref().map(sum));
        let (baseline, baseline_about) = facts.baseline.unzip();
        Self {
            figures,
            matrix: Matrix::of(&facts.here, facts.base.as_deref()),
            changes: changes(&facts.compared, facts.base.is_some()),
            fails: facts.failing.into_iter().map(|it| Fail::of(it, facts.now)).collect(),
            more_fails: facts.more_failing,
            not_tested,
            release: facts.release,
            about: facts.about,
            stage: facts.stage,
            baseline,
            baseline_about,
            key_changes: facts.key_changes,
            known_issues: facts.known_issues,
            binaries: facts.binaries,
            manifest: facts.manifest,
            signed_by: facts.signed_by,
            approvals: facts.judgements,
        }
    }
}

impl Matrix {
    fn of(here: &[Placed], base: Option<&[Placed]>) -> Self {
        type Sums<'a> = BTreeMap<(&'a str, &'a str), Totals>;
        fn sums(placed: &[Placed]) -> Sums<'_> {
            let mut sums = Sums::new();
            for it in placed {
                let sum = sums.entry((&it.machine, &it.suite)).or_default();
                *sum = sum.plus(&it.totals);
            }
            sums
        }
        let (here, base) = (sums(here), base.map(sums));
        let measured = base.is_some();
        let all = here.keys().chain(base.iter().flat_map(BTreeMap::keys));
        let (machines, suites): (BTreeSet<&str>, BTreeSet<&str>) = all.copied().unzip();
        let of = |sums: &Sums<'_>, wanted: &dyn Fn(&str, &str) -> bool| {
            let wanted = sums.iter().filter(|((machine, suite), _)| wanted(machine, suite));
            wanted.fold(Totals::default(), |sum, (_, it)| sum.plus(it))
        };
        let figures = |wanted: &dyn Fn(&str, &str) -> bool| {
            Figures::new(of(&here, wanted), base.as_ref().map(|base| of(base, wanted)))
        };
        let line = |name: &str, figures| Line { name: name.to_owned(), figures };
        Self {
            suites: suites
                .iter()
                .map(|name| line(name, figures(&|_, suite| suite == *name)))
                .collect(),
            machines: machines
                .iter()
                .map(|name| line(name, figures(&|machine, _| machine == *name)))
                .collect(),
            cells: machines
                .iter()
                .map(|machine| {
                    let cell = |suite: &&str| {
                        let key = (*machine, *suite);
                        let (here, base) =
                            (here.get(&key), base.as_ref().and_then(|base| base.get(&key)));
                        let counted = here.is_some() || base.is_some();
                        let there = base.copied().unwrap_or_default();
                        counted.then(|| {
                            let here = here.copied().unwrap_or_default();
                            Figures::new(here, measured.then_some(there))
                        })
                    };
                    suites.iter().map(cell).collect()
                })
                .collect(),
        }
    }
}

impl Fail {
    fn of(it: Failing, now: Timestamp) -> Self {
        let said = it.assessment.map(|it| it.said).unwrap_or_default();
        let waiver = said.waived(now).map(|it| FailWaiver {
            by: it.by.clone(),
            until: it.until.rfc3339(),
            reason: it.reason.clone(),
        });
        Self {
            waiver,
            blame: said.blame,
            issue: said.issue,
            place: place(&it.machine, &it.entry),
            reason: it.message.lines().next().unwrap_or_default().to_owned(),
            case: it.case,
            title: it.title,
            suite: it.suite,
            run: it.run.to_string(),
            outcome: it.outcome,
        }
    }
}

fn place(machine: &str, entry: &str) -> String {
    match entry {
        "" => machine.to_owned(),
        entry => format!("{machine}, entry {entry}"),
    }
}

/// The cases that changed, those that changed alike on several machines once.
fn changes(compared: &[ComparedCase], measured: bool) -> Vec<Changes> {
    if !measured {
        return Vec::new();
    }
    let mut alike: BTreeMap<(ChangeKind, &str, &str), ChangedCase> = BTreeMap::new();
    for case in compared {
        let Some(kind) = ChangeKind::of(case) else { continue };
        let Some(seen) = case.here.as_ref().or(case.base.as_ref()) else { continue };
        alike
            .entry((kind, &case.case, seen.outcome.word()))
            .or_insert_with(|| ChangedCase {
                case: case.case.clone(),
                title: case.title.clone(),
                places: Vec::new(),
                outcome: seen.outcome,
            })
            .places
            .push(place(&case.machine, &case.entry));
    }
    let mut all: BTreeMap<ChangeKind, Vec<ChangedCase>> = BTreeMap::new();
    for ((kind, ..), case) in alike {
        all.entry(kind).or_default().push(case);
    }
    all.into_iter()
        .map(|(kind, mut cases)| {
            let counted = cases.len() as u64;
            cases.truncate(MOST_LISTED);
            Changes { kind, counted, cases }
        })
        .collect()
}

fn unknown_entries() -> String {
    "It was made elsewhere: which boot entries it has is not known here.".to_owned()
}

/// What nothing says anything of: a reader must not take silence for success.
fn not_tested(facts: &Facts) -> Vec<String> {
    let answered: BTreeSet<&str> = facts
        .here
        .iter()
        .filter(|it| it.totals.passed.saturating_add(it.totals.failing()) > 0)
        .map(|it| it.entry.as_str())
        .collect();
    let mut all: Vec<String> = facts.stage.is_none().then(unknown_entries).into_iter().collect();
    let silent_entries = facts
        .entries
        .iter()
        .filter(|label| !answered.contains(label.as_str()))
        .map(|label| format!("Boot entry {label} has no result that passed or failed."));
    all.extend(silent_entries);
    let silent = facts.here.iter().fold((0_u64, 0_u64), |(skipped, not_run), it| {
        (skipped.saturating_add(it.totals.skipped), not_run.saturating_add(it.totals.not_run))
    });
    for (count, one, more) in [
        (
            silent.0,
            "result was skipped or is not supported there",
            "results were skipped or are not supported there",
        ),
        (silent.1, "case was not reached", "cases were not reached"),
    ] {
        match count {
            0 => {}
            1 => all.push(format!("1 {one}.")),
            count => all.push(format!("{count} {more}.")),
        }
    }
    if facts.here.is_empty() {
        all.push("There are no results of it at all.".to_owned());
    }
    all
}

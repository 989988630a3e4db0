//! What results say over time: the grid of cases and releases, the past of one case, and what differs
//! between two releases or runs.

mod failures;

use std::sync::Arc;

use domain::{
    actor::Actor,
    history::{Failing, Group, History, HistoryQuery, PastResult, Stood, TurnedBad, turned_bad},
    ids::RunId,
    policy::Action,
    run::{
        Run,
        comparison::{self, CaseChange, ComparedCase},
        flakiness::{Executed, Flakiness},
        report::Placed,
        reported::{ReportedCase, Totals},
    },
    subject::{JudgedSubject, SubjectKey},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use store::{
    Rows, StoreError, comparisons::Compared, history::PastFilter, subjects::SubjectNumber,
};

pub(crate) use self::failures::ListedFailures;
use self::failures::listed_failures;
use crate::{
    Services,
    assessments::Review,
    error::ServiceError,
    releases::no_release,
    remembered::Revision,
    runs::{no_run, subject_of},
};

/// What comes before the id of a run where a side of a comparison is named.
const RUN: &str = "run/";
/// How many releases are looked at for where a case turned bad.
const RELEASES: u32 = 200;
/// From how many results flakiness is told where nobody says otherwise.
pub const USUAL_WINDOW: u32 = 100;
/// From how many at the most.
pub const LONGEST_WINDOW: u32 = 1_000;

/// The words that filters of a history offer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryWords {
    /// Names of suites.
    pub suites: Vec<String>,
    /// Names of machines.
    pub machines: Vec<String>,
    /// Names of kernels.
    pub kernels: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
}

/// Which part of a case's past is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CaseQuery {
    /// The case's id.
    pub case: String,
    /// Only results on this machine.
    pub machine: Option<String>,
    /// Only results of the boot entry of this label.
    pub entry: Option<String>,
    /// Only results about this subject.
    pub about: Option<SubjectKey>,
    /// From how many of the newest results flakiness and durations are told.
    pub window: u32,
    /// The page begins with runs that began before this.
    pub before: Option<Timestamp>,
    /// How many results the page has at the most.
    pub limit: u32,
}

/// The past of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CasePast {
    /// The case's id.
    pub case: String,
    /// How its newest run describes it.
    pub title: String,
    /// A page of its results, newest first.
    pub results: Vec<PastResult>,
    /// Before when the next page begins; `None` on the last.
    pub older: Option<Timestamp>,
    /// The newest results, as many as the window takes: flakiness and durations are told from these.
    pub window: Vec<PastResult>,
    /// How often it fails although nothing has changed.
    pub flakiness: Flakiness,
    /// How it stood in the newest releases, newest first.
    pub stood: Vec<Stood>,
    /// Where it began to fail, where it fails now.
    pub turned_bad: Option<TurnedBad>,
}

/// A side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Side {
    /// What counts of a release or of what was built of a variant.
    Subject(JudgedSubject),
    /// One run, without its results.
    Run(Box<Run>),
}

impl Side {
    /// What pages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Subject(it) => it.subject.name().to_owned(),
            Self::Run(run) => format!("run {}", run.id),
        }
    }

    /// How addresses name it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Subject(it) => it.subject.key(),
            Self::Run(run) => format!("{RUN}{}", run.id),
        }
    }
}

/// What differs between two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultComparison {
    /// What is looked at.
    pub here: Side,
    /// What it is compared with.
    pub base: Side,
    /// How many cases changed how, of every class.
    pub counts: Vec<(CaseChange, u64)>,
    /// The cases of the classes that were asked for, what needs somebody first.
    pub cases: Vec<ComparedCase>,
}

/// One result with its neighbours in time, on the same machine and boot entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResultInContext {
    /// The run, without its results.
    pub run: Run,
    /// The result.
    pub result: ReportedCase,
    /// The one before.
    pub older: Option<PastResult>,
    /// The one after.
    pub newer: Option<PastResult>,
    /// Names of what the run left behind.
    pub artefacts: Vec<String>,
    /// What people say of it; `None` where nothing speaks against what was tested.
    pub review: Option<Review>,
}

/// Which failures of a release or a variant are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FailureQuery {
    /// Only those of this suite.
    pub suite: Option<String>,
    /// Only those on this machine.
    pub machine: Option<String>,
    /// Only those of runs of this plan.
    pub plan: Option<String>,
    /// Only those that nobody has reviewed.
    pub unreviewed: bool,
    /// How many at the most.
    pub limit: u32,
}

/// How a release or a variant stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// What it is.
    pub judged: JudgedSubject,
    /// What it is measured against: what was asked for, else the one before it.
    pub baseline: Option<JudgedSubject>,
    /// What counts of it by suite.
    pub suites: Vec<Group>,
    /// What counts of it by machine.
    pub machines: Vec<Group>,
    /// By the plans that it was run for.
    pub plans: Vec<Group>,
    /// What speaks against it, of what was asked for.
    pub failing: Vec<Failing>,
    /// How many of all its failures need not be looked at again.
    pub reviewed: u64,
    /// When this was so: waivers end.
    pub now: Timestamp,
    /// Whether more speaks against it than is listed.
    pub more: bool,
}

impl ResultComparison {
    /// The same as Markdown, for an issue or a post: the counts, then the cases in a table.
    #[must_use]
    pub fn markdown(&self) -> String {
        let (here, base) = (self.here.name(), self.base.name());
        comparison::markdown(&here, &base, &self.counts, &self.cases)
    }
}

impl Services {
    /// A part of the history of results.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn result_history(
        &self,
        actor: &Actor,
        query: &HistoryQuery,
    ) -> Result<Arc<History>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let size =
            |it: &History| it.rows.len() * (it.columns.len() + 1) * size_of::<Option<Totals>>();
        let read = async { Ok(self.read().await?.history(query).await?) };
        self.remembered().histories.of_or(self.changes_told(), query.clone(), size, read).await
    }

    /// The words that filters of a history offer.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn history_words(&self, actor: &Actor) -> Result<Arc<HistoryWords>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let read = async {
            let [suites, machines, kernels, tags] = self.read().await?.history_words().await?;
            Ok(HistoryWords { suites, machines, kernels, tags })
        };
        self.remembered().words.of_or(self.changes_told(), (), |_| 0, read).await
    }

    /// The past of a case.
    ///
    /// # Errors
    /// Where no run has ever had it, or the actor may not read.
    pub async fn case_past(
        &self,
        actor: &Actor,
        query: &CaseQuery,
    ) -> Result<Arc<CasePast>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let size = |it: &CasePast| {
            let results = it.results.iter().chain(&it.window);
            results.map(|it| it.message.len() + size_of::<PastResult>()).sum()
        };
        let read = self.read_past(query);
        self.remembered().pasts.of_or(self.changes_told(), query.clone(), size, read).await
    }

    async fn read_past(&self, query: &CaseQuery) -> Result<CasePast, ServiceError> {
        let mut rows = self.read().await?;
        let title = rows.case_title(&query.case).await?;
        let title =
            title.ok_or_else(|| ServiceError::NotFound(format!("test case {}", query.case)))?;
        let subject = match &query.about {
            Some(key) => subject_of(&mut rows, key).await?,
            None => None,
        };
        let filter = |before, limit| PastFilter {
            machine: query.machine.clone(),
            entry: query.entry.clone(),
            subject,
            before,
            limit,
        };
        let newest = filter(None, query.window.clamp(1, LONGEST_WINDOW));
        let window = rows.results_of_case(&query.case, &newest).await?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        // The newest page is the beginning of the window, unless that is shorter.
        let mut results = if query.before.is_none() && newest.limit > query.limit {
            window.clone()
        } else {
            let page = filter(query.before, query.limit.saturating_add(1));
            rows.results_of_case(&query.case, &page).await?
        };
        let more = results.len() > limit;
        results.truncate(limit);
        let older = more.then(|| results.last().map(|it| it.at)).flatten();
        let stood = rows.standing_of_case(&query.case, RELEASES).await?;
        let flakiness = Flakiness::of(window.iter().map(|it| {
            let about = it.subject.as_ref().map(domain::subject::Subject::key);
            // Of what nobody has said the subject of, only attempts within a run are of the same bytes.
            let run = about.is_none().then(|| it.run.clone());
            let (retries, failed_retries) = it.retries;
            let executed = Executed { outcome: it.outcome, retries, failed_retries };
            ((about, run, it.machine.clone(), it.entry.clone()), executed)
        }));
        Ok(CasePast {
            case: query.case.clone(),
            title,
            results,
            older,
            window,
            flakiness,
            turned_bad: turned_bad(&stood),
            stood,
        })
    }

    /// What differs between two releases, variants or runs; only cases that changed as `classes` say,
    /// of all classes where it is empty.
    ///
    /// # Errors
    /// Where a side does not exist or has no results, one is a run and the other is not, or the actor
    /// may not read.
    pub async fn compare_results(
        &self,
        actor: &Actor,
        here: &str,
        base: &str,
        classes: &[CaseChange],
    ) -> Result<ResultComparison, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let (here, base, compared) = match (here.strip_prefix(RUN), base.strip_prefix(RUN)) {
            (Some(here), Some(base)) => {
                let (here, base) = (self.compared_run(here).await?, self.compared_run(base).await?);
                let cases = comparison::compare_two(&here, &base);
                let alone = |run: Run| Side::Run(Box::new(Run { results: Vec::new(), ..run }));
                (alone(here), alone(base), Arc::new(Compared { cases, same: 0 }))
            }
            (None, None) => {
                let mut rows = self.read().await?;
                let mut sides = Vec::new();
                for key in [here, base] {
                    let found = rows.subject(&SubjectKey::from(key)).await?;
                    sides.push(found.ok_or_else(|| no_release(&format!("{key} with results")))?);
                }
                let [here, base] = <[_; 2]>::try_from(sides)
                    .map_err(|_| ServiceError::NotFound("second side".to_owned()))?;
                let compared = self.compared(&mut rows, &here, &base).await?;
                (Side::Subject(here.1), Side::Subject(base.1), compared)
            }
            _ => {
                let message = "compare a run with a run, or a release with a release";
                return Err(ServiceError::invalid("base", message));
            }
        };
        let counts = CaseChange::ALL.map(|class| {
            let counted = compared.cases.iter().filter(|it| it.change == class).count() as u64;
            (class, if class == CaseChange::Unchanged { counted + compared.same } else { counted })
        });
        let shown = |it: &&ComparedCase| classes.is_empty() || classes.contains(&it.change);
        let mut cases: Vec<_> = compared.cases.iter().filter(shown).cloned().collect();
        cases.sort_by_key(|it| it.change);
        Ok(ResultComparison { here, base, counts: counts.to_vec(), cases })
    }

    /// One result of a run with all that is known of it, and its neighbours in time.
    ///
    /// # Errors
    /// Where there is no such run, it says nothing of the case, or the actor may not read.
    pub async fn result_in_context(
        &self,
        actor: &Actor,
        id: &RunId,
        case: &str,
    ) -> Result<ResultInContext, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let run = rows.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let found = rows.recorded_result(id, case).await?;
        let (_, result) =
            found.ok_or_else(|| ServiceError::NotFound(format!("result of {case} in run {id}")))?;
        let before = PastFilter {
            machine: Some(run.machine.clone()),
            entry: Some(run.entry.clone()).filter(|it| !it.is_empty()),
            before: Some(run.started_at),
            limit: 1,
            ..PastFilter::default()
        };
        let older = rows.results_of_case(case, &before).await?.into_iter().next();
        let place = (run.machine.as_str(), run.entry.as_str());
        let newer = rows.next_result_of_case(case, place, run.started_at).await?;
        let artefacts = rows.artefacts(id).await?.into_iter().map(|it| it.name).collect();
        drop(rows);
        let review = self.failure_review(actor, id, case).await?;
        Ok(ResultInContext { run, result, older, newer, artefacts, review })
    }

    /// How a subject stands against a baseline, with the failures that are asked for. `None` where it
    /// exists and has no results yet.
    ///
    /// # Errors
    /// Where there is no such subject or baseline, or the actor may not read.
    pub async fn standing(
        &self,
        actor: &Actor,
        key: &SubjectKey,
        baseline: Option<&SubjectKey>,
        asked: &FailureQuery,
    ) -> Result<Option<Standing>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let Some(subject) = subject_of(&mut rows, key).await? else { return Ok(None) };
        let Some(judged) = rows.judged_subject(subject).await? else { return Ok(None) };
        let baseline = match baseline {
            Some(key) => subject_of(&mut rows, key).await?,
            None => rows.judged_before(subject).await?,
        };
        let baseline = match baseline {
            Some(number) => rows.judged_subject(number).await?,
            None => None,
        };
        let now = self.now();
        let read = listed_failures(&mut rows, subject, asked, now);
        // What stops being reviewed as time passes is not told.
        let listed = if asked.unreviewed {
            Arc::new(read.await?)
        } else {
            let key = (subject, asked.clone());
            let remembered = &self.remembered().failures;
            remembered.of_or(self.changes_told(), key, ListedFailures::size, read).await?
        };
        let placed = self.placed(&mut rows, (subject, judged.revision)).await?;
        let suites = &self.remembered().suites;
        let revision = (subject, judged.revision);
        let suites = suites.of_or(revision, rows.standing_by_suite(subject)).await?;
        Ok(Some(Standing {
            judged,
            baseline,
            suites: suites.to_vec(),
            plans: Placed::grouped(&placed, |it| it.plan.as_deref()),
            machines: Placed::grouped(&placed, |it| Some(&it.machine)),
            failing: listed.failing.clone(),
            reviewed: rows.reviewed_failures(subject, now).await?.reviewed,
            now,
            more: listed.more,
        }))
    }

    /// What counts of a subject by place, remembered until its results change.
    pub(crate) async fn placed(
        &self,
        rows: &mut Rows,
        revision: Revision,
    ) -> Result<Arc<Vec<Placed>>, StoreError> {
        self.remembered().placed.of_or(revision, rows.placed_results(revision.0)).await
    }

    /// What differs between two subjects, remembered until results of one of them change.
    pub(crate) async fn compared(
        &self,
        rows: &mut Rows,
        here: &(SubjectNumber, JudgedSubject),
        base: &(SubjectNumber, JudgedSubject),
    ) -> Result<Arc<Compared>, StoreError> {
        let key = [(here.0, here.1.revision), (base.0, base.1.revision)];
        self.remembered().comparisons.of_or(key, rows.compare_subjects(here.0, base.0)).await
    }

    async fn compared_run(&self, id: &str) -> Result<Run, ServiceError> {
        let id = RunId::from(id);
        let run = self.read().await?.run(&id).await?;
        run.filter(|it| it.ended_at.is_some()).ok_or_else(|| no_run(&id))
    }
}

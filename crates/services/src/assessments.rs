//! Reviewing failures: whose problem each is, where it is tracked, and who answers for it.
//!
//! Several failures are reviewed by one statement in one transaction: twenty failures of one cause are
//! usual, and nobody should have to say so twenty times. Whoever says something names the assessment
//! that was looked at, so nobody overwrites what another person has said meanwhile.

use domain::{
    actor::Actor,
    assessment::{
        Assessment, Issue, MadeAssessment, Place, Waiver, mark, tidy_comment, waiver_end,
    },
    deployment::Deployment,
    environment::Environment,
    ids::{PersonId, RunId},
    person::Role,
    plan::WHOLE_RUN,
    policy::{self, Action, Refusal, Waiving},
    run::{FailureClass, Run},
    subject::{Subject, SubjectKey},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use store::{Rows, WriteTx, subjects::SubjectNumber};

use crate::{
    Services, audit::Change, deployments::present_role, error::ServiceError, evidence::evidence_by,
    releases::no_release, runs::no_run,
};

/// How many failures one statement is about at the most.
pub const MOST_FAILURES: usize = 200;

/// A case that a plan demands and that no run has answered: a board may be dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingCase {
    /// Name of the release.
    pub release: String,
    /// Name of the plan.
    pub plan: String,
    /// Name of the suite.
    pub suite: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where there is none.
    pub entry: String,
    /// The case's id.
    pub case: String,
}

impl MissingCase {
    /// As forms name it.
    #[must_use]
    pub fn to_text(&self) -> String {
        // A struct of texts is always JSON.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As forms name it; `None` where that is not how.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// Where a failure is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureAt {
    /// What a run says of a case.
    Result {
        /// The run.
        run: RunId,
        /// The case's id.
        case: String,
    },
    /// A demanded case that nothing is said of.
    Missing(MissingCase),
}

/// A failure as somebody looked at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFailure {
    /// Where it is.
    pub at: FailureAt,
    /// Revision of the assessment that was looked at, 0 where there was none; `None` where nobody
    /// says.
    pub seen: Option<u32>,
}

/// What is said of failures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// Whose problem it is, and where it is tracked; a waiver stays as it is.
    Assess {
        /// An address or a key; empty where there is none.
        issue: String,
        /// Whose problem it is.
        blame: Option<FailureClass>,
        /// What else there is to say.
        comment: String,
        /// What is empty here stays as it was: the form of many failures begins empty.
        keeping: bool,
    },
    /// It does not stand in the way.
    Waive {
        /// Why not.
        reason: String,
        /// Until when: a day or an instant, as [`waiver_end`] reads it.
        until: String,
    },
    /// It does stand in the way after all.
    WithdrawWaiver,
}

/// What people say of a failure, and what the actor may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// All that was said, newest first: the first counts.
    pub history: Vec<MadeAssessment>,
    /// Whether the actor may assess it.
    pub assess: Result<(), String>,
    /// Whether the actor may waive it.
    pub waive: Result<(), String>,
    /// Whether the actor may take its waiver back.
    pub withdraw: Result<(), String>,
    /// When this was so: waivers end.
    pub now: Timestamp,
}

impl Review {
    /// Revision of the assessment that counts; 0 where there is none.
    #[must_use]
    pub fn revision(&self) -> u32 {
        self.history.first().map_or(0, |it| it.revision)
    }
}

/// A failure with what decides about it, as the rows stand.
struct Found {
    case: String,
    mark: String,
    /// `None` where no run answered.
    run: Option<Run>,
    subject: Option<Subject>,
    validated_by: Option<String>,
    newest: Option<MadeAssessment>,
}

/// What decides who may waive, whatever the failure.
struct Surroundings {
    open: Vec<Deployment>,
    environments: Vec<Environment>,
}

impl Found {
    async fn read(rows: &mut Rows, at: &FailureAt, now: Timestamp) -> Result<Self, ServiceError> {
        match at {
            FailureAt::Result { run, case } => Self::of_result(rows, run, case).await,
            FailureAt::Missing(missing) => Self::of_missing(rows, missing, now).await,
        }
    }

    /// A demanded case that no run has answered.
    async fn of_missing(
        rows: &mut Rows,
        asked: &MissingCase,
        now: Timestamp,
    ) -> Result<Self, ServiceError> {
        let name = &asked.release;
        let release = rows.release_by_name(name).await?.ok_or_else(|| no_release(name))?;
        let evidence = evidence_by(rows, &release, &asked.plan, now).await?;
        let demanded = evidence.cases.into_iter().find(|it| {
            let here = (&it.suite, &it.machine, &it.entry, &it.case);
            here == (&asked.suite, &asked.machine, &asked.entry, &asked.case)
        });
        let demanded = demanded.ok_or_else(|| {
            ServiceError::NotFound(format!("case {} that the plan demands there", asked.case))
        })?;
        // What a run said of it is assessed where it says so.
        let unanswered = match demanded.run.as_ref().filter(|_| demanded.case != WHOLE_RUN) {
            Some(run) => rows.recorded_result(run, &demanded.case).await?.is_none(),
            None => true,
        };
        let mark = demanded.mark(None).filter(|_| unanswered).ok_or(Refusal::NothingFailed)?;
        let validations = rows.validations_of(&release.id).await?;
        let asker = validations.into_iter().find(|it| it.plan == asked.plan);
        Ok(Self {
            newest: rows.assessment(&demanded.case, &mark).await?,
            case: demanded.case,
            mark,
            run: None,
            subject: Some(Subject::Release {
                name: release.name(),
                id: release.id,
                manifest: evidence.manifest,
            }),
            validated_by: asker.map(|it| it.created_by),
        })
    }

    /// The failure of a case in a run.
    async fn of_result(rows: &mut Rows, id: &RunId, case: &str) -> Result<Self, ServiceError> {
        let run = rows.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let result = rows.recorded_result(id, case).await?;
        let (_, result) = result
            .ok_or_else(|| ServiceError::NotFound(format!("result of {case} in run {id}")))?;
        // Until it has ended, a run may go again as if it had never been.
        if run.ended_at.is_none() {
            return Err(ServiceError::Conflict(format!("run {id} has not ended yet")));
        }
        let signature = rows.failure_signature(id, case).await?;
        let place = Place { suite: &run.suite, machine: &run.machine, entry: &run.entry };
        let mark = mark(result.outcome, signature.as_deref(), place);
        let mark = mark.ok_or(Refusal::NothingFailed)?;
        let validation = match &run.validation {
            Some(id) => rows.validation(id).await?,
            None => None,
        };
        let newest = rows.assessment(case, &mark).await?;
        let validated_by = validation.map(|it| it.created_by);
        let subject = run.subject.clone();
        Ok(Self { case: case.to_owned(), mark, run: Some(run), subject, validated_by, newest })
    }

    fn may_waive(
        &self,
        (by, name, role): (&PersonId, &str, Role),
        around: &Surroundings,
    ) -> Result<(), Refusal> {
        let release = match &self.subject {
            Some(Subject::Release { id, .. }) => Some(id),
            Some(Subject::Variant { .. } | Subject::Recorded { .. }) | None => None,
        };
        policy::may_waive(&Waiving {
            by,
            name,
            role,
            run: self.run.as_ref(),
            validated_by: self.validated_by.as_deref(),
            release,
            open: &around.open,
            environments: &around.environments,
        })
    }

    fn said(&self) -> Option<&Assessment> {
        self.newest.as_ref().map(|it| &it.said)
    }
}

impl Surroundings {
    async fn read(rows: &mut Rows) -> Result<Self, ServiceError> {
        Ok(Self { open: rows.open_deployments().await?, environments: rows.environments().await? })
    }
}

/// A statement whose texts keep the rules.
enum Checked {
    Assess { issue: Option<Issue>, blame: Option<FailureClass>, comment: String, keeping: bool },
    Waive { reason: String, until: Timestamp },
    WithdrawWaiver,
}

impl FailureAt {
    /// What pages that show it listen to.
    fn topic(&self) -> String {
        match self {
            Self::Result { run, .. } => format!("run/{run}"),
            Self::Missing(it) => format!("release/{}", it.release),
        }
    }
}

impl Statement {
    const fn action(&self) -> Action {
        match self {
            Self::Assess { .. } => Action::AssessFailure,
            Self::Waive { .. } | Self::WithdrawWaiver => Action::Waive,
        }
    }

    fn checked(&self, now: Timestamp) -> Result<Checked, ServiceError> {
        match self {
            Self::Assess { issue, blame, comment, keeping } => {
                let issue = match issue.trim() {
                    "" => None,
                    text => Some(
                        text.parse::<Issue>()
                            .map_err(|error| ServiceError::invalid("issue", error.to_string()))?,
                    ),
                };
                let comment = tidy_comment(comment).ok_or_else(|| {
                    ServiceError::invalid("comment", "give 2000 characters at the most")
                })?;
                if *keeping && issue.is_none() && blame.is_none() && comment.is_empty() {
                    let message = "say whose problem it is, where it is tracked, or something else";
                    return Err(ServiceError::invalid("blame", message));
                }
                Ok(Checked::Assess { issue, blame: *blame, comment, keeping: *keeping })
            }
            Self::Waive { reason, until } => Ok(Checked::Waive {
                reason: policy::require_reason(reason)?,
                until: waiver_end(until, now)?,
            }),
            Self::WithdrawWaiver => Ok(Checked::WithdrawWaiver),
        }
    }
}

impl Services {
    /// What people say of what a run says of a case; `None` where nothing speaks against it.
    ///
    /// # Errors
    /// Where there is no such run or result, or the actor may not read.
    pub async fn failure_review(
        &self,
        actor: &Actor,
        run: &RunId,
        case: &str,
    ) -> Result<Option<Review>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let found = match Found::of_result(&mut rows, run, case).await {
            Err(ServiceError::Refused(Refusal::NothingFailed) | ServiceError::Conflict(_)) => {
                return Ok(None);
            }
            found => found?,
        };
        let (by, role) = Self::person_of(actor)?;
        let around = Surroundings::read(&mut rows).await?;
        let words = |verdict: Result<(), Refusal>| verdict.map_err(|it| it.to_string());
        Ok(Some(Review {
            history: rows.assessments(case, &found.mark).await?,
            assess: words(Action::AssessFailure.allowed_to(&actor.who)),
            waive: words(found.may_waive((&by, actor.name(), role), &around)),
            withdraw: words(policy::may_withdraw_waiver(role, found.said())),
            now: self.now(),
        }))
    }

    /// Says something of failures: of all of them, or of none where one cannot be taken.
    ///
    /// # Errors
    /// Where the actor may not, a text breaks a rule, there is no such failure, or somebody has said
    /// something of one meanwhile.
    pub async fn review_failures(
        &self,
        actor: &Actor,
        failures: &[SeenFailure],
        statement: &Statement,
    ) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, statement.action())?;
        let (by, _) = Self::person_of(actor)?;
        if failures.is_empty() || failures.len() > MOST_FAILURES {
            let message = format!("choose 1 to {MOST_FAILURES} failures");
            return Err(ServiceError::invalid("failures", message));
        }
        let checked = statement.checked(self.now())?;
        let mut tx = self.begin().await?;
        let role = present_role(&tx.people().await?, &by, role)?;
        statement.action().allowed(role)?;
        let around = Surroundings::read(&mut tx).await?;
        let mut done: Vec<(String, String)> = Vec::new();
        for failure in failures {
            let found = Found::read(&mut tx, &failure.at, self.now()).await?;
            let known = (found.case.clone(), found.mark.clone());
            // The same failure on another machine: what was said a moment ago holds for it.
            if done.contains(&known) {
                continue;
            }
            unchanged(&found, failure.seen, self.now())?;
            let who = (&by, actor.name(), role);
            self.review(&mut tx, actor, &found, who, &checked, &around).await?;
            done.push(known);
        }
        tx.commit().await?;
        let mut told: Vec<String> = failures.iter().map(|it| it.at.topic()).collect();
        told.dedup();
        told.iter().for_each(|topic| self.tell(topic));
        Ok(())
    }

    async fn review(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        found: &Found,
        who: (&PersonId, &str, Role),
        statement: &Checked,
        around: &Surroundings,
    ) -> Result<(), ServiceError> {
        let (now, (by, name, role)) = (self.now(), who);
        let before = found.said().cloned().unwrap_or_default();
        let said = match statement {
            Checked::Assess { issue, blame, comment, keeping } => {
                let said = Assessment {
                    issue: issue.clone(),
                    blame: *blame,
                    comment: comment.clone(),
                    waiver: before.waiver.clone(),
                };
                if *keeping { said.over(before) } else { said }
            }
            Checked::Waive { reason, until } => {
                found.may_waive(who, around)?;
                let waiver = Waiver {
                    reason: reason.clone(),
                    person: by.clone(),
                    by: name.to_owned(),
                    at: now,
                    until: *until,
                };
                Assessment { waiver: Some(waiver), ..before }
            }
            Checked::WithdrawWaiver => {
                policy::may_withdraw_waiver(role, found.said())?;
                Assessment { waiver: None, ..before }
            }
        };
        let subject = subject_of(tx, found.subject.as_ref()).await?;
        let made = MadeAssessment {
            said,
            revision: found.newest.as_ref().map_or(0, |it| it.revision) + 1,
            at: now,
            by: name.to_owned(),
            about: found.subject.as_ref().map(|it| it.name().to_owned()),
            run: found.run.as_ref().map(|it| it.id.clone()),
        };
        let failure = (found.case.as_str(), found.mark.as_str());
        tx.insert_assessment(failure, &made, subject).await?;
        let change = match statement {
            Checked::Assess { .. } => Change::FailureAssessed { failure, made: &made },
            Checked::Waive { .. } => Change::FailureWaived { failure, made: &made },
            Checked::WithdrawWaiver => Change::WaiverWithdrawn { failure, made: &made },
        };
        self.record(tx, actor, change).await?;
        Ok(())
    }
}

/// Nobody has said anything of it since it was looked at.
fn unchanged(found: &Found, seen: Option<u32>, now: Timestamp) -> Result<(), ServiceError> {
    let newest = found.newest.as_ref();
    // Lists of what is missing show what is not waived.
    let waived = newest.is_some_and(|it| it.said.waived(now).is_some());
    let changed = match seen {
        Some(seen) => seen != newest.map_or(0, |it| it.revision),
        None => found.run.is_none() && waived,
    };
    match changed {
        true => Err(ServiceError::Conflict(format!(
            "{} said something of this failure of {} while you were writing; look at it and say \
                 it again",
            newest.map_or("somebody", |it| it.by.as_str()),
            found.case
        ))),
        false => Ok(()),
    }
}

async fn subject_of(
    rows: &mut Rows,
    subject: Option<&Subject>,
) -> Result<Option<SubjectNumber>, ServiceError> {
    match subject {
        Some(subject) => {
            let found = rows.subject(&SubjectKey::from(subject.key().as_str())).await?;
            Ok(found.map(|(number, _)| number))
        }
        None => Ok(None),
    }
}

//! Assessments: what people say of failures, and which failures of a release nobody has reviewed yet.

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    assessment::{self, MadeAssessment},
    history::Failing,
    ids::RunId,
    run::{FailureClass, Outcome},
    subject::SubjectKey,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use services::{
    Services,
    assessments::{FailureAt, MissingCase, Review, SeenFailure, Statement},
    history::{FailureQuery, Standing},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Body, Caller, IfMatch, Path, Query, Tagged, time},
    problem::{Answer, Problem},
};

/// How many failures an answer has at the most.
const MOST_FAILURES: u32 = 1_000;

/// Somebody's word that a failure does not stand in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = GivenWaiver)]
pub struct Waiver {
    /// Why it does not.
    pub reason: String,
    /// Who answers for it.
    pub by: String,
    /// When it was given.
    #[schema(format = DateTime)]
    pub at: String,
    /// From when on it holds no more.
    #[schema(format = DateTime)]
    pub until: String,
    /// Whether it holds now.
    pub holds: bool,
}

/// What somebody said of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Assessment {
    /// Counts what was said of this failure from 1.
    pub revision: u32,
    /// The address or key of its issue.
    pub issue: Option<String>,
    /// Whose problem it is.
    pub blame: Option<FailureClass>,
    /// What else there is to say.
    pub comment: String,
    /// The waiver, where there is one.
    pub waiver: Option<Waiver>,
    /// When this was said.
    #[schema(format = DateTime)]
    pub at: String,
    /// By whom.
    pub by: String,
    /// Name of the release or variant whose result was looked at.
    pub about: Option<String>,
    /// The run that was looked at.
    pub run: Option<String>,
}

impl Assessment {
    fn of(made: MadeAssessment, now: Timestamp) -> Self {
        let assessment::Assessment { issue, blame, comment, waiver } = made.said;
        let waiver = waiver.map(|it| Waiver {
            holds: it.holds(now),
            reason: it.reason,
            by: it.by,
            at: time(it.at),
            until: time(it.until),
        });
        Self {
            revision: made.revision,
            issue: issue.map(String::from),
            blame,
            comment,
            waiver,
            at: time(made.at),
            by: made.by,
            about: made.about,
            run: made.run.map(|it| it.to_string()),
        }
    }
}

/// What people say of a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureReview {
    /// What counts; `null` where nobody has said anything.
    pub assessment: Option<Assessment>,
    /// All that was said, newest first.
    pub history: Vec<Assessment>,
}

impl FailureReview {
    fn tagged(it: Review) -> Tagged<Self> {
        let (revision, now) = (it.revision(), it.now);
        let history: Vec<_> =
            it.history.into_iter().map(|made| Assessment::of(made, now)).collect();
        let assessment = history.first().cloned();
        Tagged(revision.to_string(), Self { assessment, history })
    }
}

/// What to say of a failure.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAssessment {
    /// The http or https address of its issue, or a key such as `#123` or `ABC-12`.
    #[serde(default)]
    pub issue: Option<String>,
    /// Whose problem it is.
    #[serde(default)]
    pub blame: Option<FailureClass>,
    /// What else there is to say, 2000 characters at the most.
    #[serde(default)]
    pub comment: String,
}

/// A waiver to give.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWaiver {
    /// Why the failure does not stand in the way, 3 to 2000 characters.
    pub reason: String,
    /// Until when it holds, a year ahead at the most: an instant in RFC 3339, or a day, the whole of
    /// which counts in UTC.
    pub until: String,
}

/// Where a failure is.
type FailurePath = Path<(RunId, String)>;

async fn shown(
    services: &Services,
    actor: &domain::actor::Actor,
    (run, case): (&RunId, &str),
) -> Answer<Tagged<FailureReview>> {
    let review = services.failure_review(actor, run, case).await?;
    let nothing = || services::ServiceError::from(domain::policy::Refusal::NothingFailed);
    Ok(FailureReview::tagged(review.ok_or_else(nothing)?))
}

async fn say(
    services: &Services,
    actor: &domain::actor::Actor,
    (run, case): (RunId, String),
    seen: Option<u32>,
    statement: &Statement,
) -> Answer<Tagged<FailureReview>> {
    let at = FailureAt::Result { run: run.clone(), case: case.clone() };
    let failure = SeenFailure { at, seen };
    let said = services.review_failures(actor, &[failure], statement).await;
    said.map_err(Problem::of_condition)?;
    shown(services, actor, (&run, &case)).await
}

/// Shows what people say of a case that failed in a run; its `ETag` is what a change names.
///
/// It belongs to the failure: every run in which the case says the same has the same assessment.
#[utoipa::path(get, operation_id = "review", path = "/runs/{id}/cases/{case}/assessment", tag = "runs", params(("id" = String, Path, description = "Id of the run"), ("case" = String, Path, description = "Id of the case")), responses((status = 200, body = FailureReview)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((run, case)): FailurePath,
) -> Answer<Tagged<FailureReview>> {
    shown(&services, &actor, (&run, &case)).await
}

/// Says whose problem a failure is and where it is tracked; a waiver stays as it is.
#[utoipa::path(put, operation_id = "assess", path = "/runs/{id}/cases/{case}/assessment", tag = "runs", params(("id" = String, Path, description = "Id of the run"), ("case" = String, Path, description = "Id of the case"), ("If-Match" = String, Header, description = "ETag of what was looked at")), request_body = NewAssessment, responses((status = 200, body = FailureReview)))]
pub async fn assess(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(failure): FailurePath,
    seen: IfMatch,
    Body(new): Body<NewAssessment>,
) -> Answer<Tagged<FailureReview>> {
    let issue = new.issue.unwrap_or_default();
    let statement =
        Statement::Assess { issue, blame: new.blame, comment: new.comment, keeping: false };
    say(&services, &actor, failure, Some(seen.version()?), &statement).await
}

/// Answers for a failure that it does not stand in the way; never for one of one's own request.
#[utoipa::path(put, operation_id = "waive", path = "/runs/{id}/cases/{case}/waiver", tag = "runs", params(("id" = String, Path, description = "Id of the run"), ("case" = String, Path, description = "Id of the case"), ("If-Match" = String, Header, description = "ETag of what was looked at")), request_body = NewWaiver, responses((status = 200, body = FailureReview)))]
pub async fn waive(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(failure): FailurePath,
    seen: IfMatch,
    Body(new): Body<NewWaiver>,
) -> Answer<Tagged<FailureReview>> {
    let statement = Statement::Waive { reason: new.reason, until: new.until };
    say(&services, &actor, failure, Some(seen.version()?), &statement).await
}

/// Takes a waiver back, whoever gave it.
#[utoipa::path(delete, operation_id = "withdraw_waiver", path = "/runs/{id}/cases/{case}/waiver", tag = "runs", params(("id" = String, Path, description = "Id of the run"), ("case" = String, Path, description = "Id of the case")), responses((status = 200, body = FailureReview)))]
pub async fn withdraw(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(failure): FailurePath,
) -> Answer<Tagged<FailureReview>> {
    say(&services, &actor, failure, None, &Statement::WithdrawWaiver).await
}

/// A waiver of a case that a plan demands and that no run has answered.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissingCaseWaiver {
    /// Name of the plan.
    pub plan: String,
    /// Name of the suite.
    pub suite: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where there is none.
    #[serde(default)]
    pub entry: String,
    /// The case's id; `*` for a run as a whole.
    pub case: String,
    /// Why it does not stand in the way, 3 to 2000 characters.
    pub reason: String,
    /// Until when it holds, a year ahead at the most: an instant in RFC 3339, or a day, the whole of
    /// which counts in UTC.
    pub until: String,
}

/// Answers for a demanded case that no run has answered, where a machine is dead, say: 204. It holds for
/// this machine and boot entry, in later releases as well.
#[utoipa::path(post, operation_id = "waive_missing", path = "/releases/{version}/waivers", tag = "releases", params(("version" = String, Path, description = "Name of the release")), request_body = MissingCaseWaiver, responses((status = 204)))]
pub async fn waive_missing(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(release): Path<String>,
    Body(new): Body<MissingCaseWaiver>,
) -> Answer<StatusCode> {
    let MissingCaseWaiver { plan, suite, machine, entry, case, reason, until } = new;
    let missing = MissingCase { release, plan, suite, machine, entry, case };
    let failure = SeenFailure { at: FailureAt::Missing(missing), seen: None };
    let statement = Statement::Waive { reason, until };
    services.review_failures(&actor, &[failure], &statement).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which failures of a release.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFailures {
    /// `no` for those only that nobody has reviewed.
    #[param(pattern = "^no$")]
    reviewed: Option<String>,
    /// Only those of this suite.
    suite: Option<String>,
    /// Only those on this machine.
    machine: Option<String>,
    /// Only those of runs of this plan.
    plan: Option<String>,
}

/// A result that speaks against a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReviewedFailure {
    /// The case's id.
    pub case: String,
    /// What it checks, in one line.
    pub title: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// Name of the suite.
    pub suite: String,
    /// The run.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen.
    pub message: String,
    /// Whether it need not be looked at again.
    pub reviewed: bool,
    /// What people say of it.
    pub assessment: Option<Assessment>,
}

/// What speaks against a release, and how far its review has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseFailures {
    /// How many results speak against it.
    pub failures: u64,
    /// How many of these need not be looked at again.
    pub reviewed: u64,
    /// Those that were asked for, by case: 1,000 at the most.
    pub items: Vec<ReviewedFailure>,
}

impl ReleaseFailures {
    fn of(it: Standing) -> Self {
        let now = it.now;
        let failure = |it: Failing| ReviewedFailure {
            case: it.case,
            title: it.title,
            machine: it.machine,
            entry: it.entry,
            suite: it.suite,
            run: it.run.to_string(),
            outcome: it.outcome,
            message: it.message,
            reviewed: it.assessment.as_ref().is_some_and(|made| made.said.reviewed(now)),
            assessment: it.assessment.map(|made| Assessment::of(made, now)),
        };
        Self {
            failures: it.judged.totals.failing(),
            reviewed: it.reviewed,
            items: it.failing.into_iter().map(failure).collect(),
        }
    }
}

/// Lists what speaks against a release (`variant/…` and `recorded/…` name others, `/` as `%2F`), with
/// what people say of it.
#[utoipa::path(get, operation_id = "failures", path = "/releases/{version}/failures", tag = "releases", params(("version" = String, Path, description = "Name of the release"), ListFailures), responses((status = 200, body = ReleaseFailures)))]
pub async fn failures(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
    Query(query): Query<ListFailures>,
) -> Answer<Json<ReleaseFailures>> {
    let unreviewed = match query.reviewed.as_deref() {
        None => false,
        Some("no") => true,
        Some(_) => return Err(Problem::of_field("reviewed", "Only no narrows the list")),
    };
    let ListFailures { suite, machine, plan, .. } = query;
    let asked = FailureQuery { suite, machine, plan, unreviewed, limit: MOST_FAILURES };
    let key = SubjectKey::from(version.as_str());
    let standing = services.standing(&actor, &key, None, &asked).await?;
    Ok(Json(standing.map(ReleaseFailures::of).unwrap_or_default()))
}

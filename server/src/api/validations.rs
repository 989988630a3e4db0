//! Validations: jobs that run a plan against one release.

use axum::{Json, extract::State};
use domain::{digest::Digest, ids::ValidationId, job::JobState, run};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Accepted, Body, Caller, Listed, Path, Query, slice, time},
    jobs::Job,
    problem::Answer,
    runs::RunDetails,
};

/// A validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Validation {
    /// Which validation.
    pub id: String,
    /// The job that runs it.
    pub job: String,
    /// How that job stands.
    pub state: JobState,
    /// Name of the variant that is judged; none where it is a release.
    pub variant: Option<String>,
    /// SHA-256 of the manifest that is judged.
    pub digest: Digest,
    /// Name of the plan.
    pub plan: String,
    /// Revision of the plan.
    pub plan_revision: u32,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who asked for it.
    pub created_by: String,
}

/// A validation with its runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValidationDetails {
    /// The validation.
    #[serde(flatten)]
    pub validation: Validation,
    /// Its runs, one per boot entry and machine.
    pub runs: Vec<RunDetails>,
}

impl Validation {
    /// A validation as the API shows it.
    pub fn of(it: run::Validation) -> Self {
        Self {
            id: it.id.to_string(),
            job: it.job.to_string(),
            state: it.state,
            variant: it.variant.map(|about| about.name),
            digest: it.manifest,
            plan: it.plan,
            plan_revision: it.plan_revision,
            created_at: time(it.created_at),
            created_by: it.created_by,
        }
    }
}

/// A validation to run.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewValidation {
    /// Name of the release.
    pub release: String,
    /// Name of the plan; `smoke` where absent.
    pub plan: Option<String>,
}

/// Which validations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListValidations {
    /// Only those of the release of this name.
    release: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists validations, newest first.
#[utoipa::path(get, path = "/validations", tag = "validations", params(ListValidations), responses((status = 200, body = Listed<Validation>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListValidations>,
) -> Answer<Json<Listed<Validation>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let release = match query.release {
        Some(name) => Some(services.release(&actor, &name).await?),
        None => None,
    };
    let page = services.validations_page(&actor, release.as_ref(), &slice).await?;
    Ok(Listed::of(page, Validation::of))
}

/// Runs a plan against a complete release: 202 with the job.
#[utoipa::path(post, path = "/validations", tag = "validations", request_body = NewValidation, responses((status = 202, body = Job)))]
pub async fn start(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewValidation>,
) -> Answer<Accepted<Job>> {
    let plan = new.plan.as_deref();
    Ok(Job::of(services.start_validation(&actor, &new.release, plan).await?).accepted())
}

/// Shows a validation with its runs.
#[utoipa::path(get, path = "/validations/{id}", tag = "validations", params(("id" = String, Path, description = "Id of the validation")), responses((status = 200, body = ValidationDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<ValidationId>,
) -> Answer<Json<ValidationDetails>> {
    let mut found = services.validation(&actor, &id).await?;
    let runs = std::mem::take(&mut found.runs).into_iter().map(RunDetails::of).collect();
    Ok(Json(ValidationDetails { validation: Validation::of(found), runs }))
}
